import type { FailureDescription, ProviderEvents } from "../events.ts";
import type { LogEntry } from "./logger.ts";

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

/** The other codes with which OAuth and OpenID Connect end a login. A browser can come back with any text in their place. */
const knownErrors: ReadonlySet<string> = new Set([
  ...endedByPerson,
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "invalid_scope",
  "invalid_target",
  "invalid_token",
  "server_error",
  "temporarily_unavailable",
  "unauthorized_client",
  "unsupported_response_type",
]);

/** Whether a login failed by what the event `outage` tells of. */
function isOutage(error: string, code: string): boolean {
  return (error === "server_error" || error === "temporarily_unavailable") && code !== "ERR_UPSTREAM_REJECTED";
}

/** What a person has decided. It is written each time: a decision stands for no other. */
function audited(kind: string, message: string): Omit<LogEntry, "details"> {
  return { level: "info", kind, message, isAudited: true };
}

/** How much of a name from elsewhere is written, in characters. */
const maxName = 200;

/** A name from elsewhere, with nothing in it that could pass for a line of the log, or for a sentence of this server. */
function quoted(name: string): string {
  const shown = name.length > maxName ? `${name.slice(0, maxName)}…` : name;
  return JSON.stringify(shown).replaceAll(/[^\x20-\x7e\p{L}\p{N}\p{P}]/gu, " ");
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
    kind: `login-failed ${knownErrors.has(error) ? error : "another error"} ${failure.code}`,
    topic: "login-failed",
    message: `A login failed with ${knownErrors.has(error) ? error : quoted(error)}: ${sentences(failure.message, advice)}`,
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
    message: `${records} record(s) were met that are sealed under the key ${keyId}, which no instance has announced for an hour: whoever depends on them logs in again. The secret, listed again behind the new one, opens them. Where they are another server's, give each server a namespace of its own.`,
  }),
  "plain-records": ({ records }) => ({
    level: "warn",
    kind: "plain-records",
    topic: "plain-records",
    message: `${records} record(s) were met that are not sealed, though the store's records are: they were written before there were keys, or by something else. They are never read: whoever depends on them logs in again. To keep those logins, go on without keys (on SQLite with keys: "none") and move them into another store by "npx pangea-authn-fastmcp migrate".`,
  }),
  "foreign-grants": ({ resource }) => ({
    level: "warn",
    kind: "foreign-grants",
    topic: "foreign-grants",
    message: `The store has grants of another server, of the resource ${resource}. They are never listed or ended here; give each server a namespace of its own.`,
  }),
  "foreign-records": ({ keyId }) => ({
    level: "warn",
    kind: `foreign-records ${keyId}`,
    topic: "foreign-records",
    message: `The store has records of another server, which has sealed them under its key ${keyId}. They are never read, listed or ended here; give each server a namespace of its own.`,
  }),
  "unknown-upstream": ({ upstreamIssuer }) => ({
    level: "warn",
    kind: `unknown-upstream ${upstreamIssuer}`,
    topic: "unknown-upstream",
    message:
      upstreamIssuer === undefined
        ? "The store has logins of before records named the issuer of their upstream, and there are several upstreams now: they are refused, for no token is sent to an upstream by a guess, and whoever has one logs in again. Say by the option formerIssuer which upstream this server had then, to let them go on."
        : `The store has logins at ${upstreamIssuer}, which is no upstream of this server any more: they are refused, and whoever has one logs in again. Configure that upstream again, beside the others by the option upstreams, to let them go on; or end them by revokeGrants({ upstreamIssuer: "${upstreamIssuer}" }).`,
  }),
  "grant-revoked": ({ by }) =>
    by && audited("grant-revoked", by === "operator" ? "An operator has ended a grant." : "A user has ended a grant."),
  "grants-unindexed": ({ issuer }) => ({
    level: "warn",
    kind: "grants-unindexed",
    topic: "grants-unindexed",
    message: `${issuer} was asked for the grants of one user or client, and its repository finds none by an index: every grant is read for that. Give a repository of your own the indexes that createRepositories() names.`,
  }),
  "upstream-revocation-refused": ({ upstreamIssuer, error, isKept, failure, advice }) => ({
    level: "warn",
    kind: `upstream-revocation-refused ${upstreamIssuer} ${error}`,
    topic: "upstream-revocation-refused",
    message: `${upstreamIssuer} refuses to end a session that is over here, and is not asked again${isKept ? " until provider.retryUpstreamRevocations() is called" : ""}: ${sentences(failure.message, advice)}`,
  }),
  "lost-at-end": ({ kind, count }) => ({
    level: "error",
    kind: `lost-at-end ${kind}`,
    topic: "lost-at-end",
    message:
      kind === "sessions"
        ? `This instance ended, and the store did not take ${count} refreshed upstream session(s) that it had in its memory: these people may have to log in again.`
        : `This instance ended, and could neither tell the upstream nor the store of ${count} upstream session(s) that are over here: they live there until they end by themselves.`,
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
