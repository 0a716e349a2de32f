import { randomBytes } from "node:crypto";
import { OAuthError, PangeaAuthnError, UnsealableError, UpstreamRejectedError } from "../../errors.ts";
import { tlsFaultOf } from "../../storage/tls-failure.ts";
import { emit, type ProviderEvents } from "../events.ts";
import { isInstance, toOAuthError } from "../oauth-failure.ts";
import { codesOf, describeFailure, framesOf } from "./failure-description.ts";
import { logEntryOf, refusalEntry } from "./log-entries.ts";
import type { LogEntry, OperatorLog } from "./logger.ts";

/** An endpoint of the authorization server. */
export type RequestRoute = "authorize" | "consent" | "callback" | "token" | "revoke" | "register" | "account";

/** Tells whoever listens to a provider, and whoever operates it, what went wrong. */
export class Reporter {
  readonly #log: OperatorLog;
  readonly #notices = new Set<string>();
  /** The references of failures: one that is told of twice has one. */
  readonly #references = new WeakMap<object, string>();

  constructor(log: OperatorLog) {
    this.#log = log;
  }

  /** Tells of an event, in the log too where an operator should know. */
  tell<Name extends keyof ProviderEvents>(name: Name, event: ProviderEvents[Name]): void {
    emit(name, event);
    const entry = logEntryOf(name, event);
    if (entry !== undefined) this.#log.write(entry);
  }

  /**
   * Writes a notice that is true of this process, and that is therefore told once.
   *
   * @param about - What the notice is true of, such as an upstream, where it may be true of several: told once of each.
   */
  notice(level: "info" | "warn", topic: string, message: string, about?: string): void {
    const told = about === undefined ? topic : `${topic} ${about}`;
    if (this.#notices.has(told)) return;
    this.#notices.add(told);
    this.#log.write({ level, kind: `notice ${told}`, topic, message } satisfies LogEntry);
  }

  /** Whether a notice was told that is about nothing but this process. */
  hasNoticed(topic: string): boolean {
    return this.#notices.has(topic);
  }

  /**
   * Tells where this server is at fault, not its caller: the event `outage`. What the caller reads then ends in the
   * reference by which the operator finds the event.
   *
   * @returns The answer to the caller, as `toOAuthError` makes it.
   */
  failure(failure: unknown): OAuthError {
    const error = toOAuthError(failure);
    if (error.status < 500) return error;
    const cause = isOutageOfSite(failure) ? failure : (error.cause ?? failure);
    const reference = this.#referenceOf(cause);
    const code = isInstance(cause, PangeaAuthnError) ? cause.code : "ERR_UNEXPECTED";
    this.tell("outage", {
      code,
      reference,
      // A foreign error has a code of its own; which one it is stands among the causes.
      failure: { ...describeFailure(cause), ...(code === "ERR_UNEXPECTED" && unexpected(cause)) },
      trace: framesOf(cause),
      ...(isForeignKey(error, cause) ? { advice: sameSecrets } : (adviceForSites(cause) ?? adviceOf(cause))),
    });
    return new OAuthError(error.error, `${error.message} Reference: ${reference}.`, {
      status: error.status,
      cause,
      ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
    });
  }

  #referenceOf(failure: unknown): string {
    if (typeof failure !== "object" || failure === null) return newReference();
    const known = this.#references.get(failure) ?? newReference();
    this.#references.set(failure, known);
    return known;
  }

  /** Tells of a rate limiter that cannot count. This process counts by itself. */
  limiterFailure(cause: unknown): void {
    const { causes, ...itself } = describeFailure(cause);
    const code = "ERR_RATE_LIMITER";
    const message = "The rate limiter of rateLimits.limiter failed; this process counts by itself.";
    const failure = { code, message, causes: [itself, ...causes] };
    this.tell("outage", { code, reference: newReference(), failure, trace: framesOf(cause) });
  }

  /**
   * Tells of a request to the authorization server that is not granted: as `failure` does where this server is at fault,
   * and of any other at the log's lowest level.
   */
  refusal(route: RequestRoute, failure: unknown): OAuthError {
    const error = this.failure(failure);
    if (!isToldElsewhere(error)) this.#log.write(refusalEntry(route, error.error, describeFailure(failure)));
    return error;
  }
}

/** Whether an event of its own tells of an answer: `outage`, or `rate-limited`. */
export function isToldElsewhere({ status, error }: OAuthError): boolean {
  return status >= 500 || error === "too_many_requests";
}

/** Names an event, for whoever reads of it in an answer and looks for it in the log: no option of `grep` looks like it. */
function newReference(): string {
  return randomBytes(4).toString("hex");
}

/** A defect of this package, or of what it was given: the error itself is the first of the causes. */
function unexpected(cause: unknown): ProviderEvents["outage"]["failure"] {
  const { causes, ...itself } = describeFailure(cause);
  return {
    code: "ERR_UNEXPECTED",
    message: "Something threw that should not: this server, or what its options gave it.",
    causes: [itself, ...causes],
  };
}

const sameSecrets =
  "Give every instance of one server the same secrets: the option secret, or where that is not given the upstream's client secret. Another server needs a namespace of its own in this store.";

/**
 * Whether a site that a client names, such as that of its metadata document, could not be asked. What the system or a `fetch`
 * of the operator's has thrown is the reason then, and no defect.
 */
function isOutageOfSite(failure: unknown): failure is OAuthError {
  if (!isInstance(failure, OAuthError) || failure.error !== "temporarily_unavailable") return false;
  return !isInstance(failure.cause, PangeaAuthnError);
}

/** What an operator can change where this server does not reach the sites of clients. */
function adviceForSites(failure: unknown): { readonly advice: string } | undefined {
  if (!isOutageOfSite(failure) || failure.cause === undefined) return undefined;
  const codes = codesOf(describeFailure(failure)).filter((code) => code !== failure.code);
  const said = codes.length === 0 ? "" : ` (${codes.join(", ")})`;
  const what =
    tlsFaultOf(failure)?.advice ??
    "Where other sites fail too, look at this machine's name servers, firewall and proxy, and at clientMetadataDocuments.fetch.";
  return { advice: `The connection failed${said}. ${what}` };
}

/** Whether another instance sealed something under a key that this one does not have. */
function isForeignKey({ error }: OAuthError, cause: unknown): boolean {
  return error === "temporarily_unavailable" && isInstance(cause, UnsealableError) && cause.keyId !== undefined;
}

/** What an operator can change, where the upstream's refusal says so. */
export function adviceOf(failure: unknown): { readonly advice?: string } {
  const isKnown = isInstance(failure, UpstreamRejectedError) && failure.advice !== undefined;
  return isKnown ? { advice: failure.advice } : {};
}
