import { recordKey } from "../../records/keys.ts";
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
  const mark = await keyAnnouncements.get(markKey);
  const others = new Map<string, number>(
    mark !== undefined && !own.has(mark.keyId) ? [[mark.keyId, mark.expiresAt]] : [],
  );
  const announced = new Set<string>();
  if (isEnumerable(keyAnnouncements)) {
    for await (const [key, { keyId, expiresAt }] of keyAnnouncements.entries()) {
      // Other servers may share the store: an announcement's key says whose it is.
      if (key !== recordKey("key_announcement", issuer, keyId)) continue;
      announced.add(keyId);
      if (!own.has(keyId)) others.set(keyId, expiresAt);
    }
  }
  const [primary] = keys.ids;
  if (primary !== undefined) {
    await keyAnnouncements.set(markKey, { keyId: primary, expiresAt: Math.ceil(now()) + markLifetimeSeconds });
  }
  return [others.size === 0 ? same(announced.size) : different([...own], others)];
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
