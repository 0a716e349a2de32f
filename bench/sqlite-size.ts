/**
 * What a call to SQLite costs by the number of records that are there, from 1,000 to 1,000,000, a file for each, and what
 * the bare statement costs. All of its records are asked for, in an order that has nothing to do with theirs.
 *
 *     npx node bench/sqlite-size.ts [directory]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite, SqliteRepository } from "../src/sqlite.ts";
import { columnOf } from "../src/storage/sqlite/sqlite-like.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { keyAt, measureBySize, recordText, type SizedStore } from "./by-size.ts";
import { machine } from "./machine.ts";
import { isShort } from "./results.ts";

const sizes = isShort ? [1_000, 2_000] : [1_000, 10_000, 100_000, 1_000_000];
const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), "pangea-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

function filled(size: number): SizedStore {
  const database = openSqlite(join(directory, `${size}.db`));
  const repository = new SqliteRepository<string>(textCodec, database, { table: "token" });
  const insert = database.prepare("INSERT INTO token (key, value, expires_at) VALUES (?, ?, ?)");
  const expiresAt = Date.now() + 24 * 3_600_000;
  for (let index = 0; index < size; index++) {
    if (index % 10_000 === 0) database.exec(index === 0 ? "BEGIN" : "COMMIT; BEGIN");
    insert.run(keyAt(index), recordText, expiresAt);
  }
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  const statement = database.prepare("SELECT value, expires_at FROM token WHERE key = ?");
  return { size, repository, bareGet: (key) => columnOf(statement.get(key), "value") };
}

const stores = sizes.map(filled);
console.log(machine());
await measureBySize("SQLite", stores, { get: 2, set: 2, "take and add": 2 });
process.exit();
