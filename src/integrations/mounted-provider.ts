import type { McpOAuthProvider } from "../provider/mcp-oauth-provider.ts";
import type { PathMapping } from "./public-path.ts";

/** The part of a provider that answers the authorization server's requests. */
export type AuthorizationServer = Pick<McpOAuthProvider, "serves" | "fetch"> &
  Partial<Pick<McpOAuthProvider, "noteMount">>;

/** The part of a provider that guards the MCP endpoint. */
export type BearerAuthenticator = Pick<McpOAuthProvider, "authenticate">;

/** What a guard demands of a request beyond a valid token. */
export interface RequireBearerOptions {
  /** The scopes that the token must have. Default: the provider's `requiredScopes`. */
  readonly requiredScopes?: readonly string[];
}

/** How a mount finds out what a request is: who sends it, and for which public path. */
export interface MountOptions<Received> extends CallerOptions<Received>, PathMapping {}

/** How a mount tells callers apart, for the rate limits of a caller. */
export interface CallerOptions<Received> {
  /**
   * Who sends a request. Default: the address that the connection comes from. Behind a proxy that is the proxy's, and
   * all of its visitors share one limit: give the address that the proxy vouches for, in a header that it overwrites.
   */
  readonly caller?: (request: Received) => string | undefined;
}
