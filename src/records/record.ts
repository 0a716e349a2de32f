import { z } from "zod";

/** A member that a record need not have. Made by {@link optional}. */
export class OptionalMember<Value> {
  /** What the member is where the record has it. */
  readonly schema: z.ZodType<Value>;

  constructor(schema: z.ZodType<Value>) {
    this.schema = schema;
  }
}

/**
 * What each member of a record is, under the names of the record's interface. The compiler refuses a member that is
 * missing, misspelt or of another type, and a member that is optional here and not in the interface, or the reverse.
 */
export type Members<T extends object> = {
  readonly [Name in keyof T]-?: IsRequired<T, Name> extends true
    ? z.ZodType<T[Name]>
    : OptionalMember<Exclude<T[Name], undefined>>;
};

/** A record as its JSON has it: names in snake case, URLs as text, absent members absent or null. */
export type StoredRecord<T extends object> = {
  [Name in keyof T as SnakeCase<Name>]: IsRequired<T, Name> extends true ? Stored<T[Name]> : Stored<T[Name]> | null;
};

type Stored<Value> = Value extends URL
  ? string
  : Value extends readonly (infer Element)[]
    ? Stored<Element>[]
    : Value extends object
      ? StoredRecord<Value>
      : Value;

type IsRequired<T, Name extends keyof T> = T extends { readonly [Required in Name]: unknown } ? true : false;

type SnakeCase<Name> = Name extends `${infer First}${infer Others}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Others>}`
  : Name;

/** A member that is text. */
export const text = z.string();

/** A member that is a number, such as a time in epoch seconds. */
export const number = z.number();

/** A member that says yes by being there. It is optional wherever it is used. */
export const flag = z.literal(true);

/** A member that is a list of texts. */
export const texts = z.array(text);

/** A member that is a `URL` of any scheme. The URL is stored as text. */
export const url: z.ZodType<URL, string> = z.codec(text, z.instanceof(URL), {
  decode(stored, context) {
    // Asking URL.canParse first would parse the text twice.
    try {
      return new URL(stored);
    } catch {
      context.issues.push({ code: "invalid_format", format: "url", input: stored });
      return z.NEVER;
    }
  },
  encode: ({ href }) => href,
});

/** A member that may be absent. A stored null, which the Python package writes for absent members, is read as absent. */
export function optional<Value>(schema: z.ZodType<Value>): OptionalMember<Value> {
  return new OptionalMember(schema);
}

/**
 * The schema of a record: a Zod codec between the stored form and the interface `T`. The stored names are those of the
 * interface in snake case. Stored members that `T` does not have are dropped.
 *
 * @param members - What each member of `T` is.
 *
 * @example
 * ```ts
 * const SessionSchema = record<Session>({ userId: text, expiresAt: number, returnTo: optional(url) });
 * z.decode(SessionSchema, { user_id: "ada", expires_at: 1_800_000_000, return_to: null });
 * // { userId: "ada", expiresAt: 1800000000 }
 * ```
 */
export function record<T extends object>(members: Members<T>): z.ZodType<T, StoredRecord<T>>;
export function record(members: Named<z.ZodType | OptionalMember<unknown>>): z.ZodType<object, object> {
  const names: MemberName[] = [];
  const stored: Named<z.ZodType> = {};
  for (const [name, member] of Object.entries(members)) {
    const storedName = name.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
    const isOptional = member instanceof OptionalMember;
    names.push({ name, storedName, isOptional });
    stored[storedName] = isOptional ? member.schema.nullish() : member;
  }
  // The stored side checks every member, in both directions: here it is enough that there are members.
  const checkedObject = z.custom<Named<unknown>>((value) => typeof value === "object" && value !== null);
  return z.codec(z.object(stored), checkedObject, {
    decode: (renamed) => withInterfaceNames(renamed, names),
    encode: (value) => withStoredNames(value, names),
  });
}

interface Named<Value> {
  [name: string]: Value;
}

interface MemberName {
  readonly name: string;
  readonly storedName: string;
  readonly isOptional: boolean;
}

function withInterfaceNames(renamed: Named<unknown>, names: readonly MemberName[]): Named<unknown> {
  const value: Named<unknown> = {};
  for (const { name, storedName, isOptional } of names) {
    const member = renamed[storedName];
    if (member !== undefined && !(isOptional && member === null)) value[name] = member;
  }
  return value;
}

function withStoredNames(value: Named<unknown>, names: readonly MemberName[]): Named<unknown> {
  const renamed: Named<unknown> = {};
  for (const { name, storedName } of names) {
    if (value[name] !== undefined) renamed[storedName] = value[name];
  }
  return renamed;
}
