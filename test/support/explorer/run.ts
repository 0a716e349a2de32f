import { Actor, type Wish } from "./actor.ts";
import type { Flow } from "./flow.ts";
import { isDefinite } from "./history.ts";
import { RevocationWatch } from "./revocation-watch.ts";
import type { Bounds, Chooser, Option } from "./schedule.ts";
import { type Step, settled } from "./stage.ts";
import type { World } from "./world.ts";

/** What schedules may have unless their flow says otherwise. */
export const defaultBounds: Bounds = {
  faults: 2,
  advances: 1,
  restarts: 1,
  splits: true,
  skews: true,
  lateWrites: false,
};

/** A schedule that takes longer than this does not end at all. */
const maxActions = 5_000;
/** How far apart clocks may be unless the flow says otherwise, in seconds. */
const usualSkews = [-20, 20] as const;
/** For so many seconds an instance that refreshes a session may be suspended and still be the only one. */
const shorterThanTheLock = 170;
/** How often a caller comes back once all is well again. */
const maxReturns = 4;

/** Used up by now. */
interface Spent {
  faults: number;
  advances: number;
  restarts: number;
}

/** Runs the tasks of a flow under a schedule, and then lets everybody come back who was not told a definite answer. */
export class Run {
  readonly #world: World;
  readonly #flow: Flow;
  readonly #chooser: Chooser;
  readonly #bounds: Bounds;
  readonly #spent: Spent = { faults: 0, advances: 0, restarts: 0 };
  /** The instances whose timer has made them try again what the store did not take. */
  readonly #retrying = new Set<number>();

  /** @param bounds - In place of the flow's own. */
  constructor(world: World, flow: Flow, chooser: Chooser, bounds: Partial<Bounds> = {}) {
    this.#world = world;
    this.#flow = flow;
    this.#chooser = chooser;
    this.#bounds = { ...defaultBounds, ...flow.bounds, ...bounds };
  }

  /** @param without - The tasks that are left out. */
  async toTheEnd(without: ReadonlySet<number> = new Set()): Promise<void> {
    const world = this.#world;
    const { stage } = world;
    const wishes: Wish[] = [];
    this.#take(this.#firstOptions());
    await this.#flow.begin?.(world);
    stage.isHeld = true;
    const running: Promise<void>[] = [];
    for (const [index, task] of this.#flow.tasks.entries()) {
      if (without.has(index)) continue;
      stage.runningTask = index;
      running.push(task.run(new Actor(world, index, wishes), world));
    }
    await settled();
    stage.runningTask = 0;
    const watch = new RevocationWatch(world);
    while (stage.waiting.length > 0) {
      world.actions += 1;
      world.upstream.now = world.actions;
      if (world.actions > maxActions) throw new Error("The schedule does not come to an end.");
      this.#take(() => this.#options());
      await settled();
      await watch.look();
    }
    stage.isHeld = false;
    await Promise.all(running);
    await this.#letAllReturn(wishes);
  }

