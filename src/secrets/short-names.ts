/**
 * Writes objects with short names for their members, where every byte counts: what is carried along in a cookie says its
 * names again in each. Names that are not in the table stay, and so what was written with long names is read as well.
 *
 * @example
 * ```ts
 * const names = new ShortNames({ redirectUri: "r" });
 * names.shorten({ redirectUri: "https://app.example" }); // { r: "https://app.example" }
 * ```
 */
export class ShortNames {
  readonly #shortOf: ReadonlyMap<string, string>;
  readonly #longOf: ReadonlyMap<string, string>;

  /** @param names - The short names by the long ones; no short name is the name of another member. */
  constructor(names: Readonly<Record<string, string>>) {
    this.#shortOf = new Map(Object.entries(names));
    this.#longOf = new Map(Object.entries(names).map(([long, short]) => [short, long]));
  }

  shorten(value: unknown): unknown {
    return renamed(value, this.#shortOf);
  }

  lengthen(value: unknown): unknown {
    return renamed(value, this.#longOf);
  }
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, names));
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const other = names.get(name) ?? name;
    // Assigned, a member of this name would become the prototype.
    if (other === "__proto__") Object.defineProperty(copy, other, { value: renamed(member, names), enumerable: true });
    else copy[other] = typeof member === "object" ? renamed(member, names) : member;
  }
  return copy;
}
