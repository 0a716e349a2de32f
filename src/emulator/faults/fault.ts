import { vaultEndpoints } from "../endpoint-names.ts";

/** Which requests a fault strikes. Without any of these: every one that its kind applies to, until it is cleared. */
export interface FaultScope {
  /**
   * One or more endpoints (`vault/v2/delete`, `v2/oauth/token`) or services (`vault`, `authn`). Default: all that the fault's kind applies to.
   */
  readonly on?: string | readonly string[];
  /** How many requests it strikes before it clears itself. Default: no limit. */
  readonly times?: number;
  /** The chance that it strikes a request, from 0 to 1. Drawn from the emulator's seeded generator. Default: 1. */
  readonly probability?: number;
}

/** A way in which the real Vault may behave that is not documented. Applies to the Vault endpoints that it concerns. */
export interface BehaviourFault extends FaultScope {
  /**
   * - `duplicate-names`: several secrets of one name in one folder are allowed.
   * - `idempotent-delete`: deleting what is not there succeeds.
   * - `withhold-disabled`: a disabled item is returned without its secret.
   * - `hide-disabled`: a disabled item is not returned by get, get_bulk and list. It still occupies its name.
   * - `refuse-slash-in-name`: a name with `/` is a validation error.
   * - `name-in-unsupported`: the filter `name__in` is a validation error.
   */
  readonly kind:
    | "duplicate-names"
    | "idempotent-delete"
    | "withhold-disabled"
    | "hide-disabled"
    | "refuse-slash-in-name"
    | "name-in-unsupported";
}

/** get_bulk answers from the store as it was some time ago, by the emulator's clock. It sees changes made since the injection only. */
export interface StaleBulkFault extends FaultScope {
  readonly kind: "stale-get-bulk";
  readonly milliseconds: number;
}

/** Whether the request takes effect before the fault shows. */
export interface Committing {
  /** True: the request is carried out, then its reply is spoilt or held. False: it is not. Default: false. */
  readonly committed?: boolean;
}

/** An error of the service or of a gateway before it, as a Pangea envelope. */
export interface ServerErrorFault extends FaultScope, Committing {
  readonly kind: "server-error";
  /** Default: 503. The SDK retries 500, 502, 503 and 504 by itself. */
  readonly httpStatus?: 500 | 501 | 502 | 503 | 504;
}

/** An HTML page in the place of the reply, such as a proxy sends. */
export interface HtmlFault extends FaultScope, Committing {
  readonly kind: "html";
  /** Default: 502. */
  readonly httpStatus?: number;
}

/** HTTP 429 with `Retry-After`. Never carried out. */
export interface TooManyRequestsFault extends FaultScope {
  readonly kind: "too-many-requests";
  /** In seconds. Default: 1. */
  readonly retryAfterSeconds?: number;
}

/** HTTP 202: the result is to be fetched from `GET {base}/request/{request_id}`. The request is carried out at once. Vault only. */
export interface AcceptedFault extends FaultScope {
  readonly kind: "accepted";
  /** How many fetches are answered with 202 again before the result is there. Default: 0. */
  readonly polls?: number;
}

/** The connection is reset in the place of a reply. */
export interface ConnectionResetFault extends FaultScope, Committing {
  readonly kind: "connection-reset";
}

/** A request takes longer: before it is carried out, or with `committed`, after. */
export interface LatencyFault extends FaultScope, Committing {
  readonly kind: "latency";
  /** In milliseconds: the same for each, drawn evenly from a range, or log-normal with that median and 99th percentile. */
  readonly milliseconds:
    | number
    | { readonly minimum: number; readonly maximum: number }
    | { readonly median: number; readonly percentile99: number };
}

/** A fault that ends an exchange by itself. */
export type EndingFault = ServerErrorFault | HtmlFault | TooManyRequestsFault | ConnectionResetFault;

/**
 * Something that goes wrong, or goes otherwise than usual.
 *
 * @example
 * ```ts
 * const twice502: Fault = { kind: "server-error", httpStatus: 502, committed: true, on: "vault/v2/delete", times: 2 };
 * const slow: Fault = { kind: "latency", milliseconds: { median: 20, percentile99: 200 } };
 * ```
 */
export type Fault = BehaviourFault | StaleBulkFault | EndingFault | AcceptedFault | LatencyFault;

const searches = ["vault/v2/get_bulk", "vault/v2/list"];
const reads = ["vault/v2/get", ...searches];
const namings = ["vault/v2/secret/store", "vault/v2/update", "vault/v2/folder/create"];

/** The endpoints or services that a kind of fault applies to. `undefined` is all. */
export const appliesTo: Readonly<Record<Fault["kind"], readonly string[] | undefined>> = {
  "duplicate-names": namings,
  "idempotent-delete": ["vault/v2/delete"],
  "withhold-disabled": reads,
  "hide-disabled": reads,
  "refuse-slash-in-name": namings,
  "name-in-unsupported": searches,
  "stale-get-bulk": ["vault/v2/get_bulk"],
  "server-error": undefined,
  html: undefined,
  "too-many-requests": undefined,
  accepted: vaultEndpoints,
  "connection-reset": undefined,
  latency: undefined,
};
