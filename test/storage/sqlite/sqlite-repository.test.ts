import { describe, expect, it } from "vitest";
import { z } from "zod";
import { KeyRing } from "../../../src/secrets/key-ring.ts";
import { openSqlite, type SqliteLike, SqliteRepository, type SqliteStatementLike } from "../../../src/sqlite.ts";
import { jsonCodec } from "../../../src/storage/codecs/json-codec.ts";
import { sealed } from "../../../src/storage/codecs/sealed.ts";
import { columnOf } from "../../../src/storage/sqlite/sqlite-like.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { setUp } from "../../support/set-up.ts";
import { sqliteDrivers } from "../../support/sqlite-subject.ts";
import { textCodec } from "../../support/text-codec.ts";

const expiring = jsonCodec(z.object({ number: z.number(), expiresAt: z.number().exactOptional() }));
const keys = KeyRing.from("a secret of this test that is long enough");
const otherKeys = KeyRing.from("another secret of this test, long enough");

/** A connection that writes down the statements that are run on it. */
function recorded(database: SqliteLike): { readonly connection: SqliteLike; readonly statements: string[] } {
  const statements: string[] = [];
  const words = (sql: string): string =>
    /^\s*(\w+)(?:.*?(json_each|ON CONFLICT|rowid IN))?/s.exec(sql)?.slice(1, 3).filter(Boolean).join(" ") ?? "";
  const connection: SqliteLike = {
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      const note = <R>(run: () => R): R => {
        statements.push(words(sql));
        return run();
      };
      const noted: SqliteStatementLike = {
        get: (...values) => note(() => statement.get(...values)),
        all: (...values) => note(() => statement.all(...values)),
        run: (...values) => note(() => statement.run(...values)),
      };
      return noted;
    },
  };
  return { connection, statements };
}

