import { requireKind, requireMethods, requireThat } from "../../option-checks.ts";
import { day } from "./lifetimes.ts";
import type { RateLimit, RateLimitedRoute, RateLimiter, RateLimitOptions } from "./request-limit-options.ts";

/** The rate limits of a provider, checked and complete. */
export interface RateLimitConfiguration {
  readonly perCaller: ReadonlyMap<RateLimitedRoute, RateLimit>;
  readonly total: ReadonlyMap<RateLimitedRoute, RateLimit>;
  readonly limiter: ((name: string, limit: RateLimit) => RateLimiter) | undefined;
}

const routes: readonly RateLimitedRoute[] = ["authorize", "token", "register", "newClients", "revoke", "account"];
const aMinute: RateLimit = { requests: 300, perSeconds: 60 };
const sixHours = 6 * 60 * 60;
// Hosted clients call from few addresses for all of their users, so one caller may be many people.
const defaultsPerCaller: Limits = {
  authorize: aMinute,
  token: aMinute,
  revoke: aMinute,
  account: aMinute,
  register: { requests: 500, perSeconds: 60 },
  newClients: { requests: 500, perSeconds: sixHours },
};
// One every four seconds goes on whatever is sent. With 8 KiB and a day for each, a flood holds 200 MiB at the most.
const defaultsInTotal: Limits = { newClients: { requests: 5000, perSeconds: sixHours } };

type Limits = NonNullable<RateLimitOptions["perCaller"]>;

/**
 * Checks the rate limits and fills in the defaults; undefined where there are none.
 *
 * @throws {ConfigurationError} when a limit is wrong; the message names it.
 */
export function configureRateLimits(options: RateLimitOptions | false = {}): RateLimitConfiguration | undefined {
  if (options === false) return undefined;
  return {
    perCaller: checked("rateLimits.perCaller", { ...defaultsPerCaller, ...options.perCaller }),
    total: checked("rateLimits.total", { ...defaultsInTotal, ...options.total }),
    limiter: options.limiter && checkedLimiter(options.limiter),
  };
}

/** A limiter that cannot count would refuse nobody, or everybody, with the first request. */
function checkedLimiter(make: NonNullable<RateLimitOptions["limiter"]>): NonNullable<RateLimitOptions["limiter"]> {
  return (name, limit) => {
    const limiter = make(name, limit);
    const remedy = "give one with a method consume(key), such as those of rate-limiter-flexible";
    requireMethods(`What rateLimits.limiter gives for "${name}"`, limiter, ["consume"], remedy);
    return limiter;
  };
}

function checked(name: string, limits: Limits): ReadonlyMap<RateLimitedRoute, RateLimit> {
  const unknown = Object.keys(limits).find((route) => !routes.some((known) => known === route));
  requireThat(unknown === undefined, `${name} has "${unknown}"; it may have ${routes.join(", ")}.`);
  const set = new Map<RateLimitedRoute, RateLimit>();
  for (const route of routes) {
    const limit = limits[route];
    if (limit === undefined || limit === false) continue;
    requireKind(`${name}.${route}`, limit, "object");
    const areNumbers = [limit.requests, limit.perSeconds].every((number) => Number.isSafeInteger(number) && number > 0);
    requireThat(areNumbers, `${name}.${route} needs requests and perSeconds as whole numbers above 0.`);
    const isShort = limit.perSeconds <= 31 * day;
    requireThat(isShort, `${name}.${route}.perSeconds is longer than 31 days: it is in seconds, not in milliseconds.`);
    set.set(route, limit);
  }
  return set;
}
