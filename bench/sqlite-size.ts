/**
 * What a call to SQLite costs by the number of records that are there: 1,000, 100,000 and 1,000,000. It fails where a call
 * costs more than twice as much among a million as among a thousand.
 *
 *     npx node bench/sqlite-size.ts [directory]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storageKey } from "../src/secrets/storage-key.ts";
import { openSqlite, SqliteRepository } from "../src/sqlite.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

const text = "x".repeat(500);
const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), "pangea-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const keyOf = (index: number): string => storageKey("bench", String(index));

function fill(records: number) {
  const database = openSqlite(join(directory, `${records}.db`));
  const repository = new SqliteRepository<string>(textCodec, database, { table: "token" });
  const insert = database.prepare("INSERT INTO token (key, value, expires_at) VALUES (?, ?, ?)");
  for (let index = 0; index < records; index++) {
    if (index % 10_000 === 0) database.exec(index === 0 ? "BEGIN" : "COMMIT; BEGIN");
    insert.run(keyOf(index), text, Date.now() + 3_600_000 + index);
  }
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
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
const [small, middle, large] = [fill(1_000), fill(100_000), fill(1_000_000)];
const reads = await measureInTurns(
  { "among 1,000": small.get, "among 100,000": middle.get, "among 1,000,000": large.get },
  { rounds: 600, runsPerRound: 50 },
);
const writes = await measureInTurns(
  { "among 1,000": small.addAndTake, "among 100,000": middle.addAndTake, "among 1,000,000": large.addAndTake },
  { rounds: 60, runsPerRound: 4 },
);
reads.print("get", "among 1,000");
writes.print("add and take", "among 1,000");
printGoal("get among 1,000,000 to among 1,000", reads.ratio("among 1,000,000", "among 1,000"), "at most", 2);
printGoal("add and take among 1,000,000 to among 1,000", writes.ratio("among 1,000,000", "among 1,000"), "at most", 2);
