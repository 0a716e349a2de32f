import { type OptionKinds, requireMethods, requireOptions } from "../option-checks.ts";
import type { McpOAuthProvider } from "../provider/mcp-oauth-provider.ts";
import { requireScopes } from "../provider/oauth/scopes.ts";
import type { PathMapping } from "./public-path.ts";

/** The part of a provider that answers the authorization server's requests. */
export type AuthorizationServer = Pick<McpOAuthProvider, "serves" | "fetch"> &
  Partial<Pick<McpOAuthProvider, "noteMount">>;

/** The part of a provider that guards the MCP endpoint. */
export type BearerAuthenticator = Pick<McpOAuthProvider, "authenticate"> &
  Partial<Pick<McpOAuthProvider, "checkRequiredScopes">>;

/** What a guard demands of a request beyond a valid token. */
export interface RequireBearerOptions {
  /** The scopes that the token must have. Default: the provider's `requiredScopes`. */
  readonly requiredScopes?: readonly string[];
}

/** How a mount finds out what a request is: who sends it, and for which public path. */
export interface MountOptions<Received> extends CallerOptions<Received>, PathMapping {}

/** How a mount tells callers apart, for the rate limits of a caller and for the network that a grant was last used from. */
export interface CallerOptions<Received> {
  /**
   * Who sends a request. Default: the address that the connection comes from. Behind a proxy that is the proxy's, and
   * all of its visitors share one limit: give the address that the proxy vouches for, in a header that it overwrites.
   */
  readonly caller?: (request: Received) => string | undefined;
}

/** What a guard demands of a request, and how it tells who sends it: `grantUse.network` of the provider writes that down. */
export interface GuardOptions<Received> extends RequireBearerOptions, CallerOptions<Received> {}

const mountKinds: OptionKinds<MountOptions<never>> = {
  caller: "function",
  removedPrefix: "text",
  addedPrefix: "text",
};
const bearerKinds: OptionKinds<GuardOptions<never>> = { requiredScopes: "any", caller: "function" };

/**
 * What a guard hands on of its options, for a request. Who sends it is found out when somebody asks, which few requests
 * cause: Express for one reads the headers of proxies for it.
 */
export function demandOf<Received>(
  { requiredScopes }: RequireBearerOptions,
  caller: (request: Received) => string | undefined,
  request: Received,
): { readonly requiredScopes: readonly string[] | undefined; readonly caller: () => string | undefined } {
  return { requiredScopes, caller: () => caller(request) };
}

/**
 * Checks what a mount is made of, when it is made: a misspelt option must not be found out by the first request, or never.
 *
 * @param name - The mount, for messages.
 * @throws {ConfigurationError} when there is no provider, or an option is unknown or wrong.
 */
export function requireServing(name: string, provider: unknown, options: unknown): void {
  requireProvider(name, provider, ["serves", "fetch"]);
  requireOptions(name, options, mountKinds);
}

/** The same for a guard. */
export function requireGuarding(name: string, provider: BearerAuthenticator, options: RequireBearerOptions): void {
  requireProvider(name, provider, ["authenticate"]);
  requireOptions(name, options, bearerKinds);
  requireKnownScopes(provider, options);
}

/** The same for a mount that does both. */
export function requireProtecting(name: string, provider: BearerAuthenticator, options: RequireBearerOptions): void {
  requireProvider(name, provider, ["serves", "fetch", "authenticate"]);
  requireOptions(name, options, { ...mountKinds, ...bearerKinds });
  requireKnownScopes(provider, options);
}

function requireProvider(name: string, provider: unknown, methods: readonly string[]): void {
  requireMethods(`${name}: the provider`, provider, methods, "give a PangeaOAuthProvider or an McpOAuthProvider");
}

function requireKnownScopes(provider: BearerAuthenticator, { requiredScopes }: RequireBearerOptions): void {
  if (requiredScopes === undefined) return;
  requireScopes("requiredScopes", requiredScopes);
  provider.checkRequiredScopes?.(requiredScopes);
}
