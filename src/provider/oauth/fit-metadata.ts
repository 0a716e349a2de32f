import { OAuthError } from "../../errors.ts";
import type { ClientMetadata } from "./client-metadata.ts";

/**
 * The longest metadata that is kept, in bytes of JSON. With what this server adds a record has 8 KiB at the most, and one
 * that is sealed on its way to Pangea Vault still fits there.
 */
const maxBytes = 7 * 1024;

/** What is left out of metadata that is too long, in this order. Nothing here depends on any of it. */
const expendable = [
  "contacts",
  "logo_uri",
  "tos_uri",
  "policy_uri",
  "client_uri",
  "software_version",
  "software_id",
] as const satisfies readonly (keyof ClientMetadata)[];

/**
 * Makes metadata short enough to be kept: first without the members that are for show, then without the last of the
 * redirect URIs. So a long registration is narrowed, not refused, and a flood of them fills the store slowly.
 *
 * @throws {OAuthError} with `invalid_client_metadata` where a key set alone is too long: a `jwks_uri` has room for more.
 */
export function fitMetadata(metadata: ClientMetadata): ClientMetadata {
  let kept = metadata;
  for (const member of expendable) {
    if (isShort(kept)) return kept;
    const { [member]: _, ...others } = kept;
    kept = others;
  }
  kept = withFewerRedirectUris(kept);
  if (isShort(kept)) return kept;
  throw new OAuthError("invalid_client_metadata", "jwks is too long to be kept; give its URL as jwks_uri.");
}

/** With as many of the redirect URIs as there is room for, and with the first one in any case. Each is measured once. */
function withFewerRedirectUris(metadata: ClientMetadata): ClientMetadata {
  // The last of them has no comma behind it.
  let room = maxBytes - sizeOf({ ...metadata, redirect_uris: [] }) + 1;
  const firstTooMany = metadata.redirect_uris.findIndex((uri) => {
    room -= sizeOf(uri) + 1;
    return room < 0;
  });
  return firstTooMany < 0
    ? metadata
    : { ...metadata, redirect_uris: metadata.redirect_uris.slice(0, Math.max(1, firstTooMany)) };
}

function isShort(metadata: ClientMetadata): boolean {
  return sizeOf(metadata) <= maxBytes;
}

/** In bytes of JSON. */
function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
