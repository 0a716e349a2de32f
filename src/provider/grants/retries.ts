import { boundedCache } from "../../storage/bounded-cache.ts";
import type { Reporter } from "../reporting/reporter.ts";

/** How many tasks this instance remembers: the latest. */
const maxKept = 10_000;
/** No task is tried again sooner than this after a failure, in seconds. */
const shortestPauseSeconds = 5;

interface Kept<Task> {
  readonly task: Task;
  /** When it is tried again, in epoch seconds. */
  readonly due: number;
  /** How long it was put off for, in seconds. */
  readonly pauseSeconds: number;
}

interface RetryOptions<Task> {
  /** The time in epoch seconds. */
  readonly now: () => number;
  /** Is told of each failure. */
  readonly reporter: Pick<Reporter, "failure">;
  /** Each failure doubles the pause up to this, in seconds. */
  readonly longestPauseSeconds: number;
  /** Does a task. Where this throws, the task is kept. */
  readonly attempt: (name: string, task: Task) => Promise<void>;
}

/** What this instance could not do, each by its name: it is kept, and tried again as requests come. */
export class Retries<Task> {
  readonly #options: RetryOptions<Task>;
  readonly #kept = boundedCache<string, Kept<Task>>(maxKept);
  /** When the first of them is due, in epoch seconds, or earlier: until then no request looks at any. */
  #nextDue = Number.POSITIVE_INFINITY;
  #underWay: Promise<void> | undefined;

  constructor(options: RetryOptions<Task>) {
    this.#options = options;
  }

  /** Keeps a task, in place of the one that was kept under this name, and puts it off. */
  keep(name: string, task: Task, pauseSeconds = 0): void {
    const due = this.#options.now() + pauseSeconds;
    this.#kept.set(name, { task, pauseSeconds, due });
    this.#nextDue = Math.min(this.#nextDue, due);
  }

  get(name: string): Task | undefined {
    return this.#kept.get(name)?.task;
  }

  forget(name: string): void {
    this.#kept.delete(name);
  }

  /**
   * Begins to do what is due, one after the other, unless that is under way. Never throws. Every request calls it, so it
   * costs the same however much is kept.
   *
   * @param now - In epoch seconds, of whoever knows the time already.
   */
  begin(now?: number): void {
    if (this.#kept.size === 0 || this.#underWay !== undefined) return;
    if ((now ?? this.#options.now()) < this.#nextDue) return;
    this.#underWay = this.#doDue().finally(() => {
      this.#underWay = undefined;
      this.#nextDue = Number.POSITIVE_INFINITY;
      for (const { due } of this.#kept.values()) this.#nextDue = Math.min(this.#nextDue, due);
    });
  }

  async #doDue(): Promise<void> {
    const now = this.#options.now();
    for (const [name, kept] of [...this.#kept.entries()]) {
      const isKept = () => this.#kept.peek(name) === kept;
      // A request may have done it meanwhile.
      if (kept.due > now || !isKept()) continue;
      try {
        await this.#options.attempt(name, kept.task);
        if (isKept()) this.forget(name);
      } catch (failure) {
        this.#options.reporter.failure(failure);
        const doubled = Math.max(shortestPauseSeconds, 2 * kept.pauseSeconds);
        if (isKept()) this.keep(name, kept.task, Math.min(doubled, this.#options.longestPauseSeconds));
      }
    }
  }

  /** Waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#underWay;
  }
}
