import { guideTo } from "../../documentation.ts";
import type { FailureDescription, ProviderEvents } from "../events.ts";

/**
 * What a provider writes its warnings and outages to: `console` is one, and so are the loggers of pino and winston.
 * Warnings of what somebody should look into go to `warn`, outages to `error`, what happens once to `info`, and refusals of
 * single requests to `debug`.
 */
export interface Logger {
  debug(...data: unknown[]): void;
  info(...data: unknown[]): void;
  warn(...data: unknown[]): void;
  error(...data: unknown[]): void;
}

/** How loud a message is. */
export type LogLevel = keyof Logger;

/** What is written, once. */
export interface LogEntry {
  readonly level: LogLevel;
  /** What counts as the same message: one of each kind is written in a minute. */
  readonly kind: string;
  readonly message: string;
  /** Whether each is written, however many there are: what somebody has decided, for an auditor. */
  readonly isAudited?: true;
  /** The section of the guide that says what to do. */
  readonly topic?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** How long one message of a kind stands for those after it, in milliseconds. */
const quietTime = 60_000;
/** How many kinds are told apart. Kinds are made of codes and routes, none of which a caller can invent. */
const maxKinds = 200;

interface Written {
  readonly at: number;
  suppressed: number;
}

/** Standard output and standard error, without the refusals of single requests. */
const quietConsole: Logger = {
  debug: () => {},
  info: (...data) => console.info(...data),
  warn: (...data) => console.warn(...data),
  error: (...data) => console.error(...data),
};

/** Writes to a logger what an operator should know, each kind of message at most once a minute. */
export class OperatorLog {
  readonly #logger: Logger | undefined;
  readonly #clock: () => number;
  readonly #written = new Map<string, Written>();

  /**
   * @param logger - `false` for none. Default: `console`, which is told nothing of `debug`.
   * @param clock - The time in milliseconds since the epoch.
   */
  constructor(logger: Logger | false | undefined, clock: () => number) {
    this.#logger = logger === false ? undefined : (logger ?? quietConsole);
    this.#clock = clock;
  }

