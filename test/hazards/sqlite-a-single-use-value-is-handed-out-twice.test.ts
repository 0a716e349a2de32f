import { expect, it } from "vitest";
import { openSqlite, type SqliteLike, SqliteRepository } from "../../src/sqlite.ts";
import { sqliteDirectory, sqliteDrivers } from "../support/sqlite-subject.ts";
import { textCodec } from "../support/text-codec.ts";

/** A connection in which something else happens right after each read of one row. */
function interrupted(database: SqliteLike, afterRead: () => void): SqliteLike {
  return {
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        get: (...values) => {
          const row = statement.get(...values);
          afterRead();
          return row;
        },
        all: (...values) => statement.all(...values),
        run: (...values) => statement.run(...values),
      };
    },
  };
}

it.each(sqliteDrivers)(
  "of two takes over %s, the one that has read first and deletes last gets nothing",
  async (driver) => {
    using directory = await sqliteDirectory();
    const file = directory.file();
    const [one, another] = [openSqlite(file, { driver }), openSqlite(file, { driver })];
    new SqliteRepository<string>(textCodec, another, { table: "code" });
    const rival = another.prepare("DELETE FROM code WHERE key = ? RETURNING value");
    let taken: unknown[] = [];
    const connection = interrupted(one, () => {
      if (taken.length === 0) taken = rival.all("key");
    });
    const repository = new SqliteRepository<string>(textCodec, connection, { table: "code" });
    await repository.set("key", "once");
    expect(await repository.take("key")).toBeUndefined();
    expect(taken).toMatchObject([{ value: "once" }]);
    one.close();
    another.close();
  },
);