describe.each(sqliteDrivers)("over %s", (driver) => {
  let database: SqliteLike;
  setUp("test", async (parts) => {
    database = openSqlite(":memory:", { driver });
    parts.defer(() => void database.close());
  });
  const texts = (table = "t") => new SqliteRepository<string>(textCodec, database, { table });
  const rows = (table: string): number =>
    Number(columnOf(database.prepare(`SELECT count(*) AS n FROM "${table}"`).get(), "n"));

  it("reads of one turn are one statement, also where one begins some promises later; a read alone is a plain one", async () => {
    const { connection, statements } = recorded(database);
    const repository = new SqliteRepository<string>(textCodec, connection, { table: "t" });
    await Promise.all(["a", "b", "c"].map((key) => repository.set(key, `value of ${key}`)));
    statements.length = 0;
    const later = Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => repository.get("c"));
    expect(
      await Promise.all([
        repository.get("a"),
        repository.get("b"),
        repository.get("absent"),
        repository.get("a"),
        later,
      ]),
    ).toEqual(["value of a", "value of b", undefined, "value of a", "value of c"]);
    await repository.get("a");
    expect(statements).toEqual(["SELECT json_each", "SELECT"]);
  });

  it("writes of one turn are one transaction; a write alone is a statement alone", async () => {
    const { connection, statements } = recorded(database);
    const repository = new SqliteRepository<string>(textCodec, connection, { table: "t" });
    statements.length = 0;
    await Promise.all([repository.set("a", "1"), repository.add("b", "2"), repository.delete("c")]);
    expect(statements).toEqual(["BEGIN", "INSERT ON CONFLICT", "INSERT ON CONFLICT", "DELETE", "COMMIT"]);
    statements.length = 0;
    await repository.set("a", "3");
    expect(statements).toEqual(["INSERT ON CONFLICT"]);
  });

  it("many calls at once have each their own answer", async () => {
    const repository = texts();
    const numbers = Array.from({ length: 1_300 }, (_, index) => String(index));
    expect(await Promise.all(numbers.map((key) => repository.add(key, key)))).toEqual(numbers.map(() => true));
    expect(await Promise.all(numbers.map((key) => repository.get(key)))).toEqual(numbers);
    expect(await Promise.all(numbers.map((key) => repository.take(key)))).toEqual(numbers);
    expect(rows("t")).toBe(0);
  });

  it.each(["\0", "a\0b", "a", "'", '"', "\\", "\\u0000", "\u2028", "%", "🔑", "\ufeff", "[1]"])(
    "the key %j is found alone and among others",
    async (key) => {
      const repository = texts();
      await repository.set(key, "value");
      await repository.set("another", "other");
      expect(await repository.get(key)).toBe("value");
      expect(await Promise.all([repository.get(key), repository.get("another")])).toEqual(["value", "other"]);
      const found: string[] = [];
      for await (const [each] of repository.entries()) found.push(each);
      expect(found.sort()).toEqual([key, "another"].sort());
      expect(await repository.take(key)).toBe("value");
    },
  );

  it("half of a surrogate pair is refused, in a key and in a record", async () => {
    const repository = texts();
    await expect(repository.get("\ud800")).rejects.toMatchObject({ code: "ERR_INVALID_KEY" });
    await expect(repository.set("key", "\udc00")).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
    expect(rows("t")).toBe(0);
  });

  describe("a record that cannot be opened stays:", () => {
    const unreadable: readonly (readonly [what: string, plant: () => Promise<void> | void, code: string])[] = [
      [
        "sealed under a key that is not in the key ring",
        () => new SqliteRepository(sealed(expiring, otherKeys), database, { table: "t" }).set("key", { number: 1 }),
        "ERR_UNSEALABLE",
      ],
      ["in plain text", () => plant("t", "key", '{"number":1}'), "ERR_UNSEALABLE"],
      [
        "sealed under another name",
        async () => {
          await new SqliteRepository(sealed(expiring, keys), database, { table: "t" }).set("moved", { number: 1 });
          database.exec("UPDATE t SET key = 'key'");
        },
        "ERR_UNSEALABLE",
      ],
    ];
    const plant = (table: string, key: string, text: string): void => {
      new SqliteRepository<string>(textCodec, database, { table });
      database.prepare(`INSERT INTO "${table}" (key, value) VALUES (?, ?)`).run(key, text);
    };

    it.each(unreadable)("%s", async (_, make, code) => {
      await make();
      const before = database.prepare("SELECT * FROM t").all();
      const repository = new SqliteRepository(sealed(expiring, keys), database, { table: "t" });
      await expect(repository.take("key")).rejects.toMatchObject({ code });
      expect(await Promise.allSettled([repository.take("key"), repository.take("absent")])).toMatchObject([
        { status: "rejected", reason: { code } },
        { status: "fulfilled", value: undefined },
      ]);
      expect(await repository.add("key", { number: 2 }).catch(() => false)).toBe(false);
      expect(database.prepare("SELECT * FROM t").all()).toEqual(before);
      expect(await repository.delete("key")).toBe(true);
    });

    it("bytes that are no UTF-8 are an error of take, and stay", async () => {
      const repository = texts();
      database.exec("INSERT INTO t (key, value, expires_at) VALUES ('key', CAST(x'61ff62' AS TEXT), NULL)");
      await expect(repository.take("key")).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
      expect(rows("t")).toBe(1);
      expect(await repository.delete("key")).toBe(true);
    });
  });

  it("a codec that fails for one record fails no other write of its transaction", async () => {
    const codec = { encode: (text: string) => text, decode: (text: string) => (text === "bad" ? fail() : text) };
    const fail = (): never => {
      throw new TypeError("The test's codec fails.");
    };
    const repository = new SqliteRepository<string>(codec, database, { table: "t" });
    await Promise.all([repository.set("a", "bad"), repository.set("b", "good")]);
    const ended = await Promise.allSettled([repository.take("a"), repository.take("b"), repository.set("c", "new")]);
    expect(ended.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(rows("t")).toBe(2);
  });

  it("expired records leave as writes come, some at a time, also from a table that nobody writes to", async () => {
    const clock = new ManualClock();
    const { connection } = recorded(database);
    const both = new SqliteRepository(expiring, connection, { table: "busy", clock: clock.read });
    const shared = await sharedWith(database, clock);
    const expiresAt = clock.seconds(60);
    for (let number = 0; number < 300; number++) await shared.quiet.set(`${number}`, { number, expiresAt });
    for (let number = 0; number < 300; number++) await shared.busy.set(`${number}`, { number, expiresAt });
    clock.advanceSeconds(61);
    expect([rows("quiet"), rows("busy")]).toEqual([300, 300]);
    let most = 0;
    for (let number = 0; number < 200; number++) {
      const before = rows("quiet") + rows("busy");
      await shared.busy.set(`live ${number}`, { number });
      most = Math.max(most, before - rows("quiet") - rows("busy"));
    }
    expect([rows("quiet"), rows("busy")]).toEqual([0, 200]);
    expect(most).toBeLessThanOrEqual(64);
    expect(await both.get("live 7")).toEqual({ number: 7 });
  });

  it("records are removed at least as fast as they expire, however many come at once", async () => {
    const clock = new ManualClock();
    const repository = new SqliteRepository(expiring, database, { table: "t", clock: clock.read });
    for (let round = 0; round < 20; round++) {
      const expiresAt = clock.seconds(10);
      await Promise.all(
        Array.from({ length: 200 }, (_, number) => repository.set(`${round}-${number}`, { number, expiresAt })),
      );
      clock.advanceSeconds(11);
    }
    expect(rows("t")).toBeLessThan(600);
  });

  it("an expired record that is sealed stays expired though its row says otherwise", async () => {
    const clock = new ManualClock();
    const repository = new SqliteRepository(sealed(expiring, keys), database, { table: "t", clock: clock.read });
    await repository.set("key", { number: 1, expiresAt: clock.seconds(10) });
    database.exec("UPDATE t SET expires_at = NULL");
    clock.advanceSeconds(10);
    expect(await repository.get("key")).toBeUndefined();
    expect(await repository.take("key")).toBeUndefined();
  });

  it("entries are those of the table, in pages, without what has expired, and an error says what could not be read", async () => {
    const clock = new ManualClock();
    const repository = new SqliteRepository(expiring, database, { table: "t", clock: clock.read });
    const other = new SqliteRepository(expiring, database, { table: "t2", clock: clock.read });
    await other.set("not mine", { number: -1 });
    const numbers = Array.from({ length: 450 }, (_, number) => number);
    await Promise.all(numbers.map((number) => repository.set(`key ${number}`, { number })));
    await repository.set("expired", { number: -1, expiresAt: clock.seconds(1) });
    clock.advanceSeconds(1);
    database.exec("INSERT INTO t (key, value, expires_at) VALUES ('corrupt', '{', NULL)");
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const found: number[] = [];
    const listing = (async () => {
      for await (const [, { number }] of repository.entries()) found.push(number);
    })();
    await expect(listing).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 1 });
    clearInterval(timer);
    expect(turns, "other work had its turn").toBeGreaterThan(0);
    expect(found.sort((one, another) => one - another)).toEqual(numbers);
  });

  it("what is deleted while entries are read hides no other record", async () => {
    const repository = texts();
    const all = Array.from({ length: 450 }, (_, index) => `key ${String(index).padStart(3, "0")}`);
    await Promise.all(all.map((key) => repository.set(key, key)));
    const found: string[] = [];
    for await (const [key] of repository.entries()) {
      found.push(key);
      await repository.delete(key);
    }
    expect(found).toEqual(all);
  });

  it("a repository that is closed refuses calls, and those under way end first", async () => {
    const repository = texts();
    const calls = Promise.all([repository.set("a", "1"), repository.get("a"), repository.take("b")]);
    await repository[Symbol.asyncDispose]();
    await calls;
    expect(rows("t")).toBe(1);
    for (const call of [() => repository.get("a"), () => repository.set("a", "2"), () => repository.entries().next()]) {
      await expect(call()).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED", effect: "none" });
    }
  });

  it.each(["", "Sessions", "a b", 'a"b', "a;b", "sqlite_a", "x".repeat(65), "a.b", "ä"])(
    "the table %j is refused",
    (table) => {
      expect(() => texts(table)).toThrowError(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
    },
  );

  it.each(["a", "order", "select", "a-b_c9", "x".repeat(64)])("the table %j is used", async (table) => {
    await texts(table).set("key", "value");
    expect(rows(table)).toBe(1);
  });

  it("a table of another form is refused", () => {
    database.exec("CREATE TABLE people (name TEXT)");
    expect(() => texts("people")).toThrowError(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });

  it.each([0, -1, Number.NaN, 2 ** 31])("the timeout %d is refused", (timeout) => {
    expect(() => new SqliteRepository<string>(textCodec, database, { table: "t", timeout })).toThrowError(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });
});

/** Two repositories on one view of a connection, as `createSqliteRepositories` makes them. */
async function sharedWith(database: SqliteLike, clock: ManualClock) {
  const { SharedConnection } = await import("../../../src/storage/sqlite/shared-connection.ts");
  const connection = new SharedConnection(database);
  const open = (table: string) => new SqliteRepository(expiring, connection, { table, clock: clock.read });
  return { quiet: open("quiet"), busy: open("busy") };
}
