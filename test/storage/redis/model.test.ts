import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import { z } from "zod";
import { StorageFailure } from "../../../src/errors.ts";
import { RedisRepository } from "../../../src/redis.ts";
import { connectRedis, redisClient } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

const RecordSchema = z.object({ text: z.string(), expiresAt: z.number().exactOptional() });
type TestRecord = z.infer<typeof RecordSchema>;

/** Seconds since the epoch. */
const start = 1_000_000_000;

interface WriteStep {
  readonly do: "set" | "add";
  readonly key: string;
  readonly text: string;
  /** Seconds from then on; none for a record that does not expire. */
  readonly lifetime: number | undefined;
}
type Operation = WriteStep | { readonly do: "get" | "delete" | "take"; readonly key: string };
type Step = Operation | { readonly do: "wait"; readonly seconds: number };

/** What befalls the connection during a step. */
type Fault = "none" | "reply lost" | "connection refused";

const key = fc.constantFrom("a", "b:{x}", "🔑");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("get", "delete", "take"), key }),
  fc.record({
    do: fc.constantFrom("set", "add"),
    key,
    text: fc.string({ unit: "grapheme", maxLength: 3 }),
    lifetime: fc.option(fc.integer({ min: -5, max: 30 }), { nil: undefined }),
  }),
  fc.record({ do: fc.constant("wait"), seconds: fc.integer({ min: 1, max: 20 }) }),
);
const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 9, arbitrary: fc.constant<Fault>("none") },
  { weight: 1, arbitrary: fc.constantFrom<Fault>("reply lost", "connection refused") },
);

let server: RedisServer;
let proxy: TcpProxy;
let redis: Redis;
let observer: Redis;
setUp("file", async (parts) => {
  server = parts.use(await startRedisServer());
  proxy = parts.use(await startTcpProxy(server.port));
  redis = parts.use(redisClient(proxy));
  observer = parts.use(await connectRedis(server));
});

/** What each key may hold: one thing for certain, or either of two after a write whose outcome is unknown. */
class Model {
  readonly #held = new Map<string, readonly (TestRecord | undefined)[]>();

  possible(key: string, now: number): readonly (TestRecord | undefined)[] {
    const held = this.#held.get(key) ?? [undefined];
    return held.map((record) => (record?.expiresAt !== undefined && record.expiresAt <= now ? undefined : record));
  }

  holds(key: string, ...records: readonly (TestRecord | undefined)[]): void {
    this.#held.set(key, records);
  }
}

test("the repository does what a plain model does, whatever befalls the connection", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fault), { minLength: 5, maxLength: 25 }), async (steps) => {
      await observer.flushall();
      let now = start;
      const repository = new RedisRepository(RecordSchema, redis, { prefix: "model", clock: () => now * 1000 });
      await until(async () => (await repository.get("a").catch(() => "down")) === undefined);
      const model = new Model();
      for (const [current, befalls] of steps) {
        if (current.do === "wait") {
          now += current.seconds;
          continue;
        }
        const before = model.possible(current.key, now);
        const written = isWrite(current) ? recordOf(current, now) : undefined;
        const outcome = await underFault(befalls, () => perform(current, repository, now));

        if (outcome.failed) {
          expect(outcome.error).toBeInstanceOf(StorageFailure);
          if (outcome.error instanceof StorageFailure && outcome.error.effect === "unknown") {
            model.holds(current.key, ...before, written);
          }
        } else if (current.do === "get") {
          expect(before).toContainEqual(outcome.value);
          model.holds(current.key, ...before.filter((record) => isDeepStrictEqual(record, outcome.value)));
        } else if (current.do === "take") {
          expect(before).toContainEqual(outcome.value);
          model.holds(current.key, undefined);
        } else if (current.do === "delete") {
          expect(before.map((record) => record !== undefined)).toContain(outcome.value);
          model.holds(current.key, undefined);
        } else if (current.do === "add" && outcome.value === false) {
          expect(before.some((record) => record !== undefined)).toBe(true);
          model.holds(current.key, ...before.filter((record) => record !== undefined));
        } else {
          if (current.do === "add")
            expect([outcome.value, before]).toEqual([true, expect.arrayContaining([undefined])]);
          model.holds(current.key, written);
        }
      }
      await repository[Symbol.asyncDispose]();
    }),
    { seed: 31_415, numRuns: 60 },
  );
}, 60_000);

type Outcome = { readonly failed: false; readonly value: unknown } | { readonly failed: true; readonly error: unknown };

async function underFault(befalls: Fault, operation: () => Promise<unknown>): Promise<Outcome> {
  if (befalls === "connection refused") {
    proxy.refuse();
    proxy.reset();
    await until(() => redis.status !== "ready");
  } else if (befalls === "reply lost") {
    proxy.withholdReplies();
  }
  const settled = operation().then(
    (value): Outcome => ({ failed: false, value }),
    (error: unknown): Outcome => ({ failed: true, error }),
  );
  if (befalls === "reply lost") {
    await new Promise((resolve) => setImmediate(resolve));
    proxy.reset();
  }
  const outcome = await settled;
  proxy.flow();
  proxy.accept();
  if (befalls !== "none") await until(() => redis.status === "ready");
  return outcome;
}

function perform(step: Operation, repository: RedisRepository<TestRecord>, now: number): Promise<unknown> {
  return isWrite(step) ? repository[step.do](step.key, recordOf(step, now)) : repository[step.do](step.key);
}

function isWrite(step: Operation): step is WriteStep {
  return step.do === "set" || step.do === "add";
}

function recordOf({ text, lifetime }: WriteStep, now: number): TestRecord {
  return lifetime === undefined ? { text } : { text, expiresAt: now + lifetime };
}
