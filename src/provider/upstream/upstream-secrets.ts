import { requireExactText, requireThat } from "../../option-checks.ts";

/** @throws {ConfigurationError} for anything but a secret, or a list of some. */
export function requireSecrets(name: string, given: unknown): readonly [string, ...string[]] {
  if (!Array.isArray(given)) return [requireExactText(name, given)];
  const [first, ...others] = given.map((secret: unknown) => requireExactText(name, secret));
  requireThat(
    first !== undefined,
    `${name} is missing: a list of secrets has one at least, and the first one is used.`,
  );
  return [first, ...others];
}
