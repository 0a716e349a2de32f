import { type Estimate, isInReport, isShort, medianOf, recordResult } from "./results.ts";

/** The longest that one comparison takes in a report, in milliseconds: fewer rounds then make the intervals wider. */
const longestInReport = 25_000;
/** So many rounds are made in any case. */
const leastRounds = 3;

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
  /** The same ratio, with the interval in which it lies with a probability of 95 %. */
  estimate(name: Name, other: Name): Estimate;
  /** Prints the times, and the ratios to one of the contenders. Hands them to the report. */
  print(title: string, ratiosTo: Name): void;
}

/**
 * Measures contenders in turns, so that whatever else the machine does falls on all of them alike: in each round every
 * contender runs for a short while. The order is another one each time, since whoever comes after a contender that takes
 * much memory finds colder caches. Rounds before the first counted one warm up: the compiler has work then.
 */
export async function measureInTurns<Name extends string>(
  contenders: Readonly<Record<Name, () => Promise<unknown>>>,
  { rounds: wanted, runsPerRound, worksPerRun = 1 }: Turns,
): Promise<Comparison<Name>> {
  const rounds = isShort ? Math.min(wanted, leastRounds) : wanted;
  const end = performance.now() + (isInReport ? longestInReport : Number.POSITIVE_INFINITY);
  const all: { name: string; run: () => Promise<unknown>; times: number[] }[] = [];
  for (const [name, run] of Object.entries<() => Promise<unknown>>(contenders)) all.push({ name, run, times: [] });

  for (let round = -Math.ceil(rounds / 5); round < rounds; round++) {
    // What warms up may take a quarter of the time.
    if (round < 0 && performance.now() > end - longestInReport * 0.75) round = 0;
    if (performance.now() > end && (all[0]?.times.length ?? 0) >= leastRounds) break;
    for (const { run, times } of shuffled(all)) {
      const start = performance.now();
      for (let count = 0; count < runsPerRound; count++) await run();
      const milliseconds = performance.now() - start;
      if (round >= 0) times.push((milliseconds * 1000) / (runsPerRound * worksPerRun));
    }
  }

  const timesOf = (wanted: string): number[] => all.find(({ name }) => name === wanted)?.times ?? [];
  const estimate = (name: string, other: string): Estimate => {
    const others = timesOf(other);
    return medianOf(timesOf(name).map((time, round) => time / (others[round] ?? Number.NaN)));
  };
  const microseconds = (name: string): number => medianOf(timesOf(name)).value;
  const ratio = (name: string, other: string): number => estimate(name, other).value;
  const print = (title: string, ratiosTo: string): void => {
    console.log(`\n${title}`);
    for (const { name } of all) {
      const time = microseconds(name).toFixed(microseconds(name) < 10 ? 3 : 1);
      console.log(`  ${name.padEnd(44)} ${time.padStart(9)} µs  ${ratio(name, ratiosTo).toFixed(2).padStart(6)}`);
    }
    const rows = all.map(({ name, times }) => ({ name, time: medianOf(times), ratio: estimate(name, ratiosTo) }));
    recordResult({ kind: "comparison", title, baseline: ratiosTo, rows });
  };
  return { microseconds, ratio, estimate, print };
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ value }) => value);
}
