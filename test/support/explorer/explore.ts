import { Random } from "../../fuzz/random.ts";
import { greet } from "./actor.ts";
import { Ending } from "./ending.ts";
import type { Flow } from "./flow.ts";
import { type Invariant, invariants } from "./invariants.ts";
import { Run } from "./run.ts";
import {
  type Bounds,
  type Chooser,
  type Deviation,
  RandomChooser,
  ReplayingChooser,
  type Schedule,
} from "./schedule.ts";
import { World, type WorldSnapshot } from "./world.ts";

/** A schedule that breaks an invariant. */
export interface Finding {
  readonly flow: string;
  readonly invariant: string;
  /** What is wrong, in a sentence. */
  readonly complaint: string;
  readonly schedule: Schedule;
  /** The tasks that are left out. */
  readonly without: readonly number[];
}

/** How a flow is explored beyond what it says itself. */
export interface ExplorationOptions {
  readonly bounds?: Partial<Bounds>;
  /** Default: all. */
  readonly invariants?: readonly Invariant[];
}

/** Runs the schedules of one flow, each from the same beginning. */
export class Exploration {
  readonly flow: Flow;
  readonly world: World;
  readonly #options: ExplorationOptions;
  #beginning: WorldSnapshot | undefined;

  constructor(flow: Flow, options: ExplorationOptions = {}) {
    this.flow = flow;
    this.world = new World(flow.settings);
    this.#options = options;
  }

  /** Runs one schedule, and answers what it breaks. */
  async replay(schedule: Schedule, without: readonly number[] = []): Promise<readonly Finding[]> {
    return this.#find(new ReplayingChooser(schedule), () => schedule, without);
  }

  /** Draws schedules. The same seed draws the same ones. */
  async atRandom(seed: number): Promise<readonly Finding[]> {
    const chooser = new RandomChooser(new Random(seed));
    return this.#find(chooser, () => chooser.deviations, []);
  }

  /**
   * Runs every schedule with a number of deviations at the most, those with fewer first.
   *
   * @param limit - Gives up after so many schedules.
   * @param until - Ends with the first finding for which it is true.
   * @returns How many schedules there were, and what they broke.
   */
  async exhaustively(
    deviations: number,
    limit = Number.POSITIVE_INFINITY,
    until: (finding: Finding) => boolean = () => false,
  ): Promise<{ readonly schedules: number; readonly isComplete: boolean; readonly findings: readonly Finding[] }> {
    const findings: Finding[] = [];
    let schedules = 0;
    let level: Schedule[] = [[]];
    for (let depth = 0; depth <= deviations; depth += 1) {
      const next: Schedule[] = [];
      for (const schedule of level) {
        if (schedules >= limit) return { schedules, isComplete: false, findings };
        const counts: number[] = [];
        const found = await this.#find(new ReplayingChooser(schedule, counts), () => schedule, []);
        schedules += 1;
        findings.push(...found);
        if (found.some(until)) return { schedules, isComplete: false, findings };
        if (depth < deviations) for (const more of extensions(schedule, counts)) next.push(more);
      }
      level = next;
    }
    return { schedules, isComplete: true, findings };
  }

  async #find(
    chooser: Chooser,
    schedule: () => readonly Deviation[],
    without: readonly number[],
  ): Promise<readonly Finding[]> {
    const world = await this.#begin();
    const findings: Finding[] = [];
    const note = (invariant: string, complaint: string): void => {
      findings.push({ flow: this.flow.name, invariant, complaint, schedule: schedule(), without });
    };
    try {
      await new Run(world, this.flow, chooser, this.#options.bounds).toTheEnd(new Set(without));
    } catch (failure) {
      note("everything ends well", failure instanceof Error ? failure.message : String(failure));
      return findings;
    }
    const ending = new Ending(world);
    for (const { name, broken } of this.#options.invariants ?? invariants) {
      const complaint = await broken(ending);
      if (complaint !== undefined) note(name, complaint);
    }
    return findings;
  }

  /** Sets the world to where the flow begins, with instances that remember nothing. */
  async #begin(): Promise<World> {
    const { world } = this;
    if (this.#beginning === undefined) {
      const { tell } = world;
      world.tell = () => {};
      world.empty();
      await this.#greetAll();
      await this.flow.prepare(world);
      world.tell = tell;
      this.#beginning = world.snapshot();
    }
    world.restore(this.#beginning);
    await this.#greetAll();
    return world;
  }

  /** What an instance does when it is first called is not what is explored. */
  async #greetAll(): Promise<void> {
    for (const instance of this.world.instances) await greet(instance);
  }
}

/** A schedule with one deviation more, later than all the others: so each schedule is made once. */
function* extensions(schedule: Schedule, counts: readonly number[]): Generator<Schedule> {
  const from = (schedule.at(-1)?.at ?? -1) + 1;
  for (let at = from; at < counts.length; at += 1) {
    for (let option = 1; option < (counts[at] ?? 0); option += 1) yield [...schedule, { at, option }];
  }
}
