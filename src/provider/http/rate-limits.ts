import ipaddr from "ipaddr.js";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { OAuthError } from "../../errors.ts";
import type { RateLimit, RateLimitedRoute, RateLimiter } from "../configuration/options.ts";
import type { RateLimitConfiguration } from "../configuration/rate-limit-configuration.ts";
import { emit } from "../events.ts";

/** A limiter, and one of this process that stands in for it where it fails. */
interface Limit {
  readonly limiter: RateLimiter;
  readonly standIn: RateLimiter | undefined;
}

/** Counts requests, by caller and in total, and refuses those beyond the limits. */
export class RateLimits {
  readonly #perCaller: ReadonlyMap<RateLimitedRoute, Limit>;
  readonly #total: ReadonlyMap<RateLimitedRoute, Limit>;

  constructor(configuration: RateLimitConfiguration | undefined) {
    const limitsOf = (limits: ReadonlyMap<RateLimitedRoute, RateLimit> = new Map(), name: string) =>
      new Map([...limits].map(([route, limit]) => [route, makeLimit(configuration, `${route}-${name}`, limit)]));
    this.#perCaller = limitsOf(configuration?.perCaller, "caller");
    this.#total = limitsOf(configuration?.total, "total");
  }

  /**
   * Counts a request.
   *
   * @param caller - Who sends it: an address, or any name. One whose caller is not known counts in total only.
   * @throws {OAuthError} with `too_many_requests`, and the seconds after which to come back.
   */
  async count(route: RateLimitedRoute, caller: string | undefined): Promise<void> {
    const limit = this.#perCaller.get(route);
    if (limit !== undefined && caller !== undefined) await consume(route, limit, callerKey(caller));
    const total = this.#total.get(route);
    // Counted after the caller's own: who is over that takes nothing from the others.
    if (total !== undefined) await consume(route, total, "all");
  }
}

function makeLimit(configuration: RateLimitConfiguration | undefined, name: string, limit: RateLimit): Limit {
  const inMemory = new RateLimiterMemory({ keyPrefix: name, points: limit.requests, duration: limit.perSeconds });
  const limiter = configuration?.limiter?.(name, limit);
  return limiter === undefined ? { limiter: inMemory, standIn: undefined } : { limiter, standIn: inMemory };
}

async function consume(route: RateLimitedRoute, { limiter, standIn }: Limit, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    const waiting = millisecondsToWait(refusal);
    if (waiting !== undefined) {
      emit("rate-limited", { route });
      throw new OAuthError("too_many_requests", "Too many requests; slow down.", {
        retryAfterSeconds: Math.max(1, waiting / 1000),
      });
    }
    if (standIn === undefined) throw refusal;
    emit("outage", { code: "ERR_RATE_LIMITER", trace: undefined });
    await consume(route, { limiter: standIn, standIn: undefined }, key);
  }
}

function millisecondsToWait(refusal: unknown): number | undefined {
  if (typeof refusal !== "object" || refusal === null || !("msBeforeNext" in refusal)) return undefined;
  return typeof refusal.msBeforeNext === "number" ? refusal.msBeforeNext : undefined;
}

/** One household or server has a whole /64 of IPv6 addresses, so those count as one caller. */
function callerKey(caller: string): string {
  if (!ipaddr.isValid(caller)) return caller;
  const address = ipaddr.process(caller);
  if (address.kind() === "ipv4") return address.toString();
  return `${address.toByteArray().slice(0, 8).join(".")}/64`;
}
