import type { Exploration, Finding } from "./explore.ts";

/** How often an invariant broke in a flow, and where first. */
export interface SurveyRow {
  readonly flow: string;
  readonly invariant: string;
  readonly count: number;
  /** The seed of the first schedule that broke it. */
  readonly seed: number;
  readonly finding: Finding;
}

/** So many schedules are run between two turns of the event loop: timers and signals need some. */
const turn = 64;

/**
 * Runs the schedules of an exploration that follow from a row of seeds.
 *
 * @param onProgress - Called every now and then with how many more are done.
 */
export async function survey(
  exploration: Exploration,
  seeds: { readonly from: number; readonly count: number },
  onProgress: (done: number) => void = () => {},
): Promise<readonly SurveyRow[]> {
  const rows = new Map<string, SurveyRow>();
  for (let done = 0; done < seeds.count; done += 1) {
    const seed = seeds.from + done;
    for (const finding of await exploration.atRandom(seed)) {
      const known = rows.get(finding.invariant);
      const first = known ?? { flow: finding.flow, invariant: finding.invariant, count: 0, seed, finding };
      rows.set(finding.invariant, { ...first, count: first.count + 1 });
    }
    if ((done + 1) % turn !== 0) continue;
    await new Promise(setImmediate);
    onProgress(turn);
  }
  onProgress(seeds.count % turn);
  return [...rows.values()];
}

/** The rows of several surveys as one: of the same flow and invariant, that of the smallest seed stands for all. */
export function merged(rows: readonly SurveyRow[]): readonly SurveyRow[] {
  const all = new Map<string, SurveyRow>();
  for (const row of rows) {
    const name = JSON.stringify([row.flow, row.invariant]);
    const known = all.get(name);
    const first = known === undefined || row.seed < known.seed ? row : known;
    all.set(name, { ...first, count: row.count + (known?.count ?? 0) });
  }
  return [...all.values()];
}
