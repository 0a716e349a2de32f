import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, test } from "vitest";
import {
  createSqliteRepositories,
  openSqlite,
  type SqliteDriver,
  type SqliteLike,
  SqliteRepository,
} from "../../../src/sqlite.ts";
import { columnOf } from "../../../src/storage/sqlite/sqlite-like.ts";
import { setUp } from "../../support/set-up.ts";
import { smallDisk } from "../../support/small-disk.ts";
import { sqliteDirectory, sqliteDrivers } from "../../support/sqlite-subject.ts";
import { textCodec } from "../../support/text-codec.ts";

describe.each(sqliteDrivers)("over %s", (driver) => {
  let directory: Awaited<ReturnType<typeof sqliteDirectory>>;
  setUp("test", async (parts) => {
    directory = parts.use(await sqliteDirectory());
  });
  const create = (file: string) => () => createSqliteRepositories(file, { driver, keys: "none" });

  /** What is in the way of opening, made at a path; the answer is the path to open. */
  const obstacles: readonly (readonly [what: string, make: (file: string) => string, code: string])[] = [
    ["a directory that is missing", (file) => join(file, "state.db"), "ERR_STORAGE_UNAVAILABLE"],
    [
      "a file in place of its directory",
      (file) => {
        writeFileSync(file, "x");
        return join(file, "state.db");
      },
      "ERR_STORAGE_UNAVAILABLE",
    ],
    [
      "a directory in place of the file",
      (file) => {
        mkdirSync(file);
        return file;
      },
      "ERR_STORAGE_REJECTED",
    ],
    ["a device in place of the file", () => "/dev/null", "ERR_STORAGE_REJECTED"],
    [
      "a file that is no database",
      (file) => {
        writeFileSync(file, "this is a letter, and no database at all\n".repeat(100));
        return file;
      },
      "ERR_STORAGE_REJECTED",
    ],
    [
      "a database of another program, by its tables",
      (file) => {
        withDatabase(driver, file, (database) => database.exec("CREATE TABLE people (name TEXT)"));
        return file;
      },
      "ERR_STORAGE_REJECTED",
    ],
    [
      "a database of another program, by its version",
      (file) => {
        withDatabase(driver, file, (database) => database.exec("PRAGMA user_version = 7"));
        return file;
      },
      "ERR_STORAGE_REJECTED",
    ],
    [
      "a file of a newer version",
      (file) => {
        void create(file)().close();
        withDatabase(driver, file, (database) => database.exec("PRAGMA user_version = 1000"));
        return file;
      },
      "ERR_STORAGE_REJECTED",
    ],
    [
      "a file whose first page is damaged",
      (file) => {
        withDatabase(driver, file, (database) => database.exec("CREATE TABLE t (x); PRAGMA wal_checkpoint(TRUNCATE)"));
        overwrite(file, 100, Buffer.alloc(1_000, 0xa5));
        return file;
      },
      "ERR_STORAGE_REJECTED",
    ],
  ];

  it.each(obstacles)("%s is a typed error with a remedy, and stays as it is", (_, make, code) => {
    const file = make(directory.file());
    const before = contentOf(file);
    const failure = failureOf(create(file));
    expect(failure).toMatchObject({ code, effect: "none" });
    expect(contentOf(file)).toEqual(before);
  });

  it("a damaged page is an error of the calls that need it, never an absent record", async () => {
    const file = directory.file();
    withDatabase(driver, file, (database) => {
      new SqliteRepository<string>(textCodec, database, { table: "t" });
      const insert = database.prepare("INSERT INTO t (key, value, expires_at) VALUES (?, ?, NULL)");
      for (let index = 0; index < 200; index++) insert.run(`key ${index}`, "x".repeat(500));
      database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    });
    for (let page = 3; page * 4096 < statSync(file).size; page++) {
      overwrite(file, page * 4096, Buffer.alloc(4096, 0xa5));
    }
    const database = openSqlite(file, { driver });
    const repository = new SqliteRepository<string>(textCodec, database, { table: "t" });
    const calls = [
      () => repository.get("key 1"),
      () => Promise.all([repository.get("key 1"), repository.get("key 2")]),
      () => repository.set("key 1", "y"),
      () => repository.add("key 1", "y"),
      () => repository.take("key 1"),
      () => repository.delete("key 1"),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: "ERR_STORAGE_REJECTED", effect: "none" });
    database.close();
  });

  it("a lock that stays is an error in time, and the call had no effect", async () => {
    const { database, repository, other } = twoConnections(directory.file(), driver, 60);
    await repository.set("key", "before");
    other.exec("BEGIN IMMEDIATE");
    const calls = [
      () => repository.set("key", "after"),
      () => repository.add("new", "after"),
      () => repository.take("key"),
      () => repository.delete("key"),
      () => Promise.all([repository.set("a", "after"), repository.set("b", "after")]),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    }
    expect(await repository.get("key"), "a read needs no lock").toBe("before");
    other.exec("ROLLBACK");
    expect(await Promise.all(["key", "new", "a", "b"].map((key) => repository.get(key)))).toEqual([
      "before",
      undefined,
      undefined,
      undefined,
    ]);
    database.close();
    other.close();
  });

  it("a lock that goes is waited for without holding up the process, and the writes come in their order", async () => {
    const { database, repository, other } = twoConnections(directory.file(), driver, 60_000);
    other.exec("BEGIN IMMEDIATE");
    const order: string[] = [];
    const writes = ["one", "two", "three"].map(async (value) => {
      await repository.set("key", value);
      order.push(value);
    });
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    expect(order, "the event loop turned though the writes wait").toEqual([]);
    other.exec("COMMIT");
    await Promise.all(writes);
    expect(order).toEqual(["one", "two", "three"]);
    expect(await repository.get("key")).toBe("three");
    database.close();
    other.close();
  });

  it("a database that is full says so, keeps what it acknowledged, and goes on when there is room", async () => {
    const database = openSqlite(directory.file(), { driver });
    const repository = new SqliteRepository<string>(textCodec, database, { table: "t" });
    database.exec("PRAGMA max_page_count = 40");
    await expectFullAndRecovery(repository, () => database.exec("PRAGMA max_page_count = 4000"));
    database.close();
  });

  it("a disk that is full says so, keeps what it acknowledged, and goes on when there is room", async ({ skip }) => {
    using disk = smallDisk(512 * 1024);
    if (disk === undefined) return skip("This user may not mount a file system.");
    const ballast = join(disk.path, "ballast");
    writeFileSync(ballast, Buffer.alloc(200 * 1024));
    const file = join(disk.path, "state.db");
    const database = openSqlite(file, { driver });
    const repository = new SqliteRepository<string>(textCodec, database, { table: "t" });
    const acknowledged = await expectFullAndRecovery(repository, () => writeFileSync(ballast, ""));
    database.close();
    withDatabase(driver, file, (reopened) => {
      const found = reopened
        .prepare("SELECT key FROM t")
        .all()
        .map((row) => columnOf(row, "key"));
      expect(found).toEqual(expect.arrayContaining([...acknowledged]));
      expect(reopened.prepare("PRAGMA integrity_check").all()).toMatchObject([{ integrity_check: "ok" }]);
    });
  });

  it("a disk that is full at the start says so", ({ skip }) => {
    using disk = smallDisk(64 * 1024);
    if (disk === undefined) return skip("This user may not mount a file system.");
    writeFileSync(join(disk.path, "ballast"), Buffer.alloc(64 * 1024));
    expect(failureOf(create(join(disk.path, "state.db")))).toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect: "none",
    });
  });

  // Only root can run a process as somebody else.
  it.skipIf(process.getuid?.() !== 0).each([
    ["a file that is another user's", (file: string) => chmodSync(file, 0o600)],
    ["a directory that takes no files", (file: string) => chownSync(file, 65_534, 65_534)],
    [
      "a file that only takes reads",
      (file: string) => {
        chownSync(dirname(file), 65_534, 65_534);
        chmodSync(file, 0o644);
      },
    ],
  ])("%s is an error that says which rights are missing", (_, prepare) => {
    const file = directory.file();
    void create(file)().close();
    chmodSync(directory.path, 0o755);
    prepare(file);
    expect(openedBy(65_534, file, driver)).toBe("ERR_STORAGE_UNAUTHORIZED none");
  });

  it("a connection that only reads is an error of each write, and reads", async () => {
    const file = directory.file();
    const database = openSqlite(file, { driver });
    const repository = new SqliteRepository<string>(textCodec, database, { table: "t" });
    await repository.set("key", "value");
    database.exec("PRAGMA query_only = 1");
    expect(await repository.get("key")).toBe("value");
    for (const call of [
      () => repository.set("key", "x"),
      () => repository.take("key"),
      () => repository.delete("key"),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "ERR_STORAGE_UNAUTHORIZED", effect: "none" });
    }
    expect(await repository.get("key")).toBe("value");
    database.close();
  });

  it("a connection that was closed under the repository is an error of every call", async () => {
    const database = openSqlite(directory.file(), { driver });
    const repository = new SqliteRepository<string>(textCodec, database, { table: "t" });
    database.close();
    const calls = [
      () => repository.get("key"),
      () => repository.set("key", "x"),
      () => repository.add("key", "x"),
      () => repository.take("key"),
      () => repository.delete("key"),
      () => Promise.all([repository.set("a", "x"), repository.set("b", "x")]),
      () => repository.entries().next(),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED", effect: "none" });
    expect(() => new SqliteRepository<string>(textCodec, database, { table: "u" })).toThrowError(
      expect.objectContaining({ code: "ERR_STORAGE_CLOSED" }),
    );
  });
});

