import type { UnreadableRecords } from "../unreadable-records.ts";
import type { ItemRecords } from "./item-records.ts";
import type { ItemRemoval } from "./item-removal.ts";
import { isClaimed, type Namesakes } from "./namesakes.ts";
import type { PauseSettings } from "./pauses.ts";
import type { VaultCalls } from "./vault-calls.ts";
import type { VaultSecret } from "./vault-service.ts";

/** What a sweep needs of the repository. */
export interface SweepParts {
  readonly calls: Pick<VaultCalls, "get">;
  readonly records: Pick<ItemRecords<unknown>, "isOver" | "readOrCount">;
  readonly removal: Pick<ItemRemoval, "delete">;
  readonly settings: PauseSettings;
}

/**
 * Deletes the items among these whose records have expired, and what takes have left behind.
 *
 * @param unreadable - Counts the records that cannot be read.
 * @returns The number of items deleted.
 * @throws {StorageFailure} when the store fails.
 */
export async function sweepItems(all: Namesakes, parts: SweepParts, unreadable: UnreadableRecords): Promise<number> {
  const { records, settings } = parts;
  const over = all.filter((secret) => {
    records.readOrCount(secret, unreadable);
    return records.isOver(secret);
  });
  // A claim of this moment may have to be told what became of it: what is claimed comes last, and not at once.
  const claimed = over.filter(isClaimed);
  let deleted = 0;
  for (const secret of over) if (!isClaimed(secret) && (await sweepItem(secret, parts))) deleted += 1;
  if (claimed.length > 0) await settings.delay(settings.timeout);
  for (const secret of claimed) if (await sweepItem(secret, parts)) deleted += 1;
  return deleted;
}

/** The list may be old by now: another instance may have renewed the record, under the same id. */
async function sweepItem(secret: VaultSecret, { calls, records, removal }: SweepParts): Promise<boolean> {
  const current = await calls.get(secret.id);
  if (current === undefined || current.version !== secret.version || !records.isOver(current)) return false;
  return removal.delete(secret);
}
