import { writeSync } from "node:fs";
import { openSqlite, SqliteRepository } from "../../src/sqlite.ts";
import { textCodec } from "./text-codec.ts";

const [file = "", driver = "", name = ""] = process.argv.slice(2);
const database = openSqlite(file, { driver: driver === "better-sqlite3" ? driver : "node:sqlite" });
const repository = new SqliteRepository<string>(textCodec, database, { table: "killed" });

/** Written at once: what was said before the kill is read after it. */
const say = (what: "begins" | "holds" | "is gone", key: string): void => {
  writeSync(1, `${what}\t${key}\n`);
};

const writer = async (number: number): Promise<never> => {
  for (let index = 0; ; index++) {
    const key = `${name}-${number}-${index}`;
    const isNew = index % 2 === 0 ? await repository.add(key, key) : await repository.set(key, key).then(() => true);
    if (isNew) say("holds", key);
    if (index % 3 === 0) continue;
    say("begins", key);
    await (index % 3 === 1 ? repository.delete(key) : repository.take(key));
    say("is gone", key);
  }
};
await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
