/** A part of a value, by the names and numbers that lead to it. */
export interface ValuePart {
  readonly path: readonly PropertyKey[];
  readonly part: unknown;
}

/** A refusal that may be shown: it names a kind of value and nothing of the content. */
export class UnheldPartError extends Error {}

/** As deep as a record may be. What is deeper is refused when the text is read back. */
const maxDepth = 200;

/**
 * The parts of a value that a form of text does not hold. The members of plain objects and the elements of arrays, maps and
 * sets are looked at one by one, a hole in an array as undefined.
 *
 * @param isHeld - True for a part that is not a plain object or an array, and that the text gives back.
 */
export function unheldParts(value: unknown, isHeld: (part: unknown, isElement: boolean) => boolean): ValuePart[] {
  const unheld: ValuePart[] = [];
  /** Looked at before: in a cycle, or a second time in the same value. */
  const seen = new Set<unknown>();
  const visit = (part: unknown, path: readonly PropertyKey[], isElement: boolean): void => {
    if (path.length > maxDepth || seen.has(part)) return;
    if (typeof part === "object" && part !== null) seen.add(part);
    if (Array.isArray(part)) {
      for (let index = 0; index < part.length; index += 1) {
        if (index in part) visit(part[index], [...path, index], true);
        else unheld.push({ path: [...path, index], part: undefined });
      }
      return;
    }
    if (isPlainObject(part)) {
      for (const name of Reflect.ownKeys(part)) {
        if (!Object.prototype.propertyIsEnumerable.call(part, name)) continue;
        const member: unknown = Reflect.get(part, name);
        if (typeof name === "symbol") unheld.push({ path: [...path, name], part: name });
        else visit(member, [...path, name], false);
      }
      return;
    }
    if (!isHeld(part, isElement)) unheld.push({ path, part });
    else if (part instanceof Map || part instanceof Set) {
      // Nobody reads such a path: the text either holds maps and sets or it does not.
      for (const [key, member] of part.entries()) for (const inner of [key, member]) visit(inner, [...path, ""], true);
    }
  };
  visit(value, [], false);
  return unheld;
}

/** What is at a path in a value; undefined where there is nothing. */
export function partAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, name) => (Object(part) === part ? Reflect.get(Object(part), name) : undefined),
    value,
  );
}

/** What a part is, in words. */
export function kindOfPart(part: unknown): string {
  if (part === undefined) return "undefined, or nothing, in a list";
  if (typeof part === "number") return "a number that is not finite";
  if (typeof part !== "object" || part === null) return `a ${typeof part}`;
  for (const [kind, known] of Object.entries({ Date, Map, Set, URL })) if (part instanceof known) return `a ${kind}`;
  return "an instance of a class";
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
