import { type Channel, channel } from "node:diagnostics_channel";

/** One link of the chain that led to a failure. */
export interface FailureCause {
  /** The stable code of an error of this package, or that of the system or a library, such as `ECONNREFUSED`. */
  readonly code: string;
  /** What an error of this package says. Of other errors the name and what is known to be safe: a message may quote anything. */
  readonly message: string;
}

/** What has failed, and why. It can be serialised, and has no token, code or secret in it. */
export interface FailureDescription extends FailureCause {
  /** What led to it, the nearest first. */
  readonly causes: readonly FailureCause[];
}

/**
 * What the events tell. No token, code or secret is ever in one; a grant's id is a hash. What tells of a failure has it as
 * `failure`.
 */
export interface ProviderEvents {
  /** A client registered itself. */
  readonly "client-registered": { readonly clientId: string; readonly clientName: string | undefined };
  /** A person was asked about a client, or had been before. */
  readonly consent: {
    readonly clientId: string;
    readonly decision: "allowed" | "denied" | "remembered";
    readonly scopes: readonly string[];
  };
  /** A person logged in upstream for a client. `upstreamIssuer` says where: it and the subject together say who. */
  readonly login: {
    readonly clientId: string;
    readonly subject: string | undefined;
    readonly upstreamIssuer: string;
  };
  /** A decision on the consent page did not count: it was not made there, or the page is of another browser or too old. */
  readonly "consent-failed": { readonly error: string; readonly failure: FailureDescription };
  /**
   * A login ended without success. `error` is the OAuth error that the client gets. `clientId` is missing where the browser
   * came back with a login that is not its own, or is over: then the person reads the error. `advice` says what an operator
   * can change, where that is known.
   */
  readonly "login-failed": {
    readonly clientId: string | undefined;
    readonly error: string;
    readonly failure: FailureDescription;
    readonly advice?: string;
  };
  /** A code was redeemed: a grant began. */
  readonly "token-issued": TokenEvent;
  /** A refresh token was redeemed. */
  readonly "token-refreshed": TokenEvent;
  /** An access token was revoked by its client. */
  readonly "token-revoked": { readonly clientId: string; readonly grantId: string | undefined };
  /**
   * A grant was ended, with all its tokens. `by` says whose decision that was: an operator's or the user's own; undefined where
   * the client ended it, or this server did.
   */
  readonly "grant-revoked": {
    readonly clientId: string | undefined;
    readonly grantId: string;
    readonly subject: string | undefined;
    /** Where the user logged in, as an issuer; undefined in grants of before it was noted. */
    readonly upstreamIssuer: string | undefined;
    readonly by: "operator" | "user" | undefined;
  };
  /** A person signed in to the account page. */
  readonly "account-signed-in": AccountEvent;
  /** A person signed out of the account page. `upstream` is whether the browser went to sign out upstream as well. */
  readonly "account-signed-out": AccountEvent & { readonly upstream: boolean };
  /**
   * A person has ended a grant of theirs on the account page: one login (`grantId`), or every login of a client. `grants` is
   * how many there were; `grant-revoked` tells of each.
   */
  readonly "account-access-ended": AccountEvent & {
    readonly clientId: string;
    readonly grantId: string | undefined;
    readonly grants: number;
  };
  /** A person has ended every grant of theirs on the account page. */
  readonly "account-all-access-ended": AccountEvent & { readonly grants: number };
  /**
   * A request to the account page was refused: it was not made on the page, its session is over or of another browser, it
   * was about somebody else's grant, or nobody logged in. `subject` is whose session it was, where there was one.
   */
  readonly "account-refused": {
    readonly error: string;
    readonly subject: string | undefined;
    readonly upstreamIssuer: string | undefined;
    readonly failure: FailureDescription;
  };
  /** A credential that works once was used again; its grant was ended, unless `onRefreshReuse` is `"refuse"`. */
  readonly "reuse-detected": {
    readonly clientId: string;
    readonly grantId: string;
    readonly credential: "authorization_code" | "refresh_token";
  };
  /** A request to the MCP endpoint that showed a credential was refused. */
  readonly denied: { readonly error: string; readonly failure: FailureDescription };
  /**
   * A record of the store is sealed under a key that no instance has any more: whoever depends on it logs in again.
   * `records` is how many of the key's records this instance has met. The secret, listed again, opens them.
   */
  readonly "key-lost": { readonly keyId: string; readonly records: number };
  /**
   * A record of the store is not sealed, though the store seals its records: it was written before keys were given, or by
   * something else. It is never read: whoever depends on it logs in again. `records` is how many this instance has met.
   */
  readonly "plain-records": { readonly records: number };
  /** All state is in memory, on a host that is not this machine: every login ends with the process. */
  readonly "state-in-memory": { readonly issuer: string };
  /** The store has grants of another server, told by their resource. They are never listed, verified or ended here. */
  readonly "foreign-grants": { readonly resource: string };
  /**
   * The store has records that another server has sealed, told by the id of its key. They are never listed, ended or written
   * over here. Told once for each key.
   */
  readonly "foreign-records": { readonly keyId: string };
  /**
   * Something in the store belongs to a login at an upstream that is not configured any more: whoever logged in there is
   * refused and has to log in again. Told once for each upstream. Configured again, with the same issuer, it goes on.
   * `upstreamIssuer` is undefined for records of before issuers were noted, where there are several upstreams now and the
   * option `formerIssuer` does not say which one they are of.
   */
  readonly "unknown-upstream": { readonly upstreamIssuer: string | undefined };
  /**
   * Grants of one user or client were asked for, and the repository cannot find those alone: all grants were read, as they are
   * each time. Told once.
   */
  readonly "grants-unindexed": { readonly issuer: string };
  /**
   * The upstream refuses to end a session that is over here, and it is not asked again: the session lives there until it
   * ends by itself. `error` is the upstream's OAuth error, `advice` what an operator can change where that is known. Where this
   * server is what was refused, `isKept` is true: the tokens stay in the store, and `retryUpstreamRevocations` tells the
   * upstream once the settings are right.
   */
  readonly "upstream-revocation-refused": {
    readonly upstreamIssuer: string;
    readonly error: string;
    readonly isKept: boolean;
    readonly failure: FailureDescription;
    readonly advice?: string;
  };
  /**
   * An instance has ended, and the store has not taken what was in its memory alone. Of `sessions`, upstream sessions that
   * were refreshed, the people may have to log in again; `revocations` are upstream sessions that live there until they end
   * by themselves.
   */
  readonly "lost-at-end": { readonly kind: "sessions" | "revocations"; readonly count: number };
  /** A caller was told to slow down. */
  readonly "rate-limited": { readonly route: string };
  /**
   * There is more to do than this process can do: requests to the authorization server have begun to be refused with 503.
   * `waiting` is how many others wait. Told once, until `overload-ended`.
   */
  readonly overloaded: { readonly waiting: number };
  /**
   * An overload is over: for five seconds nobody was refused. `refused` is how many requests were, `seconds` how long it
   * lasted. Told when the next request comes.
   */
  readonly "overload-ended": { readonly refused: number; readonly seconds: number };
  /**
   * This server could not do its work: the store, Pangea AuthN or a client's site failed (`code` is the error's), or
   * there is a defect (`ERR_UNEXPECTED`). `trace` says where in the code, `advice` what an operator can change where that is
   * known, such as a permission that this server's OAuth client at Pangea AuthN lacks. Whoever was answered read the
   * `reference`.
   */
  readonly outage: {
    readonly code: string;
    readonly reference: string;
    readonly failure: FailureDescription;
    readonly trace: string | undefined;
    readonly advice?: string;
  };
}

