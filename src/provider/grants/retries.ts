import { boundedCache } from "../../storage/bounded-cache.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

/** How many tasks this instance remembers: the latest. */
const maxKept = 10_000;
/** No task is tried again sooner than this after a failure, in seconds. */
const shortestPauseSeconds = 5;
/** How long the end of an instance waits for what is tried once more, in seconds. */
const longestEndSeconds = 5;
/** How many tasks are tried side by side at the end of an instance. */
const triedTogether = 50;

interface Kept<Task> {
  readonly task: Task;
  /** When it is tried again, in epoch seconds. */
  readonly due: number;
  /** How long it was put off for, in seconds. */
  readonly pauseSeconds: number;
}

/** What `Retries` needs. */
type RetryOptions<Task> = Pick<ProviderConfiguration, "later" | "now"> & {
  /** Is told of each failure. */
  readonly reporter: Pick<ProviderConfiguration["reporter"], "failure">;
  /** Each failure doubles the pause up to this, in seconds. */
  readonly longestPauseSeconds: number;
  /** Does a task. Where this throws, the task is kept. */
  readonly attempt: (name: string, task: Task) => Promise<void>;
  /** Whether a task is nowhere but in this memory, so that the end of the process loses it. */
  readonly isHereOnly: (task: Task) => boolean;
  /** Told how many tasks the end of this instance has lost. */
  readonly lose: (count: number) => void;
};

/**
 * What this instance could not do, each by its name: it is kept, and tried again as requests come, and by a timer where none
 * comes.
 */
export class Retries<Task> {
  readonly #options: RetryOptions<Task>;
  readonly #kept = boundedCache<string, Kept<Task>>(maxKept);
  /** When the first of them is due, in epoch seconds, or earlier: until then no request looks at any. */
  #nextDue = Number.POSITIVE_INFINITY;
  #underWay: Promise<void> | undefined;
  #stopTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RetryOptions<Task>) {
    this.#options = options;
  }

  /** Keeps a task, in place of the one that was kept under this name, and puts it off. */
  keep(name: string, task: Task, pauseSeconds = 0): void {
    const due = this.#options.now() + pauseSeconds;
    if (this.#kept.size === 0) this.#nextDue = Number.POSITIVE_INFINITY;
    this.#kept.set(name, { task, pauseSeconds, due });
    this.#nextDue = Math.min(this.#nextDue, due);
    if (due === this.#nextDue || this.#stopTimer === undefined) this.#setTimer();
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
    const time = now ?? this.#options.now();
    // A clock that was set back puts nothing off for longer than the longest pause.
    if (time < this.#nextDue && time >= this.#nextDue - this.#options.longestPauseSeconds) return;
    this.#underWay = this.#doDue().finally(() => {
      this.#underWay = undefined;
      this.#nextDue = Number.POSITIVE_INFINITY;
      for (const { due } of this.#kept.values()) this.#nextDue = Math.min(this.#nextDue, due);
      this.#setTimer();
    });
  }

  async #doDue(): Promise<void> {
    const now = this.#options.now();
    for (const [name, kept] of [...this.#kept.entries()]) {
      const isDue = now >= kept.due || now < kept.due - kept.pauseSeconds;
      if (isDue) await this.#attempt(name, kept);
    }
  }

  async #attempt(name: string, kept: Kept<Task>): Promise<void> {
    const isKept = () => this.#kept.peek(name) === kept;
    // A request may have done it meanwhile.
    if (!isKept()) return;
    try {
      await this.#options.attempt(name, kept.task);
      if (isKept()) this.forget(name);
    } catch (failure) {
      this.#options.reporter.failure(failure);
      const doubled = Math.max(shortestPauseSeconds, 2 * kept.pauseSeconds);
      if (isKept()) this.keep(name, kept.task, Math.min(doubled, this.#options.longestPauseSeconds));
    }
  }

  /** An instance that no request comes to does what is due all the same. */
  #setTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#isClosed || this.#kept.size === 0 || this.#underWay !== undefined) return;
    const { later, longestPauseSeconds, now } = this.#options;
    const seconds = Math.min(Math.max(this.#nextDue - now(), shortestPauseSeconds), longestPauseSeconds);
    this.#stopTimer = later(seconds * 1000, () => {
      this.#stopTimer = undefined;
      this.begin();
      // The clock may have been set back meanwhile, so that nothing is due yet.
      this.#setTimer();
    });
  }

  /**
   * Waits for what is under way, and tries once more what is nowhere but here, for five seconds at the most. What could not be
   * done is told.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#setTimer();
    if (this.#kept.size === 0 && this.#underWay === undefined) return;
    let isOver = false;
    let stopWaiting = (): void => {};
    const longEnough = new Promise<void>((resolve) => {
      stopWaiting = this.#options.later(longestEndSeconds * 1000, resolve);
    });
    await Promise.race([this.#tryOnceMore(() => isOver), longEnough]);
    isOver = true;
    stopWaiting();
    const lost = this.#hereOnly().length;
    if (lost > 0) this.#options.lose(lost);
  }

  async #tryOnceMore(isOver: () => boolean): Promise<void> {
    await this.#underWay;
    const left = this.#hereOnly();
    for (let from = 0; from < left.length && !isOver(); from += triedTogether) {
      await Promise.all(left.slice(from, from + triedTogether).map(([name, kept]) => this.#attempt(name, kept)));
    }
  }

  #hereOnly(): [string, Kept<Task>][] {
    return [...this.#kept.entries()].filter(([, { task }]) => this.#options.isHereOnly(task));
  }
}
