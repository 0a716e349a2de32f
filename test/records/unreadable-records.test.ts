import { randomUUID } from "node:crypto";
import { PGlite } from "@electric-sql/pglite";
import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import {
  CachedRepository,
  createInMemoryRepositories,
  type Grant,
  KeyRing,
  PangeaAuthnError,
  type Repository,
  sealed,
} from "../../src/index.ts";
import { createPostgresTables, PostgresRepository } from "../../src/postgres.ts";
import { OperatorGrants } from "../../src/provider/grants/operator-grants.ts";
import { GrantSchema } from "../../src/records/grant.ts";
import { RedisRepository } from "../../src/redis.ts";
import { openSqlite, type SqliteLike, SqliteRepository } from "../../src/sqlite.ts";
import { asCodec } from "../../src/storage/codecs/as-codec.ts";
import type { Codec } from "../../src/storage/codecs/codec.ts";
import { copyRepository } from "../../src/storage/copy-repository.ts";
import { isEnumerable } from "../../src/storage/enumerable.ts";
import { InMemoryRepository } from "../../src/storage/in-memory.ts";
import { hasIndexes } from "../../src/storage/indexed.ts";
import { PangeaVaultRepository } from "../../src/vault.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { setUp } from "../support/set-up.ts";
import { sqliteDirectory } from "../support/sqlite-subject.ts";
import { textCodec } from "../support/text-codec.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { useRedis } from "../support/use-redis.ts";

const emulator = useEmulator({ authn: false });
let redis: Redis;
useRedis((started) => {
  redis = started.redis;
});
let postgres: PGlite;
let sqlite: SqliteLike;
setUp("file", async (parts) => {
  const directory = parts.use(await sqliteDirectory());
  sqlite = openSqlite(directory.file());
  parts.defer(() => void sqlite.close());
  postgres = await PGlite.create();
  parts.defer(() => postgres.close());
  await createPostgresTables(postgres);
});

const own = KeyRing.from("the secret of this server, which is long enough");
const others = KeyRing.from("the secret of another server, which is long enough");
const indexes = { client: (grant: Grant) => grant.clientId };

type Grants = Repository<string, Grant> & { sweep?(): Promise<number> };

/** Where grants are kept: for which place they are sealed, and how a text gets there in place of a record. */
interface Place {
  readonly location: string;
  open(codec: Codec<Grant>, clock: () => number): Grants;
  plant(key: string, text: string): Promise<void>;
}

/** Every store, at a place that is empty. */
const stores: Record<string, () => Place> = {
  memory: () => {
    // Nobody else gets into the memory of a process: what is planted is read there in place of what was written.
    const written = new Map<string, string>();
    const planted = new Map<string, string>();
    const location = "memory";
    return {
      location,
      open: (codec, clock) => {
        const spoilt: Codec<Grant> = {
          ...codec,
          encode: (value, { key }) => {
            const text = codec.encode(value, { repository: location, key });
            written.set(key, text);
            return text;
          },
          decode: (text, { key }) => codec.decode(planted.get(text) ?? text, { repository: location, key }),
        };
        return new InMemoryRepository<string, Grant>(spoilt, { clock, indexes });
      },
      plant: async (key, text) => void planted.set(written.get(key) ?? "", text),
    };
  },
  SQLite: () => {
    const table = randomUUID();
    return {
      location: table,
      open: (codec, clock) => new SqliteRepository(codec, sqlite, { table, clock, indexes }),
      plant: async (key, text) => {
        sqlite.prepare(`INSERT OR REPLACE INTO "${table}" (key, value) VALUES (?, ?)`).run(key, text);
      },
    };
  },
  Redis: () => {
    const prefix = randomUUID();
    return {
      location: prefix,
      open: (codec, clock) => new RedisRepository(codec, redis, { prefix, clock, indexes }),
      plant: (key, text) => new RedisRepository<string>(textCodec, redis, { prefix }).set(key, text),
    };
  },
  Postgres: () => {
    const prefix = randomUUID();
    return {
      location: prefix,
      open: (codec, clock) => new PostgresRepository(codec, postgres, { prefix, clock, indexes }),
      plant: (key, text) => new PostgresRepository<string>(textCodec, postgres, { prefix }).set(key, text),
    };
  },
  Vault: () => {
    const options = { baseUrlTemplate: emulator.baseUrlTemplate, folder: `/${randomUUID()}`, kind: "grant" };
    return {
      location: `vault:${options.folder}:grant`,
      open: (codec, clock) => {
        // Labels in Vault need a seal.
        const settings = { ...options, clock, ...(codec.labels !== undefined && { indexes }) };
        return new PangeaVaultRepository(codec, "pts_demo", settings);
      },
      plant: (key, text) => new PangeaVaultRepository<string>(textCodec, "pts_demo", options).set(key, text),
    };
  },
};

