import { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { Upstream } from "../upstream/contract.ts";

/** What has to be known to find the upstream of a record. */
export type KnownUpstreams = Pick<ProviderConfiguration, "meetUnknownUpstream" | "upstreams">;

/**
 * The upstream that a record is of. Undefined where it is not configured any more, or where nobody knows which one it is.
 * The operator is told: whoever logged in there is nobody here, since no upstream that is trusted today says who it is.
 */
export function upstreamOfRecord(
  { upstreams, meetUnknownUpstream }: KnownUpstreams,
  { upstreamIssuer }: { readonly upstreamIssuer?: string | undefined },
): Upstream | undefined {
  const upstream = upstreams.ofRecord(upstreamIssuer);
  if (upstream === undefined) meetUnknownUpstream(upstreamIssuer ?? upstreams.former);
  return upstream;
}

/** The refusal of what belongs to a login at an upstream that is not configured any more. */
export function upstreamRemoved(error: "invalid_grant" | "invalid_token"): OAuthError {
  return new OAuthError(
    error,
    "The user logged in at an identity provider that this server does not use any more; the user has to log in again.",
  );
}
