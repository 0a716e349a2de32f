import { randomUUID } from "node:crypto";
import { PGlite } from "@electric-sql/pglite";
import type { Pool } from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  createPostgresRepositories,
  createPostgresTables,
  type PostgresLike,
  PostgresRepository,
  type PostgresRepositoryOptions,
  postgresMigration,
  postgresOptions,
} from "../../../src/postgres.ts";
import { KeyRing } from "../../../src/secrets/key-ring.ts";
import { sealed } from "../../../src/storage/codecs/sealed.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { openPostgresPool } from "../../support/postgres-pool.ts";
import { type PostgresServer, startPostgresServer } from "../../support/postgres-server.ts";
import { setUp } from "../../support/set-up.ts";

const schema = z.object({ name: z.string(), expiresAt: z.number().exactOptional() });
type Named = z.infer<typeof schema>;
const ada = { name: "Ada" };

/** A client that writes down what it sends. */
function recorded(client: PostgresLike) {
  const sent: string[] = [];
  const recording: PostgresLike = {
    query: (text, values) => {
      sent.push(text.trim().split(/\s+/, 1)[0] ?? "");
      return client.query(text, values);
    },
  };
  return { recording, sent };
}

/** A client whose first queries fail with what the test says. */
function failing(client: PostgresLike, ...failures: readonly Error[]) {
  const left = [...failures];
  const { recording, sent } = recorded(client);
  const query: PostgresLike["query"] = (text, values) => {
    const answer = recording.query(text, values);
    const failure = left.shift();
    return failure === undefined ? answer : answer.then(() => Promise.reject(failure));
  };
  return { client: { query }, sent };
}

