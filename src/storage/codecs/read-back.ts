import { invalidRecord } from "../record-errors.ts";
import type { Codec, RecordLocation } from "./codec.ts";

/** A text, and the record that a read would give back of it. */
export interface ReadBack<V> {
  readonly text: string;
  readonly value: V;
}

/** A codec that reads what it writes anyway, before it hands it out. */
export interface ReadingBackCodec<V> extends Codec<V> {
  encodeAndReadBack(value: V, location: RecordLocation): ReadBack<V>;
}

/**
 * A codec that reads what it writes anyway. What is made of it by spreading it and changing a method does not: `encode`,
 * `decode` and `labels` are all that such a codec has.
 */
export function readingBack<V>(
  encodeAndReadBack: ReadingBackCodec<V>["encodeAndReadBack"],
  { encode, decode, labels }: Codec<V>,
): ReadingBackCodec<V> {
  const codec = { encode, decode, encodeAndReadBack, ...(labels !== undefined && { labels }) };
  return Object.defineProperty(codec, "encodeAndReadBack", { enumerable: false });
}

/** True for a codec that reads what it writes anyway. */
export function isReadingBack<V>(codec: Codec<V>): codec is ReadingBackCodec<V> {
  return Object.hasOwn(codec, "encodeAndReadBack");
}

/**
 * Encodes a record and gives what a read will make of it.
 *
 * @throws {InvalidRecordError} when the codec does not read what it writes.
 */
export function encodeAndReadBack<V>(codec: Codec<V>, value: V, location: RecordLocation): ReadBack<V> {
  if (isReadingBack(codec)) return codec.encodeAndReadBack(value, location);
  const text = codec.encode(value, location);
  try {
    return { text, value: codec.decode(text, location) };
  } catch {
    throw invalidRecord(location, "its codec does not read what it writes");
  }
}
