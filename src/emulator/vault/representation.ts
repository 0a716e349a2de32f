import { isEnabled, type SecretItem, type SecretVersion, type VaultItem, versionAt } from "./item.ts";

/** What a reply shows of an item. */
export interface Representation {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The versions to show, of a secret. */
  readonly versions: (item: SecretItem) => Iterable<SecretVersion>;
  /** Whether the versions carry their secret. A destroyed version never does. */
  readonly secrets: boolean;
}

/** Shows the newest version only. */
export function currentVersion(item: SecretItem): Iterable<SecretVersion> {
  return [item.current];
}

/** An item as Vault v2 replies with it (`v2-secret`, `v2-folder`). Keys without a value are left out. */
export function represent(item: VaultItem, { now, versions, secrets }: Representation): object {
  const common = {
    id: item.id,
    type: item.type,
    ...(item.name === undefined ? {} : { name: item.name }),
    folder: item.folder,
    ...(item.metadata === undefined ? {} : { metadata: item.metadata }),
    ...(item.tags === undefined ? {} : { tags: item.tags }),
    created_at: timestamp(item.createdAt),
  };
  if (item.type === "folder") return common;
  return {
    ...common,
    num_versions: item.current.version,
    enabled: isEnabled(item, now),
    ...(item.lastRotated === undefined ? {} : { last_rotated: timestamp(item.lastRotated) }),
    ...(item.disabledAt === undefined ? {} : { disabled_at: timestamp(item.disabledAt) }),
    item_versions: Array.from(versions(item), (version) => representVersion(versionAt(version, now), secrets)),
  };
}

function representVersion(version: SecretVersion, secrets: boolean): object {
  return {
    version: version.version,
    created_at: timestamp(version.createdAt),
    state: version.state,
    ...(version.destroyedAt === undefined ? {} : { destroyed_at: timestamp(version.destroyedAt) }),
    ...(version.rotatedAt === undefined ? {} : { rotated_at: timestamp(version.rotatedAt) }),
    ...(secrets && version.secret !== undefined ? { secret: version.secret } : {}),
  };
}

function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
