/**
 * How long a token that one instance revokes is served by another: the distribution over two processes with tracking, and
 * while the other's subscriber is killed again and again.
 * Run it with `npx node bench/redis-revocation.ts`; it starts a Redis of its own.
 */
import { fork } from "node:child_process";
import { RedisTrackingInvalidation } from "../src/redis.ts";
import { connectRedis } from "../test/support/redis-clients.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { cachedTokens, maxStaleness, now } from "./redis-revocation-setup.ts";

/** Milliseconds. */
const goal = 20;

await using server = await startRedisServer();
const redis = await connectRedis(server);
const tracking = new RedisTrackingInvalidation(redis);
const tokens = cachedTokens(redis, tracking);
const instance = fork(new URL("./redis-revocation-instance.ts", import.meta.url), [String(server.port)]);
await answer("ready");

const calm = await revocations("calm", 2_000);
report("with tracking", calm, `${quantile(calm, 0.99) < goal ? "met: " : "missed: "}p99 under ${goal} ms`);

const killer = setInterval(() => void redis.call("CLIENT", "KILL", "TYPE", "pubsub").catch(() => undefined), 3);
const stormy = await revocations("stormy", 500);
clearInterval(killer);
const latest = quantile(stormy, 1);
report(
  "subscriber killed every 3 ms",
  stormy,
  `${latest <= maxStaleness ? "met: " : "missed: "}never later than maxStaleness`,
);

instance.disconnect();
await tracking[Symbol.asyncDispose]();
redis.disconnect();
if (quantile(calm, 0.99) >= goal || latest > maxStaleness) process.exitCode = 1;

/** Milliseconds from the call of delete here to the first get there that no longer gives the token. */
async function revocations(name: string, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const key = `${name}-${index}`;
    await tokens.set(key, "alive");
    instance.send(key);
    await answer("holds");
    const lost = answer("lost");
    const start = now();
    await tokens.delete(key);
    times.push((await lost) - start);
  }
  return times.sort((a, b) => a - b);
}

/** The instance's next message of the kind, and the time that it gives. */
function answer(kind: "ready" | "holds" | "lost"): Promise<number> {
  return new Promise((resolve) => {
    const listen = (message: unknown): void => {
      if (typeof message !== "object" || message === null || !(kind in message)) return;
      instance.off("message", listen);
      resolve("at" in message && typeof message.at === "number" ? message.at : Number.NaN);
    };
    instance.on("message", listen);
  });
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function report(name: string, times: readonly number[], verdict: string): void {
  const shown = [0.5, 0.9, 0.99, 1].map((share) => quantile(times, share).toFixed(2)).join(" / ");
  console.log(`${name.padEnd(30)} p50 / p90 / p99 / max of ${times.length}: ${shown} ms (${verdict})`);
}
