import { fork } from "node:child_process";

/** What a race is run with. */
export interface TakeRace {
  /** What each process runs: a module that calls `raceAsWorker`. */
  readonly worker: URL;
  /** Passed to the worker, before the number of keys and its own number. */
  readonly arguments: readonly string[];
  readonly processes: number;
  /** The keys are `code-0` up to this number. */
  readonly keys: number;
}

/** What became of the values. */
export interface TakeRaceResult {
  readonly attempts: number;
  /** Values handed out. */
  readonly taken: number;
  /** Values handed out more than once. */
  readonly takenTwice: number;
  /** Attempts that ended in an error. */
  readonly errors: number;
  /** Values that nobody got and no error accounts for. */
  readonly lost: number;
}

/** What a process reports: the index of each value that it got, and the number of its errors. */
export interface TakeReport {
  readonly taken: readonly number[];
  readonly errors: number;
}

/** Starts processes that all take the same keys at the same time, each in an order of its own. */
export async function raceForValues(race: TakeRace): Promise<TakeRaceResult> {
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

  const timesTaken = new Uint8Array(race.keys);
  for (const report of reports) {
    for (const index of report.taken) timesTaken[index] = (timesTaken[index] ?? 0) + 1;
  }
  const errors = reports.reduce((sum, report) => sum + report.errors, 0);
  const untaken = timesTaken.filter((times) => times === 0).length;
  return {
    attempts: race.processes * race.keys,
    taken: timesTaken.filter((times) => times > 0).length,
    takenTwice: timesTaken.filter((times) => times > 1).length,
    errors,
    lost: Math.max(0, untaken - errors),
  };
}

function asReport(message: unknown): TakeReport {
  if (typeof message !== "object" || message === null) throw new Error("a worker answers with a report");
  const { taken, errors } = { taken: [], errors: Number.NaN, ...message };
  return { taken, errors };
}
