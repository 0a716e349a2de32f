import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type SampleRecord, sampleSchema, testRepository } from "../../src/conformance.ts";
import {
  asCodec,
  type BasicRepository,
  CachedRepository,
  type Codec,
  InMemoryRepository,
  inOneProcess,
  StorageUnavailableError,
} from "../../src/index.ts";
import { canReadBack } from "../../src/storage/read-back.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { buildRight, subjectOf, TextStore } from "./conformance/text-repository.ts";

const meanwhile = () => new Promise<void>((resolve) => setImmediate(resolve));
const anything: Codec<unknown> = { encode: (value) => JSON.stringify(value), decode: (text) => JSON.parse(text) };

/** As the Python package has its repositories: no expiry, and `delete` throws for a key that is not there. */
class PythonStyleRepository<V> implements BasicRepository<string, V> {
  readonly #store: TextStore;
  readonly #codec: Codec<V>;

  constructor(store: TextStore, codec: Codec<V>) {
    this.#store = store;
    this.#codec = codec;
  }

  async get(key: string): Promise<V | undefined> {
    const { gate } = this.#store;
    this.#store.gate = undefined;
    return gate === undefined ? this.#read(key) : gate.admit(() => this.#read(key));
  }

  async set(key: string, value: V): Promise<void> {
    await this.#arrive();
    this.#store.texts.set(key, this.#codec.encode(value, { repository: "python", key }));
  }

  async delete(key: string): Promise<void> {
    await this.#arrive();
    if (!this.#store.texts.delete(key)) throw new RangeError("KeyError");
  }

  async #read(key: string): Promise<V | undefined> {
    await this.#arrive();
    const text = this.#store.texts.get(key);
    return text === undefined ? undefined : this.#codec.decode(text, { repository: "python", key });
  }

  async #arrive(): Promise<void> {
    await meanwhile();
    if (this.#store.isBroken) throw new StorageUnavailableError("The test broke the store.");
  }
}

