import { StorageFailure, StorageNotReplicatedError } from "../../errors.ts";
import type { Repository } from "../../storage/contract.ts";
import { getFresh } from "../../storage/fresh-read.ts";

/** A record that was to be stored. */
export interface Addition<Record> {
  /** Whether this call was the one that stored it. */
  readonly isFirst: boolean;
  /** What the store has: what this call stored, or what was there before; undefined where that has expired meanwhile. */
  readonly stored: Record | undefined;
}

/**
 * Adds a record, and says what is there. Where the answer is lost, the record that is there says whose it is. What is there and
 * not on the replicas that the operator waits for is no success: a failover may lose it, with what the answer would have spent.
 */
export async function addOnce<Record extends { readonly wrappedKey?: string; readonly redemption?: string }>(
  repository: Repository<string, Record>,
  key: string,
  record: Record,
): Promise<Addition<Record>> {
  try {
    if (await repository.add(key, record)) return { isFirst: true, stored: record };
  } catch (failure) {
    const isLost = failure instanceof StorageFailure && failure.effect === "unknown";
    if (!isLost || failure instanceof StorageNotReplicatedError) throw failure;
    const stored = await getFresh(repository, key);
    if (stored === undefined) throw failure;
    // No two tokens have the same wrapped key, and no two grants began with the same attempt.
    return { isFirst: stored.wrappedKey === record.wrappedKey && stored.redemption === record.redemption, stored };
  }
  return { isFirst: false, stored: await getFresh(repository, key) };
}

/** Waits for every write, so that nothing is under way any more when a failure is told. */
export async function allDone<Writes extends readonly unknown[] | []>(writes: Writes) {
  await Promise.allSettled(writes);
  return Promise.all(writes);
}
