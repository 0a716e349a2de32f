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
  /** Microseconds for one run, of each round. */
  readonly ofRounds: readonly number[];
}

/**
 * Measures contenders in turns, so that whatever else the machine does falls on all of them alike: in each round every
 * contender runs for a short while. The order is another one each time, since whoever comes after a contender that takes
 * much memory finds colder caches. The first tenth of the rounds is not counted: the compiler has work then.
 *
 * @param runsPerRound - How often a contender does its work in one round. A millisecond's worth is good on a busy machine:
 * most rounds then go by without an interruption, and the median leaves out the others.
 */
export async function measureInTurns(
  contenders: readonly Contender[],
  { rounds, runsPerRound }: { readonly rounds: number; readonly runsPerRound: number },
): Promise<Measurement[]> {
  const times = contenders.map((): number[] => []);
  for (let round = -Math.ceil(rounds / 10); round < rounds; round++) {
    for (const index of shuffled(contenders.keys())) {
      const contender = contenders[index];
      const start = performance.now();
      for (let run = 0; run < runsPerRound; run++) await contender?.run();
      const microseconds = ((performance.now() - start) * 1000) / runsPerRound;
      if (round >= 0) times[index]?.push(microseconds);
    }
  }
  return contenders.map(({ name }, index) => {
    const ofRounds = times[index] ?? [];
    return { name, microseconds: median(ofRounds), ofRounds };
  });
}

/** How many times as long as the other it takes: the median of the rounds' ratios. */
export function ratio(measured: Measurement, other: Measurement): number {
  return median(measured.ofRounds.map((microseconds, round) => microseconds / (other.ofRounds[round] ?? Number.NaN)));
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function shuffled<T>(values: Iterable<T>): T[] {
  return [...values]
    .map((value) => ({ value, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ value }) => value);
}
