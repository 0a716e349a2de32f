import type { Redis } from "ioredis";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { RedisRepository } from "../../../src/redis.ts";
import { useRedis } from "../../support/use-redis.ts";

const RecordSchema = z.object({ name: z.string(), expiresAt: z.number().exactOptional() });

let redis: Redis;
useRedis((started) => {
  ({ redis } = started);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** This machine's clock, that far from the clock of Redis. The hour stands still. */
function skewClock(seconds: number): { readonly now: number; pass(seconds: number): void } {
  let now = Date.now() + seconds * 1000;
  vi.spyOn(Date, "now").mockImplementation(() => now);
  return {
    get now() {
      return now;
    },
    pass: (later) => {
      now += later * 1000;
    },
  };
}

const writes = {
  set: async (repository: RedisRepository<z.infer<typeof RecordSchema>>, expiresAt: number) =>
    repository.set("k", { name: "one", expiresAt }),
  add: async (repository: RedisRepository<z.infer<typeof RecordSchema>>, expiresAt: number) =>
    expect(await repository.add("k", { name: "one", expiresAt })).toBe(true),
  "add in the place of an expired record": async (
    repository: RedisRepository<z.infer<typeof RecordSchema>>,
    expiresAt: number,
  ) => {
    await redis.set("token:k", JSON.stringify({ name: "old", expiresAt: 1 }));
    expect(await repository.add("k", { name: "one", expiresAt })).toBe(true);
  },
};

const skews = [-86_400 * 400, -90, -59, 0, 59, 90, 86_400 * 400];

describe.each(Object.entries(writes))("%s", (_, write) => {
  test.each(skews)("keeps a record of 60 s for 60 s where the clock is %d s off", async (skew) => {
    const clock = skewClock(skew);
    const repository = new RedisRepository(RecordSchema, redis, { prefix: "token" });
    const expiresAt = clock.now / 1000 + 60;
    await write(repository, expiresAt);
    const life = await redis.pttl("token:k");
    expect(life).toBeGreaterThan(50_000);
    expect(life).toBeLessThanOrEqual(60_001);
    expect(await repository.get("k")).toEqual({ name: "one", expiresAt });
    clock.pass(59.999);
    expect(await repository.get("k")).toMatchObject({ name: "one" });
    // Redis still has it: the record's own time decides.
    clock.pass(0.002);
    expect(await repository.get("k")).toBeUndefined();
    expect(await redis.exists("token:k")).toBe(1);
  });
});

test.each([
  [0.0001, 1],
  [0.001, 1],
  [0.0015, 2],
  [59.9991, 60_000],
  [60, 60_000],
  [60.0001, 60_001],
  [7_000_000_000, 7_000_000_000_000],
])("%d s are given to Redis as %d ms: never less than is left", async (seconds, milliseconds) => {
  const sent: unknown[][] = [];
  const set = (...values: unknown[]) => {
    sent.push(values);
    return Promise.resolve("OK");
  };
  const client = new Proxy(redis, { get: (target, name) => (name === "set" ? set : Reflect.get(target, name)) });
  await new RedisRepository(RecordSchema, client, { prefix: "token", clock: () => 0 }).set("k", {
    name: "one",
    expiresAt: seconds,
  });
  expect(sent.map((values) => values.slice(2))).toEqual([["PX", milliseconds]]);
});

test.each([0, -90])("a record that has expired by a clock %d s off is deleted at once, and not kept", async (skew) => {
  const clock = skewClock(skew);
  const repository = new RedisRepository(RecordSchema, redis, { prefix: "token" });
  await repository.set("k", { name: "one" });
  await repository.set("k", { name: "one", expiresAt: clock.now / 1000 });
  expect(await redis.exists("token:k")).toBe(0);
});
