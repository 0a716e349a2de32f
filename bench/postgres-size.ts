/**
 * What a call to Postgres costs by the number of records that are there: 1,000, 100,000 and 1,000,000. It starts a Postgres of
 * its own, and fails where a call costs more than twice as much among a million as among a thousand.
 *
 *     npx node bench/postgres-size.ts
 */
import { createHash } from "node:crypto";
import { Pool } from "pg";
import { createPostgresTables, PostgresRepository, postgresOptions } from "../src/postgres.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

const text = "x".repeat(500);
/** Hashes, as the keys of tokens are: neighbours in time are none in the index. */
const keyOf = (index: number): string => createHash("md5").update(String(index)).digest("hex");

await using stack = new AsyncDisposableStack();
const server = stack.use(await startPostgresServer(["-c", "synchronous_commit=off"]));
const pool = new Pool({ connectionString: server.url, max: 4, ...postgresOptions({ timeout: 600_000 }) });
stack.defer(() => pool.end());

async function fill(records: number) {
  const table = `bench_${records}`;
  await createPostgresTables(pool, table);
  await pool.query(
    `INSERT INTO ${table} (key, value, expires_at)
    SELECT 'bench:' || md5(number::text), $1, extract(epoch FROM now()) + 3600 + number
    FROM generate_series(0, ${records - 1}) AS number`,
    [text],
  );
  await pool.query(`VACUUM ANALYZE ${table}`);
  const repository = new PostgresRepository<string>(textCodec, pool, { prefix: "bench", table, timeout: 60_000 });
  if ((await repository.get(keyOf(records - 1))) !== text) throw new Error("The records are not there.");
  let next = 0;
  let added = records;
  let taken = 0;
  return {
    get: () => {
      next = (next + 7_919) % records;
      return repository.get(keyOf(next));
    },
    /** The size stays as it is: what is taken is replaced by what is added. */
    addAndTake: async () => {
      await repository.add(keyOf(added++), text);
      await repository.take(keyOf(taken++));
    },
  };
}

console.log(machine());
const [small, middle, large] = [await fill(1_000), await fill(100_000), await fill(1_000_000)];
const reads = await measureInTurns(
  { "among 1,000": small.get, "among 100,000": middle.get, "among 1,000,000": large.get },
  { rounds: 300, runsPerRound: 20 },
);
const writes = await measureInTurns(
  { "among 1,000": small.addAndTake, "among 100,000": middle.addAndTake, "among 1,000,000": large.addAndTake },
  { rounds: 100, runsPerRound: 5 },
);
reads.print("get", "among 1,000");
writes.print("add and take", "among 1,000");
printGoal("get among 1,000,000 to among 1,000", reads.ratio("among 1,000,000", "among 1,000"), "at most", 2);
printGoal("add and take among 1,000,000 to among 1,000", writes.ratio("among 1,000,000", "among 1,000"), "at most", 2);
