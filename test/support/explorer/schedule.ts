import type { Random } from "../../fuzz/random.ts";
import type { Fault, Step } from "./stage.ts";

/** What the explorer may do next. */
export type Option =
  /** Gives a step its effect, unless it has had it, and its answer. */
  | { readonly kind: "do"; readonly step: Step }
  /** Gives a step its effect only: the answer comes later. */
  | { readonly kind: "act"; readonly step: Step }
  | { readonly kind: "fail"; readonly step: Step; readonly fault: Fault }
  | { readonly kind: "advance"; readonly seconds: number }
  | { readonly kind: "restart"; readonly instance: number }
  /** Only before everything else: how far an instance's clock is ahead. */
  | { readonly kind: "skew"; readonly instance: number; readonly seconds: number }
  /** Only before everything else: every request goes to the first instance. */
  | { readonly kind: "together" }
  /** Only before everything else: as it is. */
  | { readonly kind: "begin" };

/** How much of everything a schedule may have. */
export interface Bounds {
  readonly faults: number;
  readonly advances: number;
  readonly restarts: number;
  /** Whether a step's effect and its answer may come apart. */
  readonly splits: boolean;
  readonly skews: boolean;
  /** Whether a write may land after its caller was told that it failed. */
  readonly lateWrites: boolean;
}

/** At a decision, something else is done than what comes first of itself. */
export interface Deviation {
  /** The number of the decision, from 0. */
  readonly at: number;
  /** Which of the options, from 1; 0 is what comes first of itself. */
  readonly option: number;
}

/**
 * A schedule: all that is done otherwise. Where nothing is said, the task that is running goes on, then the next one, and
 * nothing fails. So an empty schedule runs one task after the other, and fewer deviations are a simpler story.
 */
export type Schedule = readonly Deviation[];

/** Decides what is done next. */
export interface Chooser {
  /**
   * Which option is taken: 0 for what comes first of itself.
   *
   * @param options - Made only where somebody wants to know them.
   */
  choose(options: () => readonly Option[]): number;
}

/** Does what a schedule says, and counts the options of each decision where that is wanted. */
export class ReplayingChooser implements Chooser {
  readonly #options: ReadonlyMap<number, number>;
  readonly #counts: number[] | undefined;
  #at = 0;

  /** @param counts - Gets the number of options at each decision from the first one on that the schedule leaves open. */
  constructor(schedule: Schedule, counts?: number[]) {
    this.#options = new Map(schedule.map(({ at, option }) => [at, option]));
    this.#counts = counts;
  }

  choose(options: () => readonly Option[]): number {
    const wanted = this.#options.get(this.#at) ?? 0;
    this.#at += 1;
    if (this.#counts === undefined && wanted === 0) return 0;
    const { length } = options();
    this.#counts?.push(length);
    return wanted < length ? wanted : 0;
  }
}

const weights: Readonly<Record<Option["kind"], number>> = {
  ...{ do: 6, act: 3, fail: 3, advance: 1, restart: 1, skew: 2, together: 1, begin: 1 },
};

/** Draws a schedule, and writes down what it was. */
export class RandomChooser implements Chooser {
  readonly deviations: Deviation[] = [];
  readonly #random: Random;
  /** In this many of a hundred decisions something else is done. */
  readonly #restlessness: number;
  readonly #isCalm: boolean;
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#restlessness = random.pick([4, 12, 30, 60]);
    // Half of the schedules are mere interleavings: too many things at once hide each other.
    this.#isCalm = random.oneIn(2);
  }

  choose(options: () => readonly Option[]): number {
    const at = this.#at;
    this.#at += 1;
    // Whether the clocks differ has nothing to do with how restless a schedule is: with many other things, they hide each other.
    const share = at === 0 ? 50 : this.#restlessness;
    if (this.#random.below(100) >= share) return 0;
    const list = options();
    const kinds = [...new Set(list.slice(1).map(({ kind }) => kind))].filter(
      (kind) => !this.#isCalm || !isTrouble(kind),
    );
    const total = kinds.reduce((sum, kind) => sum + weights[kind], 0);
    if (total === 0) return 0;
    let drawn = this.#random.below(total);
    const kind = kinds.find((candidate) => {
      drawn -= weights[candidate];
      return drawn < 0;
    });
    const places = list.flatMap((option, place) => (place > 0 && option.kind === kind ? [place] : []));
    const option = this.#random.pick(places);
    this.deviations.push({ at, option });
    return option;
  }
}

function isTrouble(kind: Option["kind"]): boolean {
  return kind === "fail" || kind === "restart";
}

/** A schedule as text: `12:1 30:4`. */
export function formatSchedule(schedule: Schedule): string {
  return schedule.map(({ at, option }) => `${at}:${option}`).join(" ");
}

/** Reads what `formatSchedule` wrote. */
export function parseSchedule(text: string): Schedule {
  return text
    .split(" ")
    .filter((part) => part !== "")
    .map((part) => {
      const [at = Number.NaN, option = Number.NaN] = part.split(":").map(Number);
      return { at, option };
    });
}
