import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type SampleRecord, sampleIndexes, sampleSchema, testRepository } from "../../src/conformance.ts";
import {
  asCodec,
  type Codec,
  InMemoryRepository,
  KeyRing,
  type RecordLocation,
  type Repository,
  sealed,
} from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

const ofMemory = {
  breakStore: "memory does not fail",
  loseAnswer: "memory always answers",
  holdRead: "a read of memory takes no time",
  processes: "memory is one process's own",
};

testRepository(
  "InMemoryRepository",
  () => {
    const clock = new ManualClock();
    return {
      repository: new InMemoryRepository({ clock: clock.read, indexes: sampleIndexes }),
      anyValue: new InMemoryRepository({ clock: clock.read }),
      advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
      now: clock.read,
    };
  },
  {
    runner: { describe, it },
    without: {
      again: "each instance has its own records",
      unindexed: "each instance has its own records",
      plant: "nothing is encoded",
      plantUnopenable: "nothing is sealed",
      ...ofMemory,
    },
  },
);

testRepository(
  "InMemoryRepository with a schema",
  () => {
    const clock = new ManualClock();
    const codec = replaceable(asCodec(sampleSchema));
    const repository = new InMemoryRepository(codec, { clock: clock.read, indexes: sampleIndexes });
    return {
      repository,
      anyValue: new InMemoryRepository(z.json(), { clock: clock.read }),
      advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
      now: clock.read,
      plant: (key, text) => codec.during(() => text, repository, key),
    };
  },
  {
    runner: { describe, it },
    without: {
      again: "each instance has its own records",
      unindexed: "each instance has its own records",
      plantUnopenable: "nothing is sealed",
      ...ofMemory,
    },
  },
);

testRepository(
  "InMemoryRepository with sealed records",
  () => {
    const clock = new ManualClock();
    const [ours, others] = ["our secret, which is long enough", "another secret, long enough as well"].map((secret) =>
      KeyRing.from(secret),
    );
    const codec = replaceable(sealed(sampleSchema, ours ?? KeyRing.from("")));
    const foreign = sealed(sampleSchema, others ?? KeyRing.from(""));
    const repository = new InMemoryRepository(codec, { clock: clock.read, indexes: sampleIndexes });
    return {
      repository,
      advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
      now: clock.read,
      plant: (key, text) => codec.during(() => text, repository, key),
      plantUnopenable: async (key) => {
        await codec.during((value, location) => foreign.encode(value, location), repository, key);
        return others?.ids[0] ?? "";
      },
    };
  },
  {
    runner: { describe, it },
    without: {
      again: "each instance has its own records",
      unindexed: "each instance has its own records",
      anyValue: "the case with a schema has it",
      ...ofMemory,
    },
  },
);

/** A codec that can be told to write something else for once, as another version or instance would have. */
function replaceable({ encode, decode, labels }: Codec<SampleRecord>) {
  // Under the name that the suite looks for: the index then leads to what cannot be read.
  const planted = { name: "ada", list: [] };
  let write = encode;
  let read = decode;
  return {
    encode: (value: SampleRecord, location: RecordLocation) => write(value, location),
    decode: (text: string, location: RecordLocation) => read(text, location),
    ...(labels !== undefined && { labels }),
    async during(other: typeof encode, repository: Repository<string, SampleRecord>, key: string): Promise<void> {
      write = other;
      read = () => planted;
      await repository.set(key, planted);
      write = encode;
      read = decode;
    },
  };
}