/** Writes until the store is full, looks that nothing acknowledged is missing, makes room and writes on. */
async function expectFullAndRecovery(
  repository: SqliteRepository<string>,
  makeRoom: () => void,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  const text = "x".repeat(600);
  let failure: unknown;
  for (let index = 0; index < 5_000 && failure === undefined; index += 3) {
    // One alone, and two in one transaction.
    for (const keys of [[`key ${index}`], [`key ${index + 1}`, `key ${index + 2}`]]) {
      const ended = await Promise.allSettled(keys.map((key) => repository.add(key, text)));
      ended.forEach((each, place) => {
        if (each.status === "rejected") failure = each.reason;
        else acknowledged.push(keys[place] ?? "");
      });
    }
  }
  expect(failure).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  expect(acknowledged.length).toBeGreaterThan(10);
  for (const key of acknowledged) expect(await repository.get(key), key).toBe(text);
  // A removal needs room too: it is done, or it is an error and the record stays.
  const [first = ""] = acknowledged;
  const taken = await repository.take(first).catch(() => "refused");
  expect(await repository.get(first)).toBe(taken === "refused" ? text : undefined);
  makeRoom();
  await repository.set("later", text);
  for (const key of ["later", ...acknowledged.slice(1)]) expect(await repository.get(key), key).toBe(text);
  return ["later", ...acknowledged.slice(1)];
}

