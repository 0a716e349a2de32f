import { randomUUID } from "node:crypto";
import { PGlite } from "@electric-sql/pglite";
import type { Redis } from "ioredis";
import { z } from "zod";
import type { Fault } from "../../src/emulator.ts";
import { StorageTimeoutError, StorageUnavailableError } from "../../src/errors.ts";
import { CachedRepository, type Indexes, KeyRing, type Repository, sealed } from "../../src/index.ts";
import { createPostgresTables, type PostgresLike, PostgresRepository } from "../../src/postgres.ts";
import { type OtherRedisClient, RedisRepository } from "../../src/redis.ts";
import { openSqlite, type SqliteDriver, type SqliteLike, SqliteRepository } from "../../src/sqlite.ts";
import { giveListings } from "../../src/storage/capabilities.ts";
import { LateLabels } from "../../src/storage/codecs/late-labels.ts";
import { InMemoryRepository } from "../../src/storage/in-memory.ts";
import { PangeaVaultRepository } from "../../src/vault.ts";
import { intercepted } from "./intercepted-repository.ts";
import { ManualClock } from "./manual-clock.ts";
import { otherMakes, useGlide } from "./other-redis-clients.ts";
import { classOf, type NumberedRecord } from "./plain-model.ts";
import { connectRedis } from "./redis-clients.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { setUp } from "./set-up.ts";
import { sqliteDirectory } from "./sqlite-subject.ts";
import { type UsedEmulator, useEmulator } from "./use-emulator.ts";

const recordSchema: z.ZodType<NumberedRecord> = z.object({
  number: z.number(),
  expiresAt: z.number().exactOptional(),
});
const keyRing = KeyRing.from("a secret that is long enough for a test");
const indexes: Indexes<NumberedRecord> = { class: classOf };

/** What befalls the calls of one step. */
export type Trouble = "none" | "refused" | "done, but the answer is lost";

/** A repository, or several in front of each other, and what can be done to it. */
export interface Stack {
  readonly repository: Repository<string, NumberedRecord>;
  readonly clock: ManualClock;
  /** Deletes what has expired, where the store does not do so by itself. */
  readonly sweep?: () => Promise<unknown>;
  /** Makes trouble for the next step; the answer ends it. */
  readonly trouble: (kind: Exclude<Trouble, "none">) => () => void;
  /** Holds each call up, before and after the store does it, by so many turns of the event loop. */
  readonly holdUp?: (turns: () => number) => void;
}

