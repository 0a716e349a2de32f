import { randomUUID } from "node:crypto";
import { PGlite } from "@electric-sql/pglite";
import type { Redis } from "ioredis";
import { PangeaConfig, Vault, VaultService } from "pangea-node-sdk";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  CachedRepository,
  InMemoryRepository,
  inOneProcess,
  KeyRing,
  type Repository,
  sealed,
} from "../../src/index.ts";
import { createPostgresTables, PostgresRepository } from "../../src/postgres.ts";
import { RedisRepository } from "../../src/redis.ts";
import { openSqlite, SqliteRepository } from "../../src/sqlite.ts";
import { superjsonCodec } from "../../src/superjson.ts";
import { PangeaVaultRepository } from "../../src/vault.ts";
import { impossibleExpiries } from "../support/impossible-expiries.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";
import { useEmulator } from "../support/use-emulator.ts";

/** A schema that says nothing of the expiry: what is refused is refused by the repository. */
const open = z.object({ name: z.string(), expiresAt: z.any().optional() });
type Open = z.infer<typeof open>;

const keys = KeyRing.from("a secret that is long enough for a test");
const emulator = useEmulator({ authn: false });
let redis: Redis;
let postgres: PGlite;
setUp("file", async (parts) => {
  const server = parts.use(await startRedisServer());
  redis = parts.use(await connectRedis(server));
  postgres = await PGlite.create();
  parts.defer(() => postgres.close());
  await createPostgresTables(postgres);
});

interface Opened {
  readonly repository: Repository<string, Open>;
  readonly clock: ManualClock;
  /** Puts a text where the store keeps the record of a key, where a store can be told that. */
  readonly plant?: (key: string, text: string) => Promise<unknown>;
}

function inRedis(isSealed = false): Opened {
  const [clock, prefix] = [new ManualClock(), `expiry-${randomUUID()}`];
  const options = { prefix, clock: clock.read };
  const repository = new RedisRepository<Open>(isSealed ? sealed(open, keys) : open, redis, options);
  return { repository, clock, ...(!isSealed && { plant: (key, text) => redis.set(`${prefix}:${key}`, text) }) };
}

function inVault(): Opened {
  const [clock, folder] = [new ManualClock(), `/expiry-${randomUUID()}`];
  const { baseUrlTemplate } = emulator;
  const sdk = new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate }));
  return {
    repository: new PangeaVaultRepository<Open>(open, "pts_demo", { baseUrlTemplate, folder, clock: clock.read }),
    clock,
    plant: (name, secret) => sdk.secretStore({ type: Vault.ItemType.SECRET, name, folder, secret }),
  };
}

function inSqlite(): Opened {
  const [clock, database] = [new ManualClock(), openSqlite(":memory:")];
  return {
    repository: new SqliteRepository<Open>(open, database, { table: "expiry", clock: clock.read }),
    clock,
    plant: async (key, text) => database.prepare('INSERT INTO "expiry" (key, value) VALUES (?, ?)').run(key, text),
  };
}

function inPostgres(): Opened {
  const [clock, prefix] = [new ManualClock(), `expiry-${randomUUID()}`];
  const insert = "INSERT INTO pangea_records (key, value) VALUES ($1, $2)";
  return {
    repository: new PostgresRepository<Open>(open, postgres, { prefix, clock: clock.read }),
    clock,
    plant: (key, text) => postgres.query(insert, [`${prefix}:${key}`, text]),
  };
}

function inMemory(): Opened {
  const clock = new ManualClock();
  return { repository: new InMemoryRepository<string, Open>({ clock: clock.read }), clock };
}

/** A backend that knows nothing of expiry. */
function inMap(): Opened {
  const [clock, records] = [new ManualClock(), new Map<string, Open>()];
  const basic = {
    get: async (key: string) => records.get(key),
    set: async (key: string, value: Open) => records.set(key, value),
    delete: async (key: string) => records.delete(key),
  };
  return {
    repository: inOneProcess<string, Open>(basic, { clock: clock.read }),
    clock,
    plant: async (key, text) => records.set(key, open.parse(JSON.parse(text))),
  };
}

