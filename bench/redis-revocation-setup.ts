import type { Redis } from "ioredis";
import { RedisRepository, type RedisTrackingInvalidation } from "../src/redis.ts";
import { CachedRepository } from "../src/storage/cached/cached-repository.ts";
import { textCodec } from "../test/support/text-codec.ts";

const prefix = "token";

/** How long a copy may live where no message ends it, in milliseconds. */
export const maxStaleness = 1_000;

/** What each instance reads its tokens from. */
export function cachedTokens(redis: Redis, tracking: RedisTrackingInvalidation): CachedRepository<string, string> {
  const backend = new RedisRepository<string>(textCodec, redis, { prefix });
  return new CachedRepository(backend, { max: 10_000, maxStaleness, invalidation: tracking.forPrefix(prefix) });
}

/** Milliseconds by a clock that all processes of the machine share. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
