import { ConfigurationError } from "../../errors.ts";
import type { Grant } from "../../records/grant.ts";
import type { Repository } from "../../storage/contract.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import { type Grants, isRevoked } from "./grants.ts";

/** What an operator sees of a grant: no token, and nothing that opens one. */
export interface GrantSummary {
  readonly grantId: string;
  readonly clientId: string;
  /** The user's id at Pangea AuthN. */
  readonly subject: string | undefined;
  readonly scopes: readonly string[];
  /** In epoch seconds. */
  readonly createdAt: number;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** Which grants are meant: those that have everything that is named here, so all of them where nothing is. */
export interface GrantFilter {
  /** The user's id at Pangea AuthN. */
  readonly subject?: string;
  readonly clientId?: string;
}

/**
 * Lists grants for an operator, by user or by client.
 *
 * @throws {ConfigurationError} for a member of the filter that is there without a value, and where the repository cannot
 * list its records.
 * @throws {StorageError} when the store fails.
 */
export async function* listGrants(
  repository: Repository<string, Grant>,
  filter: GrantFilter,
): AsyncGenerator<GrantSummary, void, undefined> {
  // A subject that is not known must not come to mean everybody.
  for (const name of ["subject", "clientId"] as const) {
    if (name in filter && typeof filter[name] !== "string") {
      throw new ConfigurationError(`The filter's ${name} must be a string; leave it out to mean every ${name}.`);
    }
  }
  if (!isEnumerable(repository)) {
    throw new ConfigurationError("Grants cannot be listed: the grants repository has no entries() method.");
  }
  for await (const [grantId, grant] of repository.entries()) {
    if (isRevoked(grant)) continue;
    const { clientId, subject, scopes, createdAt, expiresAt } = grant;
    if (filter.subject !== undefined && filter.subject !== subject) continue;
    if (filter.clientId !== undefined && filter.clientId !== clientId) continue;
    yield { grantId, clientId, subject, scopes: [...scopes], createdAt, expiresAt };
  }
}

/** Ends the grants that `listGrants` lists; answers how many there were. Throws as `listGrants` does. */
export async function revokeGrants(
  grants: Grants,
  repository: Repository<string, Grant>,
  filter: GrantFilter,
): Promise<number> {
  const ids: string[] = [];
  for await (const { grantId } of listGrants(repository, filter)) ids.push(grantId);
  let ended = 0;
  for (const id of ids) if (await grants.revoke(id)) ended += 1;
  return ended;
}
