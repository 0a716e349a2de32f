/**
 * 8 processes that all add the same 100,000 keys to one SQLite file, at once. It fails where the answer was true twice for a
 * key, or never without an error.
 *
 *     npx node bench/sqlite-add-race.ts [better-sqlite3]
 */
import { sqliteDirectory } from "../test/support/sqlite-subject.ts";
import { runTimedRace } from "./timed-race.ts";

using directory = await sqliteDirectory();
const driver = process.argv[2] === "better-sqlite3" ? "better-sqlite3" : "node:sqlite";
const worker = new URL("../test/support/sqlite-race-worker.ts", import.meta.url);
await runTimedRace({ worker, arguments: [directory.file(), driver, "add"], processes: 8, keys: 100_000 }, "keys added");
