import type { RotationSettings } from "./rotation-settings.ts";

/** The states of a version, from Vault's `vault-item-version-state`. */
export const versionStates = ["active", "deactivated", "suspended", "compromised", "destroyed"] as const;

/** The state of a version. */
export type VersionState = (typeof versionStates)[number];

/** One version of a secret. Immutable; the newest links to the one before it, so that a rotation costs the same at any length. */
export interface SecretVersion {
  readonly version: number;
  /** Milliseconds since the epoch, as every time here. */
  readonly createdAt: number;
  readonly state: VersionState;
  readonly destroyedAt?: number | undefined;
  readonly rotatedAt?: number | undefined;
  /** Absent once the version is destroyed. */
  readonly secret?: string | undefined;
  readonly previous?: SecretVersion | undefined;
}

interface ItemBase {
  readonly id: string;
  /** Grows with every item: the order of creation. */
  readonly sequence: number;
  /** Unset where the request gave none. */
  readonly name?: string | undefined;
  /** Normalised. */
  readonly folder: string;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly createdAt: number;
}

/** A stored secret. Immutable: a change replaces it. */
export interface SecretItem extends ItemBase {
  readonly type: "secret";
  readonly enabled: boolean;
  readonly disabledAt?: number | undefined;
  readonly lastRotated?: number | undefined;
  readonly current: SecretVersion;
}

/** A folder. `folder` is its parent. Immutable: a change replaces it. */
export interface FolderItem extends ItemBase {
  readonly type: "folder";
  readonly name: string;
  /** Its own settings, without those that come from the folders above. */
  readonly rotation?: RotationSettings;
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

/** A version in another state. A destroyed version loses its secret. */
export function withState(version: SecretVersion, state: VersionState, destroyedAt?: number): SecretVersion {
  return { ...version, state, destroyedAt, secret: state === "destroyed" ? undefined : version.secret };
}

/** The version as it stands at `now`: one whose `destroy_period` has run out is destroyed. */
export function versionAt(version: SecretVersion, now: number): SecretVersion {
  const due = version.destroyedAt !== undefined && version.destroyedAt <= now && version.state !== "destroyed";
  return due ? withState(version, "destroyed", version.destroyedAt) : version;
}

/** An item with one of its versions replaced by another of the same number. */
export function replaceVersion(item: SecretItem, replacement: SecretVersion): SecretItem {
  let current: SecretVersion | undefined;
  for (const version of [...versions(item)].reverse()) {
    current = { ...(version.version === replacement.version ? replacement : version), previous: current };
  }
  return { ...item, current: current ?? item.current };
}
