import { type ZodType, z } from "zod";

/** Reads a value that was parsed a moment ago: throws a `ZodError` for one that the schema refuses. */
type Parse<Value> = (parsed: unknown) => Value;

/** Where a schema has a parser of its own, which zod would leave out if it compiled the schema. */
const ownParser = Symbol("ownParser");

interface HasParser<Value> {
  readonly [ownParser]: Parse<Value>;
}

/**
 * The same schema with a parser of its own, by which `jsonCodec` reads what is read most often. Whatever that parser is in doubt
 * about the schema itself reads, or refuses with its reasons.
 *
 * @param read - Reads a value as the schema would, or answers `undefined` where it is in doubt. It may keep parts of the value:
 * nobody else has that.
 */
export function withParser<Schema extends ZodType>(
  schema: Schema,
  read: (parsed: unknown) => z.output<Schema> | undefined,
): Schema {
  const parse: Parse<z.output<Schema>> = (parsed) => read(parsed) ?? schema.parse(parsed);
  return Object.assign(schema, { [ownParser]: parse });
}

/** A schema as a function, by the parser of its own or by the one that zod makes of it. */
export function parserOf<Value>(schema: ZodType<Value> | (ZodType<Value> & HasParser<Value>)): Parse<Value> {
  if (ownParser in schema) return schema[ownParser];
  const compiled = z.compile(schema);
  return (parsed) => compiled.parse(parsed);
}
