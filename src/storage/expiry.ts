import type { OptionKinds } from "../option-checks.ts";

/** Reads a record's absolute expiry, in epoch seconds; undefined for a record that never expires. */
export type ReadExpiry<V> = (value: V) => number | undefined;

/** How a repository tells whether a record has expired. */
export interface ExpiryOptions<V> {
  /** The time in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
  /** Reads a record's expiry, in epoch seconds. Default: its `expiresAt`. */
  readonly expiresAt?: ReadExpiry<V>;
}

/** All options of how a repository tells time. */
export const expiryOptionKinds: OptionKinds<ExpiryOptions<never>> = { clock: "function", expiresAt: "function" };

/** The expiry of a record that carries it as `expiresAt`, in epoch seconds. */
export function readExpiresAt(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null || !("expiresAt" in value)) return undefined;
  const { expiresAt } = value;
  return typeof expiresAt === "number" && Number.isFinite(expiresAt) ? expiresAt : undefined;
}

/**
 * True from the moment on at which a record counts as absent.
 *
 * @param expiresAt - In epoch seconds.
 * @param now - In milliseconds since the epoch.
 */
export function isExpired(expiresAt: number | undefined, now: number): boolean {
  return expiresAt !== undefined && expiresAt * 1000 <= now;
}

/** Makes the question whether a record counts as absent by now. */
export function expiryOf<V>({ clock = Date.now, expiresAt = readExpiresAt }: ExpiryOptions<V>): (value: V) => boolean {
  return (value) => isExpired(expiresAt(value), clock());
}
