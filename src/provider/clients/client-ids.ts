import { createHmac } from "../../secrets/hmac.ts";
import type { DerivedKeys } from "../../secrets/key-ring.ts";
import type { ClientMetadata } from "../oauth/client-metadata.ts";
import { withoutLoopbackPort } from "../oauth/redirect-uri.ts";

/**
 * The ids of a client that has no secret to keep: they follow from its metadata and a key of this server, one for each
 * secret of the server, in the order of the secrets. The same registration is the same client, and nobody else can tell
 * the id that a registration leads to.
 *
 * An id has the form of a UUID of version 8 (RFC 9562 section 5.8), and 122 bits of the HMAC.
 */
export function clientIdsOf(metadata: ClientMetadata, keys: DerivedKeys): [string, ...string[]] {
  const canonical = canonicalForm(metadata);
  const idBy = ({ bytes }: DerivedKeys["primary"]): string =>
    asUuid(createHmac("sha256", bytes).update(canonical).digest());
  const [, ...others] = keys.all;
  return [idBy(keys.primary), ...others.map(idBy)];
}

/**
 * What two registrations have in common that are the same one. The order of lists says nothing. The port of a loopback
 * redirect URI changes from start to start, and no port counts where the URI is compared. A new version of a program is the
 * same program.
 */
function canonicalForm(metadata: ClientMetadata): string {
  const { software_version: _, redirect_uris: uris, scope, ...others } = metadata;
  const sorted: Readonly<Record<string, unknown>> = {
    ...others,
    redirect_uris: [...new Set(uris.map(withoutLoopbackPort))].sort(),
    grant_types: [...metadata.grant_types].sort(),
    scope: scope.split(" ").sort(),
    ...(metadata.contacts !== undefined && { contacts: [...metadata.contacts].sort() }),
  };
  const names = Object.keys(sorted).sort();
  return JSON.stringify(names.map((name) => [name, sorted[name]]));
}

function asUuid(digest: Buffer): string {
  const bytes = digest.subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
