import { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { RateLimit, RateLimitedRoute, RateLimiter } from "../configuration/request-limit-options.ts";
import type { Reporter } from "../reporting/reporter.ts";
import { TokenBuckets } from "./token-buckets.ts";

/** How much more a network of IPv6 may send than each of the callers in it. */
const callersPerNetwork = 4;

/** A limiter, and one of this process that stands in for it where it fails. */
interface Limit {
  readonly limiter: RateLimiter;
  readonly standIn: RateLimiter | undefined;
}

/** What `RateLimits` needs. */
type RateLimitSettings = Pick<ProviderConfiguration, "clock" | "rateLimits" | "reporter">;

/** Counts requests, by caller and in total, and refuses those beyond the limits. */
export class RateLimits {
  readonly #settings: RateLimitSettings;
  readonly #limits = new Map<string, Limit>();

  constructor(settings: RateLimitSettings) {
    this.#settings = settings;
    for (const [route, limit] of settings.rateLimits?.perCaller ?? []) this.#limit(`${route}-caller`, limit);
    for (const [route, limit] of settings.rateLimits?.total ?? []) this.#limit(`${route}-total`, limit);
  }

  /**
   * Counts a request.
   *
   * @param caller - Who sends it: an address, or any name. One whose caller is not known counts in total only.
   * @throws {OAuthError} with `too_many_requests`, and the seconds after which to come back.
   */
  async count(route: RateLimitedRoute, caller: string | undefined): Promise<void> {
    const { rateLimits, reporter } = this.#settings;
    const { perCaller, total } = rateLimits ?? {};
    const [limit, inTotal] = [perCaller?.get(route), total?.get(route)];
    if (limit !== undefined && caller !== undefined) {
      const { identify } = await import("./caller-identity.ts");
      const { key, network } = identify(caller);
      await consume(reporter, route, this.#limit(`${route}-caller`, limit), key);
      const ofNetwork = { ...limit, requests: limit.requests * callersPerNetwork };
      if (network !== undefined) await consume(reporter, route, this.#limit(`${route}-network`, ofNetwork), network);
    }
    // Counted after the caller's own: who is over that takes nothing from the others.
    if (inTotal !== undefined) await consume(reporter, route, this.#limit(`${route}-total`, inTotal), "all");
  }

  /** The limiter of a name; those of networks are made when the first caller of IPv6 comes. */
  #limit(name: string, limit: RateLimit): Limit {
    const known = this.#limits.get(name);
    if (known !== undefined) return known;
    const inMemory = new TokenBuckets(limit, this.#settings.clock);
    const limiter = this.#settings.rateLimits?.limiter?.(name, limit);
    const made = limiter === undefined ? { limiter: inMemory, standIn: undefined } : { limiter, standIn: inMemory };
    this.#limits.set(name, made);
    return made;
  }
}

async function consume(
  reporter: Reporter,
  route: RateLimitedRoute,
  { limiter, standIn }: Limit,
  key: string,
): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    const waiting = millisecondsToWait(refusal);
    if (waiting !== undefined) {
      reporter.tell("rate-limited", { route });
      throw new OAuthError("too_many_requests", "Too many requests; slow down.", {
        retryAfterSeconds: Math.max(1, waiting / 1000),
      });
    }
    if (standIn === undefined) throw refusal;
    reporter.limiterFailure(refusal);
    await consume(reporter, route, { limiter: standIn, standIn: undefined }, key);
  }
}

function millisecondsToWait(refusal: unknown): number | undefined {
  if (typeof refusal !== "object" || refusal === null || !("msBeforeNext" in refusal)) return undefined;
  return typeof refusal.msBeforeNext === "number" ? refusal.msBeforeNext : undefined;
}
