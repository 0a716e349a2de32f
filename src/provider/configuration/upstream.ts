import { requireHttpUrl, requireText, requireThat, requireTimerLength } from "../../option-checks.ts";
import { KeyRing } from "../../secrets/key-ring.ts";
import type { Upstream } from "../upstream/contract.ts";
import type { McpOAuthProviderOptions } from "./options.ts";

/**
 * Checks what an upstream says of itself.
 *
 * @throws {ConfigurationError} when there is no upstream, or a member of it is wrong.
 */
export function configureUpstream(upstream: Upstream): Upstream {
  const isGiven = typeof upstream === "object" && upstream !== null;
  requireThat(isGiven, "upstream is missing: give the provider one, such as pangeaAuthn({ … }).");
  const isName = /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(requireText("upstream.id", upstream.id));
  requireThat(isName, "upstream.id must be lower-case letters, digits and hyphens, such as pangea.");
  requireText("upstream.name", upstream.name);
  requireHttpUrl("upstream.issuer", upstream.issuer);
  requireTimerLength("upstream.timeout", upstream.timeout);
  return upstream;
}

/**
 * The keys of the provider: from its secret, or from what the upstream has in its place.
 *
 * @throws {ConfigurationError} when there is neither, or a secret is too short.
 */
export function configureKeys({ secret, upstream: { keyMaterial } }: McpOAuthProviderOptions): KeyRing {
  const given = secret ?? keyMaterial;
  requireThat(given !== undefined, "secret is missing: give it 32 characters or more, the same on every instance.");
  return KeyRing.from(given);
}
