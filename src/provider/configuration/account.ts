import { requireThat } from "../../option-checks.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import { isIndexedBy } from "../../storage/indexed.ts";
import { day, requireSeconds } from "./lifetimes.ts";
import type { AccountOptions } from "./options.ts";

/** The account page, its options checked and complete. */
export interface AccountConfiguration {
  readonly enabled: boolean;
  /** In seconds. */
  readonly session: number;
}

/**
 * Checks the options of the account page and fills in the defaults. A store that cannot list its grants has no such
 * page, nor has one that cannot list a user's codes: a code that waits would become a grant after all access was ended.
 *
 * @throws {ConfigurationError} when an option is wrong, or the page is asked for where the store cannot list both.
 */
export function configureAccount(
  { enabled, sessionSeconds }: AccountOptions,
  { authorizationCodes, grants }: Pick<ProviderRepositories, "authorizationCodes" | "grants">,
): AccountConfiguration {
  const listsCodes = isEnumerable(authorizationCodes) || isIndexedBy(authorizationCodes, "subject");
  const unlisted = isEnumerable(grants) ? (listsCodes ? undefined : "authorizationCodes") : "grants";
  requireThat(
    unlisted === undefined || enabled !== true,
    `account.enabled needs grants that can be listed: the ${unlisted} repository has no entries() method.`,
  );
  return {
    enabled: enabled ?? unlisted === undefined,
    session: requireSeconds("account.sessionSeconds", sessionSeconds, 900, day),
  };
}