const plain = asCodec(GrantSchema);
const codecs: Record<string, Codec<Grant>> = { "in plain": plain, sealed: sealed(GrantSchema, own) };

/** What is in the place of a record, whoever put it there. */
const texts: Record<string, (grant: Grant, place: { readonly repository: string; readonly key: string }) => string> = {
  "another server's sealed record": (grant, place) => sealed(GrantSchema, others).encode(grant, place),
  "a record that was sealed for another place": (grant, { repository }) =>
    sealed(GrantSchema, own).encode(grant, { repository, key: "another" }),
  "a sealed record that was cut short": (grant, place) => sealed(GrantSchema, own).encode(grant, place).slice(0, -9),
  "no JSON": () => "not a record",
  "no text at all": () => "",
  "a record of another kind": () => '{"owner":"somebody","expires_at":4000000000}',
  "a record whose expiry is no number": (grant, place) =>
    plain.encode(grant, place).replace(/"expires_at":\d+/, '"expires_at":"soon"'),
};

const unreadable = /^ERR_(CORRUPT_RECORD|UNSEALABLE)$/;

/** The code of the error that a call rejects with. Whatever else is thrown fails the test. */
async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (failure) {
    if (failure instanceof PangeaAuthnError) return failure.code;
    throw failure;
  }
}

async function scene(place: Place, codec: Codec<Grant>, text: (typeof texts)[string], isCached: boolean) {
  const clock = new ManualClock();
  const grantFor = (clientId: string, seconds = 1_000): Grant => ({
    clientId,
    subject: "ada",
    scopes: [],
    createdAt: clock.seconds(),
    expiresAt: clock.seconds(seconds),
  });
  const stored = place.open(codec, clock.read);
  const one = grantFor("one");
  await stored.set("before", one);
  await stored.set("bad", { ...one, createdAt: one.createdAt + 1 });
  await stored.set("over", grantFor("one", 10));
  await stored.set("other", grantFor("other"));
  await place.plant("bad", text(one, { repository: place.location, key: "bad" }));
  // Another instance: this one remembers what it wrote.
  const fresh = place.open(codec, clock.read);
  const reading: Grants = stored instanceof InMemoryRepository ? stored : fresh;
  clock.advanceSeconds(11);
  const grants: Grants = isCached
    ? new CachedRepository(reading, { max: 100, maxStaleness: 60_000, clock: clock.read })
    : reading;
  return { clock, grants, grantFor, stored: reading };
}

type Scene = Awaited<ReturnType<typeof scene>>;

async function keysOf(listing: AsyncIterable<[string, unknown]>): Promise<readonly [string[], string | undefined]> {
  const keys: string[] = [];
  const failure = await codeOf(
    (async () => {
      for await (const [key] of listing) keys.push(key);
    })(),
  );
  return [keys.sort(), failure];
}

