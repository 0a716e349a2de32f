import type {
  AcceptedFault,
  BehaviourFault,
  ConnectionResetFault,
  HtmlFault,
  ServerErrorFault,
  TooManyRequestsFault,
} from "./fault.ts";

/** How Vault is to behave for one request. */
export interface Behaviours {
  has(kind: BehaviourFault["kind"]): boolean;
  /** How old the data is that get_bulk answers from, in milliseconds. */
  readonly staleness: number;
}

/** A fault that takes the place of the usual reply. */
export type ReplyFault = ServerErrorFault | HtmlFault | TooManyRequestsFault | AcceptedFault | ConnectionResetFault;

/** Waits for something: a delay to pass or a gate to open. Ends early, without an error, when the signal aborts. */
export type Wait = (signal: AbortSignal) => Promise<void>;

/** Everything that is to befall one request, decided when it has arrived in full. */
export interface FaultPlan {
  readonly behaviours: Behaviours;
  /** What to wait for before the request is carried out. */
  readonly before: readonly Wait[];
  /** What to wait for after it was carried out, before the reply. */
  readonly after: readonly Wait[];
  readonly reply: ReplyFault | undefined;
}

/** Nothing befalls the request. */
export const NO_FAULTS: FaultPlan = {
  behaviours: { has: () => false, staleness: 0 },
  before: [],
  after: [],
  reply: undefined,
};

/** Whether the request is carried out before the fault takes the place of its reply. */
export function isCommitted(fault: ReplyFault): boolean {
  return "committed" in fault && fault.committed === true;
}
