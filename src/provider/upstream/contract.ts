import type { Finding } from "../../storage/finding.ts";

/** What a browser that is sent upstream to log in carries along. */
export interface UpstreamLoginRequest {
  /** Comes back with the browser, and binds the login to the browser that began it. */
  readonly state: string;
  /** The S256 challenge of PKCE. It belongs to this login alone, so it can serve as a nonce too. */
  readonly codeChallenge: string;
  /** Where the upstream sends the browser back to. */
  readonly redirectUri: string;
  /**
   * How the person wants to log in, as `prompt` of OpenID Connect has it: `login` asks for the password again,
   * `select_account` for another account, and both have a space between them. `none` shows the person no page: an upstream
   * that would have to show one answers `login_required`, `interaction_required` or another error of
   * {@link https://openid.net/specs/openid-connect-core-1_0.html#AuthError OpenID Connect Core section 3.1.2.6}. Default:
   * as the upstream likes.
   */
  readonly prompt?: string;
  /** Who is about to log in, such as an e-mail address, where the client says so. Nobody has checked it. */
  readonly loginHint?: string;
}

/** What the authorization code of a login is redeemed with. */
export interface UpstreamCodeExchange {
  readonly code: string;
  /** What `codeChallenge` of the login's `UpstreamLoginRequest` was made from. */
  readonly codeVerifier: string;
  /** That of the login's `UpstreamLoginRequest`. */
  readonly redirectUri: string;
  /** The `iss` that the browser came back with, where there was one (RFC 9207). */
  readonly issuer?: string;
  /**
   * To be called with the tokens as soon as the upstream has given them, where the exchange may fail after that, such as by an
   * ID token that is refused: they are revoked then.
   */
  readonly noteTokens?: (tokens: UpstreamTokens) => void;
}

/** A user's tokens at the upstream. */
export interface UpstreamTokens {
  /** The access token. */
  readonly token: string;
  /** The refresh token, where the upstream gives one. */
  readonly refreshToken?: string;
  /** The ID token of OpenID Connect, where the upstream gives one. Whoever gives it on has checked it. */
  readonly idToken?: string;
  /** When the access token expires, in epoch seconds, where the upstream said so. */
  readonly expiresAt?: number;
  /** The scopes of the access token, where the upstream said so. */
  readonly scopes?: string[];
  /** When the upstream answered, in epoch seconds by its own clock, where it said so. It is compared and not kept. */
  readonly answeredAt?: number;
}

/** Who a user is, as far as the upstream says. */
export interface UpstreamIdentity {
  /** The user's id at the upstream. It never changes and is never given to another user. */
  readonly subject?: string;
  readonly username?: string;
  readonly email?: string;
}

/**
 * An identity provider, as an authorization server sees it: users log in there, and their tokens of there stay here.
 *
 * Every method may be called by any instance, for a login that another instance began: an implementation keeps no state
 * of its own. What it throws says who is at fault, and that decides what happens to the login: an outage never ends one.
 *
 * @example
 * ```ts
 * const provider = new McpOAuthProvider({ upstream: pangeaAuthn({ issuerUrl, clientId, clientSecret, scopes }), … });
 * ```
 */
export interface Upstream {
  /**
   * Names the upstream in the path of its callback, `/<id>/callback`: lower-case letters, digits and hyphens. That path
   * is part of the redirect URI that is registered at the upstream, so the id never changes.
   */
  readonly id: string;
  /** The name that messages to people and operators use, such as `Pangea AuthN`. */
  readonly name: string;
  /** The issuer, which an `iss` in the callback has to be (RFC 9207); a slash at its end does not count. */
  readonly issuer: string;
  /** The scopes that a login asks the upstream for, where they are known. The consent page can say what they mean. */
  readonly scopes?: readonly string[];
  /** The longest time that one call may take, in milliseconds. Instances wait that long for each other. */
  readonly timeout: number;
  /**
   * What the provider's keys are derived from where its `secret` option is not given: a text of 32 characters or more
   * that every instance has and nobody else. A list rotates: the first one writes, all read. Default: the provider needs
   * its `secret` option.
   */
  readonly keyMaterial?: string | readonly string[];

  /**
   * What the operator of this server can change where a login comes back with an error, such as `invalid_scope`. It names
   * options and never their values. It is called without its `this`. Default: nothing is known.
   */
  readonly adviceFor?: (error: string) => string | undefined;

  /**
   * Loads what the upstream needs. The provider calls it as it is made, and tells the operator at once where it fails, such as
   * for a package that is not installed. Default: nothing is needed.
   *
   * @throws {ConfigurationError} when something is missing.
   */
  prepare?(): Promise<void>;

  /**
   * Looks whether this server's configuration fits the upstream: whether it answers under its issuer, takes the client and
   * its secret, and would send browsers back. Without a login, and without a change. Default: only what a login shows.
   *
   * @param redirectUri - Where a login would come back to.
   */
  diagnose?(redirectUri: string): Promise<Finding[]>;

  /**
   * Where the browser goes to log in.
   *
   * @throws {UpstreamUnavailableError} when the upstream has to be asked for it and does not answer.
   */
  authorizationUrl(login: UpstreamLoginRequest): URL | Promise<URL>;

  /**
   * Redeems the authorization code that a browser came back with.
   *
   * @throws {UpstreamRejectedError} when the upstream refuses: with `invalid_grant` when the code is at fault, with
   * another error when this server is.
   * @throws {UpstreamUnavailableError} when the upstream does not answer.
   */
  exchange(exchange: UpstreamCodeExchange): Promise<UpstreamTokens>;

  /**
   * Gets new tokens for a refresh token. It may be good only once, so a provider never sends one twice at a time. The
   * reply has the refresh token that is good from now on, even where that is the same one.
   *
   * @throws {UpstreamRejectedError} when the upstream refuses: with `invalid_grant` when the user's login is over, with
   * another error when this server is at fault.
   * @throws {UpstreamUnavailableError} when the upstream does not answer.
   */
  refresh(refreshToken: string): Promise<UpstreamTokens>;

  /**
   * Says whose tokens these are. What the upstream does not tell is left out.
   *
   * @throws {OAuthError} with `access_denied` when this user may not log in; the message goes to the client.
   * @throws {UpstreamRejectedError} when the upstream refuses to tell this server: nobody is logged in then.
   * @throws {UpstreamUnavailableError} when the upstream does not answer.
   */
  identify(tokens: UpstreamTokens): Promise<UpstreamIdentity>;

  /**
   * Revokes all of these tokens, as many as the upstream takes. Tokens that it does not know are no failure. The grant is
   * over here whatever this throws.
   *
   * @returns False where the upstream revokes nothing, so that the tokens are good there until they expire: then nothing of them
   * is kept here. Anything else counts as revoked.
   * @throws {UpstreamRejectedError} when the upstream refuses.
   * @throws {UpstreamUnavailableError} when the upstream does not answer.
   */
  revoke(tokens: UpstreamTokens): Promise<unknown>;

  /**
   * Where a browser goes to end the user's session at the upstream, where the upstream has such a page
   * ({@link https://openid.net/specs/openid-connect-rpinitiated-1_0.html RP-Initiated Logout}).
   *
   * @param returnTo - Where the upstream sends the browser back to. It has to be registered there.
   * @throws {UpstreamUnavailableError} when the upstream has to be asked for it and does not answer.
   */
  logoutUrl?(tokens: UpstreamTokens, returnTo: string): Promise<URL | undefined>;
}
