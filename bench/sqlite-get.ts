/**
 * SQLite: `get` and `take` against the bare prepared statement. Files are in the system's temporary directory, or in the one that
 * is given. The stores of others are in `sqlite-stores.ts`, the cost by the number of records is in `sqlite-size.ts`.
 *
 *     npx node bench/sqlite-get.ts [directory]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSqlite, type SqliteDriver, SqliteRepository } from "../src/sqlite.ts";
import { columnOf } from "../src/storage/sqlite/sqlite-like.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

// The tests may have built one without optimization.
execFileSync(fileURLToPath(new URL("../.ci/build-better-sqlite3", import.meta.url)));
const text = "x".repeat(500);
const keyOf = (index: number): string => `sha256-${String(index).padStart(43, "A")}=`;
const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), "pangea-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

/** A table with so many records, and what reads and takes them: the repository, and the statements by themselves. */
function fill(driver: SqliteDriver, records: number) {
  const database = openSqlite(join(directory, `${driver.replace(":", "-")}-${records}.db`), { driver });
  const repository = new SqliteRepository<string>(textCodec, database, { table: "token" });
  const insert = database.prepare("INSERT OR REPLACE INTO token (key, value, expires_at) VALUES (?, ?, ?)");
  const put = (index: number): void => {
    insert.run(keyOf(index), text, Date.now() + 3_600_000);
  };
  database.exec("BEGIN");
  for (let index = 0; index < records; index++) put(index);
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  const get = database.prepare("SELECT value, expires_at FROM token WHERE key = ?");
  const take = database.prepare("DELETE FROM token WHERE key = ? RETURNING value, expires_at");
  let next = 0;
  /** Another key each time, in an order that jumps about. */
  const nextKey = (): string => {
    next = (next + 7_919) % records;
    return keyOf(next);
  };
  return { database, repository, get, take, nextKey };
}

console.log(machine());
for (const driver of ["node:sqlite", "better-sqlite3"] as const) {
  const { database, repository, get, take, nextKey } = fill(driver, 10_000);
  const alone = await measureInTurns(
    {
      "bare get": async () => columnOf(get.get(nextKey()), "value"),
      "SqliteRepository get": () => repository.get(nextKey()),
    },
    { rounds: 2_000, runsPerRound: 50 },
  );
  const hundred = Array.from({ length: 100 }, () => nextKey());
  const together = await measureInTurns(
    {
      "bare get": async () => hundred.map((key) => columnOf(get.get(key), "value")),
      "SqliteRepository get": () => Promise.all(hundred.map((key) => repository.get(key))),
    },
    { rounds: 1_000, runsPerRound: 2, worksPerRun: 100 },
  );
  // Each record is taken once, so that nothing has to be written back in between.
  let taken = 0;
  const takes = await measureInTurns(
    {
      "bare take": async () => take.all(keyOf(taken++)),
      "SqliteRepository take": () => repository.take(keyOf(taken++)),
    },
    { rounds: 1_000, runsPerRound: 4 },
  );
  alone.print(`${driver}: one get after another`, "bare get");
  together.print(`${driver}: 100 gets at once`, "bare get");
  takes.print(`${driver}: one take after another`, "bare take");
  printGoal(`${driver}: get`, alone.ratio("SqliteRepository get", "bare get"), "at most", 1.5);
  printGoal(`${driver}: take`, takes.ratio("SqliteRepository take", "bare take"), "at most", 1.5);
  database.close();
}
