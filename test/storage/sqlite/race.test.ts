import { describe, expect, test } from "vitest";
import { openSqlite, SqliteRepository } from "../../../src/sqlite.ts";
import { raceForKeys, raceKeyChunks } from "../../support/race.ts";
import { sqliteDirectory, sqliteDrivers } from "../../support/sqlite-subject.ts";
import { textCodec } from "../../support/text-codec.ts";

const worker = new URL("../../support/sqlite-race-worker.ts", import.meta.url);
const processes = 4;
const keys = 500;
const everyKeyOnce = { attempts: processes * keys, won: keys, wonTwice: 0, errors: 0, lost: 0 };

describe.each(sqliteDrivers)("over %s", (driver) => {
  test("processes that race to take the same records get each of them once", async () => {
    using directory = await sqliteDirectory();
    const file = directory.file();
    const database = openSqlite(file, { driver });
    const repository = new SqliteRepository<string>(textCodec, database, { table: "race" });
    for (const chunk of raceKeyChunks(keys, 100)) await Promise.all(chunk.map((key) => repository.set(key, key)));
    const result = await raceForKeys({ worker, arguments: [file, driver, "take"], processes, keys });
    expect(result).toEqual(everyKeyOnce);
    for await (const [key] of repository.entries()) expect(key).toBe("none is left");
    database.close();
  });

  test("processes that race to create the file and to add the same records add each of them once", async () => {
    using directory = await sqliteDirectory();
    const result = await raceForKeys({ worker, arguments: [directory.file(), driver, "add"], processes, keys });
    expect(result).toEqual(everyKeyOnce);
  });
});
