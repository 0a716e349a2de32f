import { openSqlite, SqliteRepository } from "../../src/sqlite.ts";
import { raceAsWorker } from "./race-worker.ts";
import { textCodec } from "./text-codec.ts";

const [file = "", driver = "", operation = ""] = process.argv.slice(2);
const database = openSqlite(file, { driver: driver === "better-sqlite3" ? driver : "node:sqlite" });
const repository = new SqliteRepository<string>(textCodec, database, { table: "race", timeout: 60_000 });
const attempt =
  operation === "add"
    ? (key: string) => repository.add(key, String(process.pid))
    : async (key: string) => (await repository.take(key)) !== undefined;
await raceAsWorker(attempt, 50);
database.close();
