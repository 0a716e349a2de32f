/**
 * 1,000,000 attempts to take 125,000 single-use values from Postgres, by 8 processes at once; then as many to add 125,000.
 * It starts a Postgres of its own, and fails where a value was won twice or by nobody without an error.
 *
 *     npx node bench/postgres-race.ts
 */
import { Pool } from "pg";
import { createPostgresTables, PostgresRepository } from "../src/postgres.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { raceKeyChunks } from "../test/support/race.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { runTimedRace } from "./timed-race.ts";

const processes = 8;
const keys = Number(process.argv[2] ?? 1_000_000) / processes;
const prefix = "race";

await using server = await startPostgresServer(["-c", "synchronous_commit=off"]);
const pool = new Pool({ connectionString: server.url, max: 8 });
await createPostgresTables(pool);
const repository = new PostgresRepository<string>(textCodec, pool, { prefix, timeout: 120_000 });
for (const chunk of raceKeyChunks(keys, 1_000)) await Promise.all(chunk.map((key) => repository.set(key, key)));
await pool.end();

const worker = new URL("../test/support/postgres-race-worker.ts", import.meta.url);
const race = (operation: string) => ({ worker, arguments: [server.url, prefix, operation], processes, keys });
await runTimedRace(race("take"), "values handed out");
await runTimedRace(race("add"), "values added");
