/** Reads a record's absolute expiry, in epoch seconds; undefined for a record that never expires. */
export type ReadExpiry<V> = (value: V) => number | undefined;

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