/** What the events of the account page tell. */
export interface AccountEvent {
  readonly subject: string;
  /** The issuer of the upstream where the person logged in: it and the subject together say who. */
  readonly upstreamIssuer: string;
}

/** What the token events tell. */
export interface TokenEvent {
  readonly clientId: string;
  readonly grantId: string;
  readonly subject: string | undefined;
  /** Where the user logged in, as an issuer; undefined in grants of before it was noted. */
  readonly upstreamIssuer: string | undefined;
  readonly scopes: readonly string[];
}

const names: readonly (keyof ProviderEvents)[] = [
  "client-registered",
  "consent",
  "consent-failed",
  "login",
  "login-failed",
  "token-issued",
  "token-refreshed",
  "token-revoked",
  "grant-revoked",
  "account-signed-in",
  "account-signed-out",
  "account-access-ended",
  "account-all-access-ended",
  "account-refused",
  "reuse-detected",
  "denied",
  "key-lost",
  "plain-records",
  "state-in-memory",
  "foreign-grants",
  "foreign-records",
  "unknown-upstream",
  "grants-unindexed",
  "upstream-revocation-refused",
  "lost-at-end",
  "rate-limited",
  "overloaded",
  "overload-ended",
  "outage",
];

/**
 * The names of the channels of `node:diagnostics_channel` on which a provider tells what happens, for an audit log or
 * metrics. Each is `pangea-authn-fastmcp:` and the name of the event.
 *
 * @example
 * ```ts
 * import { subscribe } from "node:diagnostics_channel";
 *
 * for (const name of providerEventChannels) subscribe(name, (event) => auditLog.info({ name, event }));
 * ```
 */
export const providerEventChannels: readonly string[] = names.map(channelName);

function channelName(name: keyof ProviderEvents): string {
  return `pangea-authn-fastmcp:${name}`;
}

/** The channels by the name of the event: to look one up by its own name costs more than to tell nobody. */
const channels = new Map<string, Channel>();

/** Tells whoever listens; costs next to nothing when nobody does. */
export function emit<Name extends keyof ProviderEvents>(name: Name, event: ProviderEvents[Name]): void {
  let listeners = channels.get(name);
  if (listeners === undefined) {
    listeners = channel(channelName(name));
    channels.set(name, listeners);
  }
  if (listeners.hasSubscribers) listeners.publish(event);
}