describe("over PGlite", () => {
  let client: PGlite;
  setUp("file", async (parts) => {
    client = await PGlite.create();
    parts.defer(() => client.close());
    await createPostgresTables(client);
  });
  const repositoryOn = (on: PostgresLike, options: Partial<PostgresRepositoryOptions<Named>> = {}) =>
    new PostgresRepository(schema, on, { prefix: randomUUID(), ...options });

  it("reads what one turn asks for in one statement, of several kinds too", async () => {
    const { recording, sent } = recorded(client);
    const { accessTokens, grants, clients } = createPostgresRepositories(recording, { namespace: "turn" });
    await Promise.all([accessTokens.get("a"), grants.get("a"), clients.get("a"), accessTokens.get("a")]);
    expect(sent).toEqual(["SELECT"]);
  });

  it.each([
    ["get", 1],
    ["set", 1],
    ["add", 1],
    ["delete", 1],
    ["take", 2],
  ] as const)("%s sends %i statements", async (method, statements) => {
    const { recording, sent } = recorded(client);
    const repository = repositoryOn(recording);
    await repository.set("a", ada);
    sent.length = 0;
    await repository[method]("a", ada);
    expect(sent).toHaveLength(statements);
  });

  it("keeps expired rows until a few hundred writes later, and then removes them", async () => {
    const clock = new ManualClock();
    const repository = repositoryOn(client, { clock: clock.read });
    for (let number = 0; number < 50; number += 1) {
      await repository.set(`old-${number}`, { name: "old", expiresAt: clock.seconds(10) });
    }
    const rows = async () =>
      (await client.query("SELECT key FROM pangea_records WHERE key LIKE '%:old-%'")).rows.length;
    clock.advanceSeconds(11);
    expect([await repository.get("old-0"), await rows()]).toEqual([undefined, 50]);
    clock.advanceSeconds(300);
    for (let number = 0; number < 100; number += 1) await repository.set("new", ada);
    await expect.poll(rows).toBe(0);
    expect(await repository.get("new")).toEqual(ada);
  });

  it("tells of expired rows that it could not remove, and of nothing else", async () => {
    const failures: unknown[] = [];
    const query: PostgresLike["query"] = async (text, values) => {
      if (text.includes("SKIP LOCKED")) throw new Error("The test refuses.");
      return client.query(text, values);
    };
    const repository = repositoryOn({ query }, { onRemovalFailure: (error) => failures.push(error) });
    for (let number = 0; number < 100; number += 1) await repository.set("a", ada);
    await expect.poll(() => failures).toEqual([expect.objectContaining({ code: "ERR_STORAGE_UNAVAILABLE" })]);
  });

  const undone = Object.assign(new Error("could not serialize"), { code: "40001" });
  const lost = new Error("Connection terminated unexpectedly");

  it("sends a write again that Postgres undid, a few times", async () => {
    const few = failing(client, undone, undone);
    await repositoryOn(few.client).set("a", ada);
    expect(few.sent).toHaveLength(3);
    const many = failing(client, ...Array<Error>(9).fill(undone));
    await expect(repositoryOn(many.client).set("a", ada)).rejects.toMatchObject({ effect: "none" });
    expect(many.sent).toHaveLength(5);
  });

  it("sends a read whose connection was lost once more, and a write never", async () => {
    const read = failing(client, lost);
    await expect(repositoryOn(read.client).get("a")).resolves.toBeUndefined();
    expect(read.sent).toHaveLength(2);
    for (const method of ["set", "add", "delete"] as const) {
      const write = failing(client, lost);
      await expect(repositoryOn(write.client)[method]("a", ada)).rejects.toMatchObject({
        code: "ERR_STORAGE_UNAVAILABLE",
        effect: "unknown",
      });
      expect(write.sent).toHaveLength(1);
    }
  });

  it.each([
    ["get", "none"],
    ["set", "unknown"],
    ["take", "none"],
  ] as const)("gives up a %s that is never answered", async (method, effect) => {
    const silent: PostgresLike = { query: () => new Promise(() => undefined) };
    const answer = repositoryOn(silent, { timeout: 50 })[method]("a", ada);
    await expect(answer).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect });
  });

  it("reads what Neon's neon() answers with: the rows alone", async () => {
    const query: PostgresLike["query"] = async (text, values) => (await client.query(text, values)).rows;
    const repository = repositoryOn({ query });
    await repository.set("a", ada);
    expect([await repository.get("a"), await repository.take("a"), await repository.get("a")]).toEqual([
      ada,
      ada,
      undefined,
    ]);
  });

  it("leaves a record that it cannot open where it is", async () => {
    const keys = KeyRing.from("the first secret, which is long enough");
    const others = KeyRing.from("another secret, which is long enough too");
    const expiresAt = Math.floor(Date.now() / 1_000) + 60;
    const sealedOnes = createPostgresRepositories(client, { namespace: "ring", keys });
    await sealedOnes.locks.set("a", { owner: "somebody", expiresAt });
    const unable = createPostgresRepositories(client, { namespace: "ring", keys: others });
    await expect(unable.locks.take("a")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
    expect(await sealedOnes.locks.take("a")).toEqual({ owner: "somebody", expiresAt });
  });

  it("keeps the namespaces of two servers apart", async () => {
    const expiresAt = Math.floor(Date.now() / 1_000) + 60;
    const one = createPostgresRepositories(client, { namespace: "one" });
    const other = createPostgresRepositories(client, { namespace: "one-lock" });
    await one.locks.set("a", { owner: "one", expiresAt });
    expect(await other.locks.get("a")).toBeUndefined();
    const listed = [];
    for await (const [key] of one.locks.entries()) listed.push(key);
    for await (const [key] of other.locks.entries()) listed.push(key);
    expect(listed).toEqual(["a"]);
  });

  it("lists what is there, page by page", async () => {
    const repository = repositoryOn(client);
    const all = Array.from({ length: 1_203 }, (_, number) => `key-${String(number).padStart(5, "0")}`);
    await Promise.all(all.map((key) => repository.set(key, { name: key })));
    const listed: string[] = [];
    for await (const [key, { name }] of repository.entries()) listed.push(key === name ? key : "another's");
    expect(listed).toEqual(all);
  });

  it("says at the end of a listing what it could not read", async () => {
    const prefix = randomUUID();
    const keys = KeyRing.from("a secret that is long enough for a test");
    const strangers = KeyRing.from("another secret that is long enough for a test");
    const repository = new PostgresRepository(sealed(schema, keys), client, { prefix });
    await repository.set("a", ada);
    await new PostgresRepository(sealed(schema, strangers), client, { prefix }).set("b", ada);
    await new PostgresRepository(schema, client, { prefix }).set("c", ada);
    await repository.set("d", ada);
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

  it.each(["\0", "half \ud800", "x".repeat(2_100), ""])("refuses the key %j", async (key) => {
    await expect(repositoryOn(client).get(key)).rejects.toMatchObject({ code: "ERR_INVALID_KEY" });
  });

  it("takes any text that UTF-8 holds into records, and refuses the rest", async () => {
    const repository = repositoryOn(client);
    for (const name of ["\0", "💾", "'; DROP TABLE pangea_records; --", "\\", "\u2028"]) {
      await repository.set("a", { name });
      expect(await repository.get("a")).toEqual({ name });
    }
    const odd = { encode: (name: string) => name, decode: (name: string) => name };
    const plain = new PostgresRepository(odd, client, { prefix: "odd" });
    for (const text of ["\0", "\ud800"]) {
      await expect(plain.set("a", text)).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
    }
  });

  it("is closed once it is disposed of, and leaves the client open", async () => {
    const repository = repositoryOn(client);
    const under = repository.set("a", ada);
    await repository[Symbol.asyncDispose]();
    await expect(under).resolves.toBeUndefined();
    for (const method of ["get", "set", "add", "delete", "take"] as const) {
      await expect(repository[method]("a", ada)).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED", effect: "none" });
    }
    expect((await client.query("SELECT 1 AS one", [])).rows).toHaveLength(1);
  });
});

describe("what is refused at once", () => {
  const client: PostgresLike = { query: async () => [] };
  it.each([
    ["no client", undefined, { prefix: "a" }],
    ["a client without query", {}, { prefix: "a" }],
    ["an empty prefix", client, { prefix: "" }],
    ["a prefix with a colon", client, { prefix: "a:b" }],
    ["a table with a quote", client, { prefix: "a", table: 'a"b' }],
    ["a table with a statement", client, { prefix: "a", table: "a; DROP TABLE b" }],
    ["a table with two dots", client, { prefix: "a", table: "a.b.c" }],
    ["a timeout of 0", client, { prefix: "a", timeout: 0 }],
  ])("%s", (_, given, options) => {
    const build = () => Reflect.construct(PostgresRepository, [schema, given, options]);
    expect(build).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });

  it("a namespace outside its alphabet", () => {
    const build = () => createPostgresRepositories(client, { namespace: "A" });
    expect(build).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });
});

it("prints a migration with a table and its indexes", () => {
  expect(postgresMigration("auth.records")).toMatch(
    /CREATE TABLE IF NOT EXISTS "auth"\."records" \([\s\S]+"records_expiry"/,
  );
  expect(() => postgresMigration("a b")).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
});

describe("on a server", () => {
  let server: PostgresServer;
  const pools: Pool[] = [];
  setUp("file", async (parts) => {
    server = parts.use(await startPostgresServer());
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
  });
  const newPool = (options: object = {}): Pool => {
    const pool = openPostgresPool({
      connectionString: server.url,
      max: 4,
      ...postgresOptions({ timeout: 10_000 }),
      ...options,
    });
    pools.push(pool);
    return pool;
  };

  it("creates its tables from several instances at once", async () => {
    const instances = Array.from({ length: 6 }, () => newPool());
    await Promise.all(instances.map((pool) => createPostgresTables(pool, "created_at_once")));
    const repository = new PostgresRepository(schema, newPool(), { prefix: "a", table: "created_at_once" });
    expect(await repository.add("a", ada)).toBe(true);
  });

  it("says which table is missing, and what makes it", async () => {
    const repository = new PostgresRepository(schema, newPool(), { prefix: "a", table: "missing" });
    await expect(repository.get("a")).rejects.toMatchObject({
      code: "ERR_STORAGE_REJECTED",
      message: expect.stringContaining("createPostgresTables()"),
    });
  });

  it("is exact where the database isolates transactions as strictly as it can", async () => {
    const strict = newPool({ options: "-c default_transaction_isolation=serializable" });
    await createPostgresTables(strict);
    const repository = new PostgresRepository(schema, strict, { prefix: "strict", timeout: 10_000 });
    const added = await Promise.all(Array.from({ length: 20 }, () => repository.add("a", ada)));
    expect(added.filter(Boolean)).toHaveLength(1);
    const taken = await Promise.all(Array.from({ length: 20 }, () => repository.take("a")));
    expect(taken.filter((record) => record !== undefined)).toHaveLength(1);
  });

  it("survives a restart of Postgres, an idle pool's too", async () => {
    const pool = newPool();
    await createPostgresTables(pool);
    const repository = new PostgresRepository(schema, pool, { prefix: "restart", timeout: 10_000 });
    await repository.set("a", ada);
    await server.stop();
    await expect(repository.get("a")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    await expect(repository.set("a", ada)).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    await server.restart();
    expect(await repository.get("a")).toEqual(ada);
    await server.restart();
    expect(await repository.get("a")).toEqual(ada);
  });

  it("cancels in Postgres what a lock holds up", async () => {
    const pool = newPool(postgresOptions({ timeout: 1_000 }));
    await createPostgresTables(pool);
    const repository = new PostgresRepository(schema, pool, { prefix: "locked", timeout: 10_000 });
    await repository.set("a", ada);
    const other = await newPool().connect();
    try {
      await other.query("BEGIN");
      await other.query("SELECT * FROM pangea_records WHERE key = 'locked:a' FOR UPDATE");
      await expect(repository.delete("a")).rejects.toMatchObject({ effect: "none" });
      await other.query("COMMIT");
    } finally {
      other.release();
    }
    expect(await repository.get("a")).toEqual(ada);
  });
});
