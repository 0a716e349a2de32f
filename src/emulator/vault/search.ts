import { z } from "zod";
import { parseJson } from "../http/request-body.ts";
import type { ItemFilter } from "./filters.ts";
import type { VaultItem } from "./item.ts";
import type { SearchRequest } from "./requests.ts";
import type { VaultStore } from "./store.ts";

const defaultSize = 50;

/** One page of a search. */
export interface Page {
  readonly items: readonly VaultItem[];
  /** What the next request passes as `last`. Absent on the last page. */
  readonly last?: string;
}

/** Where a page ended: the sort value and the sequence number of its last item. */
type Position = readonly [value: string | number, sequence: number];

/** A position in the JSON that `last` encodes. */
const positionJson = z.tuple([z.union([z.string(), z.number()]), z.number()]);

/**
 * The items that satisfy a filter, in no particular order, found through an index where the filter allows it. `then`
 * holds the items that a stale reader sees otherwise than they are: as they were, or not at all.
 */
export function findItems(
  store: VaultStore,
  filter: ItemFilter | undefined,
  then?: ReadonlyMap<string, VaultItem | undefined>,
): VaultItem[] {
  const now = [...candidates(store, filter)].filter((item) => then?.has(item.id) !== true);
  const before = [...(then?.values() ?? [])].filter((item) => item !== undefined);
  return [...now, ...before].filter((item) => filter === undefined || filter.matches(item));
}

/** Cuts a page out of what was found. `undefined` where `last` is not one that the emulator has handed out. */
export function pageOf(found: VaultItem[], request: SearchRequest): Page | undefined {
  const direction = request.order === "desc" ? -1 : 1;
  const value = sortValues[request.order_by ?? "creation"] ?? (() => 0);
  const compare = ([left, earlier]: Position, [right, later]: Position) =>
    direction * (compareValues(left, right) || earlier - later);
  let entries = found.map((item) => ({ item, position: [value(item), item.sequence] as const }));
  if (request.last !== undefined) {
    const after = decodePosition(request.last);
    if (after === undefined) return undefined;
    entries = entries.filter(({ position }) => compare(position, after) > 0);
  }
  entries.sort((left, right) => compare(left.position, right.position));
  const page = entries.slice(0, request.size ?? defaultSize);
  const end = page.at(-1);
  const items = page.map(({ item }) => item);
  return entries.length > page.length && end !== undefined ? { items, last: encodePosition(end.position) } : { items };
}

function* candidates(store: VaultStore, filter: ItemFilter | undefined): Iterable<VaultItem> {
  const [ids, names, folders] = ["id", "name", "folder"].map((field) => filter?.exact.get(field));
  if (ids !== undefined) yield* store.withIds(ids);
  else if (folders !== undefined) {
    for (const folder of folders) {
      if (names === undefined) yield* store.inFolder(folder);
      else for (const name of names) yield* store.named(folder, name);
    }
  } else if (names !== undefined) for (const name of names) yield* store.namedAnywhere(name);
  else yield* store.all();
}

/** The fields that a search can be ordered by. By any other, which secrets and folders do not have, it is by creation. */
const sortValues: Readonly<Record<string, (item: VaultItem) => string | number>> = {
  id: ({ id }) => id,
  type: ({ type }) => type,
  name: ({ name = "" }) => name,
  folder: ({ folder }) => folder,
  created_at: ({ createdAt }) => createdAt,
  last_rotated: (item) => (item.type === "secret" ? (item.lastRotated ?? 0) : 0),
};

function compareValues(left: string | number, right: string | number): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function encodePosition(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString("base64url");
}

function decodePosition(last: string): Position | undefined {
  return positionJson.safeParse(parseJson(Buffer.from(last, "base64url").toString())).data;
}