/** What anybody does with such a store, and what comes of it: the others are served, and what is wrong is said. */
const deeds: Record<string, (scene: Scene) => Promise<void>> = {
  "reads, takes and adds": async ({ grants, grantFor }) => {
    for (const read of ["get", "take", "get"] as const) expect(await codeOf(grants[read]("bad"))).toMatch(unreadable);
    const added = await grants.add("bad", grantFor("new")).catch((failure: { code: string }) => failure.code);
    expect(String(added)).toMatch(/^(false|ERR_CORRUPT_RECORD|ERR_UNSEALABLE)$/);
    expect((await grants.get("before"))?.clientId).toBe("one");
    expect((await grants.take("before"))?.clientId).toBe("one");
  },
  "lists everything": async ({ grants }) => {
    if (!isEnumerable(grants)) throw new TypeError("It lists nothing.");
    expect(await keysOf(grants.entries())).toEqual([["before", "other"], "ERR_UNREADABLE_RECORDS"]);
  },
  "searches by an index": async ({ grants }) => {
    if (!hasIndexes(grants) || !grants.indexNames.includes("client")) return;
    const [keys, failure] = await keysOf(grants.entriesBy("client", "one"));
    expect(keys).toEqual(["before"]);
    // What the index can tell to be somebody else's is not meant.
    expect([undefined, "ERR_UNREADABLE_RECORDS"]).toContain(failure);
  },
  sweeps: async ({ grants, stored }) => {
    if (stored.sweep === undefined) return;
    expect(await codeOf(stored.sweep())).toBe("ERR_UNREADABLE_RECORDS");
    expect(await grants.delete("over")).toBe(false);
    expect((await grants.get("before"))?.clientId).toBe("one");
    expect(await codeOf(grants.get("bad"))).toMatch(unreadable);
  },
  "copies it elsewhere": async ({ clock, grants }) => {
    const target = new InMemoryRepository<string, Grant>({ clock: clock.read });
    expect(await codeOf(copyRepository(grants, target))).toBe("ERR_UNREADABLE_RECORDS");
    expect((await keysOf(target.entries()))[0]).toEqual(["before", "other"]);
  },
  "copies something there": async ({ clock, grants, grantFor }) => {
    const source = new InMemoryRepository<string, Grant>({ clock: clock.read });
    for (const key of ["bad", "before", "new"]) await source.set(key, grantFor("copied"));
    expect(await codeOf(copyRepository(source, grants, { removeMissing: true }))).toBe("ERR_UNREADABLE_RECORDS");
    for (const key of ["before", "new"]) expect((await grants.get(key))?.clientId).toBe("copied");
    expect(await grants.get("other")).toBeUndefined();
    expect(await codeOf(grants.get("bad"))).toMatch(unreadable);
  },
  "ends everybody's grants": async ({ clock, grants }) => {
    const repositories = { ...createInMemoryRepositories({ clock: clock.read }), grants };
    const operator = new OperatorGrants(repositories, { clock: clock.read, tell: () => {} });
    expect(await codeOf(operator.revokeAll({}))).toBe("ERR_UNREADABLE_RECORDS");
    for (const key of ["before", "other"]) expect(await operator.get(key)).toBeUndefined();
    const [listed, failure] = await keysOf(
      (async function* () {
        for await (const grant of operator.list({})) yield [grant.grantId, grant] as [string, unknown];
      })(),
    );
    expect([listed, failure]).toEqual([[], "ERR_UNREADABLE_RECORDS"]);
  },
  "deletes it by its key": async ({ grants }) => {
    expect(await grants.delete("bad")).toBe(true);
    expect(await grants.get("bad")).toBeUndefined();
  },
};

describe.each(Object.entries(stores))("a record that cannot be read in %s", (storeName, open) => {
  describe.each(Object.entries(codecs))("among records %s", (_, codec) => {
    it.each(
      Object.entries(texts)
        // Vault takes no empty text.
        .filter(([name]) => storeName !== "Vault" || name !== "no text at all")
        .flatMap(([name, text]) => Object.entries(deeds).map(([deed, act]) => [name, deed, text, act] as const)),
    )("%s stops nothing where somebody %s", async (_name, _deed, text, act) => {
      for (const isCached of [false, true]) await act(await scene(open(), codec, text, isCached));
    });
  });
});
