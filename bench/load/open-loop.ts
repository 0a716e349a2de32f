import { setTimeout as wait } from "node:timers/promises";
import { seededRandom } from "../../src/emulator/faults/seeded-random.ts";

/** What became of one request, or of a flow of several. */
export interface Outcome {
  /** `200`, `503`, or what a flow calls its end. */
  readonly kind: string;
  /** From the moment that it was due until its end, in milliseconds. A generator that lags behind hides nothing so. */
  readonly milliseconds: number;
  /** When it was due, in milliseconds since the load began. */
  readonly due: number;
  /** How much later it was sent, in milliseconds: where that is much, the clients were what was measured. */
  readonly lag: number;
}

/** A load that does not wait for answers. */
export interface OpenLoad {
  /** How many begin a second. */
  readonly perSecond: number;
  /** How long, in milliseconds. */
  readonly duration: number;
  /** One request or flow; gives back what became of it. */
  readonly run: () => Promise<string>;
  readonly seed?: number;
}

/**
 * Lets requests begin at random moments, so many a second on average, as people and clients do who know nothing of each other
 * (a Poisson process). Whoever is late is measured from when it was due, so that a server that stops is not let off by a
 * generator that waits for it.
 *
 * @param patience - How long to wait for the last answers after the load has ended, in milliseconds.
 */
export async function openLoad(
  { perSecond, duration, run, seed = 1 }: OpenLoad,
  patience = 60_000,
): Promise<Outcome[]> {
  const random = seededRandom(seed);
  const outcomes: Outcome[] = [];
  const start = performance.now();
  let underWay = 0;
  let due = 0;
  const begin = async (dueAt: number): Promise<void> => {
    const lag = performance.now() - start - dueAt;
    underWay += 1;
    const kind = await run().catch((failure: unknown) => (failure instanceof Error ? failure.message : "failed"));
    underWay -= 1;
    outcomes.push({ kind, milliseconds: performance.now() - start - dueAt, due: dueAt, lag });
  };
  while (due < duration) {
    const now = performance.now() - start;
    while (due <= now && due < duration) {
      void begin(due);
      due += (-Math.log(1 - random()) * 1000) / perSecond;
    }
    await wait(1);
  }
  const last = performance.now();
  while (underWay > 0 && performance.now() - last < patience) await wait(5);
  return outcomes;
}

/** The value below which a part of the values lies; NaN of none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** What a load met, in figures. */
export interface LoadSummary {
  readonly offered: number;
  /** Of each kind of end: how many a second, and how long they took, in milliseconds. */
  readonly kinds: Readonly<
    Record<string, { perSecond: number; p50: number; p99: number; p999: number; longest: number }>
  >;
}

/** Sums up the outcomes of a load. What ended after the load did counts as well, for its time, but not for the rate. */
export function summarise(
  outcomes: readonly Outcome[],
  { perSecond, duration }: Pick<OpenLoad, "perSecond" | "duration">,
): LoadSummary {
  const kinds: Record<string, { perSecond: number; p50: number; p99: number; p999: number; longest: number }> = {};
  for (const kind of new Set(outcomes.map((outcome) => outcome.kind))) {
    const of = outcomes.filter((outcome) => outcome.kind === kind);
    const times = of.map(({ milliseconds }) => milliseconds);
    const inTime = of.filter(({ due, milliseconds }) => due + milliseconds <= duration).length;
    kinds[kind] = {
      perSecond: (inTime * 1000) / duration,
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      p999: percentile(times, 0.999),
      longest: Math.max(...times),
    };
  }
  return { offered: perSecond, kinds };
}