const cached = ({ repository, ...others }: Opened): Opened => ({
  ...others,
  repository: new CachedRepository(repository, { max: 100, maxStaleness: 1_000, clock: others.clock.read }),
});

/** A repository behind a cache that does not look at the expiry of what it is given. */
function cachedOverMap(): Opened {
  const clock = new ManualClock();
  const trusting = new Map<string, Open>();
  const backend: Repository<string, Open> = {
    get: async (key) => trusting.get(key),
    set: async (key, value) => void trusting.set(key, value),
    delete: async (key) => trusting.delete(key),
    take: async (key) => {
      const value = trusting.get(key);
      trusting.delete(key);
      return value;
    },
    add: async (key, value) => !trusting.has(key) && Boolean(trusting.set(key, value)),
  };
  const plant = async (key: string, text: string) => trusting.set(key, open.parse(JSON.parse(text)));
  return cached({ repository: backend, clock, plant });
}

const stacks: Readonly<Record<string, () => Opened>> = {
  "in memory": inMemory,
  "in memory, with a schema": () => {
    const clock = new ManualClock();
    return { repository: new InMemoryRepository<string, Open>(open, { clock: clock.read }), clock };
  },
  "in one process": inMap,
  "in Redis": () => inRedis(),
  "sealed in Redis": () => inRedis(true),
  "in Vault": inVault,
  "in SQLite": inSqlite,
  "in Postgres": inPostgres,
  "in a cache over memory": () => cached(inMemory()),
  "in a cache over a cache": () => cached(cached(inMemory())),
  "in a cache over a backend that trusts": cachedOverMap,
  "in a cache over Redis": () => cached(inRedis()),
  "in a cache over Vault": () => cached(inVault()),
  "in a cache over SQLite": () => cached(inSqlite()),
  "in a cache over Postgres": () => cached(inPostgres()),
};

/** Records whose expiry does not survive what becomes of a record that is written: a copy, or its text. */
const hidden: Readonly<Record<string, (expiresAt: number) => Open>> = {
  "that is not enumerable": (expiresAt) => Object.defineProperty({ name: "new" }, "expiresAt", { value: expiresAt }),
  "of its prototype": (expiresAt) => Object.assign(Object.create({ expiresAt }), { name: "new" }),
  "that is there once": (expiresAt) => {
    let times = 0;
    return {
      name: "new",
      get expiresAt() {
        times += 1;
        return times === 1 ? expiresAt : undefined;
      },
    };
  },
  "that becomes another": (expiresAt) => {
    let times = 0;
    return {
      name: "new",
      get expiresAt() {
        times += 1;
        return expiresAt + times * 1_000;
      },
    };
  },
};

