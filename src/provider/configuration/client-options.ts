import type { OptionKinds } from "../../option-checks.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import type { DocumentFetchOptions } from "./client-documents-options.ts";

/** How clients may register themselves (RFC 7591). */
export interface ClientRegistrationOptions {
  /** Whether the registration endpoint is served. Default: true. */
  readonly enabled?: boolean;
  /**
   * The scopes that a client may have which no operator has configured: the limit of every registration and of every
   * authorization request. Whatever else a client asks for is left out, and the answer says what was given (RFC 7591
   * section 3.2.1, RFC 6749 section 3.3). Default: all that the server knows.
   */
  readonly validScopes?: readonly string[];
  /**
   * The scopes of a client that asks for none, or for none that there is. What a client has registered for takes their
   * place in its authorization requests. Default: `validScopes`.
   */
  readonly defaultScopes?: readonly string[];
  /**
   * How long the secret of a client is good, in seconds, however it is used; 0 for ever, which the answer to the client says
   * as `client_secret_expires_at: 0` (RFC 7591 section 3.2.1). Most clients do not register again when their secret ends.
   * Default: 0.
   */
  readonly clientSecretLifetimeSeconds?: number;
  /**
   * How long a registration waits for the first login with it, in seconds; `unusedLifetimeSeconds` at the most. A login that
   * begins in this time keeps it, however long the person takes. The first login costs a read and a write more than later ones,
   * beside what it writes anyway. Default: 86,400, which is a day.
   *
   * @example
   * ```ts
   * clientRegistration: { firstLoginWithinSeconds: 7 * 24 * 3600 }
   * ```
   */
  readonly firstLoginWithinSeconds?: number;
  /**
   * How long a registration is kept after a login or a refresh, in seconds. Which of them was the last is noted once in a 90th
   * of this time. Where it is shorter than `refreshTokenLifetimeSeconds`, a client that comes back later than that gets
   * `invalid_client` for a refresh token which is still good: it registers anew, and the person logs in again. Default: 90 days,
   * or where that is longer, a 45th more than an unused refresh token is good (`refreshTokenLifetimeSeconds`,
   * `grantLifetimeSeconds` at the most), ten years at the most.
   */
  readonly unusedLifetimeSeconds?: number;
  /**
   * The token that a registration has to show as `Authorization: Bearer` (RFC 7591 section 3). At least 16 characters; a
   * list rotates. Default: anybody may register.
   */
  readonly initialAccessToken?: string | readonly string[];
}

/** All options of how clients may register themselves. */
export const registrationKinds: OptionKinds<ClientRegistrationOptions> = {
  enabled: "boolean",
  validScopes: "any",
  defaultScopes: "any",
  clientSecretLifetimeSeconds: "any",
  firstLoginWithinSeconds: "any",
  unusedLifetimeSeconds: "any",
  initialAccessToken: "any",
};

/** How clients are found whose id is the URL of a metadata document. */
export interface ClientMetadataDocumentOptions extends DocumentFetchOptions {
  /** Whether such clients are served. Default: true. */
  readonly enabled?: boolean;
}

/** All options of how documents of clients are found. */
export const documentKinds: OptionKinds<ClientMetadataDocumentOptions> = {
  enabled: "boolean",
  allowedDomains: "any",
  timeout: "any",
  maxConcurrent: "any",
  maxConcurrentPerHost: "any",
  maxFreshSeconds: "any",
  minFreshSeconds: "any",
  maxStaleSeconds: "any",
  fetch: "function",
};

/**
 * A client that is given in the configuration and needs no registration. It never expires. Its `client_secret`, where it has
 * one, has 32 characters or more. Its `scope` lists what it may have. Default: all that the server knows.
 */
export type PreRegisteredClient = Pick<OAuthClientInformation, "client_id" | "redirect_uris"> &
  Partial<Omit<OAuthClientInformation, "client_secret_hash" | "expiresAt">>;
