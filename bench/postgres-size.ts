/**
 * What a call to Postgres costs by the number of records that are there, from 1,000 to 1,000,000, a table for each in one
 * server. All of its records are asked for, in an order that has nothing to do with theirs.
 *
 *     npx node bench/postgres-size.ts
 */
import { Pool } from "pg";
import { createPostgresTables, PostgresRepository, postgresOptions } from "../src/postgres.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { measureBySize, recordText, type SizedStore } from "./by-size.ts";
import { machine } from "./machine.ts";
import { isShort } from "./results.ts";

const sizes = isShort ? [1_000, 2_000] : [1_000, 10_000, 100_000, 1_000_000];
/** In milliseconds: to fill a table takes longer than a login may wait. */
const timeout = 120_000;

await using server = await startPostgresServer(["-c", "synchronous_commit=off"]);
const pool = new Pool({ connectionString: server.url, max: 4, ...postgresOptions({ timeout }) });
const stores: SizedStore[] = [];
for (const size of sizes) {
  const table = `records_${size}`;
  await createPostgresTables(pool, table);
  // The keys of `keyAt`, made where they are needed.
  await pool.query(
    `INSERT INTO ${table} SELECT 'text:sha256-' || encode(sha256(convert_to(number::text, 'UTF8')), 'base64'), $1, 4102444800
     FROM generate_series(0, $2::int - 1) AS number`,
    [recordText, size],
  );
  await pool.query(`VACUUM ANALYZE ${table}`);
  stores.push({
    size,
    repository: new PostgresRepository<string>(textCodec, pool, { prefix: "text", table, timeout }),
  });
}

console.log(machine());
await measureBySize("Postgres", stores, { get: 1.3, set: 1.3, "take and add": 1.3 });
await pool.end();
process.exit();
