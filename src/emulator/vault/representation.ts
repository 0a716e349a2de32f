import type { EndpointContext } from "./endpoint.ts";
import { isEnabled, type SecretVersion, type VaultItem, versionAt } from "./item.ts";
import { rotationInForce } from "./rotation-settings.ts";

/** What a reply shows of a secret. */
export interface Representation {
  /** Default: the newest version. */
  readonly versions?: Iterable<SecretVersion> | undefined;
  /** Whether the versions carry their secret. A destroyed version never does. Default: false. */
  readonly secrets?: boolean;
}

/**
 * An item as Vault v2 replies with it (`v2-secret`, `v2-folder`) at the time of the request. What has no value is
 * `undefined`, so JSON leaves it out; only a folder always has metadata, tags and inherited settings.
 */
export function represent(
  item: VaultItem,
  { store, now }: Pick<EndpointContext, "store" | "now">,
  { versions, secrets = false }: Representation = {},
): object {
  const { id, type, name, folder, metadata, tags, createdAt } = item;
  const common = { id, type, name, folder, metadata, tags, created_at: timestamp(createdAt) };
  if (item.type === "folder") {
    const { settings, inherited } = rotationInForce(item, store);
    return { ...common, metadata: metadata ?? {}, tags: tags ?? [], ...settings, inherited_settings: inherited };
  }
  return {
    ...common,
    num_versions: item.current.version,
    enabled: isEnabled(item, now),
    last_rotated: timestamp(item.lastRotated),
    disabled_at: timestamp(item.disabledAt),
    item_versions: Array.from(versions ?? [item.current], (version) =>
      representVersion(versionAt(version, now), secrets),
    ),
  };
}

function representVersion(version: SecretVersion, secrets: boolean): object {
  return {
    version: version.version,
    created_at: timestamp(version.createdAt),
    state: version.state,
    destroyed_at: timestamp(version.destroyedAt),
    rotated_at: timestamp(version.rotatedAt),
    secret: secrets ? version.secret : undefined,
  };
}

function timestamp(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
}
