/**
 * `get` of SQLite, one after another and a hundred at once, beside the SQLite stores of unstorage (db0 over node:sqlite) and of
 * keyv. The store of keyv needs a build of the package sqlite3, which has none for every Node.js: it is measured where a
 * folder is named that has keyv 5, @keyv/sqlite and a sqlite3 that was built for this Node.js.
 *
 *     npx node bench/sqlite-stores.ts [folder with keyv and @keyv/sqlite]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createDatabase } from "db0";
import nodeSqlite from "db0/connectors/node-sqlite";
import { createStorage } from "unstorage";
import db0Driver from "unstorage/drivers/db0";
import { openSqlite, SqliteRepository } from "../src/sqlite.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";
import { isShort } from "./results.ts";

/** What is measured of each store. */
interface Store {
  set(key: string, text: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
}

/** Few, for the others wait for the disk with each record that is written. */
const records = isShort ? 100 : 2_000;
const text = "x".repeat(500);
const keyOf = (index: number): string => `sha256-${String(index).padStart(43, "A")}=`;
const directory = mkdtempSync(join(tmpdir(), "pangea-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

function ours(): Store {
  return new SqliteRepository<string>(textCodec, openSqlite(join(directory, "ours.db")), { table: "token" });
}

function unstorages(): Store {
  const database = createDatabase(nodeSqlite({ path: join(directory, "unstorage.db") }));
  const storage = createStorage<string>({ driver: db0Driver({ database }) });
  return { get: (key) => storage.getItem(key), set: (key, value) => storage.setItem(key, value) };
}

function keyvs(folder: string): Store {
  const load = createRequire(join(resolve(folder), "package.json"));
  const { Keyv } = load("keyv");
  const { KeyvSqlite } = load("@keyv/sqlite");
  const keyv = new Keyv({ store: new KeyvSqlite(`sqlite://${join(directory, "keyv.db")}`) });
  return { get: (key) => keyv.get(key), set: (key, value) => keyv.set(key, value) };
}

const [folder] = process.argv.slice(2);
const stores: Readonly<Record<string, Store>> = {
  SqliteRepository: ours(),
  unstorage: unstorages(),
  ...(folder !== undefined && { keyv: keyvs(folder) }),
};
const others = Object.keys(stores).filter((name) => name !== "SqliteRepository");
for (const store of Object.values(stores)) {
  for (let first = 0; first < records; first += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, offset) => store.set(keyOf(first + offset), text)));
  }
}

console.log(machine());
for (const [what, atOnce, turns] of [
  ["one get after another", 1, { rounds: 1_000, runsPerRound: 20 }],
  ["100 gets at once", 100, { rounds: 300, runsPerRound: 1, worksPerRun: 100 }],
] as const) {
  const contenders = Object.fromEntries(
    Object.entries(stores).map(([name, store]) => {
      let next = 0;
      const read = async (): Promise<void> => {
        // Another key each time, in an order that jumps about.
        next = (next + 7_919) % records;
        if ((await store.get(keyOf(next))) !== text) throw new Error(`${name} has not answered with the record.`);
      };
      return [name, atOnce === 1 ? read : () => Promise.all(Array.from({ length: atOnce }, read))];
    }),
  );
  const measured = await measureInTurns(contenders, turns);
  measured.print(`SQLite: ${what}`, "SqliteRepository");
  for (const name of others) {
    const estimate = measured.estimate(name, "SqliteRepository");
    printGoal(`SQLite: ${what}, ${name} to SqliteRepository`, estimate.value, "at least", 1, estimate);
  }
}
process.exit();
