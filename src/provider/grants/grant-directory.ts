import { ConfigurationError } from "../../errors.ts";
import { requireThat } from "../../option-checks.ts";
import type { AuthorizationCode } from "../../records/authorization-code.ts";
import type { Grant } from "../../records/grant.ts";
import { type EnumerableRepository, isEnumerable } from "../../storage/enumerable.ts";
import { UnreadableRecords } from "../../storage/unreadable-records.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isSameIssuer } from "../upstream/upstreams.ts";
import { type Grants, isOfServer, isRevoked } from "./grants.ts";

/** What an operator sees of a grant: no token, and nothing that opens one. */
export interface GrantSummary {
  readonly grantId: string;
  readonly clientId: string;
  /** The user's id upstream. */
  readonly subject: string | undefined;
  /** The issuer of the upstream that the user logged in at. It and the subject together say who the user is. */
  readonly upstreamIssuer: string;
  readonly scopes: readonly string[];
  /** In epoch seconds. */
  readonly createdAt: number;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** Which grants are meant: those that have everything that is named here, so all of them where nothing is. */
export interface GrantFilter {
  /** The user's id upstream. Where there are several upstreams, `upstreamIssuer` has to say which one's. */
  readonly subject?: string;
  /**
   * The issuer of the upstream that the user logged in at, also of one that is not configured any more. Default: for a
   * `subject`, that of the only upstream; else any.
   */
  readonly upstreamIssuer?: string;
  readonly clientId?: string;
}

const filterMembers = ["subject", "upstreamIssuer", "clientId"] as const;

/** What a directory of grants needs. */
type DirectoryParts = Pick<ProviderConfiguration, "meetForeignGrant" | "repositories" | "resource" | "upstreams">;

/**
 * Lists grants for an operator, by user or by client. Grants of another server on the same store are left out.
 *
 * @throws {ConfigurationError} for a member of the filter that is there without a value, and where the repository cannot
 * list its records.
 * @throws {UnreadableRecordsError} after the last grant, when there were records that could not be read.
 * @throws {StorageError} when the store fails.
 */
export async function* listGrants(
  parts: DirectoryParts,
  filter: GrantFilter,
): AsyncGenerator<GrantSummary, void, undefined> {
  for await (const [grantId, grant] of listable(parts, filter).entries()) {
    if (isRevoked(grant) || !isMeant(grant, filter, parts)) continue;
    const { clientId, subject, scopes, createdAt, expiresAt } = grant;
    const upstreamIssuer = parts.upstreams.issuerOfRecord(grant.upstreamIssuer);
    yield { grantId, clientId, subject, upstreamIssuer, scopes: [...scopes], createdAt, expiresAt };
  }
}

/**
 * Ends the grants that `listGrants` lists, and before them the codes that may still become one: those lead to nothing.
 * Throws as `listGrants` does; what can be read is ended before that.
 *
 * @returns How many grants were ended.
 */
export async function revokeGrants(
  grants: Pick<Grants, "revoke">,
  parts: DirectoryParts,
  filter: GrantFilter,
): Promise<number> {
  const { authorizationCodes } = parts.repositories;
  const listed = listable(parts, filter);
  const meant = <R extends Grant | AuthorizationCode>([, found]: [string, R]) => isMeant(found, filter, parts);
  // Each is read to its end first: what is written meanwhile must not move it.
  const unreadable = new UnreadableRecords();
  const codes = isEnumerable(authorizationCodes)
    ? (await unreadable.readAll(authorizationCodes.entries())).filter(meant)
    : [];
  let ended = 0;
  for (const [, code] of codes) {
    if (code.grantId !== undefined && (await grants.revoke(code.grantId, { code }))) ended += 1;
  }
  for (const [grantId, grant] of (await unreadable.readAll(listed.entries())).filter(meant)) {
    if (!isRevoked(grant) && (await grants.revoke(grantId))) ended += 1;
  }
  unreadable.throwIfAny();
  return ended;
}

/** @throws {ConfigurationError} for a filter that may mean more than was meant, and for a repository without a list. */
function listable(
  { repositories, upstreams }: DirectoryParts,
  filter: GrantFilter,
): EnumerableRepository<string, Grant> {
  const isObject = typeof filter === "object" && filter !== null && !Array.isArray(filter);
  requireThat(isObject, "The filter must be an object, {} for all grants.");
  const unknown = Object.keys(filter).find((name) => !filterMembers.some((known) => known === name));
  requireThat(unknown === undefined, `The filter has "${unknown}"; it may have ${filterMembers.join(", ")}.`);
  // A subject that is not known must not come to mean everybody.
  for (const name of filterMembers) {
    if (name in filter && typeof filter[name] !== "string") {
      throw new ConfigurationError(`The filter's ${name} must be a string; leave it out to mean every ${name}.`);
    }
  }
  const names = upstreams.all.map(({ issuer }) => issuer).join(", ");
  requireThat(
    filter.subject === undefined || filter.upstreamIssuer !== undefined || upstreams.only !== undefined,
    `The filter needs upstreamIssuer beside subject: each of the upstreams (${names}) may have such a user.`,
  );
  const { grants } = repositories;
  if (isEnumerable(grants)) return grants;
  throw new ConfigurationError("Grants cannot be listed: the grants repository has no entries() method.");
}

function isMeant(
  found: Grant | AuthorizationCode,
  { subject, upstreamIssuer, clientId }: GrantFilter,
  { meetForeignGrant, resource, upstreams }: DirectoryParts,
): boolean {
  if (!isOfServer(found, resource)) {
    meetForeignGrant(String(found.resource));
    return false;
  }
  if (subject !== undefined && subject !== found.subject) return false;
  const meant = upstreamIssuer ?? (subject === undefined ? undefined : upstreams.only?.issuer);
  if (meant !== undefined && !isSameIssuer(meant, upstreams.issuerOfRecord(found.upstreamIssuer))) return false;
  return clientId === undefined || clientId === found.clientId;
}
