/** How contenders are measured. */
export interface Turns {
  /** Counted rounds. */
  readonly rounds: number;
  /**
   * How often a contender does its work in one round. A millisecond's worth is good on a busy machine: most rounds then go
   * by without an interruption, and the median leaves out the others.
   */
  readonly runsPerRound: number;
  /** What one run is divided by, where it does its work many times. 1 unless given. */
  readonly worksPerRun?: number;
}

/** What was measured. */
export interface Comparison<Name extends string> {
  /** The median over the rounds, in microseconds for one work. */
  microseconds(name: Name): number;
  /** How many times as long as the other it takes: the median of the rounds' ratios. */
  ratio(name: Name, other: Name): number;
  /** Prints the times, and the ratios to one of the contenders. */
  print(title: string, ratiosTo: Name): void;
}

/**
 * Measures contenders in turns, so that whatever else the machine does falls on all of them alike: in each round every
 * contender runs for a short while. The order is another one each time, since whoever comes after a contender that takes
 * much memory finds colder caches. Rounds before the first counted one warm up: the compiler has work then.
 */
export async function measureInTurns<Name extends string>(
  contenders: Readonly<Record<Name, () => Promise<unknown>>>,
  { rounds, runsPerRound, worksPerRun = 1 }: Turns,
): Promise<Comparison<Name>> {
  const all: { name: string; run: () => Promise<unknown>; times: number[] }[] = [];
  for (const [name, run] of Object.entries<() => Promise<unknown>>(contenders)) all.push({ name, run, times: [] });

  for (let round = -Math.ceil(rounds / 5); round < rounds; round++) {
    for (const { run, times } of shuffled(all)) {
      const start = performance.now();
      for (let count = 0; count < runsPerRound; count++) await run();
      const milliseconds = performance.now() - start;
      if (round >= 0) times.push((milliseconds * 1000) / (runsPerRound * worksPerRun));
    }
  }

  const timesOf = (wanted: string): number[] => all.find(({ name }) => name === wanted)?.times ?? [];
  const microseconds = (name: string): number => median(timesOf(name));
  const ratio = (name: string, other: string): number => {
    const others = timesOf(other);
    return median(timesOf(name).map((time, round) => time / (others[round] ?? Number.NaN)));
  };
  const print = (title: string, ratiosTo: string): void => {
    console.log(`\n${title}`);
    for (const { name } of all) {
      const time = microseconds(name).toFixed(microseconds(name) < 10 ? 3 : 1);
      console.log(`  ${name.padEnd(44)} ${time.padStart(9)} µs  ${ratio(name, ratiosTo).toFixed(2).padStart(6)}`);
    }
  };
  return { microseconds, ratio, print };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ value }) => value);
}
