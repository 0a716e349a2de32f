import { isTombstone } from "./tombstone.ts";
import type { VaultSecret } from "./vault-service.ts";

/** Every secret of a name, the oldest first. There is more than one only where Vault lets names repeat. */
export type Namesakes = readonly VaultSecret[];

/** The secret that holds the record of a name, and those whose place it has taken. */
export interface Standing {
  readonly record: VaultSecret;
  /** They are deleted before the record is: were the record gone before them, one of them would stand again. */
  readonly replaced: Namesakes;
}

/**
 * Sorts secrets of one name by when they were last written. Of a `set` and an `add` of one moment the `set` counts as
 * the earlier: the `add` has hardly looked yet, so that it may still withdraw.
 */
export function oldestFirst(secrets: Namesakes): Namesakes {
  return secrets.toSorted(
    (one, other) =>
      compare(one.writtenAt, other.writtenAt) ||
      Number(isAddition(one)) - Number(isAddition(other)) ||
      compare(one.id, other.id),
  );
}

/** Sorts secrets by name, and those of one name by when they were last written. */
export function groupByName(secrets: readonly VaultSecret[]): Map<string, Namesakes> {
  const byName = new Map<string, Namesakes>();
  for (const secret of secrets) byName.set(secret.name, [...(byName.get(secret.name) ?? []), secret]);
  for (const [name, group] of byName) byName.set(name, oldestFirst(group));
  return byName;
}

/** True for what an `add` has stored and nobody has written to since. */
export function isAddition({ addedWith, version }: VaultSecret): boolean {
  return addedWith !== undefined && version === 1;
}

/** True where the one was created before the other. Ids decide between items of one moment. */
export function isOlder(
  one: Pick<VaultSecret, "id" | "createdAt">,
  other: Pick<VaultSecret, "id" | "createdAt">,
): boolean {
  return (compare(one.createdAt, other.createdAt) || compare(one.id, other.id)) < 0;
}

/**
 * Which of several namesakes is the record. What a `set` wrote takes the place of everything before it. What an `add`
 * stored stands only where no live record stood before it: otherwise it has lost, and its `add` is about to withdraw it.
 */
export function recordAmong(namesakes: Namesakes, isLive: (secret: VaultSecret) => boolean): Standing | undefined {
  let record: VaultSecret | undefined;
  const replaced: VaultSecret[] = [];
  for (const secret of namesakes) {
    if (record === undefined) record = secret;
    else if (takesPlaceOf(secret) || !isLive(record)) {
      replaced.push(record);
      record = secret;
      // One add has two items where the SDK repeated a store whose answer was lost.
    } else if (isAddition(secret) && secret.addedWith === record.addedWith) replaced.push(secret);
  }
  return record === undefined ? undefined : { record, replaced };
}

/** True for a secret that somebody has claimed: it is no record any more, and whoever claimed it deletes it. */
export function isClaimed({ text }: Pick<VaultSecret, "text">): boolean {
  return text !== undefined && isTombstone(text);
}

function takesPlaceOf(secret: VaultSecret): boolean {
  return !isAddition(secret) && !isClaimed(secret);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