test("without a driver the error says what to install for the one that was asked for", async () => {
  const { findDriver } = await import("../../../src/storage/sqlite/sqlite-driver.ts");
  const absent = [
    () => undefined,
    () => {
      throw new Error("Cannot find module");
    },
    () => ({}),
  ];
  for (const find of absent) {
    for (const [wanted, remedy] of [
      [undefined, /22\.13.*better-sqlite3@12/],
      ["better-sqlite3", /better-sqlite3 is not installed: npm install better-sqlite3@12/],
      ["node:sqlite", /no node:sqlite: use Node\.js 22\.13/],
    ] as const) {
      const error = { code: "ERR_CONFIGURATION", message: expect.stringMatching(remedy) };
      expect(() => findDriver(wanted, find), wanted).toThrowError(expect.objectContaining(error));
    }
  }
  expect(() =>
    findDriver("better-sqlite3", (name) => (name === "node:sqlite" ? { DatabaseSync: class {} } : {})),
  ).toThrow();
});

function twoConnections(file: string, driver: SqliteDriver, timeout: number) {
  const database = openSqlite(file, { driver });
  const repository = new SqliteRepository<string>(textCodec, database, { table: "t", timeout });
  return { database, repository, other: openSqlite(file, { driver }) };
}

function withDatabase(driver: SqliteDriver, file: string, use: (database: SqliteLike) => void): void {
  const database = openSqlite(file, { driver });
  use(database);
  database.close();
}

function failureOf(run: () => unknown): unknown {
  try {
    run();
  } catch (failure) {
    return failure;
  }
  return undefined;
}

function contentOf(file: string): Buffer | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true ? readFileSync(file) : undefined;
}

function overwrite(file: string, position: number, bytes: Buffer): void {
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, position);
  closeSync(descriptor);
}

/** What a process of another user says of a file. */
function openedBy(uid: number, file: string, driver: SqliteDriver): string {
  const worker = fileURLToPath(new URL("../../support/sqlite-open-worker.ts", import.meta.url));
  return spawnSync(process.execPath, [worker, file, driver, String(uid)], { encoding: "utf8" }).stdout.trim();
}
