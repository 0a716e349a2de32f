import { ConfigurationError } from "./errors.ts";

/**
 * Checks a length of time that a timer is set to: one that is longer than 2 ** 31 - 1 milliseconds would fire at once.
 *
 * @param name - The option's name, for the message.
 * @param milliseconds - What was given.
 * @throws {ConfigurationError} For anything but a positive number that a timer takes.
 */
export function requireTimerLength(name: string, milliseconds: number): void {
  if (typeof milliseconds === "number" && milliseconds > 0 && milliseconds < 2 ** 31) return;
  throw new ConfigurationError(`${name} must be a positive number of milliseconds, below 2 ** 31.`);
}
