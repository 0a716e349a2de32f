/** A clock that stands still until the test moves it. It begins at the real time, unless the test says when. */
export class ManualClock {
  #now: number;

  /** @param start - In milliseconds since the epoch. Default: the last whole second, so that sums in seconds are exact. */
  constructor(start = Math.floor(Date.now() / 1_000) * 1_000) {
    this.#now = start;
  }

  /** The time in milliseconds since the epoch. */
  readonly read = (): number => this.#now;

  /** The time in epoch seconds, after some seconds more. */
  seconds(later = 0): number {
    return this.#now / 1_000 + later;
  }

  /** Moves the clock by milliseconds, back too. */
  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }

  advanceSeconds(seconds: number): void {
    this.advance(seconds * 1_000);
  }
}
