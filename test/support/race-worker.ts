import { once } from "node:events";
import { type RaceReport, raceKey } from "./race.ts";

/**
 * The course of a worker in a race: it says that it is ready, waits for the start, tries every key, and reports.
 *
 * @param attempt - What the worker does with a key. True where this worker won the key, which only one may.
 * @param concurrency - How many attempts the worker has under way at once.
 */
export async function raceAsWorker(attempt: (key: string) => Promise<boolean>, concurrency: number): Promise<void> {
  const [keyCount = "", index = ""] = process.argv.slice(-2);
  const keys = Number(keyCount);
  /** Every process begins somewhere else, and they all meet. */
  const start = Math.floor((Number(index) * keys) / 64);

  process.send?.("ready");
  await once(process, "message");

  const won: number[] = [];
  let errors = 0;
  let next = 0;
  const tryNext = async (): Promise<void> => {
    while (next < keys) {
      const key = (start + next++) % keys;
      try {
        if (await attempt(raceKey(key))) won.push(key);
      } catch {
        errors++;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, tryNext));
  const report: RaceReport = { won, errors };
  process.send?.(report);
}
