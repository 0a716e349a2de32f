import { normaliseFolder } from "./folder-path.ts";
import type { VaultItem } from "./item.ts";

/** What is wrong with a filter, and where in it. */
interface FilterProblem {
  readonly code: string;
  readonly detail: string;
  readonly path: readonly string[];
}

/** A filter that is understood. */
export interface ItemFilter {
  matches(item: VaultItem): boolean;
  /** The exact values that the filter asks for, where it does: they let a search use an index. */
  readonly ids: readonly string[] | undefined;
  readonly names: readonly string[] | undefined;
  readonly folders: readonly string[] | undefined;
  /** The operators in use, such as `name__in`. */
  readonly fields: readonly string[];
}

type Predicate = (item: VaultItem) => boolean;
type Result =
  | { readonly ok: true; readonly filter: ItemFilter }
  | { readonly ok: false; readonly problems: readonly FilterProblem[] };

/** Every value of a field that an item has: none where it is unset, several for tags. */
type Values<T> = (item: VaultItem) => readonly T[];

const COMPARISONS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  "": (left, right) => left === right,
  lt: (left, right) => left < right,
  lte: (left, right) => left <= right,
  gt: (left, right) => left > right,
  gte: (left, right) => left >= right,
};

/** An RFC 3339 date, or date and time. */
const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/i;

/**
 * Reads the `filter` of `v2/list` and `v2/get_bulk`: exact values, `__contains` and `__in` on strings, `__lt`, `__lte`,
 * `__gt` and `__gte` on times. An unknown field is a problem, so that a typing error does not match everything.
 */
export function parseFilter(fields: Readonly<Record<string, unknown>>): Result {
  const predicates: Predicate[] = [];
  const problems: FilterProblem[] = [];
  const exact = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(fields)) {
    const { name, operator } = splitOperator(key);
    const times = timesOf(name);
    const strings = stringsOf(name);
    if (times !== undefined && Object.hasOwn(COMPARISONS, operator)) {
      const predicate = timePredicate(times, operator, value);
      if (predicate === undefined) {
        problems.push({ code: "BadFormatDateTime", detail: "Must be an RFC 3339 date or date and time.", path: [key] });
      } else predicates.push(predicate);
    } else if (strings !== undefined && ["", "contains", "in"].includes(operator)) {
      const wanted = wantedStrings(value, operator);
      if (wanted === undefined) {
        problems.push({
          code: operator === "in" ? "InvalidArray" : "InvalidString",
          detail: operator === "in" ? "Must be an array of strings." : "Must be a string.",
          path: [key],
        });
        continue;
      }
      const normalised = name === "folder" && operator !== "contains" ? wanted.map(normaliseFolder) : wanted;
      predicates.push(stringPredicate(strings, operator, normalised));
      if (operator !== "contains") exact.set(name, normalised);
    } else problems.push({ code: "UnexpectedProperty", detail: "There is no such filter.", path: [key] });
  }
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    filter: {
      matches: (item) => predicates.every((predicate) => predicate(item)),
      ids: exact.get("id"),
      names: exact.get("name"),
      folders: exact.get("folder"),
      fields: Object.keys(fields),
    },
  };
}

function splitOperator(key: string): { readonly name: string; readonly operator: string } {
  const cut = key.lastIndexOf("__");
  return cut < 0 ? { name: key, operator: "" } : { name: key.slice(0, cut), operator: key.slice(cut + 2) || "__" };
}

function stringsOf(name: string): Values<string> | undefined {
  switch (name) {
    case "id":
      return (item) => [item.id];
    case "type":
      return (item) => [item.type];
    case "name":
      return (item) => (item.name === undefined ? [] : [item.name]);
    case "folder":
      return (item) => [item.folder];
    case "tags":
      return (item) => item.tags ?? [];
  }
  if (!name.startsWith("metadata_")) return undefined;
  const key = name.slice("metadata_".length);
  return ({ metadata }) => {
    const value = metadata !== undefined && Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    return value === undefined ? [] : [value];
  };
}

function timesOf(name: string): Values<number> | undefined {
  switch (name) {
    case "created_at":
      return (item) => [item.createdAt];
    case "last_rotated":
      return (item) => (item.type === "secret" ? present(item.lastRotated) : []);
    case "disabled_at":
      return (item) => (item.type === "secret" ? present(item.disabledAt) : []);
    default:
      return undefined;
  }
}

function present(value: number | undefined): readonly number[] {
  return value === undefined ? [] : [value];
}

function wantedStrings(value: unknown, operator: string): readonly string[] | undefined {
  if (typeof value === "string" && operator !== "in") return [value];
  const isList = Array.isArray(value) && value.every((entry) => typeof entry === "string");
  // The official SDKs for other languages send `__contains` as a list.
  return isList && operator !== "" ? value : undefined;
}

function stringPredicate(values: Values<string>, operator: string, wanted: readonly string[]): Predicate {
  if (operator === "contains") {
    return (item) => values(item).some((value) => wanted.some((part) => value.includes(part)));
  }
  const set = new Set(wanted);
  return (item) => values(item).some((value) => set.has(value));
}

function timePredicate(times: Values<number>, operator: string, value: unknown): Predicate | undefined {
  const wanted = typeof value === "string" && DATE.test(value) ? Date.parse(value) : Number.NaN;
  const compare = COMPARISONS[operator];
  if (Number.isNaN(wanted) || compare === undefined) return undefined;
  return (item) => times(item).some((time) => compare(time, wanted));
}
