/** The other instance of `redis-revocation.ts`: it holds copies of tokens and says when it no longer serves them. */
import { RedisTrackingInvalidation } from "../src/redis.ts";
import { connectRedis } from "../test/support/redis-clients.ts";
import { cachedTokens, maxStaleness, now } from "./redis-revocation-setup.ts";

const redis = await connectRedis({ port: Number(process.argv[2]) });
const tracking = new RedisTrackingInvalidation(redis, { heartbeat: 1_000 });
const tokens = cachedTokens(redis, tracking);

process.on("message", async (key: string) => {
  while ((await tokens.get(key)) === undefined) await nextTurn();
  process.send?.({ holds: key });
  const start = now();
  while ((await tokens.get(key)) !== undefined) {
    if (now() - start > 10 * maxStaleness) break;
    await nextTurn();
  }
  process.send?.({ lost: key, at: now() });
});
process.on("disconnect", async () => {
  await tracking[Symbol.asyncDispose]();
  redis.disconnect();
});
process.send?.({ ready: true });

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
