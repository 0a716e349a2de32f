/** The states of a version, from Vault's `vault-item-version-state`. */
export const VERSION_STATES = ["active", "deactivated", "suspended", "compromised", "destroyed"] as const;

/** The state of a version. */
export type VersionState = (typeof VERSION_STATES)[number];

/** One version of a secret. Immutable; the newest links to the one before it, so that a rotation costs the same at any length. */
export interface SecretVersion {
  readonly version: number;
  /** Milliseconds since the epoch, as every time here. */
  readonly createdAt: number;
  readonly state: VersionState;
  readonly destroyedAt?: number;
  readonly rotatedAt?: number;
  /** Absent once the version is destroyed. */
  readonly secret?: string;
  readonly previous?: SecretVersion;
}

interface ItemBase {
  readonly id: string;
  /** Grows with every item: the order of creation. */
  readonly sequence: number;
  /** Unset where the request gave none. */
  readonly name?: string;
  /** Normalised. */
  readonly folder: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly createdAt: number;
}

/** A stored secret. Immutable: a change replaces it. */
export interface SecretItem extends ItemBase {
  readonly type: "secret";
  readonly enabled: boolean;
  readonly disabledAt?: number;
  readonly lastRotated?: number;
  readonly current: SecretVersion;
}

/** A folder. `folder` is its parent. Immutable: a change replaces it. */
export interface FolderItem extends ItemBase {
  readonly type: "folder";
  readonly name: string;
}

/** Anything that Vault gives an id. */
export type VaultItem = SecretItem | FolderItem;

/** The folder that a folder item stands for, in the form that its children carry. */
export function pathOf(item: FolderItem): string {
  return `${item.folder}${item.name}/`;
}

/** Whether a secret can be used at `now`: not switched off, and not past its `disabled_at`. */
export function isEnabled(item: SecretItem, now: number): boolean {
  return item.enabled && (item.disabledAt === undefined || item.disabledAt > now);
}

/** The version with that number, if the item has it. */
export function findVersion(item: SecretItem, number: number): SecretVersion | undefined {
  for (const version of versions(item)) if (version.version === number) return version;
  return undefined;
}

/** An item's versions, newest first. */
export function* versions(item: SecretItem): Generator<SecretVersion> {
  for (let version: SecretVersion | undefined = item.current; version !== undefined; version = version.previous)
    yield version;
}

/** A version in another state. A destroyed one loses its secret. */
export function withState(version: SecretVersion, state: VersionState, destroyedAt?: number): SecretVersion {
  const { secret, destroyedAt: _, ...rest } = version;
  return {
    ...rest,
    state,
    ...(destroyedAt === undefined ? {} : { destroyedAt }),
    ...(state === "destroyed" || secret === undefined ? {} : { secret }),
  };
}

/** The version as it stands at `now`: one whose `destroy_period` has run out is destroyed. */
export function versionAt(version: SecretVersion, now: number): SecretVersion {
  const due = version.destroyedAt !== undefined && version.destroyedAt <= now && version.state !== "destroyed";
  return due ? withState(version, "destroyed", version.destroyedAt) : version;
}

/** An item with one of its versions replaced by another of the same number. */
export function replaceVersion(item: SecretItem, replacement: SecretVersion): SecretItem {
  const newer: SecretVersion[] = [];
  let rebuilt: SecretVersion | undefined;
  for (const version of versions(item)) {
    if (version.version === replacement.version) {
      const { previous } = version;
      rebuilt = previous === undefined ? replacement : { ...replacement, previous };
      break;
    }
    newer.push(version);
  }
  if (rebuilt === undefined) return item;
  for (const version of newer.reverse()) rebuilt = { ...version, previous: rebuilt };
  return { ...item, current: rebuilt };
}
