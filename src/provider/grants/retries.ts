import { boundedCache } from "../../storage/bounded-cache.ts";
import { reportFailure } from "../oauth-failure.ts";

/** How many tasks this instance remembers: the latest. */
const maxKept = 10_000;

interface Kept<Task> {
  readonly task: Task;
  /** When it is tried again, in epoch seconds. */
  readonly due: number;
  /** How long it was put off for, in seconds. */
  readonly pauseSeconds: number;
}

/** What this instance could not do, by grant: it is kept, and tried again as requests come. */
export class Retries<Task> {
  readonly #now: () => number;
  readonly #nextPause: (pauseSeconds: number) => number;
  readonly #attempt: (grantId: string, task: Task) => Promise<void>;
  readonly #kept = boundedCache<string, Kept<Task>>(maxKept);
  #underWay: Promise<void> | undefined;

  /**
   * @param now - The time in epoch seconds.
   * @param nextPause - How long a task is put off for after a failure, by how long it was before, in seconds.
   * @param attempt - Does a task. Where this throws, the task is kept.
   */
  constructor(
    now: () => number,
    nextPause: (pauseSeconds: number) => number,
    attempt: (grantId: string, task: Task) => Promise<void>,
  ) {
    this.#now = now;
    this.#nextPause = nextPause;
    this.#attempt = attempt;
  }

  /** Keeps a task, in place of the one that was kept for this grant, and puts it off. */
  keep(grantId: string, task: Task, pauseSeconds = 0): void {
    this.#kept.set(grantId, { task, pauseSeconds, due: this.#now() + pauseSeconds });
  }

  get(grantId: string): Task | undefined {
    return this.#kept.get(grantId)?.task;
  }

  forget(grantId: string): void {
    this.#kept.delete(grantId);
  }

  /** Begins to do what is due, one after the other, unless that is under way. Never throws. */
  begin(): void {
    if (this.#kept.size === 0 || this.#underWay !== undefined) return;
    this.#underWay = this.#doDue().finally(() => {
      this.#underWay = undefined;
    });
  }

  async #doDue(): Promise<void> {
    const now = this.#now();
    for (const [grantId, kept] of [...this.#kept.entries()]) {
      // What is being done is not kept, and a request may have done it meanwhile.
      if (kept.due > now || this.#kept.peek(grantId) !== kept) continue;
      this.forget(grantId);
      try {
        await this.#attempt(grantId, kept.task);
      } catch (failure) {
        reportFailure(failure);
        this.keep(grantId, kept.task, this.#nextPause(kept.pauseSeconds));
      }
    }
  }

  /** Waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#underWay;
  }
}
