import type { IncomingMessage, ServerResponse } from "node:http";

/** A person who can sign in at the emulator's login page. */
export interface EmulatorUser {
  /** Pangea's user id, `pui_` and 32 characters of `a-z2-7`. Derived from `username` unless given. */
  readonly id?: string;
  readonly username: string;
  /** `username` where that is an address, else `<username>@example.com`, unless given. */
  readonly email?: string;
  /** {@link defaultEmulatorPassword} unless given. */
  readonly password?: string;
  /** What Pangea calls the profile, such as `{ first_name: "Ada" }`. */
  readonly profile?: Readonly<Record<string, string>>;
  /** Pangea refuses this user after a correct password: the client gets `access_denied`. */
  readonly deny?: boolean;
}

/** An OAuth client of the emulated AuthN, as a Pangea account would hold it. */
export interface EmulatorOAuthClient {
  /** `psa_` and 32 characters of `a-z2-7`. */
  readonly clientId: string;
  /** `pck_` and 32 characters of `a-z2-7`. */
  readonly clientSecret: string;
  /** Compared character by character. May be empty where `anyLoopbackRedirectUri` is on. */
  readonly redirectUris: readonly string[];
  /** Shown on the login page. */
  readonly clientName?: string;
  /** The scopes that it may ask for, and gets when it asks for none. Any scope, and `user`, unless given. */
  readonly scopes?: readonly string[];
  /** Accept every `http` redirect URI on `localhost`, `127.0.0.1` and `[::1]`. Off unless said; Pangea has no such thing. */
  readonly anyLoopbackRedirectUri?: boolean;
}

/** Options of {@link createAuthnEmulator}. */
export interface AuthnEmulatorOptions {
  /** The issuer, without a trailing slash: where the emulator is reached, such as `http://127.0.0.1:4000`. */
  readonly issuer: string;
  /** {@link defaultEmulatorUser} unless given. */
  readonly users?: readonly EmulatorUser[];
  /** {@link defaultEmulatorClient} unless given. */
  readonly clients?: readonly EmulatorOAuthClient[];
  /** Milliseconds since the epoch. What is stored expires by it; the times in an id_token are the machine's. */
  readonly clock?: () => number;
  /** Whether an `Authorization` header may use AuthN's service API and register clients. */
  readonly isServiceTokenAccepted: (authorization: string | undefined) => boolean;
  /** Issue refresh tokens. On unless said. */
  readonly refreshTokens?: boolean;
  /** Replace a refresh token when it is used; using the old one again ends the grant. On unless said. */
  readonly refreshTokenRotation?: boolean;
  /** Seconds that an access token lives. 172,800 (Pangea's two days) unless given. */
  readonly accessTokenLifetimeSeconds?: number;
  /** Seconds that a refresh token lives. 2,592,000 (30 days) unless given. */
  readonly refreshTokenLifetimeSeconds?: number;
  /** Sign this user in without showing the login page. Off unless given. */
  readonly autoLogin?: string;
}

/** Tokens that a user holds at the emulator and that would still be accepted. */
export interface LiveTokens {
  readonly accessTokens: readonly string[];
  readonly refreshTokens: readonly string[];
}

/** Pangea AuthN on loopback: its OAuth server and the part of its service API that the SDK's `AuthNService` calls. */
export interface AuthnEmulator extends AsyncDisposable {
  readonly issuer: string;
  /** Answers one HTTP request. A path that is not AuthN's gets a 404. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Adds a user, or replaces the one with the same username, while the emulator runs. */
  setUser(user: EmulatorUser): void;
  /** Adds an OAuth client, or replaces the one with the same id, while the emulator runs. */
  registerClient(client: EmulatorOAuthClient): void;
  /** The id (`pui_…`) of a user. */
  userId(username: string): string;
  /** Ends every session of a user, as an administrator would: its tokens, codes and browser logins are dead at once. */
  endSessions(username: string): void;
  /** What a user holds. For assertions: the values are secrets, keep them out of logs. */
  liveTokens(username: string): LiveTokens;
}
