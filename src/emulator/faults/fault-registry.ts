import type { EmulatedService } from "../http/call-log.ts";
import { APPLIES_TO, type BehaviourFault, type Fault } from "./fault.ts";
import { type FaultPlan, NO_FAULTS, type ReplyFault, type Wait } from "./fault-plan.ts";
import { assertFault, assertScope } from "./fault-validation.ts";
import { type Gate, RequestGate } from "./gate.ts";
import { type Delay, drawLatency, latencyWait } from "./latency.ts";

/** A fault that was injected. */
export interface InjectedFault {
  /** How many requests it has struck. */
  readonly strikes: number;
  /** Ends it. */
  clear(): void;
}

/** What a {@link Gate} holds. */
export interface HoldOptions {
  /** How many requests it stops; later ones pass. All, unless given. */
  readonly times?: number;
  /** True: a request is carried out, then its reply is held. False (the default): it is held before it is carried out. */
  readonly committed?: boolean;
}

/**
 * The faults of a running emulator. They can be changed at any time; a change applies to the requests that arrive after
 * it. Of several that would take the place of a reply, the one injected first strikes.
 *
 * @example
 * ```ts
 * const fault = emulator.faults.inject({ kind: "too-many-requests", retryAfterSeconds: 2, on: "vault", times: 3 });
 * await repository.get(key);
 * fault.strikes; // how often it struck
 * emulator.faults.clear();
 * ```
 */
export interface FaultInjection {
  /**
   * Adds a fault.
   *
   * @throws ConfigurationError where the fault is not one, or a number in it is out of range
   */
  inject(fault: Fault): InjectedFault;
  /**
   * Sets up a gate that holds the requests to an endpoint, several, a service, or all.
   *
   * @throws ConfigurationError where an endpoint is unknown or `times` out of range
   */
  hold(on?: string | readonly string[], options?: HoldOptions): Gate;
  /** Ends every fault and opens every gate. */
  clear(): void;
}

type Injected = { readonly fault: Fault } | { readonly gate: RequestGate; readonly committed: boolean };

class Entry implements InjectedFault {
  readonly what: Injected;
  readonly probability: number;
  readonly #on: readonly string[] | undefined;
  readonly #times: number;
  readonly #remove: (entry: Entry) => void;
  strikes = 0;

  constructor(
    what: Injected,
    scope: { on?: string | readonly string[]; times?: number; probability?: number },
    remove: (entry: Entry) => void,
  ) {
    this.what = what;
    this.probability = scope.probability ?? 1;
    this.#on = typeof scope.on === "string" ? [scope.on] : scope.on;
    this.#times = scope.times ?? Number.POSITIVE_INFINITY;
    this.#remove = remove;
  }

  concerns(service: EmulatedService, endpoint: string): boolean {
    const includes = (targets: readonly string[] | undefined) =>
      targets === undefined || targets.includes(endpoint) || targets.includes(service);
    return includes(this.#on) && ("gate" in this.what || includes(APPLIES_TO[this.what.fault.kind]));
  }

  get isSpent(): boolean {
    return this.strikes >= this.#times;
  }

  clear(): void {
    this.#remove(this);
  }
}

/** The {@link FaultInjection} that the emulator asks what is to befall each request. */
export class FaultRegistry implements FaultInjection {
  readonly #random: () => number;
  readonly #delay: Delay;
  readonly #keepHistory: (milliseconds: number) => void;
  #entries: Entry[] = [];
  readonly #gates = new Set<RequestGate>();

  /** `random` gives numbers in [0, 1). `keepHistory` is told how far back stale reads may look, in milliseconds. */
  constructor(random: () => number, delay: Delay, keepHistory: (milliseconds: number) => void) {
    this.#random = random;
    this.#delay = delay;
    this.#keepHistory = keepHistory;
  }

  inject(fault: Fault): InjectedFault {
    assertFault(fault);
    const entry = new Entry({ fault }, fault, (entry) => this.#remove(entry));
    this.#entries.push(entry);
    this.#updateHistory();
    return entry;
  }

  hold(on?: string | readonly string[], options: HoldOptions = {}): Gate {
    const gate = new RequestGate(() => {
      this.#gates.delete(gate);
      entry.clear();
    });
    const scope = { ...options, ...(on === undefined ? {} : { on }) };
    assertScope(scope);
    const entry = new Entry({ gate, committed: options.committed ?? false }, scope, (entry) => this.#remove(entry));
    this.#gates.add(gate);
    this.#entries.push(entry);
    return gate;
  }

  clear(): void {
    this.#entries = [];
    for (const gate of [...this.#gates]) gate.open();
    this.#updateHistory();
  }

  /** Decides what befalls a request, and counts it against the faults that strike. */
  plan(service: EmulatedService, endpoint: string): FaultPlan {
    if (this.#entries.length === 0) return NO_FAULTS;
    const before: Wait[] = [];
    const after: Wait[] = [];
    const kinds = new Set<BehaviourFault["kind"]>();
    let staleness = 0;
    let reply: ReplyFault | undefined;
    for (const entry of this.#entries) {
      if (!entry.concerns(service, endpoint)) continue;
      if (entry.probability < 1 && this.#random() >= entry.probability) continue;
      const { what } = entry;
      if ("gate" in what) {
        (what.committed ? after : before).push((signal) => what.gate.pass(signal));
      } else {
        const { fault } = what;
        switch (fault.kind) {
          case "latency": {
            const wait = latencyWait(drawLatency(fault.milliseconds, this.#random), this.#delay);
            (fault.committed === true ? after : before).push(wait);
            break;
          }
          case "stale-get-bulk":
            staleness = Math.max(staleness, fault.milliseconds);
            break;
          case "server-error":
          case "html":
          case "too-many-requests":
          case "accepted":
          case "connection-reset":
            // One that comes too late for this request is kept for the next.
            if (reply !== undefined) continue;
            reply = fault;
            break;
          default:
            kinds.add(fault.kind);
        }
      }
      entry.strikes += 1;
    }
    // The history is kept: a request that such a fault has struck is yet to be carried out.
    this.#entries = this.#entries.filter((entry) => !entry.isSpent);
    return { behaviours: { has: (kind) => kinds.has(kind), staleness }, before, after, reply };
  }

  #remove(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#updateHistory();
  }

  #updateHistory(): void {
    let reach = 0;
    for (const { what } of this.#entries) {
      if ("fault" in what && what.fault.kind === "stale-get-bulk") reach = Math.max(reach, what.fault.milliseconds);
    }
    this.#keepHistory(reach);
  }
}
