import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openSqlite, type SqliteDriver, SqliteRepository } from "../../src/sqlite.ts";
import { columnOf } from "../../src/storage/sqlite/sqlite-like.ts";
import { textCodec } from "./text-codec.ts";

/** What came of killing writers. */
export interface KillResult {
  /** Writes that were acknowledged before a kill: records written, and records removed. */
  acknowledged: number;
  /** Acknowledged writes that were not there after the kill. */
  lost: number;
  /** What `integrity_check` said after a kill, other than "ok". */
  readonly damage: unknown[];
}

const worker = fileURLToPath(new URL("./sqlite-kill-worker.ts", import.meta.url));
const writersAtOnce = 2;

/**
 * Lets processes write to one file, kills them with SIGKILL after a while, and looks whether the file holds what they were
 * told that it holds; as often as the rounds say.
 *
 * @param wait - How long they write, in milliseconds, from their first acknowledged write on.
 */
export async function killWriters(
  file: string,
  driver: SqliteDriver,
  rounds: number,
  wait: (round: number) => number,
): Promise<KillResult> {
  const result: KillResult = { acknowledged: 0, lost: 0, damage: [] };
  for (let round = 0; round < rounds; round++) {
    const lines = await Promise.all(
      Array.from({ length: writersAtOnce }, (_, index) =>
        writeUntilKilled([file, driver, `${round}-${index}`], wait(round)),
      ),
    );
    const held = new Map<string, string>();
    for (const line of lines.flat()) {
      const [what = "", key = ""] = line.split("\t");
      held.set(key, what);
      if (what !== "begins") result.acknowledged += 1;
    }
    const database = openSqlite(file, { driver });
    const repository = new SqliteRepository<string>(textCodec, database, { table: "killed" });
    for (const [key, what] of held) {
      const value = await repository.get(key);
      if (what === "holds" && value !== key) result.lost += 1;
      if (what === "is gone" && value !== undefined) result.lost += 1;
    }
    for (const row of database.prepare("PRAGMA integrity_check").all()) {
      const said = columnOf(row, "integrity_check");
      if (said !== "ok") result.damage.push(said);
    }
    database.close();
  }
  return result;
}

/** Runs a writer, kills it, and answers what it said: whole lines only. */
async function writeUntilKilled(settings: readonly string[], milliseconds: number): Promise<string[]> {
  const child = spawn(process.execPath, [worker, ...settings], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await Promise.race([once(child.stdout, "data"), ended]);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  child.kill("SIGKILL");
  await ended;
  return said
    .slice(0, said.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1);
}