  /** Writes a message, or counts it where one of its kind was written within the minute. Never throws. */
  write({ level, kind, message, isAudited, topic, details = {} }: LogEntry): void {
    if (this.#logger === undefined) return;
    if (isAudited) {
      send(this.#logger, level, `pangea-authn-fastmcp: ${message}`, details);
      return;
    }
    const now = this.#clock();
    const last = this.#written.get(kind);
    // A clock that was set back must not silence anything for long.
    if (last !== undefined && now >= last.at && now < last.at + quietTime) {
      last.suppressed += 1;
      return;
    }
    const suppressed = last?.suppressed ?? 0;
    if (this.#written.size >= maxKinds) this.#written.clear();
    this.#written.set(kind, { at: now, suppressed: 0 });
    const more = suppressed === 0 ? "" : ` (and ${suppressed} more of this kind since the last message)`;
    const help = topic === undefined ? "" : ` See ${guideTo(topic)}`;
    const text = `pangea-authn-fastmcp: ${message}${more}${help}`;
    send(this.#logger, level, text, { ...details, ...(suppressed > 0 && { suppressed }) });
  }
}

/** A logger that fails must not make a request fail that it is told of. */
function send(logger: Logger, level: LogLevel, text: string, details: Readonly<Record<string, unknown>>): void {
  try {
    if (Object.keys(details).length === 0) logger[level](text);
    else if (takesDetailsFirst(logger)) logger[level](details, text);
    else logger[level](text, details);
  } catch (failure) {
    process.emitWarning(`The logger of a provider threw ${failure instanceof Error ? failure.name : "something"}.`, {
      code: "PANGEA_LOGGER",
    });
  }
}

/** The loggers of pino, bunyan and their kind take an object and then the text; others the text first. */
function takesDetailsFirst(logger: object): boolean {
  const has = (name: string) => typeof Reflect.get(logger, name) === "function";
  return has("child") && (has("bindings") || has("addStream"));
}

/** An event that an operator should read of. */
type Told = {
  readonly [Name in keyof ProviderEvents]?: (event: ProviderEvents[Name]) => Omit<LogEntry, "details"> | undefined;
};

/** How a login ends that a person, or a client that wants no page, has ended. */
const endedByPerson: readonly string[] = [
  "access_denied",
  "login_required",
  "interaction_required",
  "account_selection_required",
  "consent_required",
];

/** Whether a login failed by what the event `outage` tells of. */
function isOutage(error: string, code: string): boolean {
  return (error === "server_error" || error === "temporarily_unavailable") && code !== "ERR_UPSTREAM_REJECTED";
}

/** What a person has decided. It is written each time: a decision stands for no other. */
function audited(kind: string, message: string): Omit<LogEntry, "details"> {
  return { level: "info", kind, message, isAudited: true };
}

/** A name from elsewhere, with nothing in it that could pass for a line of the log. */
function quoted(name: string): string {
  return JSON.stringify(name).replaceAll(/[^\x20-\x7e\p{L}\p{N}\p{P}]/gu, " ");
}

/** What each event that tells of a failure means to an operator. */
const told: Told = {
  outage: ({ failure, reference, advice }) => ({
    level: "error",
    kind: `outage ${failure.code} ${advice ?? ""}`,
    topic: failure.code,
    message: `${sentences(failure.message, advice)} (${failure.code}, reference ${reference})`,
  }),
  "login-failed": ({ error, failure, advice }) => ({
    // What ends a login as an outage is told as one.
    level: endedByPerson.includes(error) || isOutage(error, failure.code) ? "debug" : "warn",
    kind: `login-failed ${error} ${failure.code}`,
    topic: "login-failed",
    message: `A login failed with ${error}: ${sentences(failure.message, advice)}`,
  }),
  "consent-failed": ({ error, failure }) => ({
    level: "warn",
    kind: `consent-failed ${error}`,
    topic: "consent-failed",
    message: `A person's decision did not count: ${failure.message}`,
  }),
  denied: ({ error, failure }) => ({
    level: "debug",
    kind: `denied ${error}`,
    topic: error,
    message: `A request to the MCP endpoint was refused with ${error}: ${failure.message}`,
  }),
  "account-signed-in": ({ subject }) =>
    audited("account-signed-in", `${quoted(subject)} signed in to the account page.`),
  "account-signed-out": ({ subject, upstream }) =>
    audited(
      "account-signed-out",
      `${quoted(subject)} signed out of the account page${upstream ? ", and went to sign out upstream" : ""}.`,
    ),
  "account-access-ended": ({ subject, clientId, grantId, grants }) =>
    audited(
      "account-access-ended",
      grantId === undefined
        ? `${quoted(subject)} ended all access of the client ${quoted(clientId)}: ${grants} grant(s).`
        : `${quoted(subject)} ended the grant ${grantId} of the client ${quoted(clientId)}.`,
    ),
  "account-all-access-ended": ({ subject, grants }) =>
    audited("account-all-access-ended", `${quoted(subject)} ended all access of all clients: ${grants} grant(s).`),
  "account-refused": ({ error, subject, failure }) => ({
    level: "warn",
    kind: `account-refused ${error}`,
    topic: "account-refused",
    message: `A request to the account page${subject === undefined ? "" : ` by ${quoted(subject)}`} was refused with ${error}: ${failure.message}`,
  }),
  "reuse-detected": ({ credential }) => ({
    level: "warn",
    kind: `reuse-detected ${credential}`,
    topic: "reuse-detected",
    message:
      credential === "refresh_token"
        ? "A refresh token was shown again after it was spent: somebody may have a copy of it."
        : "An authorization code was shown twice: somebody may have a copy of it.",
  }),
  "state-in-memory": ({ issuer }) => ({
    level: "warn",
    kind: "state-in-memory",
    topic: "store-in-memory",
    message: `${issuer} keeps its logins and registered clients in memory: a restart ends them all, and a second instance does not know them. Give the option repositories: createSqliteRepositories("state.db") for one machine, or createRedisRepositories() and the like for several.`,
  }),
  "key-lost": ({ keyId, records }) => ({
    level: "warn",
    kind: `key-lost ${keyId}`,
    topic: "key-lost",
    message: `${records} record(s) were met that are sealed under the key ${keyId}, which no instance has any more: whoever depends on them logs in again. The secret, listed again behind the new one, opens them. Where they are another server's, give each server a namespace of its own.`,
  }),
  "plain-records": ({ records }) => ({
    level: "warn",
    kind: "plain-records",
    topic: "plain-records",
    message: `${records} record(s) were met that are not sealed, though the store's records are: they were written before there were keys, or by something else. They are never read: whoever depends on them logs in again. To keep those logins, go on with keys: "none" and move them into another store by "npx pangea-authn-fastmcp migrate".`,
  }),
  "foreign-grants": ({ resource }) => ({
    level: "warn",
    kind: "foreign-grants",
    topic: "foreign-grants",
    message: `The store has grants of another server, of the resource ${resource}. They are never listed or ended here; give each server a namespace of its own.`,
  }),
  "unknown-upstream": ({ upstreamIssuer }) => ({
    level: "warn",
    kind: `unknown-upstream ${upstreamIssuer}`,
    topic: "unknown-upstream",
    message: `The store has logins at ${upstreamIssuer}, which is no upstream of this server any more: they are refused, and whoever has one logs in again. Configure that upstream again, beside the others by the option upstreams, to let them go on; or end them by revokeGrants({ upstreamIssuer: "${upstreamIssuer}" }).`,
  }),
  "grant-revoked": ({ by, grantId }) =>
    by && {
      level: "info",
      // A person's decision has a line of its own, whatever else was decided within the minute.
      kind: `grant-revoked ${grantId}`,
      message: by === "operator" ? "An operator has ended a grant." : "A user has ended a grant.",
    },
  "grants-unindexed": ({ issuer }) => ({
    level: "warn",
    kind: "grants-unindexed",
    topic: "grants-unindexed",
    message: `${issuer} was asked for the grants of one user or client, and its repository finds none by an index: every grant is read for that. Give a repository of your own the indexes that createRepositories() names.`,
  }),
  overloaded: ({ waiting }) => ({
    level: "warn",
    kind: "overloaded",
    topic: "overloaded",
    message: `There is more to do than this process can do: requests to the authorization server are refused with 503, and ${waiting} wait. Guarded calls go on.`,
  }),
  "overload-ended": ({ refused, seconds }) => ({
    level: "info",
    kind: "overload-ended",
    topic: "overloaded",
    message: `An overload of ${seconds} s is over, in which ${refused} request(s) to the authorization server were refused with 503.`,
  }),
  "rate-limited": ({ route }) => ({
    level: "warn",
    kind: `rate-limited ${route}`,
    topic: "too_many_requests",
    message: `A caller sent too many requests to ${route} and was told to slow down.`,
  }),
};

/** The log entry of an event; undefined where it is nothing for a log. */
export function logEntryOf<Name extends keyof ProviderEvents>(
  name: Name,
  event: ProviderEvents[Name],
): LogEntry | undefined {
  const entry = told[name]?.(event);
  return entry && { ...entry, details: detailsOf(event) };
}

/** The log entry of a request to the authorization server whose caller is at fault. */
export function refusalEntry(route: string, error: string, { message, causes }: FailureDescription): LogEntry {
  return {
    level: "debug",
    kind: `refused ${route} ${error}`,
    topic: error,
    message: `A request to ${route} was refused with ${error}: ${message}`,
    details: causes.length > 0 ? { causes } : {},
  };
}

/** What is in the message already is not told twice. */
function detailsOf(event: object): Readonly<Record<string, unknown>> {
  const { failure, trace, advice: _, ...others }: Record<string, unknown> = { ...event };
  const causes = typeof failure === "object" && failure !== null && "causes" in failure ? failure.causes : [];
  return {
    ...Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)),
    ...(Array.isArray(causes) && causes.length > 0 && { causes }),
    // Where this package knows what has failed, its lines of code help nobody.
    ...("code" in event && event.code === "ERR_UNEXPECTED" && trace !== undefined && { trace }),
  };
}

function sentences(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(" ");
}
