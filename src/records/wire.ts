import { z } from "zod";

/** A member that the Python package writes as null where it has no value. */
export function nullable<T extends z.ZodType>(schema: T) {
  return schema.nullish();
}

/** The members that have a value: `null` and `undefined` become absent, so that optional members stay exact. */
export function present<T extends Record<string, unknown>>(
  members: T,
): { [K in keyof T]?: Exclude<T[K], null | undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], null | undefined> } = {};
  for (const name in members) {
    const value = members[name];
    if (isPresent(value)) result[name] = value;
  }
  return result;
}

/** True for a member that has a value. */
export function isPresent<T>(value: T): value is Exclude<T, null | undefined> {
  return value !== null && value !== undefined;
}

/** A URL as text on the wire and a `URL` in the domain; custom schemes included. */
export const urlText = z.string().refine((text) => URL.canParse(text));

/** A `URL` in the domain. */
export const url = z.instanceof(URL);

/** A URL, or undefined for text that is none. Once, where asking first would parse it twice. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
