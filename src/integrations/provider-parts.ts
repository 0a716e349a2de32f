import type { PangeaOAuthProvider } from "../pangea-oauth-provider.ts";

/** The part of a provider that answers the authorization server's requests. */
export type AuthorizationServer = Pick<PangeaOAuthProvider, "serves" | "fetch">;

/** The part of a provider that guards the MCP endpoint. */
export type BearerAuthenticator = Pick<PangeaOAuthProvider, "authenticate">;

/** What a guard demands of a request beyond a valid token. */
export interface RequireBearerOptions {
  /** The scopes that the token must have. Default: the provider's `requiredScopes`. */
  readonly requiredScopes?: readonly string[];
}
