import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import {
  cacheRepositories,
  createInMemoryRepositories,
  KeyRing,
  McpOAuthProvider,
  type McpOAuthProviderOptions,
} from "../../src/index.ts";
import { recordKinds } from "../../src/records/repositories.ts";
import { createSqliteRepositories, openSqlite, type SqliteRepositoriesOptions } from "../../src/sqlite.ts";
import { claimDatabase, type Migration } from "../../src/storage/sqlite/schema-version.ts";
import { columnOf, type SqliteLike } from "../../src/storage/sqlite/sqlite-like.ts";
import { FakeUpstream } from "../support/fake-upstream.ts";
import { setUp } from "../support/set-up.ts";
import { sqliteDirectory, sqliteDrivers } from "../support/sqlite-subject.ts";

const keys = KeyRing.from("a secret for the records in SQLite, long enough");
const otherKeys = KeyRing.from("another secret for the records, long enough");
const lock = { owner: "confidential", expiresAt: 4_000_000_000 };

describe.each(sqliteDrivers)("with %s", (driver) => {
  let directory: Awaited<ReturnType<typeof sqliteDirectory>>;
  setUp("test", async (parts) => {
    directory = parts.use(await sqliteDirectory());
  });
  const open = (file: string, options: SqliteRepositoriesOptions = {}) =>
    createSqliteRepositories(file, { driver, ...options });
  const pragmaOf = (database: SqliteLike, name: string): unknown =>
    columnOf(database.prepare(`PRAGMA ${name}`).get(), name);

  it("the records are there after the file was closed and opened again", async () => {
    const file = directory.file();
    await using before = open(file, { keys });
    await before.locks.set("key", lock);
    await before.close();
    await using after = createSqliteRepositories(pathToFileURL(file), { driver, keys });
    expect(await after.locks.get("key")).toEqual(lock);
    expect(await after.grants.get("key"), "each kind has a table of its own").toBeUndefined();
  });

  it("the file and those beside it are for this user only, also where they were not", async () => {
    const file = directory.file("state.db");
    await using first = open(file);
    await first.locks.set("key", lock);
    const names = readdirSync(directory.path);
    expect(names.sort()).toEqual(["state.db", "state.db-shm", "state.db-wal"]);
    const modes = () => names.map((name) => statSync(`${directory.path}/${name}`).mode & 0o777);
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
    for (const name of names) chmodSync(`${directory.path}/${name}`, 0o644);
    await using _ = open(file);
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
  });

  it("the file is in WAL with a schema version, strict tables, and commits that wait for the disk", async () => {
    const file = directory.file();
    await using _ = open(file);
    const database = openSqlite(file, { driver });
    expect(pragmaOf(database, "journal_mode")).toBe("wal");
    expect(pragmaOf(database, "user_version")).toBe(2);
    expect(pragmaOf(database, "synchronous")).toBe(2);
    expect(columnOf(database.prepare("PRAGMA busy_timeout").get(), "timeout")).toBe(5);
    const lists = database.prepare("SELECT name, strict FROM pragma_table_list WHERE name LIKE 'pangea-%'").all();
    expect(lists.length).toBe(Object.keys(createInMemoryRepositories()).length);
    expect(lists.map((row) => columnOf(row, "strict"))).toEqual(lists.map(() => 1));
    database.close();
  });

  it("an empty file becomes the package's own", async () => {
    const file = directory.file();
    writeFileSync(file, "");
    await using repositories = open(file);
    await repositories.locks.set("key", lock);
    expect(await repositories.locks.get("key")).toEqual(lock);
  });

  it("with keys nothing is in the file in plain text, and other keys open none of it", async () => {
    const file = directory.file();
    await using repositories = open(file, { keys });
    await repositories.locks.set("key", lock);
    await repositories.close();
    expect(readFileSync(file).includes("confidential")).toBe(false);
    await using others = open(file, { keys: otherKeys });
    await expect(others.locks.get("key")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
    await expect(others.locks.take("key")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
    await others.close();
    await using again = open(file, {
      keys: KeyRing.from([
        "another secret for the records, long enough",
        "a secret for the records in SQLite, long enough",
      ]),
    });
    expect(await again.locks.take("key")).toEqual(lock);
  });

  describe("given to a provider", () => {
    const provide = (
      repositories: McpOAuthProviderOptions["repositories"],
      secret = "a secret of the provider, which is long enough",
    ) =>
      new McpOAuthProvider({
        baseUrl: "https://mcp.example",
        scopes: ["user"],
        upstream: new FakeUpstream(Date.now),
        secret,
        ...(repositories !== undefined && { repositories }),
      });
    const isPlain = (file: string): boolean => readFileSync(file).includes("confidential");

    it.each([
      ["as they are", (repositories: ReturnType<typeof open>) => repositories],
      [
        "behind caches",
        (repositories: ReturnType<typeof open>) => cacheRepositories(repositories, { maxStaleness: 1_000 }),
      ],
      [
        "with another one in the place of one",
        (repositories: ReturnType<typeof open>) => ({ ...repositories, clients: createInMemoryRepositories().clients }),
      ],
    ])("%s they are sealed by its secret", async (_, wrap) => {
      const file = directory.file();
      const repositories = open(file);
      provide(wrap(repositories));
      await repositories.locks.set("key", lock);
      await repositories.close();
      expect(isPlain(file)).toBe(false);
      await using later = open(file);
      provide(later);
      expect(await later.locks.get("key")).toEqual(lock);
      await using strange = open(file);
      provide(strange, "the secret of another provider, long enough");
      await expect(strange.locks.get("key")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
    });

    it("they keep the keys that they were given, and plain text where that was asked for", async () => {
      const [sealedFile, plainFile] = [directory.file(), directory.file()];
      const own = open(sealedFile, { keys });
      const plain = open(plainFile, { keys: "none" });
      for (const repositories of [own, plain]) {
        provide(repositories);
        await repositories.locks.set("key", lock);
        await repositories.close();
      }
      expect([isPlain(sealedFile), isPlain(plainFile)]).toEqual([false, true]);
      await using again = open(sealedFile, { keys });
      expect(await again.locks.get("key")).toEqual(lock);
    });

    it("two providers with secrets of their own cannot seal the same repositories, nor one those that were used in plain text", async () => {
      await using shared = open(directory.file());
      provide(shared);
      provide(shared);
      expect(() => provide(shared, "the secret of another provider, long enough")).toThrowError(
        expect.objectContaining({ code: "ERR_CONFIGURATION" }),
      );
      await using used = open(directory.file());
      await used.locks.set("key", lock);
      expect(() => provide(used)).toThrowError(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
    });
  });

  it("the ids of the keys that were given are there for the provider to announce, so that a rotation ends no login", async () => {
    await using own = open(directory.file(), { keys });
    await using plain = open(directory.file(), { keys: "none" });
    await using late = open(directory.file());
    expect([own, plain, late].map(({ sealingKeyIds }) => sealingKeyIds)).toEqual([keys.ids, undefined, undefined]);
    expect(cacheRepositories(own, { maxStaleness: 1_000 }).sealingKeyIds).toEqual(keys.ids);
  });

  it("namespaces in one file keep their records apart", async () => {
    const file = directory.file();
    await using one = open(file, { keys: "none", namespace: "one" });
    await using two = open(file, { keys: "none", namespace: "two" });
    await one.locks.set("key", lock);
    expect(await two.locks.get("key")).toBeUndefined();
    for await (const [key] of two.locks.entries()) expect(key).toBe("none");
  });

  it.each(["", "A", "a b", "x".repeat(41), "sqlite_a"])("the namespace %j is refused", (namespace) => {
    expect(() => open(directory.file(), { namespace })).toThrowError(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });

  it("closing waits for the calls under way, and ends all others", async () => {
    const file = directory.file();
    const repositories = open(file, { keys: "none" });
    const writing = repositories.locks.set("key", lock);
    const reading = repositories.grants.get("key");
    await Promise.all([repositories.close(), repositories.close(), repositories[Symbol.asyncDispose]()]);
    await Promise.all([writing, reading]);
    await expect(repositories.locks.get("key")).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
    await using again = open(file, { keys: "none" });
    expect(await again.locks.get("key")).toEqual(lock);
  });

  it("a file of the first version is brought to this one, and its grants are found by their user", async () => {
    const file = directory.file();
    const database = openSqlite(file, { driver });
    const grantText = (subject: string): string =>
      JSON.stringify({ client_id: "client", subject, scopes: [], created_at: 1, expires_at: 4_000_000_000 });
    for (const kind of recordKinds) {
      database.exec(
        `CREATE TABLE "pangea-${kind}" (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, expires_at REAL) STRICT`,
      );
    }
    const insert = database.prepare('INSERT INTO "pangea-grant" VALUES (?, ?, 4000000000000)');
    for (let number = 0; number < 450; number += 1)
      insert.run(`grant ${number}`, grantText(number % 150 === 0 ? "ada" : "bob"));
    database.exec(`PRAGMA application_id = ${0x504d4350}; PRAGMA user_version = 1`);
    database.close();

    await using repositories = open(file, { keys: "none" });
    const found = async (subject: string): Promise<string[]> => {
      const keys: string[] = [];
      for await (const [key] of repositories.grants.entriesBy("subject", subject)) keys.push(key);
      return keys.sort();
    };
    const unlabelled = (): unknown => {
      const other = openSqlite(file, { driver });
      const row = other.prepare('SELECT count(*) AS number FROM "pangea-grant" WHERE scheme IS NULL').get();
      other.close();
      return columnOf(row, "number");
    };
    expect(unlabelled()).toBe(450);
    expect(await found("ada")).toEqual(["grant 0", "grant 150", "grant 300"]);
    expect(unlabelled()).toBe(0);
    expect(await found("ada")).toEqual(["grant 0", "grant 150", "grant 300"]);
    expect(await found("bob")).toHaveLength(447);
  });

  it("migrations run once, in their order, over the tables that are there, and a failed one leaves no trace", () => {
    const database = openSqlite(directory.file(), { driver });
    claimDatabase(database, ["a", "b"], []);
    const ran: string[] = [];
    const note =
      (name: string): Migration =>
      (_, tables) =>
        void ran.push(`${name}: ${tables.join()}`);
    const addColumn: Migration = (connection, tables) => {
      for (const table of tables) connection.exec(`ALTER TABLE "${table}" ADD COLUMN extra TEXT`);
    };
    const fail: Migration = () => {
      throw new RangeError("The test fails.");
    };
    expect(() => claimDatabase(database, ["a", "b"], [addColumn, fail])).toThrow(RangeError);
    expect(pragmaOf(database, "user_version")).toBe(1);
    claimDatabase(database, ["a", "b"], [addColumn, note("third")]);
    expect(pragmaOf(database, "user_version")).toBe(3);
    claimDatabase(database, ["a", "b", "c"], [addColumn, note("third"), note("fourth")]);
    claimDatabase(database, ["a", "b", "c"], [addColumn, note("third"), note("fourth")]);
    expect(ran).toEqual(["third: a,b", "fourth: a,b"]);
    expect(() => claimDatabase(database, ["a"], [addColumn])).toThrowError(
      expect.objectContaining({ code: "ERR_STORAGE_REJECTED" }),
    );
    database.close();
  });
});
