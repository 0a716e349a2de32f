import type { Exploration, Finding } from "./explore.ts";
import type { Schedule } from "./schedule.ts";

/** Schedules with so few deviations are tried one after the other, and so many of them at the most. */
const maxDeviations = 2;
const maxTried = 1_500;

/**
 * Makes a finding simpler, as long as it breaks the same invariant: fewer deviations, so fewer changes of task and fewer
 * faults, and fewer tasks; and of the options at a decision those that come first, which are the plainer ones.
 */
export async function shrink(exploration: Exploration, finding: Finding): Promise<Finding> {
  const breaks = async (schedule: Schedule, without: readonly number[]): Promise<Finding | undefined> =>
    (await exploration.replay(schedule, without)).find(({ invariant }) => invariant === finding.invariant);
  let best = finding;
  for (let improved = true; improved; ) {
    improved = false;
    for (const candidate of candidatesFor(best, exploration.flow.tasks.length)) {
      const still = await breaks(candidate.schedule, candidate.without);
      if (still === undefined) continue;
      best = still;
      improved = true;
      break;
    }
  }
  const { length } = best.schedule;
  if (length < 2) return best;
  const isSame = ({ invariant }: Finding): boolean => invariant === finding.invariant;
  const { findings } = await exploration.exhaustively(Math.min(length - 1, maxDeviations), maxTried, isSame);
  const fewer = findings.find(isSame);
  // Replayed with fresh instances: what memory had to do with it is no part of a schedule.
  return (fewer && (await breaks(fewer.schedule, fewer.without))) ?? best;
}

/** Simpler ones, the boldest first. */
function* candidatesFor(
  { schedule, without }: Finding,
  tasks: number,
): Generator<{ readonly schedule: Schedule; readonly without: readonly number[] }> {
  for (let task = 0; task < tasks; task += 1) {
    if (!without.includes(task) && without.length + 1 < tasks) yield { schedule, without: [...without, task] };
  }
  const half = Math.ceil(schedule.length / 2);
  if (half > 1) {
    yield { schedule: schedule.slice(0, half), without };
    yield { schedule: schedule.slice(half), without };
  }
  for (let index = 0; index < schedule.length; index += 1) {
    const before = schedule.slice(0, index);
    const after = schedule.slice(index + 1);
    yield { schedule: [...before, ...after], without };
    // What follows may have been counted from the decision that is gone.
    for (const shift of [-1, 1, -2, 2]) yield { schedule: [...before, ...after.map(moved(shift))], without };
  }
  for (let index = 0; index < schedule.length; index += 1) {
    const deviation = schedule[index];
    if (deviation === undefined) continue;
    for (let option = 1; option < deviation.option; option += 1) {
      yield { schedule: schedule.with(index, { ...deviation, option }), without };
    }
  }
}

function moved(shift: number): (deviation: Schedule[number]) => Schedule[number] {
  return ({ at, option }) => ({ at: at + shift, option });
}
