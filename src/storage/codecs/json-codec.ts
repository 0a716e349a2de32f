import { type ZodType, z } from "zod";
import { CorruptRecordError, InvalidRecordError, RecordTooLargeError } from "../../errors.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import type { Codec, RecordLocation } from "./codec.ts";

/** Far above any record of this package, far below what could hurt. */
const defaultMaxLength = 1024 * 1024;

/**
 * A codec that keeps records as JSON text and checks them against a Zod schema in both directions. The schema may be a
 * Zod codec, whose wire side then is what is stored.
 *
 * A value that would not be read back, such as a `Date` or a `Map`, is refused: `superjsonCodec` keeps those.
 *
 * Text is not trusted: its length is checked before it is parsed, an own `__proto__` member is refused, and whatever
 * the schema does not know is dropped.
 *
 * @param options - `maxLength`: the longest text that is read, in characters; 1,048,576 unless said.
 *
 * @example
 * ```ts
 * const codec = jsonCodec(z.object({ name: z.string() }));
 * codec.decode('{"name":"Ada"}', { repository: "people", key: "ada" }); // { name: "Ada" }
 * ```
 */
export function jsonCodec<V>(schema: ZodType<V>, options: { readonly maxLength?: number } = {}): Codec<V> {
  const maxLength = options.maxLength ?? defaultMaxLength;
  const compiled = z.compile(schema);
  const decode = (text: string, location: RecordLocation): V =>
    readJson(text, maxLength, location, (json) => compiled.parse(json));
  return {
    encode(value, location) {
      let text: string | undefined;
      try {
        text = JSON.stringify(z.encode(schema, value));
      } catch (failure) {
        throw invalidRecord(location, failure, notJson);
      }
      if (text === undefined) throw invalidRecord(location, undefined, notJson);
      if (text.length > maxLength) throw tooLarge(location, text, maxLength);
      assertReadable(() => decode(text, location), location, notJson);
      return text;
    },
    decode,
  };
}

const notJson = "JSON cannot give it back, superjsonCodec may";

/** @internal A write that no read could give back must not be reported as done. */
export function assertReadable(read: () => unknown, location: RecordLocation, otherwise: string): void {
  try {
    read();
  } catch {
    throw invalidRecord(location, undefined, otherwise);
  }
}

/** @internal The one error for a text that would be too long to be read. */
export function tooLarge({ repository }: RecordLocation, text: string, maxLength: number): RecordTooLargeError {
  return new RecordTooLargeError(
    `The record for ${repository} has ${text.length} characters when encoded; ${maxLength} are the most that is read.`,
  );
}

/**
 * @internal Parses stored text, which is not trusted, and hands it to `read`. Whatever goes wrong in either is one
 * `CorruptRecordError`.
 */
export function readJson<V>(text: string, maxLength: number, location: RecordLocation, read: (json: unknown) => V): V {
  if (text.length > maxLength) throw corruptRecord(location, `it is longer than ${maxLength} characters`);
  try {
    const json: unknown = JSON.parse(text);
    if (mayBeDeep(text) && isDeep(json)) throw new RangeError();
    if (mayHoldPrototype(text) && hasPrototypeMember(json)) throw new TypeError("an own __proto__ member");
    return read(json);
  } catch (failure) {
    throw failure instanceof CorruptRecordError ? failure : corruptRecord(location, describe(failure));
  }
}

/** A cheap test that lets nearly every text pass: escapes are looked at only where the member could be spelled so. */
function mayHoldPrototype(text: string): boolean {
  return text.includes("__proto__") || text.includes("\\u00");
}

/** Far deeper than any record, and as deep as a copy of one may be. */
const maxDepth = 200;

/** A cheap test that lets nearly every text pass: so many levels need as many opening brackets. */
function mayBeDeep(text: string): boolean {
  if (text.length <= 2 * maxDepth) return false;
  let brackets = 0;
  for (let at = 0; at < text.length && brackets <= maxDepth; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x5b || character === 0x7b) brackets++;
  }
  return brackets > maxDepth;
}

function isDeep(json: unknown): boolean {
  const waiting: [value: unknown, depth: number][] = [[json, 0]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth >= maxDepth) return true;
    for (const member of Object.values(value)) waiting.push([member, depth + 1]);
  }
  return false;
}

/** Without recursion: the depth of what is read is not in our hands. */
function hasPrototypeMember(json: unknown): boolean {
  const waiting: unknown[] = [json];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== "object" || value === null) continue;
    if (Object.hasOwn(value, "__proto__")) return true;
    for (const member of Object.values(value)) waiting.push(member);
  }
  return false;
}

/** What went wrong, without any of the content: member names can be content too, so paths are left out. */
function describe(failure: unknown): string {
  if (failure instanceof z.core.$ZodError) return `the schema says ${failure.issues[0]?.code ?? "no"}`;
  if (failure instanceof RangeError) return "it is nested too deeply";
  if (failure instanceof SyntaxError) return "it is not JSON";
  return "it is not what was written";
}

/** @internal The one error for everything that is wrong with stored text. It names the key by its hash. */
export function corruptRecord(location: RecordLocation, reason: string): CorruptRecordError {
  return new CorruptRecordError(
    `The record with the key ${tokenKey(location.key)} in ${location.repository} cannot be read: ${reason}. Delete it.`,
  );
}

/**
 * @internal The one error for a value that the schema refuses or the format cannot hold.
 *
 * @param otherwise - What to say where `failure` does not tell.
 */
export function invalidRecord(location: RecordLocation, failure: unknown, otherwise: string): InvalidRecordError {
  return new InvalidRecordError(
    `The value for ${location.repository} cannot be written: ${refusal(failure) ?? otherwise}.`,
  );
}

function refusal(failure: unknown): string | undefined {
  if (failure instanceof z.core.$ZodError || failure instanceof RangeError) return describe(failure);
  if (failure instanceof z.core.$ZodEncodeError) return "its schema transforms in one direction; make that a z.codec";
  if (failure instanceof z.core.$ZodAsyncError) return "its schema is asynchronous, which a codec cannot be";
  return undefined;
}
