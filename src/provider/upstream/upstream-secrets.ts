import { requireExactText, requireThat } from "../../option-checks.ts";

/**
 * Checks the id and the secrets of a client.
 *
 * @param owner - What takes them, for the message.
 * @throws {ConfigurationError} when one is missing, or the id stands in the place of a secret: everybody can read the id.
 */
export function requireClientSecrets(owner: string, clientId: unknown, given: unknown): readonly [string, ...string[]] {
  const id = requireExactText(`${owner}: clientId`, clientId);
  const secrets = requireSecrets(`${owner}: clientSecret`, given);
  requireThat(
    !secrets.includes(id),
    `${owner}: clientSecret is the clientId, which is public. Do both come from one environment variable?`,
  );
  return secrets;
}

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
