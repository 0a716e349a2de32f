import { InvalidRecordError } from "../errors.ts";

/**
 * A deep copy that nobody can change: plain objects and arrays are frozen, and `URL`, `Date`, `Map` and `Set`, which
 * `Object.freeze` does not reach, are copies whose changing methods throw.
 *
 * @throws {InvalidRecordError} when the value has members that cannot be copied (functions, symbols, class instances),
 * or is nested more than 200 levels deep.
 *
 * @example
 * ```ts
 * const record = frozenCopy({ scopes: ["user"], resource: new URL("https://mcp.example.org/mcp") });
 * record.scopes.push("admin"); // TypeError
 * ```
 */
export function frozenCopy<V>(value: V): V {
  return copyOf(value, new Map(), 0) as V;
}

/** Far deeper than any record, far from where the stack ends. */
const maxDepth = 200;

function copyOf(value: unknown, copies: Map<object, unknown>, depth: number): unknown {
  if (typeof value === "function" || typeof value === "symbol") throw uncopyable();
  if (typeof value !== "object" || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (depth > maxDepth) throw new InvalidRecordError(`A record may be nested ${maxDepth} levels deep at the most.`);
  const inner = (member: unknown): unknown => copyOf(member, copies, depth + 1);
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copies.set(value, copy);
    for (const member of value) copy.push(inner(member));
    return Object.freeze(copy);
  }
  if (value instanceof URL) return remember(value, readOnlyUrl(value), copies);
  if (value instanceof Date) return remember(value, readOnlyDate(value), copies);
  if (value instanceof Map) {
    const entries = [...value].map(([key, member]): [unknown, unknown] => [inner(key), inner(member)]);
    return remember(value, withoutMethods(new Map(entries), ["set", "delete", "clear"]), copies);
  }
  if (value instanceof Set) {
    const members = [...value].map(inner);
    return remember(value, withoutMethods(new Set(members), ["add", "delete", "clear"]), copies);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw uncopyable();
  const copy: Record<string, unknown> = prototype === null ? Object.create(null) : {};
  copies.set(value, copy);
  for (const [name, member] of Object.entries(value)) {
    // Assigned, a member of this name would become the prototype.
    if (name === "__proto__") Object.defineProperty(copy, name, { value: inner(member), enumerable: true });
    else copy[name] = inner(member);
  }
  return Object.freeze(copy);
}

function remember<T extends object>(original: object, copy: T, copies: Map<object, unknown>): T {
  copies.set(original, copy);
  return copy;
}

/** Copies that nobody can change need not be copied again: a record is often made of parts of another one. */
const readOnlyUrls = new WeakSet<URL>();

function readOnlyUrl(original: URL): URL {
  if (readOnlyUrls.has(original)) return original;
  const copy = new URL(original.href);
  const { search } = original;
  const parts = ["hash", "host", "hostname", "href", "password", "pathname", "port", "protocol", "search", "username"];
  for (const part of parts) {
    Object.defineProperty(copy, part, { value: Reflect.get(original, part) });
  }
  // A view of its own each time, so that changes to it stay with whoever made them.
  Object.defineProperty(copy, "searchParams", { get: () => new URLSearchParams(search) });
  readOnlyUrls.add(copy);
  return Object.freeze(copy);
}

function readOnlyDate(original: Date): Date {
  const setters = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith("set"));
  return withoutMethods(new Date(original.getTime()), setters);
}

function withoutMethods<T extends object>(copy: T, names: readonly string[]): T {
  const refuse = (): never => {
    throw new TypeError("This value is shared and cannot be changed; make a copy.");
  };
  for (const name of names) Object.defineProperty(copy, name, { value: refuse });
  return Object.freeze(copy);
}

function uncopyable(): InvalidRecordError {
  return new InvalidRecordError(
    "A record may hold plain data, URL, Date, Map and Set; not functions or class instances.",
  );
}
