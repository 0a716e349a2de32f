import { requireThat } from "../../option-checks.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import { day, requireSeconds } from "./lifetimes.ts";
import type { AccountOptions } from "./options.ts";

/** The account page, its options checked and complete. */
export interface AccountConfiguration {
  readonly enabled: boolean;
  /** In seconds. */
  readonly session: number;
}

/**
 * Checks the options of the account page and fills in the defaults. A store that cannot list its grants has no such page.
 *
 * @throws {ConfigurationError} when an option is wrong, or the page is asked for where the store cannot list its grants.
 */
export function configureAccount(
  { enabled, sessionSeconds }: AccountOptions,
  { grants }: Pick<ProviderRepositories, "grants">,
): AccountConfiguration {
  const canList = isEnumerable(grants);
  requireThat(
    canList || enabled !== true,
    "account.enabled needs grants that can be listed: the grants repository has no entries() method.",
  );
  return {
    enabled: enabled ?? canList,
    session: requireSeconds("account.sessionSeconds", sessionSeconds, 900, day),
  };
}
