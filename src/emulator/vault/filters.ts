import { normaliseFolder } from "./folder-path.ts";
import type { VaultItem } from "./item.ts";

/** A filter that is understood. */
export interface ItemFilter {
  matches(item: VaultItem): boolean;
  /** By field, the exact values that the filter asks for, where it does: they let a search use an index. */
  readonly exact: ReadonlyMap<string, readonly string[]>;
  /** The operators in use, such as `name__in`. */
  readonly fields: readonly string[];
}

/** Is told what is wrong with a field of a filter. */
export type ReportProblem = (field: string, code: string, detail: string) => void;

type Predicate = (item: VaultItem) => boolean;

/** Every value of a field that an item has: none where it is unset, several for tags. */
type Values<T> = (item: VaultItem) => readonly T[];

const stringFields: ReadonlyMap<string, Values<string>> = new Map<string, Values<string>>([
  ["id", ({ id }) => [id]],
  ["type", ({ type }) => [type]],
  ["name", ({ name }) => present(name)],
  ["folder", ({ folder }) => [folder]],
  ["tags", ({ tags = [] }) => tags],
  // Of keys and tokens, which the emulator has none of.
  ["algorithm", () => []],
  ["purpose", () => []],
]);

const timeFields: ReadonlyMap<string, Values<number>> = new Map<string, Values<number>>([
  ["created_at", ({ createdAt }) => [createdAt]],
  ["last_rotated", (item) => (item.type === "secret" ? present(item.lastRotated) : [])],
  ["disabled_at", (item) => (item.type === "secret" ? present(item.disabledAt) : [])],
  ["expiration", () => []],
  ["next_rotation", () => []],
]);

const comparisons: ReadonlyMap<string, (left: number, right: number) => boolean> = new Map([
  ["", (left, right) => left === right],
  ["lt", (left, right) => left < right],
  ["lte", (left, right) => left <= right],
  ["gt", (left, right) => left > right],
  ["gte", (left, right) => left >= right],
]);

/** An RFC 3339 date, or date and time. */
const date = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/i;

/**
 * Reads the `filter` of `v2/list` and `v2/get_bulk`: exact values, `__contains` and `__in` on strings, `__lt`, `__lte`,
 * `__gt` and `__gte` on times. An unknown field is a problem, so that a typing error does not match everything.
 */
export function parseFilter(fields: Readonly<Record<string, unknown>>, report: ReportProblem): ItemFilter {
  const predicates: Predicate[] = [];
  const exact = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(fields)) {
    const { name, operator } = splitOperator(key);
    const times = timeFields.get(name);
    const compare = comparisons.get(operator);
    const strings = stringFields.get(name) ?? metadataValues(name);
    if (times !== undefined && compare !== undefined) {
      const wanted = typeof value === "string" && date.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(wanted)) report(key, "BadFormatDateTime", "Must be an RFC 3339 date or date and time.");
      else predicates.push((item) => times(item).some((time) => compare(time, wanted)));
    } else if (strings !== undefined && ["", "contains", "in"].includes(operator)) {
      const wanted = wantedStrings(value, operator);
      if (wanted === undefined && operator === "in") report(key, "InvalidArray", "Must be an array of strings.");
      else if (wanted === undefined) report(key, "InvalidString", "Must be a string.");
      else if (operator === "contains") {
        predicates.push((item) => strings(item).some((text) => wanted.some((part) => text.includes(part))));
      } else {
        const normalised = new Set(name === "folder" ? wanted.map(normaliseFolder) : wanted);
        predicates.push((item) => strings(item).some((text) => normalised.has(text)));
        exact.set(name, [...normalised]);
      }
    } else report(key, "UnexpectedProperty", "There is no such filter.");
  }
  return { matches: (item) => predicates.every((predicate) => predicate(item)), exact, fields: Object.keys(fields) };
}

function splitOperator(key: string): { readonly name: string; readonly operator: string } {
  const cut = key.lastIndexOf("__");
  return cut < 0 ? { name: key, operator: "" } : { name: key.slice(0, cut), operator: key.slice(cut + 2) || "__" };
}

function metadataValues(name: string): Values<string> | undefined {
  if (!name.startsWith("metadata_")) return undefined;
  const key = name.slice("metadata_".length);
  return ({ metadata = {} }) => (Object.hasOwn(metadata, key) ? present(metadata[key]) : []);
}

function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

function wantedStrings(value: unknown, operator: string): readonly string[] | undefined {
  if (typeof value === "string" && operator !== "in") return [value];
  const isList = Array.isArray(value) && value.every((entry) => typeof entry === "string");
  // The official SDKs for other languages send `__contains` as a list.
  return isList && operator !== "" ? value : undefined;
}
