import { once } from "node:events";
import type { Repository } from "../../src/storage/contract.ts";
import type { TakeReport } from "./take-race.ts";

/**
 * The course of a worker in a race: it says that it is ready, waits for the start, takes every key, and reports.
 *
 * @param concurrency - How many attempts it has under way at once.
 */
export async function raceAsWorker(repository: Repository<string, unknown>, concurrency: number): Promise<void> {
  const [keyCount = "", index = ""] = process.argv.slice(-2);
  const keys = Number(keyCount);
  /** Every process begins somewhere else, and they all meet. */
  const start = Math.floor((Number(index) * keys) / 64);

  process.send?.("ready");
  await once(process, "message");

  const taken: number[] = [];
  let errors = 0;
  let next = 0;
  const takeNext = async (): Promise<void> => {
    while (next < keys) {
      const key = (start + next++) % keys;
      try {
        if ((await repository.take(`code-${key}`)) !== undefined) taken.push(key);
      } catch {
        errors++;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, takeNext));
  const report: TakeReport = { taken, errors };
  process.send?.(report);
}
