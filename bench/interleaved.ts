/** One way to do the work that is compared. */
export interface Contender {
  readonly name: string;
  /** Does the work once. */
  run(): Promise<unknown>;
}

/** What was measured of a contender. */
export interface Measurement {
  readonly name: string;
  /** The median over the rounds, in microseconds for one run. */
  readonly microseconds: number;
}

/** Rounds that are not counted, until the compiler has seen enough of every contender. */
const warmUpRounds = 5;

/**
 * Measures contenders in turns, so that whatever else the machine does falls on all of them alike: in each round every
 * contender runs once for a while, in an order that rotates.
 *
 * @param runsPerRound - How often a contender does its work in one round.
 */
export async function measureInTurns(
  contenders: readonly Contender[],
  { rounds, runsPerRound }: { readonly rounds: number; readonly runsPerRound: number },
): Promise<Measurement[]> {
  const times = contenders.map((): number[] => []);
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + round + warmUpRounds) % contenders.length;
      const contender = contenders[index];
      const start = performance.now();
      for (let run = 0; run < runsPerRound; run++) await contender?.run();
      const microseconds = ((performance.now() - start) * 1000) / runsPerRound;
      if (round >= 0) times[index]?.push(microseconds);
    }
  }
  return contenders.map(({ name }, index) => ({ name, microseconds: median(times[index] ?? []) }));
}

/** How many times as long as the other it takes, by the medians. */
export function ratio(measured: Measurement, other: Measurement): number {
  return measured.microseconds / other.microseconds;
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
