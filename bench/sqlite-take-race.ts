/**
 * 1,000,000 attempts to take 125,000 single-use values from one SQLite file, by 8 processes at once. It fails where a
 * value was handed out twice or lost without an error.
 *
 *     npx node bench/sqlite-take-race.ts [better-sqlite3]
 */
import { openSqlite, SqliteRepository } from "../src/sqlite.ts";
import { raceKeyChunks } from "../test/support/race.ts";
import { sqliteDirectory } from "../test/support/sqlite-subject.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { runTimedRace } from "./timed-race.ts";

const processes = 8;
const keys = 1_000_000 / processes;
const driver = process.argv[2] === "better-sqlite3" ? "better-sqlite3" : "node:sqlite";

using directory = await sqliteDirectory();
const file = directory.file();
const database = openSqlite(file, { driver });
const repository = new SqliteRepository<string>(textCodec, database, { table: "race" });
for (const chunk of raceKeyChunks(keys, 1_000)) await Promise.all(chunk.map((key) => repository.set(key, key)));
database.close();

const worker = new URL("../test/support/sqlite-race-worker.ts", import.meta.url);
await runTimedRace({ worker, arguments: [file, driver, "take"], processes, keys }, "values handed out");
