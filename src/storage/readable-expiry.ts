import { z } from "zod";
import { requireThat } from "../option-checks.ts";
import type { SchemaOrCodec } from "./codecs/as-codec.ts";
import type { ReadExpiry } from "./expiry.ts";

/**
 * A record whose expiry is read without the option `expiresAt`. Code that is generic over records of any type bounds its
 * type by it: `<V extends ExpiringRecord>(schema: ZodType<V>) => new RedisRepository(schema, …)`.
 */
export interface ExpiringRecord {
  /** In epoch seconds; undefined for a record that never expires. */
  readonly expiresAt?: number | undefined;
}

/** The option that says when a record of another type expires. */
export interface ExplicitExpiry<V> {
  /** Reads a record's expiry, as a `Date` or in seconds since the epoch; undefined for a record that never expires. */
  readonly expiresAt: ReadExpiry<V>;
}

/**
 * A repository's options. The option `expiresAt` has to be among them where the records' own `expiresAt` may be no number,
 * and where nobody can tell since the code is generic over records of any type.
 */
export type ReadableExpiry<V, Options> = Options &
  ([UnreadableExpiry<V>] extends [never] ? unknown : ExplicitExpiry<V>);

/** The same for a repository that needs no options: the argument may be left out where the option is not required. */
export type ExpiryArguments<V, Options> = [UnreadableExpiry<V>] extends [never]
  ? [options?: Options]
  : [options: Options & ExplicitExpiry<V>];

/** What a record's `expiresAt` may be besides a number and undefined: `never` where it is nothing else. */
type UnreadableExpiry<V> =
  IsAny<V> extends true
    ? never
    : V extends unknown
      ? // A record of any members has none of this name in particular.
        string extends keyof V
        ? never
        : V extends { readonly expiresAt?: infer Expiry }
          ? "expiresAt" extends keyof V
            ? IsAny<Expiry> extends true
              ? never
              : Exclude<Expiry, number | undefined>
            : never
          : never
      : never;

type IsAny<T> = 0 extends 1 & T ? true : false;

/**
 * Refuses a schema whose records have an `expiresAt` that may be no number, as the types of the repositories do. What a
 * codec gives, and what a schema leaves open, is looked at record by record.
 *
 * @param expiresAt - The option that reads the expiry in another way.
 * @throws {ConfigurationError} when the schema's `expiresAt` may be no number, and the option is not given.
 */
export function requireReadableExpiry<V>(schemaOrCodec: SchemaOrCodec<V>, expiresAt: ReadExpiry<V> | undefined): void {
  if (expiresAt !== undefined || !(schemaOrCodec instanceof z.core.$ZodType)) return;
  const other = membersOf(schemaOrCodec).flatMap(otherThanNumber)[0];
  requireThat(
    other === undefined,
    `The schema's expiresAt may be ${other}: an expiry is a number of seconds since the epoch, or absent. Make it z.number(), or name what reads it: expiresAt: (value) => …, which may give a Date.`,
  );
}

/** The schemas of a record's `expiresAt`, as a read gives it back. */
function membersOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  const inner = unwrapped(schema);
  if (inner !== undefined) return membersOf(inner);
  if (schema instanceof z.core.$ZodUnion) return schema._zod.def.options.flatMap(membersOf);
  if (schema instanceof z.core.$ZodIntersection) {
    return [schema._zod.def.left, schema._zod.def.right].flatMap(membersOf);
  }
  const member = schema instanceof z.core.$ZodObject ? schema._zod.def.shape.expiresAt : undefined;
  return member === undefined ? [] : [member];
}

/** The schema that decides what a read gives back, behind one that only adds to it. */
function unwrapped(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (schema instanceof z.core.$ZodPipe) return schema._zod.def.out;
  const isWrapper =
    schema instanceof z.core.$ZodOptional ||
    schema instanceof z.core.$ZodNonOptional ||
    schema instanceof z.core.$ZodReadonly ||
    schema instanceof z.core.$ZodDefault ||
    schema instanceof z.core.$ZodPrefault ||
    schema instanceof z.core.$ZodCatch;
  return isWrapper ? schema._zod.def.innerType : undefined;
}

/** What a schema lets through that is neither a number nor undefined, in a word. */
function otherThanNumber(schema: z.core.$ZodType): string[] {
  const inner = unwrapped(schema);
  if (inner !== undefined) return otherThanNumber(inner);
  if (schema instanceof z.core.$ZodNullable) return ["null"];
  if (schema instanceof z.core.$ZodUnion) return schema._zod.def.options.flatMap(otherThanNumber);
  if (schema instanceof z.core.$ZodLiteral) {
    const values: unknown[] = schema._zod.def.values;
    return values.filter((value) => typeof value !== "number" && value !== undefined).map(String);
  }
  const { type } = schema._zod.def;
  return otherTypes.has(type) ? [`a ${type}`] : [];
}

/** The types of schema that are certain to let something else through. What others let through is unknown. */
const otherTypes: ReadonlySet<string> = new Set([
  "array",
  "bigint",
  "boolean",
  "date",
  "file",
  "function",
  "map",
  "nan",
  "null",
  "object",
  "promise",
  "record",
  "set",
  "string",
  "symbol",
  "template_literal",
  "tuple",
]);
