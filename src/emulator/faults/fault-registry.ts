import type { EmulatedService } from "../http/call-log.ts";
import {
  type AcceptedFault,
  appliesTo,
  type BehaviourFault,
  type Committing,
  type EndingFault,
  type Fault,
  type FaultScope,
} from "./fault.ts";
import { type FaultPlan, noFaults, type Wait } from "./fault-plan.ts";
import { requireFault, requireScope } from "./fault-validation.ts";
import { type Gate, RequestGate } from "./gate.ts";
import { type Delay, drawLatency } from "./latency.ts";

/** A fault that was injected. */
export interface InjectedFault {
  /** How many requests it has struck. */
  readonly strikes: number;
  /** Ends it. */
  clear(): void;
}

/** What a {@link Gate} holds. */
export interface HoldOptions extends Committing {
  /** How many requests it stops; later ones pass. Default: no limit. */
  readonly times?: number;
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
   * @throws {ConfigurationError} when the fault is not one, or a number in it is out of range.
   */
  inject(fault: Fault): InjectedFault;
  /**
   * Sets up a gate that holds the requests to an endpoint, several, a service, or all.
   *
   * @throws {ConfigurationError} when an endpoint is unknown or `times` is out of range.
   */
  hold(on?: string | readonly string[], options?: HoldOptions): Gate;
  /** Ends every fault and opens every gate. */
  clear(): void;
}

/** A gate, kept as if it were a fault: it strikes requests by the same rules. */
interface HoldFault extends FaultScope, Committing {
  readonly kind: "hold";
  readonly gate: RequestGate;
}

interface Entry extends InjectedFault {
  readonly fault: Fault | HoldFault;
  strikes: number;
}

/** The {@link FaultInjection} that the emulator asks what is to befall each request. */
export class FaultRegistry implements FaultInjection {
  readonly #random: () => number;
  readonly #delay: Delay;
  readonly #keepHistory: (milliseconds: number) => void;
  #entries: readonly Entry[] = [];
  readonly #gates = new Set<RequestGate>();

  /** `random` gives numbers in [0, 1). `keepHistory` is told how far back stale reads may look, in milliseconds. */
  constructor(random: () => number, delay: Delay, keepHistory: (milliseconds: number) => void) {
    this.#random = random;
    this.#delay = delay;
    this.#keepHistory = keepHistory;
  }

  inject(fault: Fault): InjectedFault {
    requireFault(fault);
    return this.#add(fault);
  }

  hold(on?: string | readonly string[], options: HoldOptions = {}): Gate {
    const scope = { ...options, ...(on === undefined ? {} : { on }) };
    requireScope(scope);
    const gate = new RequestGate(() => {
      this.#gates.delete(gate);
      entry.clear();
    });
    this.#gates.add(gate);
    const entry = this.#add({ ...scope, kind: "hold", gate });
    return gate;
  }

  clear(): void {
    this.#replaceEntries([]);
    for (const gate of [...this.#gates]) gate.open();
  }

  /** Decides what befalls a request, and counts it against the faults that strike. */
  plan(service: EmulatedService, endpoint: string): FaultPlan {
    if (this.#entries.length === 0) return noFaults;
    const before: { waits: Wait[]; ending?: EndingFault } = { waits: [] };
    const after: typeof before = { waits: [] };
    const kinds = new Set<BehaviourFault["kind"]>();
    let staleness = 0;
    let accepted: AcceptedFault | undefined;
    for (const entry of this.#entries) {
      const { fault } = entry;
      if (!concerns(fault, service, endpoint)) continue;
      if (fault.probability !== undefined && fault.probability < 1 && this.#random() >= fault.probability) continue;
      const stage = "committed" in fault && fault.committed === true ? after : before;
      const isReplyTaken = (before.ending ?? after.ending ?? accepted) !== undefined;
      switch (fault.kind) {
        case "hold":
          stage.waits.push((signal) => fault.gate.pass(signal));
          break;
        case "latency": {
          const milliseconds = drawLatency(fault.milliseconds, this.#random);
          stage.waits.push((signal) => this.#delay(milliseconds, signal));
          break;
        }
        case "stale-get-bulk":
          staleness = Math.max(staleness, fault.milliseconds);
          break;
        case "accepted":
          // A fault that comes too late for this request is kept for the next.
          if (isReplyTaken) continue;
          accepted = fault;
          break;
        case "server-error":
        case "html":
        case "too-many-requests":
        case "connection-reset":
          if (isReplyTaken) continue;
          stage.ending = fault;
          break;
        default:
          kinds.add(fault.kind);
      }
      entry.strikes += 1;
    }
    // The history is kept: a request that such a fault has struck is yet to be carried out.
    this.#entries = this.#entries.filter(({ fault, strikes }) => strikes < (fault.times ?? Number.POSITIVE_INFINITY));
    return { behaviours: { has: (kind) => kinds.has(kind), staleness }, before, after, accepted };
  }

  #add(fault: Entry["fault"]): Entry {
    const entry: Entry = {
      fault,
      strikes: 0,
      clear: () => this.#replaceEntries(this.#entries.filter((other) => other !== entry)),
    };
    this.#replaceEntries([...this.#entries, entry]);
    return entry;
  }

  #replaceEntries(entries: readonly Entry[]): void {
    this.#entries = entries;
    const reaches = entries.map(({ fault }) => (fault.kind === "stale-get-bulk" ? fault.milliseconds : 0));
    this.#keepHistory(Math.max(0, ...reaches));
  }
}

/** Whether a fault can strike requests to an endpoint of a service. */
function concerns(fault: Entry["fault"], service: EmulatedService, endpoint: string): boolean {
  const includes = (targets: string | readonly string[] | undefined) =>
    targets === undefined || [targets].flat().some((target) => target === endpoint || target === service);
  return includes(fault.on) && (fault.kind === "hold" || includes(appliesTo[fault.kind]));
}
