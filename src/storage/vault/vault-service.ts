import { z } from "zod";
import { StorageUnavailableError } from "../../errors.ts";
import { indexPlaceOf, ownWriter, schemeMember, writerMember } from "./item-metadata.ts";

/** A search for secrets, as the SDK's `getBulk` takes it. */
export interface VaultSearch {
  readonly filter?: object;
  readonly size?: number;
  readonly last?: string;
}

/** A reply of the SDK. Only `result` is looked at, and it is checked before it is used. */
export interface VaultReply {
  readonly result?: unknown;
}

/**
 * The part of `VaultService` of `pangea-node-sdk` that the repository calls. An existing service fits, and so does
 * anything else with these methods. What the SDK's types call optional is so here too, or they would not fit.
 */
export interface VaultServiceLike {
  secretStore(request: {
    readonly type: string;
    readonly name: string;
    readonly secret?: string;
    readonly folder?: string;
    readonly metadata?: object;
  }): Promise<VaultReply>;
  secretRotate(request: {
    readonly id: string;
    readonly secret?: string;
    readonly rotation_state?: string;
  }): Promise<VaultReply>;
  getItem(request: { readonly id: string; readonly version?: string }): Promise<VaultReply>;
  getBulk(request: VaultSearch): Promise<VaultReply>;
  delete(id: string): Promise<VaultReply>;
  /** Changes an item's metadata, for the index. Without it a repository reads everything for a search. */
  update?(request: { readonly id: string; readonly metadata?: object }): Promise<VaultReply>;
}

const versionSchema = z.object({
  version: z.number(),
  secret: z.string().nullish(),
  state: z.string().nullish(),
});

/** The part of a Vault item that the repository reads. */
export const vaultItemSchema = z.object({
  id: z.string().min(1),
  type: z.string().nullish(),
  name: z.string().nullish(),
  folder: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  created_at: z.string().nullish(),
  last_rotated: z.string().nullish(),
  enabled: z.boolean().nullish(),
  item_versions: z.array(versionSchema),
});

/** One page of a search. Folders appear among the items and are told by having no versions. */
export const vaultPageSchema = z.object({
  items: z.array(z.unknown()),
  last: z.string().optional(),
});

/** A secret of Vault: its current version. */
export interface VaultSecret {
  readonly id: string;
  readonly name: string;
  /** Where Vault says that the item is. */
  readonly folder: string | undefined;
  /** The mark of the package that stored the item, in the metadata. */
  readonly writer: string | undefined;
  readonly kind: string | undefined;
  /** The mark of the `add` that stored the item. It stays when the item is written to again. */
  readonly addedWith: string | undefined;
  /** By what the index finds the item; undefined for an item that has no place in it. */
  readonly indexPlace?: string | undefined;
  readonly version: number;
  /** Undefined where Vault withholds it: the item was disabled. */
  readonly text: string | undefined;
  readonly createdAt: string;
  /** When it was last written, for telling the newest of several. */
  readonly writtenAt: string;
}

/** One of the versions of a secret. */
export interface SecretVersion {
  readonly version: number;
  /** Undefined where Vault withholds it, as it does once a version is destroyed. */
  readonly text: string | undefined;
  /** Such as `active`, `suspended`, `destroyed`. */
  readonly state: string | undefined;
}

/**
 * Reads the versions of an item, the oldest first.
 *
 * @throws {StorageUnavailableError} when the item has another form than Vault's.
 */
export function readVersions(item: unknown): readonly SecretVersion[] {
  const parsed = vaultItemSchema.safeParse(item);
  if (!parsed.success) throw new StorageUnavailableError("Vault answered with an item of another form than expected.");
  return parsed.data.item_versions
    .map(({ version, secret, state }) => ({ version, text: secret ?? undefined, state: state ?? undefined }))
    .toSorted((one, other) => one.version - other.version);
}

/**
 * Reads an item; undefined for what is no secret with a name, such as a folder, a key or a certificate.
 *
 * @throws {StorageUnavailableError} when the item has another form than Vault's: such an item must not read as absent.
 */
export function readSecret(item: unknown): VaultSecret | undefined {
  if (typeof item === "object" && item !== null) {
    if (!("item_versions" in item) || ("type" in item && item.type !== "secret")) return undefined;
  }
  const parsed = vaultItemSchema.safeParse(item);
  if (!parsed.success) throw new StorageUnavailableError("Vault answered with an item of another form than expected.");
  const { id, name, folder, metadata, created_at, last_rotated, enabled, item_versions } = parsed.data;
  const [current] = item_versions.toSorted((one, other) => other.version - one.version);
  if (name === undefined || name === null || current === undefined) return undefined;
  return {
    id,
    name,
    folder: folder ?? undefined,
    writer: metadata?.[writerMember] ?? (metadata?.[schemeMember] === undefined ? undefined : ownWriter),
    kind: metadata?.kind,
    addedWith: metadata?.added,
    indexPlace: metadata ? indexPlaceOf(metadata) : undefined,
    version: current.version,
    text: enabled === false ? undefined : (current.secret ?? undefined),
    createdAt: created_at ?? "",
    writtenAt: last_rotated ?? created_at ?? "",
  };
}
