import type { ItemFilter } from "./filters.ts";
import type { VaultItem } from "./item.ts";
import type { SearchRequest } from "./requests.ts";
import type { VaultStore } from "./store.ts";

const DEFAULT_SIZE = 50;

/** One page of a search. */
export interface Page {
  readonly items: readonly VaultItem[];
  /** What the next request passes as `last`. Absent on the last page. */
  readonly last?: string;
}

/** Where a page ended: the sort value and the sequence number of its last item. */
interface Position {
  readonly value: string | number;
  readonly sequence: number;
}

/**
 * The items that satisfy a filter, in no particular order, found through an index where the filter allows it. `then`
 * holds the items that a stale reader sees otherwise than they are: as they were, or not at all.
 */
export function findItems(
  store: VaultStore,
  filter: ItemFilter | undefined,
  then?: ReadonlyMap<string, VaultItem | undefined>,
): VaultItem[] {
  const found: VaultItem[] = [];
  for (const item of candidates(store, filter)) {
    if (then?.has(item.id) !== true && (filter === undefined || filter.matches(item))) found.push(item);
  }
  for (const item of then?.values() ?? []) {
    if (item !== undefined && (filter === undefined || filter.matches(item))) found.push(item);
  }
  return found;
}

/** Cuts a page out of what was found. `undefined` where `last` is not one that the emulator has handed out. */
export function pageOf(found: VaultItem[], request: SearchRequest): Page | undefined {
  const direction = request.order === "desc" ? -1 : 1;
  const value = sortValue(request.order_by);
  const compare = (left: Position, right: Position) =>
    direction * (compareValues(left.value, right.value) || left.sequence - right.sequence);
  let entries = found.map((item) => ({ item, value: value(item), sequence: item.sequence }));
  if (request.last !== undefined) {
    const after = decodePosition(request.last);
    if (after === undefined) return undefined;
    entries = entries.filter((entry) => compare(entry, after) > 0);
  }
  entries.sort(compare);
  const page = entries.slice(0, request.size ?? DEFAULT_SIZE);
  const end = page.at(-1);
  const items = page.map((entry) => entry.item);
  return entries.length > page.length && end !== undefined ? { items, last: encodePosition(end) } : { items };
}

function* candidates(store: VaultStore, filter: ItemFilter | undefined): Iterable<VaultItem> {
  if (filter?.ids !== undefined) {
    for (const id of new Set(filter.ids)) {
      const item = store.find(id);
      if (item !== undefined) yield item;
    }
    return;
  }
  const names = filter?.names === undefined ? undefined : new Set(filter.names);
  if (filter?.folders !== undefined) {
    for (const folder of new Set(filter.folders)) {
      if (names === undefined) yield* store.inFolder(folder);
      else for (const name of names) yield* store.named(folder, name);
    }
  } else if (names !== undefined) for (const name of names) yield* store.namedAnywhere(name);
  else yield* store.all();
}

function sortValue(orderBy: SearchRequest["order_by"]): (item: VaultItem) => string | number {
  switch (orderBy) {
    case "id":
      return (item) => item.id;
    case "type":
      return (item) => item.type;
    case "name":
      return (item) => item.name ?? "";
    case "folder":
      return (item) => item.folder;
    case "created_at":
      return (item) => item.createdAt;
    case "last_rotated":
      return (item) => (item.type === "secret" ? (item.lastRotated ?? 0) : 0);
    default:
      // No field given, or one that secrets and folders do not have: the order of creation.
      return () => 0;
  }
}

function compareValues(left: string | number, right: string | number): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function encodePosition({ value, sequence }: Position): string {
  return Buffer.from(JSON.stringify([value, sequence])).toString("base64url");
}

function decodePosition(last: string): Position | undefined {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(last, "base64url").toString());
    if (!Array.isArray(decoded) || decoded.length !== 2) return undefined;
    const [value, sequence]: readonly unknown[] = decoded;
    if ((typeof value !== "string" && typeof value !== "number") || typeof sequence !== "number") return undefined;
    return { value, sequence };
  } catch {
    return undefined;
  }
}
