import type { Actor } from "./actor.ts";
import type { Bounds } from "./schedule.ts";
import type { World, WorldSettings } from "./world.ts";

/** Something that somebody outside does, at the same time as the other tasks of its flow. */
export interface FlowTask {
  readonly name: string;
  readonly run: (actor: Actor, world: World) => Promise<void>;
}

/** What is explored: where things begin, and who does what. */
export interface Flow {
  readonly name: string;
  readonly settings: WorldSettings;
  /** Leads to where the exploration begins. It goes straight through, once for all schedules. */
  readonly prepare: (world: World) => Promise<void>;
  /**
   * What comes first in every schedule, straight through as well: for what an instance has to remember. The clocks are apart
   * by then.
   */
  readonly begin?: (world: World) => Promise<void>;
  readonly tasks: readonly FlowTask[];
  /** By how many seconds the time may jump. */
  readonly advances?: readonly number[];
  /** By how many seconds the clock of an instance may be ahead. Default: 20, and 20 behind. */
  readonly skews?: readonly number[];
  readonly bounds?: Partial<Bounds>;
}
