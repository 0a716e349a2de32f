import { StorageTimeoutError } from "../../errors.ts";

/**
 * The longest time that a request may take between its first read and its last write, in seconds. What a request has read
 * stays in the store for longer than this after it was replaced.
 */
export const longestRequestSeconds = 600;

/**
 * Stops a request that took so long that what it has read may be gone. Times are in epoch seconds.
 *
 * @throws {StorageTimeoutError} when it took too long.
 */
export function requirePrompt(began: number, now: number): void {
  if (now - began <= longestRequestSeconds) return;
  throw new StorageTimeoutError("A request took so long that what it has read may not hold; try again.");
}
