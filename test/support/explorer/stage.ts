/** What went wrong with a step: before its effect, after it, when the answer is lost, or long before it. */
export type Fault = "failed before its effect" | "answer lost after its effect" | "failed, and lands later";

/** What an instance has of the stage. */
export type StageDoor = Pick<Stage, "pass">;

/** Where a step comes from: who waits for it. */
export type StepKind = "send" | "store" | "upstream" | "sleep" | "timer" | "late";

/** What a caller asks the stage for. */
export interface StepRequest<R> {
  readonly kind: StepKind;
  /** The instance that waits; undefined for a client outside. */
  readonly instance: number | undefined;
  /** What the step is, for the story. Called only where the story is told. */
  readonly describe: () => string;
  /** Does what was asked, at one moment. */
  readonly effect: () => R;
  /** What the caller hears of each fault that the step can have: a value, or an error where it throws. */
  readonly faults?: Partial<Readonly<Record<Fault, () => R>>>;
  /** For a sleep and a timer: when it ends, in milliseconds since the epoch. */
  readonly wakesAt?: number;
}

/** A step that waits for the explorer. */
export interface Step {
  readonly kind: StepKind;
  readonly instance: number | undefined;
  /** The task whose code asked for the step. */
  readonly task: number;
  readonly faults: readonly Fault[];
  readonly wakesAt: number | undefined;
  readonly describe: () => string;
  /** True once the step has had its effect. The caller has not been told yet. */
  readonly isDone: () => boolean;
  /** Gives the step its effect; says in a word what came of it. */
  readonly act: () => string;
  /** Tells the caller, after the effect. */
  readonly answer: () => void;
  /** Tells the caller of a fault. */
  readonly fail: (fault: Fault) => void;
}

/**
 * Where steps wait. Everything that an instance asks of the world outside (the store, the upstream, a timer) and every
 * request that a client sends is a step. While the stage is held, a step waits until the explorer gives it its effect and
 * its answer; otherwise it goes straight through.
 */
export class Stage {
  /** The steps that wait, in the order in which they came. */
  readonly waiting: Step[] = [];
  /** The task whose code is running. Whatever comes while it runs is its doing. */
  runningTask = 0;
  isHeld = false;
  /** The instance whose steps always go straight through: the one that only looks at how things stand. */
  onlooker: number | undefined;

  /** Passes a step: straight through, or as soon as the explorer says so. */
  pass<R>(request: StepRequest<R>): Promise<R> {
    if (!this.isHeld || (request.instance !== undefined && request.instance === this.onlooker))
      return straight(request.effect);
    return new Promise<R>((resolve, reject) => {
      this.waiting.push(makeStep(request, this.runningTask, resolve, reject));
    });
  }

  /** Sets a timer, whose end is a step where the stage is held; answers with what stops it. Else no time goes by of itself. */
  setTimer(request: Omit<StepRequest<void>, "kind"> & { readonly wakesAt: number }): () => void {
    if (!this.isHeld || request.instance === this.onlooker) return () => {};
    const step = makeStep<void>({ ...request, kind: "timer" }, this.runningTask, nothing, nothing);
    this.waiting.push(step);
    return () => this.remove(step);
  }

  /** Takes a step off the stage. */
  remove(step: Step): void {
    const at = this.waiting.indexOf(step);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  /** Leaves a step to have its effect whenever it may be, though its caller has been told that it failed. */
  leaveToLand(step: Step): void {
    this.waiting.push({ ...step, kind: "late", faults: [], answer: () => {} });
  }

  /** Drops what an instance waits for: it is gone, and no answer reaches it any more. */
  dropStepsOf(instance: number): readonly Step[] {
    const dropped = this.waiting.filter((step) => step.instance === instance);
    for (const step of dropped) this.remove(step);
    return dropped;
  }
}

function nothing(): void {}

async function straight<R>(effect: () => R): Promise<R> {
  return effect();
}

function makeStep<R>(
  { kind, instance, describe, effect, faults = {}, wakesAt }: StepRequest<R>,
  task: number,
  resolve: (value: R) => void,
  reject: (error: unknown) => void,
): Step {
  let outcome: { readonly value: R } | { readonly error: unknown } | undefined;
  const act = (): string => {
    try {
      outcome = { value: effect() };
      return wordFor(outcome.value);
    } catch (error) {
      outcome = { error };
      return error instanceof Error ? error.name : "error";
    }
  };
  return {
    kind,
    instance,
    task,
    wakesAt,
    describe,
    faults: faultsIn(faults),
    isDone: () => outcome !== undefined,
    act,
    answer() {
      if (outcome === undefined) act();
      if (outcome !== undefined && "value" in outcome) resolve(outcome.value);
      else reject(outcome?.error);
    },
    fail(fault) {
      if (fault === "answer lost after its effect" && outcome === undefined) act();
      try {
        const heard = faults[fault];
        if (heard === undefined) throw new RangeError(`This step cannot have the fault "${fault}".`);
        resolve(heard());
      } catch (error) {
        reject(error);
      }
    },
  };
}

function faultsIn(faults: Partial<Readonly<Record<Fault, unknown>>>): readonly Fault[] {
  const names: Fault[] = [];
  if (faults["failed before its effect"] !== undefined) names.push("failed before its effect");
  if (faults["answer lost after its effect"] !== undefined) names.push("answer lost after its effect");
  if (faults["failed, and lands later"] !== undefined) names.push("failed, and lands later");
  return names;
}

/** What a step's answer was, in a word. */
function wordFor(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "object" && value !== null && "status" in value) return String(value.status);
  return "found";
}

let signaturesUnderWay = 0;

/** Counts the verifications of signatures, the one thing between two steps that does not run in microtasks. */
export function watchSignatures(): void {
  const { subtle } = globalThis.crypto;
  if (Object.hasOwn(subtle, "verify")) return;
  const counted = async <R>(work: Promise<R>): Promise<R> => {
    signaturesUnderWay += 1;
    try {
      return await work;
    } finally {
      signaturesUnderWay -= 1;
    }
  };
  const { verify, importKey } = subtle;
  subtle.verify = (...given) => counted(verify.apply(subtle, given));
  Object.defineProperty(subtle, "importKey", {
    value: (...given: Parameters<typeof importKey>) => counted(importKey.apply(subtle, given)),
  });
}

/**
 * Waits until nothing more can happen without a step. Everything between two steps runs in microtasks, and a tick comes
 * after all of them.
 */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
  while (signaturesUnderWay > 0) await new Promise(setImmediate);
}
