import { fork } from "node:child_process";

/** What a race is run with. */
export interface Race {
  /** What each process runs: a module that calls `raceAsWorker`. */
  readonly worker: URL;
  /** Passed to the worker, before the number of keys and its own number. */
  readonly arguments: readonly string[];
  readonly processes: number;
  /** How many keys there are; {@link raceKey} names them. */
  readonly keys: number;
}

/** How often the keys were won. */
export interface RaceResult {
  readonly attempts: number;
  /** Keys that a process won. */
  readonly won: number;
  /** Keys that were won more than once. */
  readonly wonTwice: number;
  /** Attempts that ended in an error. */
  readonly errors: number;
  /** Keys that nobody won and no error accounts for. */
  readonly lost: number;
}

/** What a process reports: the index of each key that it won, and the number of its errors. */
export interface RaceReport {
  readonly won: readonly number[];
  readonly errors: number;
}

/** The key of an index. */
export function raceKey(index: number): string {
  return `code-${index}`;
}

/** Every key of a race, in chunks for the calls that are to be under way at once. */
export function* raceKeyChunks(keys: number, chunkLength: number): Generator<string[], void, undefined> {
  for (let start = 0; start < keys; start += chunkLength) {
    yield Array.from({ length: Math.min(chunkLength, keys - start) }, (_, index) => raceKey(start + index));
  }
}

/** Starts processes that all try the same keys at the same time, each in an order of its own. */
export async function raceForKeys(race: Race): Promise<RaceResult> {
  const workers = Array.from({ length: race.processes }, (_, index) =>
    fork(race.worker, [...race.arguments, String(race.keys), String(index)]),
  );
  // A worker says that it is connected, is told to go, and answers with its report.
  const nextMessage = (worker: (typeof workers)[number]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
    });
  await Promise.all(workers.map(nextMessage));
  const reports = await Promise.all(
    workers.map(async (worker) => {
      worker.send("go");
      return asReport(await nextMessage(worker));
    }),
  );
  for (const worker of workers) if (worker.connected) worker.disconnect();

  const timesWon = new Uint8Array(race.keys);
  for (const report of reports) {
    for (const index of report.won) timesWon[index] = (timesWon[index] ?? 0) + 1;
  }
  const errors = reports.reduce((sum, report) => sum + report.errors, 0);
  const never = timesWon.filter((times) => times === 0).length;
  return {
    attempts: race.processes * race.keys,
    won: timesWon.filter((times) => times > 0).length,
    wonTwice: timesWon.filter((times) => times > 1).length,
    errors,
    lost: Math.max(0, never - errors),
  };
}

function asReport(message: unknown): RaceReport {
  if (typeof message !== "object" || message === null) throw new Error("a worker answers with a report");
  const { won, errors } = { won: [], errors: Number.NaN, ...message };
  return { won, errors };
}
