import { StorageUnavailableError } from "../../errors.ts";
import { isBusy } from "./sqlite-failure.ts";

/** How calls wait for a database that another connection has locked. */
export interface Patience {
  /** How long a call may wait, in milliseconds. */
  readonly timeout: number;
  /** Waits for some milliseconds without holding up the process. */
  readonly pause: (milliseconds: number) => Promise<void>;
}

const firstPause = 2;
const longestPause = 50;

/** How long opening may wait for other connections, in milliseconds. Nothing is served yet, so this holds up nobody. */
const openingTimeout = 5_000;

/** The pause before the next attempt, in milliseconds: doubling, with jitter so that processes do not come back at once. */
export function pauseBefore(attempt: number): number {
  return Math.min(firstPause * 2 ** Math.min(attempt, 10), longestPause) * (0.5 + Math.random() / 2);
}

/** The error of a call that has waited long enough. */
export function stayedLocked(timeout: number): StorageUnavailableError {
  return new StorageUnavailableError(
    `The database stayed locked for ${timeout} ms: end the transaction of whoever holds it. Nothing was changed.`,
    { effect: "none" },
  );
}

/** Runs a part of the opening, and waits for other connections in its way while the process stands still. */
export function whileOpening<T>(run: () => T): T {
  const deadline = performance.now() + openingTimeout;
  for (let attempt = 0; ; attempt++) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseBefore(attempt));
    }
  }
}
