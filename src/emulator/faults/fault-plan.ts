import type { AcceptedFault, BehaviourFault, EndingFault } from "./fault.ts";

/** How Vault is to behave for one request. */
export interface Behaviours {
  has(kind: BehaviourFault["kind"]): boolean;
  /** How old the data is that get_bulk answers from, in milliseconds. */
  readonly staleness: number;
}

/** Waits for something: a delay to pass or a gate to open. Ends early, without an error, when the signal aborts. */
export type Wait = (signal: AbortSignal) => Promise<void>;

/** What befalls a request at one moment. */
export interface Stage {
  readonly waits: readonly Wait[];
  /** A fault that ends the exchange then. */
  readonly ending?: EndingFault | undefined;
}

/** Everything that is to befall one request, decided when it has arrived in full. */
export interface FaultPlan {
  readonly behaviours: Behaviours;
  /** Before the request is carried out. */
  readonly before: Stage;
  /** After it was carried out, before the reply. */
  readonly after: Stage;
  /** The reply is to be fetched later. */
  readonly accepted?: AcceptedFault | undefined;
}

/** Nothing befalls the request. */
export const noFaults: FaultPlan = {
  behaviours: { has: () => false, staleness: 0 },
  before: { waits: [] },
  after: { waits: [] },
};
