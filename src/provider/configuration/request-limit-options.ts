import type { OptionKinds } from "../../option-checks.ts";

/**
 * A number of requests in a time. So many are answered at once, and what was used comes back all the time: of 300 in 60
 * seconds one every 200 milliseconds. Nobody is shut out for the rest of a window.
 */
export interface RateLimit {
  readonly requests: number;
  readonly perSeconds: number;
}

/**
 * What is counted: requests to an endpoint, where the consent page and the callback count as `authorize`; and `newClients`,
 * the registrations that leave a new record. A client that registers again as what it was leaves none.
 */
export type RateLimitedRoute = "authorize" | "token" | "register" | "newClients" | "revoke" | "account";

/** Counts requests: what the limiters of the rate-limiter-flexible package are. */
export interface RateLimiter {
  /**
   * Counts a request of a caller. Rejects with an object that has `msBeforeNext`, in milliseconds, where the caller has
   * had its share, and with an `Error` where it cannot count.
   */
  consume(key: string): Promise<unknown>;
}

/** How many requests are answered. */
export interface RateLimitOptions {
  /**
   * For one caller: an IPv4 address, or a /64 of IPv6; a /48 may have four times as much. Default: 300 a minute to
   * `authorize`, `token`, `revoke` and `account`, 500 a minute to `register`, 500 in six hours of `newClients`.
   */
  readonly perCaller?: Partial<Readonly<Record<RateLimitedRoute, RateLimit | false>>>;
  /** For all callers together. Default: 5000 in six hours of `newClients`, else no limit. */
  readonly total?: Partial<Readonly<Record<RateLimitedRoute, RateLimit | false>>>;
  /**
   * Makes the limiter of a route, for example one that counts in Redis for all instances. Should it fail, this process
   * counts by itself. A limiter with fixed windows shuts a caller out until the window ends: give it short ones.
   * Default: in memory.
   *
   * @param name - Tells limits apart: use it as the prefix of keys.
   */
  readonly limiter?: (name: string, limit: RateLimit) => RateLimiter;
}

/** All options of rate limits. */
export const rateLimitKinds: OptionKinds<RateLimitOptions> = {
  perCaller: "object",
  total: "object",
  limiter: "function",
};

/** What happens to requests when there is more to do than this process can do. */
export interface OverloadOptions {
  /**
   * How long a request to the authorization server may wait until it begins, in milliseconds. One that would wait for longer
   * is refused with 503 and `Retry-After`, before anything was read or written for it. Once requests have waited for that
   * long without a pause, a fifth of it is left to those that come. Default: 500.
   */
  readonly longestWait?: number;
}

/** All options of what happens under load. */
export const overloadKinds: OptionKinds<OverloadOptions> = { longestWait: "any" };
