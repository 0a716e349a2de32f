/** A clock that stands still until the test moves it. */
export interface StoppedClock {
  /** The time in milliseconds since the epoch. */
  (): number;
  /** Moves the clock, back too, by milliseconds. */
  advance(milliseconds: number): void;
  /** The time in epoch seconds, after some seconds more. */
  seconds(later?: number): number;
}

/** A clock that starts at a round time. */
export function stoppedClock(start = 1_750_000_000_000): StoppedClock {
  let now = start;
  return Object.assign(() => now, {
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
    seconds: (later = 0) => now / 1_000 + later,
  });
}
