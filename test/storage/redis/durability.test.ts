import { expect, test } from "vitest";
import { RedisRepository } from "../../../src/redis.ts";
import { connectRedis } from "../../support/redis-clients.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/redis-topologies.ts";
import { textCodec } from "../../support/text-codec.ts";

/** Milliseconds. */
const timeout = 500;
const tolerance = 500;
const writers = 50;
const writesBeforeTheKill = 1_000;

test("kill -9 under load with appendfsync always: every acknowledged write is there after the restart, and no call outlives its deadline", async () => {
  await using server = await startRedisServer(["--appendonly", "yes", "--appendfsync", "always"]);
  using redis = await connectRedis(server);
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "load", timeout });
  /** What each key holds for certain; nothing is said of a key whose last write was not acknowledged. */
  const acknowledged = new Map<string, string | undefined>();
  let longest = 0;
  let failures = 0;
  let killing: Promise<void> | undefined;

  const step = async (key: string, outcome: string | undefined, write: () => Promise<unknown>): Promise<void> => {
    const start = performance.now();
    acknowledged.delete(key);
    try {
      await write();
      acknowledged.set(key, outcome);
    } finally {
      longest = Math.max(longest, performance.now() - start);
    }
    if (acknowledged.size >= writesBeforeTheKill) killing ??= server.kill();
  };
  const writer = async (name: number): Promise<void> => {
    for (let index = 0; failures === 0; index++) {
      const key = `${name}-${index}`;
      await step(key, key, () => repository.set(key, key));
      if (index % 3 === 1) await step(key, undefined, () => repository.delete(key));
      if (index % 3 === 2) await step(key, undefined, () => repository.take(key));
    }
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: writers }, (_, name) =>
      writer(name).catch((error: unknown) => {
        failures++;
        throw error;
      }),
    ),
  );
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^ERR_STORAGE_(UNAVAILABLE|TIMEOUT)$/) });
    }
  }
  expect(failures).toBeGreaterThan(0);
  expect(longest).toBeLessThan(timeout + tolerance);

  await killing;
  await server.restart();
  await until(() => redis.status === "ready");
  expect(acknowledged.size).toBeGreaterThanOrEqual(writesBeforeTheKill - writers);
  const wrong = await Promise.all(
    [...acknowledged].map(async ([key, value]) => ((await repository.get(key)) === value ? [] : [key])),
  );
  expect(wrong.flat()).toEqual([]);
});
