import { z } from "zod";
import { CorruptRecordError, RecordTooLargeError } from "../../errors.ts";
import { type OptionKinds, requireOptions, requireThat } from "../../option-checks.ts";
import { sealedKeyId } from "../../secrets/sealing.ts";
import { corruptRecord, invalidRecord, sealedRecord } from "../record-errors.ts";
import type { RecordLocation } from "./codec.ts";
import { type ReadBack, type ReadingBackCodec, readingBack } from "./read-back.ts";
import { UnheldPartError } from "./unheld-parts.ts";

/** A form of JSON text that values are kept in. Both methods may throw whatever they like. */
export interface TextFormat<V> {
  write(value: V): string | undefined;
  read(json: unknown, location: RecordLocation): V;
  /** What to say of a value that it cannot give back, where no better reason is known. */
  readonly otherwise: string;
}

/** What codecs of JSON have in common. */
interface CodecOptions {
  /** The longest text that is read, in characters. */
  readonly maxLength?: number;
}

const optionKinds: OptionKinds<CodecOptions> = { maxLength: "any" };

/** Far above any record of this package, far below what could hurt. */
const defaultMaxLength = 1024 * 1024;

/** Far deeper than any record, and as deep as a copy of one may be. */
const maxDepth = 200;

/**
 * A codec that writes no text that it would not read, and does not trust what it reads: whatever goes wrong there is one
 * `CorruptRecordError`, but for a record that is sealed, which is an `UnsealableError`.
 *
 * @throws {ConfigurationError} when an option is unknown or wrong; the message names it.
 */
export function checkedCodec<V>(format: TextFormat<V>, options: CodecOptions): ReadingBackCodec<V> {
  requireOptions("The codec", options, optionKinds);
  const { maxLength = defaultMaxLength } = options;
  const isLength = Number.isSafeInteger(maxLength) && maxLength > 0;
  requireThat(isLength, "maxLength must be a whole number of characters above 0.");
  const decode = (text: string, location: RecordLocation): V => {
    if (text.length > maxLength) throw corruptRecord(location, `it is longer than ${maxLength} characters`);
    try {
      const json: unknown = JSON.parse(text);
      if (isSuspect(text)) requireHarmless(json);
      return format.read(json, location);
    } catch (failure) {
      const keyId = failure instanceof SyntaxError ? sealedKeyId(text) : undefined;
      if (keyId !== undefined) throw sealedRecord(location, keyId);
      throw failure instanceof CorruptRecordError ? failure : corruptRecord(location, describe(failure));
    }
  };
  const encodeAndReadBack = (value: V, location: RecordLocation): ReadBack<V> => {
    let text: string | undefined;
    try {
      text = format.write(value);
    } catch (failure) {
      throw invalidRecord(location, refusal(failure, format));
    }
    if (text === undefined) throw invalidRecord(location, format.otherwise);
    if (text.length > maxLength) {
      const lengths = `${text.length} characters when encoded; ${maxLength} are the most that is read`;
      throw new RecordTooLargeError(`The record for ${location.repository} has ${lengths}.`);
    }
    try {
      return { text, value: decode(text, location) };
    } catch {
      // A write that no read could give back must not be reported as done.
      throw invalidRecord(location, format.otherwise);
    }
  };
  const encode = (value: V, location: RecordLocation): string => encodeAndReadBack(value, location).text;
  return readingBack(encodeAndReadBack, { encode, decode });
}

/** A cheap test that lets nearly every text pass: escapes are looked at only where `__proto__` could be spelled so. */
function isSuspect(text: string): boolean {
  return text.includes("__proto__") || text.includes("\\u00") || mayBeDeep(text);
}

/** So many levels need as many opening brackets, and as many closing ones. */
function mayBeDeep(text: string): boolean {
  if (text.length <= 2 * maxDepth) return false;
  let brackets = 0;
  for (const bracket of "{[") {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      brackets += 1;
      if (brackets > maxDepth) return true;
    }
  }
  return false;
}

/** Without recursion: the depth of what is read is not in our hands. */
function requireHarmless(json: unknown): void {
  const waiting: [value: unknown, depth: number][] = [[json, 0]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth >= maxDepth) throw new RangeError("Too many levels.");
    if (Object.hasOwn(value, "__proto__")) throw new TypeError("An own __proto__ member.");
    for (const member of Object.values(value)) waiting.push([member, depth + 1]);
  }
}

/** What went wrong, without any of the content: member names can be content too, so paths are left out. */
function describe(failure: unknown): string {
  if (failure instanceof z.core.$ZodError) return `the schema says ${failure.issues[0]?.code ?? "no"}`;
  if (failure instanceof RangeError) return "it is nested too deeply";
  if (failure instanceof SyntaxError) return "it is not JSON";
  return "it is not what was written";
}

function refusal(failure: unknown, { otherwise }: { readonly otherwise: string }): string {
  if (failure instanceof UnheldPartError) return `${failure.message}; ${otherwise}`;
  if (failure instanceof z.core.$ZodError || failure instanceof RangeError) return describe(failure);
  if (failure instanceof z.core.$ZodEncodeError) return "its schema transforms in one direction; make that a z.codec";
  if (failure instanceof z.core.$ZodAsyncError) return "its schema is asynchronous, which a codec cannot be";
  return otherwise;
}
