import type { OptionKinds } from "../../option-checks.ts";
import type { ServiceTokenCheck } from "../http/service-token.ts";

/** A person who can sign in at the emulator's login page. */
export interface EmulatorUser {
  /** Pangea's user id, `pui_` and 32 characters of `a-z2-7`. Default: derived from `username`. */
  readonly id?: string;
  readonly username: string;
  /** Default: `username` where that is an address, else `<username>@example.com`. */
  readonly email?: string;
  /** Default: {@link defaultEmulatorPassword}. */
  readonly password?: string;
  /** What Pangea calls the profile, such as `{ first_name: "Ada" }`. Default: empty. */
  readonly profile?: Readonly<Record<string, string>>;
  /** Pangea refuses this user after a correct password: the client gets `access_denied`. Default: false. */
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
  /** Shown on the login page. Default: `clientId`. */
  readonly clientName?: string;
  /** The scopes that it may ask for, and gets when it asks for none. Default: any scope, and `user`. */
  readonly scopes?: readonly string[];
  /**
   * Accept every redirect URI on loopback, whatever its scheme (`http` or `https`), port and path: `localhost`, the
   * addresses that begin with 127, and `[::1]`. Pangea has no such thing. Default: false.
   */
  readonly anyLoopbackRedirectUri?: boolean;
}

/** All that an {@link EmulatorUser} can have. */
export const userKinds: OptionKinds<EmulatorUser> = {
  id: "text",
  username: "any",
  email: "text",
  password: "text",
  profile: "object",
  deny: "boolean",
};

/** All that an {@link EmulatorOAuthClient} can have. */
export const clientKinds: OptionKinds<EmulatorOAuthClient> = {
  clientId: "any",
  clientSecret: "any",
  redirectUris: "any",
  clientName: "text",
  scopes: "any",
  anyLoopbackRedirectUri: "boolean",
};

/** Options of {@link createAuthnEmulator}. */
export interface AuthnEmulatorOptions {
  /** The issuer, without a trailing slash: where the emulator is reached, such as `http://127.0.0.1:4000`. */
  readonly issuer: string;
  /** Default: {@link defaultEmulatorUser}. */
  readonly users?: readonly EmulatorUser[] | undefined;
  /** Default: {@link defaultEmulatorClient}. */
  readonly clients?: readonly EmulatorOAuthClient[] | undefined;
  /** Milliseconds since the epoch. What is stored expires by it; the times in an id_token are the machine's. Default: `Date.now`. */
  readonly clock?: () => number;
  /** Whether an `Authorization` header may use AuthN's service API and register clients. */
  readonly isServiceTokenAccepted: ServiceTokenCheck;
  /** Issue refresh tokens. Default: true. */
  readonly refreshTokens?: boolean;
  /** Replace a refresh token when it is used; using the old one again ends the grant. Default: true. */
  readonly refreshTokenRotation?: boolean;
  /** How long an access token lives, in seconds. Default: 172,800, Pangea's two days. */
  readonly accessTokenLifetimeSeconds?: number;
  /** How long a refresh token lives, in seconds. Default: 2,592,000, 30 days. */
  readonly refreshTokenLifetimeSeconds?: number;
  /** Sign this user in without showing the login page. Default: nobody. */
  readonly autoLogin?: string;
}
