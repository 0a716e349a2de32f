import { Pool } from "pg";
import { PostgresRepository } from "../../src/postgres.ts";
import { raceAsWorker } from "./race-worker.ts";
import { textCodec } from "./text-codec.ts";

const [connectionString = "", prefix = "", operation = ""] = process.argv.slice(2);
const pool = new Pool({ connectionString, max: 8 });
const repository = new PostgresRepository<string>(textCodec, pool, { prefix, timeout: 120_000 });
const attempt =
  operation === "add"
    ? (key: string) => repository.add(key, String(process.pid))
    : async (key: string) => (await repository.take(key)) !== undefined;
await raceAsWorker(attempt, 200);
await pool.end();
