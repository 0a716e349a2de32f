import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, it } from "vitest";
import { z } from "zod";
import { type Fault, type PangeaEmulator, startPangeaEmulator } from "../../src/emulator/index.ts";
import { StorageTimeoutError, StorageUnavailableError } from "../../src/errors.ts";
import { CachedRepository, KeyRing, type Repository, sealed } from "../../src/index.ts";
import { InMemoryRepository } from "../../src/repository/in-memory.ts";
import { RedisRepository } from "../../src/repository/redis/index.ts";
import { PangeaVaultRepository } from "../../src/repository/vault/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { type NumberedRecord, PlainModel } from "../support/plain-model.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { startRedisServer, type TestRedis } from "../support/redis-server.ts";

const recordSchema: z.ZodType<NumberedRecord> = z.object({
  number: z.number(),
  expiresAt: z.number().exactOptional(),
});
const keyRing = KeyRing.from("a secret that is long enough for a test");

/** What befalls the calls of one step. */
type Trouble = "none" | "refused" | "done, but the answer is lost";

/** A repository, or several in front of each other, and what can be done to it. */
interface Stack {
  readonly repository: Repository<string, NumberedRecord>;
  readonly clock: ManualClock;
  /** Makes trouble for the next step; the answer ends it. */
  readonly trouble: (kind: Exclude<Trouble, "none">) => () => void;
}

/** In front of a store that has no faults of its own to switch on. */
class Troubled<V> implements Repository<string, V> {
  readonly #inner: Repository<string, V>;
  trouble: Trouble = "none";

  constructor(inner: Repository<string, V>) {
    this.#inner = inner;
  }

  get = (key: string) => this.#call(() => this.#inner.get(key));
  set = (key: string, value: V) => this.#call(() => this.#inner.set(key, value));
  delete = (key: string) => this.#call(() => this.#inner.delete(key));
  take = (key: string) => this.#call(() => this.#inner.take(key));

  async #call<T>(operation: () => Promise<T>): Promise<T> {
    if (this.trouble === "refused") throw new StorageUnavailableError("The test refuses.", { effect: "none" });
    const answer = await operation();
    if (this.trouble === "none") return answer;
    throw new StorageTimeoutError("The test lost the answer.");
  }
}

const troubled = (
  inner: Repository<string, NumberedRecord>,
  clock: ManualClock,
): Stack & { readonly inner: Troubled<NumberedRecord> } => {
  const repository = new Troubled(inner);
  return {
    repository,
    inner: repository,
    clock,
    trouble: (kind) => {
      repository.trouble = kind;
      return () => {
        repository.trouble = "none";
      };
    },
  };
};

const cached = (stack: Stack, maxStaleness = 20_000): Stack => ({
  ...stack,
  repository: new CachedRepository(stack.repository, { max: 2, maxStaleness, clock: stack.clock.read }),
});

let emulator: PangeaEmulator;
let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  emulator = await startPangeaEmulator({ authn: false });
  server = await startRedisServer();
  redis = await connectRedis(server);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
  await emulator.close();
});

const inMemory = (): Stack => {
  const clock = new ManualClock();
  return troubled(new InMemoryRepository<string, NumberedRecord>({ clock: clock.read }), clock);
};

/** Those after which the SDK does not wait and try again by itself; faults.test.ts has the others. */
const troubles: ((committed: boolean, times: number) => Fault)[] = [
  (committed, times) => ({ kind: "server-error", httpStatus: 501, committed, times }),
  (committed, times) => ({ kind: "html", httpStatus: 501, committed, times }),
];
const vault =
  (strictTake: boolean, codec: ConstructorParameters<typeof PangeaVaultRepository<NumberedRecord>>[0] = recordSchema) =>
  (): Stack => {
    const clock = new ManualClock();
    let next = 0;
    const repository = new PangeaVaultRepository<NumberedRecord>(codec, "pts_demo", {
      baseUrlTemplate: emulator.baseUrlTemplate,
      folder: `/model-${randomUUID()}`,
      clock: clock.read,
      strictTake,
      // Two tries, and the fault is over by the second or not.
      delay: async () => undefined,
      timeout: 2_000,
    });
    return {
      repository,
      clock,
      trouble: (kind) => {
        next += 1;
        const fault = troubles[next % troubles.length];
        if (fault !== undefined) emulator.faults.inject(fault(kind === "done, but the answer is lost", 1 + (next % 3)));
        return () => emulator.faults.clear();
      },
    };
  };

const inRedis = (seal: boolean) => (): Stack => {
  const clock = new ManualClock();
  const codec = seal ? sealed(recordSchema, keyRing) : recordSchema;
  return troubled(
    new RedisRepository<NumberedRecord>(codec, redis, { prefix: `model-${randomUUID()}`, clock: clock.read }),
    clock,
  );
};

const stacks: Record<string, () => Stack> = {
  "in memory": inMemory,
  "a cache in front of memory": () => cached(inMemory()),
  "a cache in front of a cache in front of memory": () => cached(cached(inMemory(), 5_000)),
  Vault: vault(false),
  "Vault with strictTake": vault(true),
  "a cache in front of Vault": () => cached(vault(false)()),
  "sealed records in Vault": vault(false, sealed(recordSchema, keyRing)),
  Redis: inRedis(false),
  "sealed records in Redis": inRedis(true),
  "a cache in front of sealed records in Redis": () => cached(inRedis(true)()),
};

const key = fc.constantFrom("a", "b", "sha256-c+/=");
const step = fc.record({
  do: fc.oneof(
    { weight: 4, arbitrary: fc.constant("get" as const) },
    { weight: 4, arbitrary: fc.constant("set" as const) },
    { weight: 2, arbitrary: fc.constant("delete" as const) },
    { weight: 3, arbitrary: fc.constant("take" as const) },
    { weight: 2, arbitrary: fc.constant("wait" as const) },
  ),
  key,
  /** Seconds: how long a record lives, or how long to wait. */
  seconds: fc.integer({ min: 1, max: 40 }),
  forEver: fc.boolean(),
  trouble: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Trouble>("none") },
    { weight: 1, arbitrary: fc.constant<Trouble>("refused") },
    { weight: 1, arbitrary: fc.constant<Trouble>("done, but the answer is lost") },
  ),
});

describe.each(Object.entries(stacks))("%s", (_name, open) => {
  it("answers as a plain map would, whatever fails in between", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const { repository, clock, trouble } = open();
        const nowSeconds = () => clock.read() / 1000;
        const model = new PlainModel(repository, nowSeconds);
        let number = 0;
        for (const next of steps) {
          const end = next.trouble === "none" || next.do === "wait" ? undefined : trouble(next.trouble);
          if (next.do === "wait") clock.advanceSeconds(next.seconds);
          else if (next.do === "set") {
            number += 1;
            await model.set(next.key, {
              number,
              ...(!next.forEver && { expiresAt: Math.floor(nowSeconds()) + next.seconds }),
            });
          } else await model[next.do](next.key);
          end?.();
        }
        for (const each of ["a", "b", "sha256-c+/="]) await model.get(each);
      }),
      { numRuns: 100, seed: 20_261_123 },
    );
  });
});