describe.each(Object.entries(stacks))("a record %s", (_, create) => {
  it.each(impossibleExpiries)("with $kind for its expiry is refused before anything is written", async (impossible) => {
    const { repository } = create();
    const value = { name: "new", expiresAt: impossible.expiresAt };
    const refusal = { code: "ERR_INVALID_RECORD", message: expect.stringMatching(impossible.hint) };
    for (const write of ["set", "add"] as const) {
      await expect(repository[write]("free", value)).rejects.toMatchObject(refusal);
      expect(await repository.get("free")).toBeUndefined();
      expect(await repository.add("free", { name: "added" })).toBe(true);
      await expect(repository[write]("free", value)).rejects.toMatchObject(refusal);
      expect(await repository.take("free")).toMatchObject({ name: "added" });
    }
  });

  it.each(Object.entries(hidden))("with an expiry %s is refused, or expires then", async (_kind, make) => {
    for (const write of ["set", "add"] as const) {
      const { repository, clock } = create();
      const outcome = repository[write]("free", make(clock.seconds(60)));
      const failure = await outcome.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure !== undefined) expect(failure).toMatchObject({ code: "ERR_INVALID_RECORD" });
      expect((await repository.get("free")) === undefined).toBe(failure !== undefined);
      clock.advanceSeconds(60);
      expect(await repository.get("free")).toBeUndefined();
    }
  });

  it("that expired long ago is absent, at 0 and before the epoch", async () => {
    for (const expiresAt of [0, -0, -1, -1_800_000_000, -1e300]) {
      const { repository } = create();
      await repository.set("key", { name: "before" });
      await repository.set("key", { name: "past", expiresAt });
      expect(await repository.get("key")).toBeUndefined();
      await repository.add("key", { name: "past", expiresAt });
      expect(await repository.take("key")).toBeUndefined();
    }
  });

  it("expires at a fraction of a second, and never without an expiry", async () => {
    const { repository, clock } = create();
    await repository.set("short", { name: "short", expiresAt: clock.seconds(1.25) });
    await repository.set("lasting", { name: "lasting", expiresAt: undefined });
    clock.advance(1_249);
    expect(await repository.get("short")).toBeDefined();
    clock.advance(1);
    expect(await repository.get("short")).toBeUndefined();
    clock.advanceSeconds(1e9);
    expect(await repository.get("lasting")).toBeDefined();
  });
});

const stored = impossibleExpiries.filter(({ json }) => json !== undefined);
const plantable = [
  "in one process",
  "in Redis",
  "in Vault",
  "in SQLite",
  "in Postgres",
  "in a cache over a backend that trusts",
  "in a cache over Redis",
  "in a cache over Vault",
  "in a cache over SQLite",
  "in a cache over Postgres",
];
describe.each(plantable)("a stored record %s", (name) => {
  it.each(stored)("with $kind for its expiry is corrupt: it stays, and can be deleted", async ({ json }) => {
    const { repository, plant } = stacks[name]?.() ?? inMap();
    await plant?.("key", `{"name":"confidential","expiresAt":${json}}`);
    for (const read of ["get", "take", "get"] as const) {
      const failure = await repository[read]("key").catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "ERR_CORRUPT_RECORD" });
      expect(String(failure)).not.toContain("confidential");
      if (name.includes("Redis")) break;
    }
  });

  it("with one of those can be deleted, and is never added over", async () => {
    const { repository, plant } = stacks[name]?.() ?? inMap();
    await plant?.("key", '{"name":"planted","expiresAt":1800000000000}');
    expect(await repository.add("key", { name: "added" }).catch(() => false)).toBe(false);
    expect(await repository.delete("key")).toBe(true);
    expect(await repository.get("key")).toBeUndefined();
  });
});

