/**
 * Reads of Postgres: one after the other, and 100 at once, against a query of `pg` for each; and whether a read, a write and
 * a take cost the same among a thousand and a million records. It starts a Postgres of its own.
 *
 *     npx node bench/postgres-get.ts
 */
import { Pool } from "pg";
import { createPostgresTables, PostgresRepository, postgresOptions } from "../src/postgres.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

const concurrency = 100;
const value = JSON.stringify({
  clientId: "7d4a3f0e-6c0b-4f5e-9a57-2c1d5b6e8f90",
  scopes: ["user"],
  text: "x".repeat(200),
});
const keys = Array.from({ length: concurrency }, (_, index) => `sha256-${String(index).padStart(43, "A")}=`);
const [firstKey = ""] = keys;

await using server = await startPostgresServer(["-c", "synchronous_commit=off"]);
const pool = new Pool({ connectionString: server.url, max: 10, ...postgresOptions({ timeout: 60_000 }) });
const sizes = [1_000, 1_000_000];
for (const size of sizes) {
  await createPostgresTables(pool, `records_${size}`);
  await pool.query(
    `INSERT INTO records_${size} SELECT 'token:filler-' || number, $1, 4102444800 FROM generate_series(1, $2::int) AS number`,
    [value, size],
  );
  await pool.query(`VACUUM ANALYZE records_${size}`);
}
const [small, large] = sizes.map(
  (size) =>
    new PostgresRepository<string>(textCodec, pool, { prefix: "token", table: `records_${size}`, timeout: 60_000 }),
);
if (small === undefined || large === undefined) throw new Error("There are two sizes.");
for (const repository of [small, large]) await Promise.all(keys.map((key) => repository.set(key, value)));
const select = "SELECT value FROM records_1000000 WHERE key = $1";
const query = async (key: string): Promise<unknown> => (await pool.query(select, [`token:${key}`])).rows[0];

console.log(machine());
const alone = await measureInTurns(
  { "pg query": () => query(firstKey), "PostgresRepository get": () => large.get(firstKey) },
  { rounds: 1_000, runsPerRound: 10 },
);
const together = await measureInTurns(
  {
    "pg query": () => Promise.all(keys.map(query)),
    "PostgresRepository get": () => Promise.all(keys.map((key) => large.get(key))),
  },
  { rounds: 300, runsPerRound: 1, worksPerRun: concurrency },
);
const takeAgain = (repository: PostgresRepository<string>) => async () => {
  await repository.add("code", value);
  await repository.take("code");
};
const flat = await measureInTurns(
  {
    "get of 1,000": () => small.get(firstKey),
    "get of 1,000,000": () => large.get(firstKey),
    "set among 1,000": () => small.set(firstKey, value),
    "set among 1,000,000": () => large.set(firstKey, value),
    "add and take among 1,000": takeAgain(small),
    "add and take among 1,000,000": takeAgain(large),
  },
  { rounds: 300, runsPerRound: 5 },
);
await pool.end();

alone.print("One get after another: time for one, and how many times a query of pg", "pg query");
together.print("100 gets at once: time for one, and how many times a query of pg", "pg query");
flat.print("By the number of records", "get of 1,000");
console.log();
const throughput = together.ratio("pg query", "PostgresRepository get");
printGoal("100 at once: throughput of PostgresRepository to a query for each", throughput, "at least", 4);
printGoal("get among 1,000,000 to get among 1,000", flat.ratio("get of 1,000,000", "get of 1,000"), "at most", 1.3);
printGoal("set, the same", flat.ratio("set among 1,000,000", "set among 1,000"), "at most", 1.3);
const takes = flat.ratio("add and take among 1,000,000", "add and take among 1,000");
printGoal("add and take, the same", takes, "at most", 1.3);
