import { StorageRejectedError, StorageUnavailableError } from "../../errors.ts";
import { removeClaimed } from "./claim.ts";
import type { ItemRemoval } from "./item-removal.ts";
import { isClaimed, type Standing } from "./namesakes.ts";
import type { KnownItem, OwnWrites } from "./own-writes.ts";
import { type PauseSettings, pauses } from "./pauses.ts";
import type { StoredItem, VaultCalls } from "./vault-calls.ts";
import { afterWrite } from "./vault-failure.ts";
import type { VaultSecret } from "./vault-service.ts";

/** What the write of a `set` needs of the repository. */
export interface WriteParts {
  readonly calls: VaultCalls;
  readonly settings: PauseSettings;
  readonly ownWrites: OwnWrites;
  readonly removal: ItemRemoval;
  /** By what the index finds the record; undefined where there is no index. */
  readonly indexPlace: string | undefined;
  /** By what the index should find the record of an item; undefined where the record cannot be read. */
  placeOf(item: VaultSecret): string | undefined;
  /** Takes an item out of the index, to where every search looks at it. */
  leaveIndex(item: KnownItem): Promise<unknown>;
  /** Stores the record as a new item. */
  store(): Promise<StoredItem>;
  /** Finds what has the key. Throws the refusal in clearer words where only an item that is not ours has it. */
  standing(refusal: StorageRejectedError): Promise<Standing | undefined>;
}

/**
 * Writes a text under a key, whatever is there: over the item that this instance remembers, or as a new one.
 *
 * @throws {StorageFailure} when the store fails; with an unknown effect when the text may have been written.
 */
export async function writeItem(key: string, text: string, parts: WriteParts): Promise<void> {
  const known = parts.ownWrites.get(key);
  if (known === undefined || !(await rotate(key, known, text, parts))) await store(key, text, parts);
}

/**
 * False where the item is gone or was claimed: the id that was remembered is of no use any more.
 *
 * A rotation leaves the item where the index has it. So an item whose record gets other labels leaves the index before, also
 * one that has no place in it yet, for a search of another instance may be about to give it one. Where that comes in between
 * all the same, the answer to the rotation says so, and the item leaves the index again.
 */
async function rotate(key: string, known: KnownItem, text: string, parts: WriteParts): Promise<boolean> {
  const { id, version, addedWith } = known;
  const isElsewhere = (place: string | undefined) => place !== undefined && place !== parts.indexPlace;
  if (isElsewhere(known.indexPlace) || known.recordPlace !== parts.indexPlace) await parts.leaveIndex(known);
  const written = await parts.calls.rotate(id, text);
  if ("version" in written && (written.version === version + 1 || !(await wasClaimed(id, parts)))) {
    const { indexPlace } = written;
    const item = { id, version: written.version, indexPlace, recordPlace: parts.indexPlace, addedWith };
    parts.ownWrites.remember(key, item);
    if (isElsewhere(indexPlace)) await afterWrite(parts.leaveIndex(item));
    return true;
  }
  parts.ownWrites.forget(key, id);
  return false;
}

/**
 * True where the item that was written to has a claim among its versions: whoever claimed it is about to delete it. Waits
 * until that has happened.
 */
async function wasClaimed(id: string, { calls, settings }: WriteParts): Promise<boolean> {
  const versions = (await afterWrite(calls.versions(id))) ?? [];
  if (versions.length > 0 && !versions.some(({ state }) => state === "suspended")) return false;
  await afterWrite(removeClaimed(calls, id, settings));
  return true;
}

/**
 * Stores a new item. What Vault answers where the name exists is not documented, so any refusal leads to a look: a
 * namesake of ours is rotated, or makes room where it is claimed, and otherwise the refusal stands. This also covers the
 * SDK's own retry of a store whose answer was lost.
 */
async function store(key: string, text: string, parts: WriteParts): Promise<void> {
  const { calls, settings, ownWrites, removal } = parts;
  for await (const _ of pauses(settings)) {
    try {
      ownWrites.remember(key, { ...(await parts.store()), recordPlace: parts.indexPlace });
      return;
    } catch (refusal) {
      if (!(refusal instanceof StorageRejectedError)) throw refusal;
      const found = await parts.standing(refusal);
      if (found === undefined) throw refusal;
      if (isClaimed(found.record)) await afterWrite(removeClaimed(calls, found.record.id, settings));
      else if (await rotate(key, { ...found.record, recordPlace: parts.placeOf(found.record) }, text, parts))
        return afterWrite(removal.deleteReplaced(found.replaced));
    }
  }
  throw new StorageUnavailableError("Other callers write and take the record in Vault all the time.", {
    effect: "unknown",
  });
}