/** A stack on a store that has no faults of its own to switch on. */
const troubled = (store: Repository<string, NumberedRecord>, clock: ManualClock): Stack => {
  let trouble: Trouble = "none";
  let drawTurns = (): number => 0;
  const holdUp = async (): Promise<void> => {
    for (let turns = drawTurns(); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const front = intercepted(store, async <R>(run: () => Promise<R>): Promise<R> => {
    if (trouble === "refused") throw new StorageUnavailableError("The test refuses.", { effect: "none" });
    await holdUp();
    const answer = await run();
    await holdUp();
    if (trouble === "none") return answer;
    throw new StorageTimeoutError("The test lost the answer.");
  });
  giveListings(front, store);
  return {
    repository: front,
    clock,
    holdUp: (turns) => {
      drawTurns = turns;
    },
    trouble: (kind) => {
      trouble = kind;
      return () => {
        trouble = "none";
      };
    },
  };
};

const cached = (stack: Stack, maxStaleness = 20_000): Stack => ({
  ...stack,
  repository: new CachedRepository(stack.repository, { max: 2, maxStaleness, clock: stack.clock.read }),
});

const inMemory = (): Stack => {
  const clock = new ManualClock();
  return troubled(new InMemoryRepository<string, NumberedRecord>({ clock: clock.read, indexes }), clock);
};

/** Those after which the SDK does not wait and try again by itself; faults.test.ts has the others. */
const troubles: ((committed: boolean, times: number) => Fault)[] = [
  (committed, times) => ({ kind: "server-error", httpStatus: 501, committed, times }),
  (committed, times) => ({ kind: "html", httpStatus: 501, committed, times }),
];
const inVault = (
  emulator: UsedEmulator,
  strictTake: boolean,
  codec: ConstructorParameters<typeof PangeaVaultRepository<NumberedRecord>>[0] = labelled(),
): Stack => {
  const clock = new ManualClock();
  let next = 0;
  const options = {
    baseUrlTemplate: emulator.baseUrlTemplate,
    folder: `/model-${randomUUID()}`,
    kind: "model",
    indexes,
    clock: clock.read,
    strictTake,
    timeout: 2_000,
  };
  // Two tries, and the fault is over by the second or not.
  const internals = { delay: async () => undefined };
  const repository = new PangeaVaultRepository<NumberedRecord>(codec, "pts_demo", options, internals);
  return {
    repository,
    sweep: () => repository.sweep(),
    clock,
    trouble: (kind) => {
      next += 1;
      const fault = troubles[next % troubles.length];
      if (fault !== undefined) emulator.faults.inject(fault(kind === "done, but the answer is lost", 1 + (next % 3)));
      return () => emulator.faults.clear();
    },
  };
};

/** Plain records, whose labels have a key all the same. */
const labelled = () => {
  const labels = new LateLabels();
  labels.labelWith(keyRing);
  return labels.codec(recordSchema);
};

const inRedis = (redis: Redis | OtherRedisClient, seal: boolean): Stack => {
  const clock = new ManualClock();
  const codec = seal ? sealed(recordSchema, keyRing) : recordSchema;
  return troubled(
    new RedisRepository<NumberedRecord>(codec, redis, { prefix: `model-${randomUUID()}`, clock: clock.read, indexes }),
    clock,
  );
};

const inSqlite = (database: SqliteLike, seal: boolean): Stack => {
  const clock = new ManualClock();
  const codec = seal ? sealed(recordSchema, keyRing) : recordSchema;
  return troubled(
    new SqliteRepository<NumberedRecord>(codec, database, {
      table: `model-${randomUUID()}`,
      clock: clock.read,
      indexes,
    }),
    clock,
  );
};

const inPostgres = (postgres: PostgresLike): Stack => {
  const clock = new ManualClock();
  const options = { prefix: `model-${randomUUID()}`, clock: clock.read, indexes };
  return troubled(new PostgresRepository<NumberedRecord>(recordSchema, postgres, options), clock);
};

/** The names of the stacks, which a test can run over before the servers are up. */
export const stackNames = [
  "in memory",
  "a cache in front of memory",
  "a cache in front of a cache in front of memory",
  "Vault",
  "Vault with strictTake",
  "a cache in front of Vault",
  "sealed records in Vault",
  "Redis",
  "sealed records in Redis",
  "a cache in front of sealed records in Redis",
  "Redis by node-redis",
  "Redis by Valkey GLIDE",
  "SQLite by node:sqlite",
  "SQLite by better-sqlite3",
  "sealed records in SQLite",
  "a cache in front of SQLite",
  "Postgres",
  "a cache in front of Postgres",
] as const;

/** How many times a test draws what it does to a stack: over a connection a draw takes ten times as long as in memory. */
export function drawsOf(name: (typeof stackNames)[number]): number {
  return /Vault|Postgres/.test(name) ? 30 : 100;
}

/** Starts the servers that the stacks need before the tests, and ends them after the tests. */
export function useStacks(): {
  /** Opens a stack on an empty store. */ open(name: (typeof stackNames)[number]): Stack;
} {
  const emulator = useEmulator({ authn: false });
  useGlide();
  let server: RedisServer;
  let redis: Redis;
  let postgres: PGlite;
  setUp("file", async (parts) => {
    server = parts.use(await startRedisServer());
    redis = parts.use(await connectRedis(server));
    for (const { name, connect } of otherMakes) clients.set(name, parts.use(await connect(server)).client);
    const directory = parts.use(await sqliteDirectory());
    for (const driver of ["node:sqlite", "better-sqlite3"] as const) {
      const database = openSqlite(directory.file(), { driver });
      parts.defer(() => void database.close());
      databases.set(driver, database);
    }
    postgres = await PGlite.create();
    parts.defer(() => postgres.close());
    await createPostgresTables(postgres);
  });
  const clients = new Map<string, OtherRedisClient>();
  const otherRedis = (name: string): OtherRedisClient => {
    const client = clients.get(name);
    if (client === undefined) throw new Error("The client is not open yet");
    return client;
  };
  const databases = new Map<SqliteDriver, SqliteLike>();
  const sqlite = (driver: SqliteDriver, seal = false): Stack => {
    const database = databases.get(driver);
    if (database === undefined) throw new Error("The database is not open yet");
    return inSqlite(database, seal);
  };
  const openers: Record<(typeof stackNames)[number], () => Stack> = {
    "in memory": inMemory,
    "a cache in front of memory": () => cached(inMemory()),
    "a cache in front of a cache in front of memory": () => cached(cached(inMemory(), 5_000)),
    Vault: () => inVault(emulator, false),
    "Vault with strictTake": () => inVault(emulator, true),
    "a cache in front of Vault": () => cached(inVault(emulator, false)),
    "sealed records in Vault": () => inVault(emulator, false, sealed(recordSchema, keyRing)),
    Redis: () => inRedis(redis, false),
    "sealed records in Redis": () => inRedis(redis, true),
    "a cache in front of sealed records in Redis": () => cached(inRedis(redis, true)),
    "Redis by node-redis": () => inRedis(otherRedis("node-redis"), false),
    "Redis by Valkey GLIDE": () => inRedis(otherRedis("Valkey GLIDE"), false),
    "SQLite by node:sqlite": () => sqlite("node:sqlite"),
    "SQLite by better-sqlite3": () => sqlite("better-sqlite3"),
    "sealed records in SQLite": () => sqlite("node:sqlite", true),
    "a cache in front of SQLite": () => cached(sqlite("better-sqlite3")),
    Postgres: () => inPostgres(postgres),
    "a cache in front of Postgres": () => cached(inPostgres(postgres)),
  };
  return { open: (name) => openers[name]() };
}
