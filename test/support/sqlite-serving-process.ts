/** Run by the exported suite, several times at once: a repository in a SQLite file. */
import { sampleSchema, serveRepository } from "../../src/conformance.ts";
import { openSqlite, SqliteRepository } from "../../src/sqlite.ts";

const [driver = "", file = ""] = process.argv.slice(2);
if (driver !== "node:sqlite" && driver !== "better-sqlite3") throw new RangeError(`There is no driver ${driver}.`);
const database = openSqlite(file, { driver });
await serveRepository(new SqliteRepository(sampleSchema, database, { table: "sample", timeout: 30_000 }));
database.close();
