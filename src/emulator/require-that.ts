import { ConfigurationError } from "../errors.ts";

/**
 * Refuses a setting of the emulator where a condition on it does not hold.
 *
 * @throws {ConfigurationError} when `holds` is false; the message names the setting and the remedy.
 */
export function requireThat(holds: boolean, message: string): void {
  if (!holds) throw new ConfigurationError(message);
}