  async #letAllReturn(wishes: readonly Wish[]): Promise<void> {
    const world = this.#world;
    const { afterwards } = world.settings;
    if (afterwards !== undefined) {
      for (const instance of world.instances) {
        instance.renew({ ...world.settings.options, ...afterwards });
        world.kills.push({ instance: instance.index, at: world.actions });
      }
    }
    // What is refused here may be what it is about: so a wish is given up as soon as the answer is definite.
    for (const { again } of [...wishes]) {
      for (let returned = 0; returned < maxReturns; returned += 1) {
        world.actions += 1;
        world.upstream.now = world.actions;
        if (isDefinite(await again(returned))) break;
      }
    }
  }

  #take(options: () => readonly Option[]): void {
    const choice = this.#chooser.choose(options);
    const option = choice === 0 ? this.#first(options) : options()[choice];
    if (option !== undefined) this.#perform(option);
  }

  /** What comes first of itself: found without making the others, for it is what is mostly done. */
  #first(options: () => readonly Option[]): Option | undefined {
    const { waiting } = this.#world.stage;
    if (waiting.length === 0) return options()[0];
    const step = this.#inOrder(waiting)[0];
    return step && { kind: "do", step };
  }

  /** The running task's steps before those of the others, then what lands late, and sleep last of all. */
  #inOrder(waiting: readonly Step[]): readonly Step[] {
    if (waiting.length === 1) return waiting;
    const { runningTask } = this.#world.stage;
    const tasks = this.#flow.tasks.length;
    const rank = ({ kind, task, wakesAt }: Step): number => {
      if (wakesAt !== undefined) return tasks + wakesAt;
      return kind === "late" ? tasks : (task - runningTask + tasks) % tasks;
    };
    return [...waiting].sort((one, other) => rank(one) - rank(other));
  }

  #options(): readonly Option[] {
    const world = this.#world;
    const { faults, advances, restarts, splits, lateWrites } = this.#bounds;
    const steps = this.#inOrder(world.stage.waiting);
    const options: Option[] = steps.map((step) => ({ kind: "do", step }));
    if (splits) {
      for (const step of steps)
        if ((step.kind === "store" || step.kind === "upstream") && !step.isDone()) options.push({ kind: "act", step });
    }
    if (this.#spent.faults < faults) {
      for (const step of steps) {
        for (const fault of step.faults) {
          if (fault !== "answer lost after its effect" && step.isDone()) continue;
          if (fault === "failed, and lands later" && !lateWrites) continue;
          options.push({ kind: "fail", step, fault });
        }
      }
    }
    if (this.#spent.advances < advances) {
      const longest = this.#longestJump();
      const jumps = this.#flow.advances ?? [];
      for (const seconds of jumps) if (seconds <= longest) options.push({ kind: "advance", seconds });
    }
    if (this.#spent.restarts < restarts) {
      for (const { isBusy, index } of world.instances) if (isBusy) options.push({ kind: "restart", instance: index });
    }
    return options;
  }

  /**
   * By how many seconds the time may jump. Time that jumps is a process that is suspended, and one that is suspended for longer
   * than its lock holds loses the login where it has a session that is nowhere else: nobody can help that. A timer is never jumped
   * over: a process that runs hears it.
   */
  #longestJump(): number {
    const { waiting } = this.#world.stage;
    if (waiting.some(({ kind }) => kind === "timer")) return 0;
    for (const instance of this.#retrying) {
      if (waiting.some((step) => step.instance === instance)) return 0;
      this.#retrying.delete(instance);
    }
    const isStoring = waiting.some(
      (step) => step.kind === "store" && !step.isDone() && step.describe().startsWith("set upstream_session"),
    );
    return isStoring ? shorterThanTheLock : Number.POSITIVE_INFINITY;
  }

  #firstOptions(): () => readonly Option[] {
    return () => {
      const options: Option[] = [{ kind: "begin" }, { kind: "together" }];
      if (!this.#bounds.skews) return options;
      for (const { index } of this.#world.instances) {
        for (const seconds of this.#flow.skews ?? usualSkews) options.push({ kind: "skew", instance: index, seconds });
      }
      return options;
    };
  }

  #perform(option: Option): void {
    const world = this.#world;
    const { stage } = world;
    switch (option.kind) {
      case "begin":
        break;
      case "together":
        world.isTogether = true;
        world.tell(-1, "every request goes to instance 0");
        break;
      case "skew":
        world.instance(option.instance).skew = option.seconds * 1000;
        world.tell(-1, `the clock of instance ${option.instance} is ${option.seconds} s ahead`);
        break;
      case "advance":
        this.#spent.advances += 1;
        world.advance(option.seconds * 1000);
        world.tell(-1, `${option.seconds} s pass`);
        break;
      case "restart":
        this.#spent.restarts += 1;
        this.#restart(option.instance);
        break;
      default:
        this.#move(option, option.step);
        if (option.kind !== "act") stage.remove(option.step);
    }
  }

  #move(option: Extract<Option, { step: Step }>, step: Step): void {
    const world = this.#world;
    world.stage.runningTask = step.task;
    if (step.kind === "timer" && step.instance !== undefined) this.#retrying.add(step.instance);
    if (step.wakesAt !== undefined) world.advance(Math.max(0, step.wakesAt - world.now));
    const late = step.kind === "late" ? "late, " : "";
    const where = step.instance === undefined ? "" : `instance ${step.instance}: `;
    const tell = (what: string): void => world.tell(step.task, `${late}${where}${step.describe()}${what}`);
    if (option.kind === "fail") {
      this.#spent.faults += 1;
      if (step.kind === "store") world.storeFaults += 1;
      tell(` — ${option.fault}`);
      step.fail(option.fault);
      if (option.fault === "failed, and lands later") world.stage.leaveToLand(step);
      return;
    }
    const word = step.isDone() ? "is told" : step.act();
    const answer = word === "" ? "" : ` → ${word}`;
    tell(option.kind === "act" ? `${answer}, and is not told yet` : answer);
    if (option.kind === "do") step.answer();
  }

  #restart(index: number): void {
    const world = this.#world;
    const instance = world.instance(index);
    world.tell(-1, `instance ${index} is killed and begins anew`);
    world.kills.push({ instance: index, at: world.actions });
    world.stage.dropStepsOf(index);
    world.upstream.forget(index);
    instance.renew();
  }
}
