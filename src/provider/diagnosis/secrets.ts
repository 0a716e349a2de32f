import { UnreadableRecordsError, UnsealableError } from "../../errors.ts";
import type { KeyAnnouncement } from "../../records/key-announcement.ts";
import { instanceAnnouncementKey, recordKey, serverAnnouncementKey, storeAnnouncementKey } from "../../records/keys.ts";
import type { Repository } from "../../storage/contract.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import type { Finding } from "../../storage/finding.ts";
import { ownKeyIds } from "../keys/key-announcements.ts";
import type { Examined } from "./diagnose.ts";

/** How long an instance's mark stays, in seconds: as long as the announcement of its keys. */
const markLifetimeSeconds = 3600;

/**
 * Looks whether all instances have the same secrets. Each running instance announces the ids of its keys in the store; who
 * checks leaves a mark as well, for stores that cannot list.
 */
export async function checkSecrets({ repositories, keys, issuer, now }: Examined): Promise<Finding[]> {
  const { keyAnnouncements } = repositories;
  const own = new Set(ownKeyIds({ keys, repositories }));
  const markKey = recordKey("key_announcement", issuer, "of whoever checked last");
  // What another instance has sealed is not opened here, and ends within that time all the same.
  const latestEnd = Math.ceil(now()) + markLifetimeSeconds;
  const mark = await readOrKeyOf(keyAnnouncements, markKey, latestEnd);
  const others = new Map<string, number>(
    mark !== undefined && !own.has(mark.keyId) ? [[mark.keyId, mark.expiresAt]] : [],
  );
  const foreign = new Set<string>();
  const announced = new Set<string>();
  for (const { key, keyId, expiresAt } of await announcementsIn(keyAnnouncements, latestEnd)) {
    const isAt = async (place: string): Promise<boolean> => {
      return key === place || (await readOrKeyOf(keyAnnouncements, place, latestEnd)) !== undefined;
    };
    // Other servers may share the store: an announcement's key says whose it is. The mark of a check is none.
    const place = instanceAnnouncementKey(issuer, keyId);
    if (await isAt(place)) {
      announced.add(keyId);
      // What is remembered for longer does not say until when an instance counts as there.
      if (!own.has(keyId) && (key === place || !others.has(keyId))) others.set(keyId, Math.min(expiresAt, latestEnd));
    } else if (
      key !== markKey &&
      (await isAt(storeAnnouncementKey(keyId))) &&
      !(await isAt(serverAnnouncementKey(issuer, keyId)))
    ) {
      foreign.add(keyId);
    }
  }
  const [primary] = keys.ids;
  if (primary !== undefined) await keyAnnouncements.set(markKey, { keyId: primary, expiresAt: latestEnd });
  return [
    others.size === 0 ? same(announced.size) : different([...own], others),
    ...(foreign.size > 0 ? [shared([...foreign])] : []),
  ];
}

/** An announcement; its key is undefined where it does not open, and nothing but the id of the key that seals it is known. */
interface Announced extends KeyAnnouncement {
  readonly key?: string;
}

/** Every announcement of the store. One that another instance or server has sealed is told by the key that seals it. */
async function announcementsIn(
  repository: Repository<string, KeyAnnouncement>,
  latestEnd: number,
): Promise<readonly Announced[]> {
  if (!isEnumerable(repository)) return [];
  const found: Announced[] = [];
  try {
    for await (const [key, { keyId, expiresAt }] of repository.entries()) found.push({ key, keyId, expiresAt });
  } catch (failure) {
    if (!(failure instanceof UnreadableRecordsError) || failure.keyIds.length === 0) throw failure;
    found.push(...failure.keyIds.map((keyId) => ({ keyId, expiresAt: latestEnd })));
  }
  return found;
}

/** What is announced, or the id of the key that seals it where it does not open. */
async function readOrKeyOf(
  repository: Repository<string, KeyAnnouncement>,
  key: string,
  latestEnd: number,
): Promise<KeyAnnouncement | undefined> {
  try {
    return await repository.get(key);
  } catch (failure) {
    if (!(failure instanceof UnsealableError) || failure.keyId === undefined) throw failure;
    return { keyId: failure.keyId, expiresAt: latestEnd };
  }
}

function shared(keyIds: readonly string[]): Finding {
  return {
    check: "foreign-records",
    status: "warning",
    what: `Another server keeps its records in this store: it has announced the key ids ${keyIds.join(", ")}.`,
    why: "Neither reads, lists or ends what the other keeps; but neither knows which records are lost, and a migration or a backup has both.",
    remedy: "Give each server a namespace of its own.",
  };
}

function same(announced: number): Finding {
  const what =
    announced === 0
      ? "No instance has announced other secrets in the last hour."
      : "Every instance of the last hour has announced the secrets that this one has.";
  return { check: "secrets", status: "ok", what };
}

/** @param others - Until when each of the keys counts as another instance's, in epoch seconds. */
function different(own: readonly string[], others: ReadonlyMap<string, number>): Finding {
  const end = new Date(Math.max(...others.values()) * 1_000).toISOString().replace(/:\d\d\.\d+Z$/, "");
  return {
    check: "secrets",
    status: "error",
    what: `Another instance has secrets that this one lacks: key ids ${[...others.keys()].join(", ")}; this one has ${own.join(", ")}.`,
    why: "A login that one instance begins cannot be ended by the other, which answers with 503.",
    remedy: `Give every instance the same secret (or upstream client secret). Where the other instance is one of before, which has ended: list its secret behind the new one, as [new, old], and what it sealed opens at once; or wait for the end of its announcement, ${end.replace("T", " ")} UTC, from when people log in anew.`,
  };
}