describe("an expiry that a codec transforms", () => {
  const date = z.codec(z.number(), z.date(), {
    decode: (seconds) => new Date(seconds * 1000),
    encode: (at) => at.getTime() / 1000,
  });

  it("is read from the record by the option, and a Date works", async () => {
    const clock = new ManualClock();
    const schema = z.object({ expiresAt: date });
    const expiresAt = (value: z.infer<typeof schema>) => value.expiresAt;
    const options = { clock: clock.read, expiresAt };
    const { baseUrlTemplate } = emulator;
    const repositories = [
      new InMemoryRepository<string, z.infer<typeof schema>>(options),
      new InMemoryRepository(schema, options),
      new RedisRepository(schema, redis, { ...options, prefix: `expiry-${randomUUID()}` }),
      new RedisRepository(superjsonCodec(z.object({ expiresAt: z.date() })), redis, {
        ...options,
        prefix: "superjson",
      }),
      new PangeaVaultRepository(schema, "pts_demo", { ...options, baseUrlTemplate, folder: `/date-${randomUUID()}` }),
    ];
    for (const repository of repositories.flatMap((each) => [
      each,
      new CachedRepository(each, { ...options, ...bounds }),
    ])) {
      const key = randomUUID();
      await repository.set(key, { expiresAt: new Date(clock.read() + 1_500) });
      clock.advance(1_499);
      expect(await repository.get(key)).toEqual({ expiresAt: expect.any(Date) });
      clock.advance(1);
      expect(await repository.get(key)).toBeUndefined();
      await expect(repository.set(key, { expiresAt: new Date(Number.NaN) })).rejects.toThrow();
    }
  });

  it.each([
    ["drops it", z.object({ name: z.string() }), /drops its expiresAt/],
    [
      "makes milliseconds of it",
      z.object({
        name: z.string(),
        expiresAt: z.codec(z.number(), z.number(), { decode: (stored) => stored * 1000, encode: (given) => given }),
      }),
      /something else of its expiresAt/,
    ],
    [
      "makes another time of it",
      z.object({
        name: z.string(),
        expiresAt: z.codec(z.number(), z.number(), { decode: (stored) => stored, encode: (given) => given + 60 }),
      }),
      /another time/,
    ],
  ])("is refused where the schema %s: the record would live on", async (_, schema, reason) => {
    const prefix = `expiry-${randomUUID()}`;
    const repository = new RedisRepository<unknown>(schema, redis, { prefix });
    const value = { name: "a", expiresAt: Math.floor(Date.now() / 1000) + 60 };
    await expect(repository.set("key", value)).rejects.toMatchObject({
      code: "ERR_INVALID_RECORD",
      message: expect.stringMatching(reason),
    });
    expect(await redis.keys(`${prefix}*`)).toEqual([]);
  });

  it("may be rounded to seconds", async () => {
    const seconds = z.codec(z.int(), z.number(), { decode: (stored) => stored, encode: Math.floor });
    const repository = new InMemoryRepository(z.object({ expiresAt: seconds }));
    const inAMinute = Math.floor(Date.now() / 1000) + 60;
    await repository.set("key", { expiresAt: inAMinute + 0.5 });
    expect(await repository.get("key")).toEqual({ expiresAt: inAMinute });
  });
});

const bounds = { max: 100, maxStaleness: 1_000 };

describe.each<[string, () => unknown]>([
  ["seconds", () => Date.now() / 1000],
  ["NaN", () => Number.NaN],
  ["Infinity", () => Number.POSITIVE_INFINITY],
  ["undefined", () => undefined],
  ["a Date", () => new Date()],
])("a clock that gives %s", (_, wrongClock) => {
  const kept = new Map<string, { expiresAt: number }>();
  const backend = {
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: { expiresAt: number }) => void kept.set(key, value),
    delete: async (key: string) => kept.delete(key),
  };
  const past = { expiresAt: 1 };
  let isWrong: boolean;
  /** Right until the record is stored. */
  const clock = (): number => (isWrong ? Reflect.get(Object({ now: wrongClock() }), "now") : 0);
  const stored = new InMemoryRepository<string, { expiresAt: number }>({ clock: () => 0 });
  it.each<[string, () => Repository<string, { expiresAt: number }>]>([
    ["in memory", () => new InMemoryRepository({ clock })],
    ["in memory, as text", () => new InMemoryRepository(z.object({ expiresAt: z.number() }), { clock })],
    ["in one process", () => inOneProcess(backend, { clock })],
    ["behind a cache", () => new CachedRepository(stored, { max: 5, maxStaleness: 1_000, clock })],
  ])("reads no record %s, expired or not, and says what the clock must give", async (_where, make) => {
    isWrong = false;
    const repository = make();
    await repository.set("key", past);
    isWrong = true;
    const refusal = {
      code: "ERR_CONFIGURATION",
      message: expect.stringMatching(/^clock must give the time in milliseconds/),
    };
    await expect(repository.get("key")).rejects.toMatchObject(refusal);
    await expect(repository.take("key")).rejects.toMatchObject(refusal);
  });
});
