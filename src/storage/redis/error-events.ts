import { hasNoListener, ignoreError, type RedisConnection } from "./redis-like.ts";
import { isBehindSentinels, watchSentinelClient } from "./sentinel-client.ts";

/**
 * Hears a client's error events where nobody else does: ioredis prints those that nobody hears as "Unhandled error event".
 * The calls report the same failures. The listener stays for as long as the client, which goes on when its repositories are
 * closed.
 */
export function hearErrorEvents(redis: RedisConnection): void {
  if (isBehindSentinels(redis)) watchSentinelClient(redis);
  else if (hasNoListener(redis, "error")) redis.on("error", ignoreError);
}