describe("InMemoryRepository", () => {
  it("shares nothing between instances", async () => {
    const [one, other] = [new InMemoryRepository(), new InMemoryRepository()];
    await one.set("key", 1);
    expect(await other.get("key")).toBeUndefined();
  });

  it("does not let expired records pile up", async () => {
    const clock = new ManualClock();
    const repository = new InMemoryRepository({ clock: clock.read });
    let most = 0;
    for (let index = 0; index < 2_000; index += 1) {
      await repository.set(`key ${index}`, { expiresAt: clock.seconds(10) });
      clock.advanceSeconds(0.1);
      most = Math.max(most, repository.size);
    }
    // 100 are alive at any time; each write looks at two others.
    expect(most).toBeLessThan(500);
  });

  it("removes an expired record where a read meets it, and two with every write", async () => {
    const clock = new ManualClock();
    const repository = new InMemoryRepository<string, { expiresAt: number }>({ clock: clock.read });
    for (const key of ["a", "b", "c", "d", "e"]) await repository.set(key, { expiresAt: clock.seconds(1) });
    clock.advanceSeconds(1);
    await repository.get("c");
    expect(repository.size).toBe(4);
    await repository.set("new", { expiresAt: clock.seconds(1) });
    // Two of the four have gone, and the new one has come.
    expect(repository.size).toBe(3);
  });

  it("lists what has not expired", async () => {
    const clock = new ManualClock();
    const repository = new InMemoryRepository<string, { expiresAt: number }>({ clock: clock.read });
    await repository.set("short", { expiresAt: clock.seconds(1) });
    await repository.set("long", { expiresAt: clock.seconds(100) });
    clock.advanceSeconds(2);
    const keys: string[] = [];
    for await (const [key] of repository.entries()) keys.push(key);
    expect(keys).toEqual(["long"]);
  });

  it("says at the end of a listing what it could not read", async () => {
    const strangers = KeyRing.from("another secret that is long enough for a test");
    const codec = replaceable(sealed(sampleSchema, KeyRing.from("a secret that is long enough for a test")));
    const repository = new InMemoryRepository(codec);
    await repository.set("a", { name: "Ada", list: [] });
    await codec.during((value, at) => sealed(sampleSchema, strangers).encode(value, at), repository, "b");
    await codec.during(() => "not a record", repository, "c");
    await repository.set("d", { name: "Dora", list: [] });
    const listed: string[] = [];
    const listing = async () => {
      for await (const [key] of repository.entries()) listed.push(key);
    };
    await expect(listing()).rejects.toMatchObject({
      code: "ERR_UNREADABLE_RECORDS",
      count: 2,
      keyIds: [strangers.ids[0]],
    });
    expect(listed).toEqual(["a", "d"]);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, "5"])("cannot keep %s records at the most", (max) => {
    const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
    expect(() => Reflect.construct(InMemoryRepository, [{ max }])).toThrow(refusal);
  });

  it("takes every option that there is, and no other", () => {
    const options = { max: 1, clock: Date.now, expiresAt: () => undefined, indexes: {} };
    expect(() => new InMemoryRepository(options)).not.toThrow();
    const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
    for (const wrong of [{ maximum: 1 }, { clock: 5 }, { expiresAt: "until" }, { indexes: "name" }]) {
      expect(() => Reflect.construct(InMemoryRepository, [wrong])).toThrow(refusal);
    }
  });

  it("refuses what is no key before it looks at the record", async () => {
    const repository = new InMemoryRepository<string, unknown>();
    const refusal = { code: "ERR_INVALID_KEY" };
    const noRecord = () => undefined;
    await expect(repository.set("", noRecord)).rejects.toMatchObject(refusal);
    await expect(repository.add("", noRecord)).rejects.toMatchObject(refusal);
    expect(() => repository.readBack("", { a: 1 })).toThrow(expect.objectContaining(refusal));
  });

  it("tells what a read would give back, and refuses what would not be written", () => {
    const invalid = expect.objectContaining({ code: "ERR_INVALID_RECORD" });
    const wide = { name: "Ada", dropped: true };
    expect(new InMemoryRepository(z.object({ name: z.string() })).readBack("key", wide)).toEqual({ name: "Ada" });
    const plain = new InMemoryRepository<string, unknown>();
    expect(plain.readBack("key", wide)).toEqual(wide);
    expect(() => plain.readBack("key", { expiresAt: "soon" })).toThrow(invalid);
  });

  it("refuses a record whose copy would have lost its expiry", async () => {
    const record = Object.defineProperty({ name: "Ada" }, "expiresAt", { value: 4_000_000_000 });
    const repository = new InMemoryRepository<string, object>();
    for (const write of ["set", "add"] as const) {
      await expect(repository[write]("key", record)).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
    }
  });

  it("takes the expiry from where it is told", async () => {
    const clock = new ManualClock();
    const repository = new InMemoryRepository<string, { until: number }>({
      clock: clock.read,
      expiresAt: (value) => value.until,
    });
    await repository.set("key", { until: clock.seconds(1) });
    expect(await repository.get("key")).toBeDefined();
    clock.advanceSeconds(1);
    expect(await repository.get("key")).toBeUndefined();
    expect(await repository.get("missing")).toBeUndefined();
  });

  describe("with max", () => {
    const full = { code: "ERR_STORAGE_FULL", effect: "none" };
    const session = (expiresAt?: number) => ({ name: "a", ...(expiresAt !== undefined && { expiresAt }) });

    it.each<[string, (options: { max: number; clock: () => number }) => InMemoryRepository<string, object>]>([
      ["values", (options) => new InMemoryRepository(options)],
      ["what a schema makes of them", (options) => new InMemoryRepository<string, object>(z.looseObject({}), options)],
    ])("refuses one more, and drops none: it keeps %s", async (_, create) => {
      const clock = new ManualClock();
      const repository = create({ max: 3, clock: clock.read });
      for (const key of ["a", "b", "c"]) await repository.set(key, session());
      for (const write of ["set", "add"] as const) {
        await expect(repository[write]("d", session())).rejects.toMatchObject(full);
      }
      await repository.set("a", session(clock.seconds(60)));
      expect(await repository.add("b", session())).toBe(false);
      for (const key of ["a", "b", "c"]) expect(await repository.get(key)).toBeDefined();
      expect(await repository.delete("c")).toBe(true);
      expect(await repository.add("d", session())).toBe(true);
      await expect(repository.set("e", session())).rejects.toMatchObject(full);
      // A record that has expired takes no room.
      await repository.set("e", session(0));
      expect(await repository.get("e")).toBeUndefined();
    });

    it("makes room of what has expired, wherever it is", async () => {
      const clock = new ManualClock();
      const repository = new InMemoryRepository<string, object>({ max: 100, clock: clock.read });
      for (let index = 0; index < 99; index += 1) await repository.set(`lasting ${index}`, session());
      for (let round = 0; round < 20; round += 1) {
        await repository.set("short", session(clock.seconds(1)));
        await expect(repository.set("one more", session())).rejects.toMatchObject(full);
        clock.advanceSeconds(1);
        await repository.set("other", session(clock.seconds(1)));
        expect(repository.size).toBe(100);
        clock.advanceSeconds(1);
      }
    });

    it("does not look through everything for each write that it refuses", async () => {
      let reads = 0;
      const repository = new InMemoryRepository<string, object>({ max: 500, clock: () => (reads += 1) });
      for (let index = 0; index < 500; index += 1) await repository.set(`${index}`, session(7e9));
      reads = 0;
      for (let index = 0; index < 100; index += 1) {
        await expect(repository.set(`more ${index}`, session(7e9))).rejects.toMatchObject(full);
      }
      expect(reads).toBeLessThan(1_000);
    });
  });
});
