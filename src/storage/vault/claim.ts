import { StorageFailure, StorageTimeoutError } from "../../errors.ts";
import { type PauseSettings, pauses } from "./pauses.ts";
import { isTombstone, tombstone } from "./tombstone.ts";
import type { Gone, VaultCalls, WrittenItem } from "./vault-calls.ts";
import { afterWrite, outcomeLost } from "./vault-failure.ts";
import type { SecretVersion, VaultSecret } from "./vault-service.ts";

/** How often a claim is tried that Vault may not have received. */
const patience = 4;

/** A claim that was won. */
export interface Claimed {
  /** What was claimed, where somebody has written it over the version that was read. */
  readonly instead?: string;
}

/**
 * Puts a tombstone on top of an item: the lowest tombstone of an item is the one whose caller has claimed it. The SDK
 * sends a write again whose answer was a 502, so that a claim may put down its tombstone more than once. Every tombstone
 * has a text of its own, and the version under it is suspended and not destroyed: so the versions of the item tell whose
 * claim came first, where the number of the new version does not.
 *
 * @returns Undefined where another caller has removed the record.
 * @throws {StorageFailure} with an unknown effect when the claim may have been made and what became of it cannot be told.
 */
export async function claim(
  calls: VaultCalls,
  item: Pick<VaultSecret, "id" | "version">,
  settings: PauseSettings,
): Promise<Claimed | undefined> {
  const mark = tombstone();
  const began = performance.now();
  let unanswered: StorageFailure | undefined;
  let tries = 0;
  for await (const _ of pauses(settings)) {
    if (tries === patience) break;
    tries += 1;
    let written: WrittenItem | Gone | undefined;
    try {
      written = await calls.rotate(item.id, mark, "suspended");
    } catch (failure) {
      if (!(failure instanceof StorageFailure)) throw failure;
      // After the deadline there is no time left to look, and the claim may still land.
      if (failure instanceof StorageTimeoutError) throw failure;
      if (failure.effect === "none") throw unanswered ?? failure;
      unanswered = failure;
    }
    if (written !== undefined && "version" in written && written.version === item.version + 1) return {};
    if (written !== undefined && "askedFor" in written) {
      return removedByOthers(unanswered === undefined ? written.askedFor : performance.now() - began, settings);
    }
    const versions = await afterWrite(calls.versions(item.id), "The record in Vault may have been claimed");
    if (versions === undefined) return removedByOthers(performance.now() - began, settings);
    const first = versions.find(({ text }) => text === mark);
    if (first !== undefined) return claimedBy(first, item.version, versions);
    // A claim that was answered is there, so Vault withholds it.
    if (written !== undefined) break;
  }
  throw unanswered ?? outcomeLost();
}

/**
 * Deletes an item that somebody has claimed, once whoever did so has had the time that one call may take: by then a claim
 * has been answered, however often the SDK has sent it, or has failed. Whoever claims an item deletes it as well, so that
 * mostly there is nothing to wait for.
 */
export async function removeClaimed(calls: VaultCalls, id: string, settings: PauseSettings): Promise<void> {
  for await (const _ of pauses(settings)) if ((await calls.get(id)) === undefined) return;
  await calls.delete(id);
}

/**
 * Nobody but the caller who has claimed an item deletes it before the time is over that one call may take, so an item that
 * is gone before that was claimed by somebody else. One that is gone later may have been this caller's own.
 */
function removedByOthers(milliseconds: number, { timeout }: PauseSettings): undefined {
  if (milliseconds >= timeout) throw outcomeLost();
  return undefined;
}

function claimedBy(first: SecretVersion, read: number, versions: readonly SecretVersion[]): Claimed | undefined {
  const between = versions.filter(({ version }) => version > read && version < first.version);
  const isComplete = between.length === first.version - read - 1 && between.every(({ text }) => text !== undefined);
  // What somebody has written over and destroyed may have been this caller's own tombstone.
  if (!isComplete) throw outcomeLost();
  if (between.some(({ text = "" }) => isTombstone(text))) return undefined;
  const instead = between.at(-1)?.text;
  return instead === undefined ? {} : { instead };
}