beforeEach(() => {
  vi.spyOn(process, "emitWarning").mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

testRepository(
  "inOneProcess of a backend in the style of the Python package",
  () => {
    const store = new TextStore();
    const basic = new PythonStyleRepository<SampleRecord>(store, asCodec(sampleSchema));
    const again = () => inOneProcess(basic, { clock: () => store.now });
    const anyValue = inOneProcess(new PythonStyleRepository(new TextStore(), anything));
    return { ...subjectOf(buildRight, store), repository: again(), again, anyValue };
  },
  {
    runner: { describe, it },
    without: {
      plantUnopenable: "the backend has no key ring",
      loseAnswer: "the backend always answers",
      processes: "it is exact within one process only",
    },
  },
);

testRepository(
  "inOneProcess of a Map",
  () => {
    const clock = new ManualClock();
    const wrap = <V>() => {
      const records = new Map<string, V>();
      return inOneProcess<string, V>(
        {
          get: async (key) => records.get(key),
          set: async (key, value) => records.set(key, value),
          delete: async (key) => records.delete(key),
        },
        { clock: clock.read },
      );
    };
    return {
      repository: wrap(),
      anyValue: wrap(),
      advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
      now: clock.read,
    };
  },
  {
    runner: { describe, it },
    without: {
      again: "each has its own records",
      plant: "nothing is encoded",
      breakStore: "memory does not fail",
      holdRead: "a read of memory takes no time",
      plantUnopenable: "nothing is sealed",
      loseAnswer: "memory always answers",
      processes: "memory is one process's own",
    },
  },
);

describe("inOneProcess", () => {
  const basicOf = (records = new Map<string, unknown>()) => ({
    get: vi.fn(async (key: string) => records.get(key)),
    set: vi.fn(async (key: string, value: unknown) => {
      records.set(key, value);
    }),
    delete: vi.fn(async (key: string) => {
      records.delete(key);
    }),
  });

  it("warns of a second process, once however many backends there are, with a code", async () => {
    vi.resetModules();
    const fresh = await import("../../src/storage/in-one-process.ts");
    for (const _ of ["first", "second"]) {
      fresh.inOneProcess(basicOf());
      expect(process.emitWarning).toHaveBeenCalledExactlyOnceWith(expect.any(String), {
        code: "PANGEA_IN_ONE_PROCESS",
      });
    }
  });

  it("never asks the backend to delete what is not there", async () => {
    const basic = basicOf();
    const repository = inOneProcess(basic);
    expect(await repository.delete("missing")).toBe(false);
    expect(await repository.take("missing")).toBeUndefined();
    expect(basic.delete).not.toHaveBeenCalled();
  });

  it("removes an expired record where it meets one, and answers that there was none", async () => {
    const clock = new ManualClock();
    const records = new Map<string, unknown>();
    const repository = inOneProcess<string, unknown>(basicOf(records), { clock: clock.read });
    for (const key of ["deleted", "taken"]) await repository.set(key, { expiresAt: clock.seconds(1) });
    clock.advance(1_000);
    expect(await repository.delete("deleted")).toBe(false);
    expect(await repository.take("taken")).toBeUndefined();
    expect([...records.keys()]).toEqual([]);
  });

  it("takes the expiry from where it is told", async () => {
    const clock = new ManualClock();
    const untilSchema = z.object({ until: z.number() });
    const basic = new PythonStyleRepository(new TextStore(), asCodec(untilSchema));
    const repository = inOneProcess(basic, { clock: clock.read, expiresAt: ({ until }) => until });
    await repository.set("key", { until: clock.seconds(1) });
    expect(await repository.get("key")).toBeDefined();
    clock.advance(1_000);
    for (const key of ["key", "missing"]) expect(await repository.get(key)).toBeUndefined();
  });

  it("tells a cache what the backend's reads give back, where the backend can tell", async () => {
    const named = new InMemoryRepository(z.object({ name: z.string() }));
    const basic = {
      get: (key: string) => named.get(key),
      set: (key: string, value: { name: string }) => named.set(key, value),
      delete: (key: string) => named.delete(key),
      readBack: (key: string, value: { name: string }) => named.readBack(key, value),
    };
    const whole = inOneProcess(basic);
    const cache = new CachedRepository(whole, { max: 5, maxStaleness: 60_000 });
    const wider = { name: "Ada", dropped: true };
    if (!canReadBack(whole)) throw new Error("It does not read back.");
    expect(whole.readBack("key", wider)).toEqual({ name: "Ada" });
    await cache.set("key", wider);
    expect(await cache.get("key")).toEqual({ name: "Ada" });
    expect("readBack" in inOneProcess<string, unknown>(basicOf())).toBe(false);
  });

  it("reads the expiry as the backend does, where it is not told", async () => {
    const clock = new ManualClock();
    const basic = { ...basicOf(), readExpiry: ({ until }: { until: number }) => until };
    const repository = inOneProcess<string, { until: number }>(Reflect.apply(Object.assign, Object, [{}, basic]), {
      clock: clock.read,
    });
    await repository.set("key", { until: clock.seconds(1) });
    expect(await repository.get("key")).toBeDefined();
    clock.advance(1_000);
    expect(await repository.get("key")).toBeUndefined();
  });

  it("refuses a record whose copy would have lost its expiry", async () => {
    const record = Object.defineProperty({ name: "Ada" }, "expiresAt", { value: 4_000_000_000 });
    const repository = inOneProcess<string, unknown>(basicOf());
    await expect(repository.set("key", record)).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
  });

  it("refuses what is no key before it looks at the record", async () => {
    const repository = inOneProcess<string, unknown>(basicOf());
    const refusal = { code: "ERR_INVALID_KEY" };
    const noRecord = () => undefined;
    await expect(repository.set("", noRecord)).rejects.toMatchObject(refusal);
    await expect(repository.add("", noRecord)).rejects.toMatchObject(refusal);
  });

  it.each([{ take: async () => undefined }, { add: async () => true }, { take: 5, add: 5 }])(
    "takes a backend that has but one of the two further methods: %o",
    (further) => {
      expect(() => inOneProcess({ ...basicOf(), ...further })).not.toThrow();
    },
  );

  it("refuses a whole repository, and options that it does not know", () => {
    const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
    expect(() => inOneProcess(new InMemoryRepository())).toThrow(refusal);
    for (const wrong of [{ clock: 5 }, { expiresAt: "until" }, { max: 5 }]) {
      expect(() => Reflect.apply(inOneProcess, undefined, [basicOf(), wrong])).toThrow(refusal);
    }
  });

  it("lets changes of different keys run at the same time", async () => {
    const basic = basicOf();
    const repository = inOneProcess<string, unknown>(basic);
    basic.set.mockReturnValueOnce(new Promise(() => {}));
    void repository.set("stuck", 1);
    expect(await repository.add("other", 2)).toBe(true);
  });

  it("goes on after a change that failed", async () => {
    const basic = basicOf();
    const repository = inOneProcess<string, unknown>(basic);
    const outage = new StorageUnavailableError("The test cut the line.");
    basic.set.mockRejectedValueOnce(outage);
    const outcomes = await Promise.allSettled([repository.add("key", 1), repository.add("key", 2)]);
    expect(outcomes).toEqual([
      { status: "rejected", reason: outage },
      { status: "fulfilled", value: true },
    ]);
    expect(await repository.get("key")).toBe(2);
  });
});

it.each([null, undefined, {}, { get: async () => undefined, set: async () => undefined }])(
  "%j is refused: it lacks a method",
  (backend) => {
    const call = () => Reflect.apply(inOneProcess, undefined, [backend]);
    expect(call).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  },
);
