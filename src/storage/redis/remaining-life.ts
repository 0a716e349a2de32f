/** Redis adds its own time to this, in milliseconds, and counts in 64 bits: both fit where this does. */
const longestLife = Number.MAX_SAFE_INTEGER;

/**
 * How long Redis is to keep a record, in milliseconds from now: rounded up, so never shorter than the record's own life. It is
 * a length of time and no moment, since Redis's clock is another one than this machine's.
 *
 * @param expiresAt - In epoch seconds.
 * @param now - In milliseconds since the epoch.
 * @returns `undefined` for a record that does not expire, and for a time that Redis has no number for.
 */
export function remainingLife(expiresAt: number | undefined, now: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  const milliseconds = Math.max(1, Math.ceil(expiresAt * 1000 - now));
  return milliseconds <= longestLife ? milliseconds : undefined;
}
