/** A clock that stands still until it is moved. In milliseconds since the epoch, beginning at the real time. */
export class ManualClock {
  #now = Date.now();

  readonly read = (): number => this.#now;

  advanceSeconds(seconds: number): void {
    this.#now += seconds * 1000;
  }
}
