import { UpstreamRejectedError, UpstreamUnavailableError } from "../../errors.ts";
import {
  requireExactText,
  requireHttpUrl,
  requireKind,
  requireText,
  requireThat,
  requireTimerLength,
} from "../../option-checks.ts";
import { KeyRing, minSecretLength } from "../../secrets/key-ring.ts";
import { beforeDeadline } from "../../storage/deadline.ts";
import { requireScopes } from "../oauth/scopes.ts";
import type { Upstream, UpstreamIdentity } from "../upstream/contract.ts";
import type { McpOAuthProviderOptions } from "./options.ts";

/**
 * Checks what an upstream says of itself.
 *
 * @throws {ConfigurationError} when there is no upstream, or a member of it is wrong.
 */
export function configureUpstream(upstream: Upstream): Upstream {
  const isGiven = typeof upstream === "object" && upstream !== null;
  requireThat(isGiven, "upstream is missing: give the provider one, such as pangeaAuthn({ … }).");
  requireNoPreset(upstream);
  const isName = /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(requireText("upstream.id", upstream.id));
  requireThat(isName, "upstream.id must be lower-case letters, digits and hyphens, such as pangea.");
  requireText("upstream.name", upstream.name);
  requireHttpUrl("upstream.issuer", upstream.issuer);
  requireTimerLength("upstream.timeout", upstream.timeout);
  if (upstream.scopes !== undefined) requireScopes("upstream.scopes", upstream.scopes);
  for (const method of ["authorizationUrl", "exchange", "refresh", "identify", "revoke"] as const) {
    requireKind(`upstream.${method}`, upstream[method] ?? null, "function");
  }
  return punctual(upstream);
}

/** Options without the function that takes them, such as those of a preset, are no upstream. */
function requireNoPreset(given: object): void {
  if ("authorizationUrl" in given || !("clientId" in given)) return;
  const kind = "tokenEndpoint" in given ? "oAuth2" : "issuerUrl" in given ? "pangeaAuthn" : "openIdConnect";
  requireThat(false, `upstream is the options of one: wrap them in ${kind}(), as in upstream: ${kind}(options).`);
}

/** How much longer than it says a call may take, in milliseconds: an upstream that keeps its time says more of a failure. */
const grace = 1000;

/** The same upstream, of which no call goes on for ever. */
function punctual(upstream: Upstream): Upstream {
  const { id, name, issuer, timeout, keyMaterial, scopes } = upstream;
  const late = () => new UpstreamUnavailableError(`${name} does not settle a call within its timeout; try again.`);
  const within = <T>(call: () => Promise<T>): Promise<T> => beforeDeadline(timeout + grace, call(), late);
  return {
    ...{ id, name, issuer, timeout },
    ...(keyMaterial !== undefined && { keyMaterial }),
    ...(scopes !== undefined && { scopes }),
    authorizationUrl: (login) => within(async () => upstream.authorizationUrl(login)),
    exchange: (exchange) => within(async () => upstream.exchange(exchange)),
    refresh: (refreshToken) => within(async () => upstream.refresh(refreshToken)),
    identify: (tokens) => within(async () => requireIdentity(name, await upstream.identify(tokens))),
    revoke: (tokens) => within(async () => upstream.revoke(tokens)),
    ...(upstream.logoutUrl !== undefined && {
      logoutUrl: (tokens, returnTo) => within(async () => upstream.logoutUrl?.(tokens, returnTo)),
    }),
    ...(upstream.adviceFor !== undefined && { adviceFor: (error) => upstream.adviceFor?.(error) }),
    ...(upstream.diagnose !== undefined && {
      // It makes several calls, two of them after each other.
      diagnose: async (redirectUri) => (await upstream.diagnose?.(redirectUri)) ?? [],
    }),
  };
}

/** A subject without content would make one user of all who have none. */
function requireIdentity(upstream: string, identity: UpstreamIdentity): UpstreamIdentity {
  const { subject }: { readonly subject?: unknown } = identity;
  if (subject === undefined || (typeof subject === "string" && subject.trim() !== "")) return identity;
  throw new UpstreamRejectedError("server_error", `${upstream} names a subject that is no text with something in it.`);
}

/**
 * The keys of the provider: from its secret, or from what the upstream has in its place.
 *
 * @throws {ConfigurationError} when there is neither, or what there is is too short.
 */
export function configureKeys({ secret, upstream }: McpOAuthProviderOptions, issuer: string): KeyRing {
  for (const text of [secret ?? []].flat()) requireExactText("secret", text);
  const given = secret ?? upstream.keyMaterial;
  const remedy = `Give secret ${minSecretLength} random characters or more, the same on every instance.`;
  requireThat(given !== undefined, `secret is missing. ${remedy}`);
  const isLong = secret !== undefined || [given].flat().every((text) => text.length >= minSecretLength);
  requireThat(isLong, `secret is missing, and what ${upstream.name} has in its place can be guessed. ${remedy}`);
  // Two servers with one secret must not open what the other one sealed.
  return KeyRing.from(given, { context: issuer });
}
