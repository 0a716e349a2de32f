import { ConfigurationError, UnreadableRecordsError } from "../../errors.ts";
import { requirePlainObject, requireThat } from "../../option-checks.ts";
import type { AuthorizationCode } from "../../records/authorization-code.ts";
import type { Grant } from "../../records/grant.ts";
import type { GrantUse } from "../../records/grant-use.ts";
import { grantUseKey } from "../../records/keys.ts";
import type { Repository } from "../../storage/contract.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import { isIndexedBy } from "../../storage/indexed.ts";
import { isUnreadable, UnreadableRecords } from "../../storage/unreadable-records.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { withoutLastSlashes } from "../oauth/paths.ts";
import { offlineAccess } from "../oauth/scopes.ts";
import { isSameIssuer, type Upstreams } from "../upstream/upstreams.ts";
import { type Grants, isOfServer, isRevoked, type RevocationEvidence } from "./grants.ts";

/** What an operator sees of a grant: no token, and nothing that opens one. */
export interface GrantSummary {
  readonly grantId: string;
  readonly clientId: string;
  /** The user's id upstream. */
  readonly subject: string | undefined;
  /**
   * The issuer of the upstream that the user logged in at. It and the subject together say who the user is. Undefined for a
   * grant from when the server had one upstream, where the option `formerIssuer` does not say which one that was.
   */
  readonly upstreamIssuer: string | undefined;
  /** What the client calls itself; undefined for one that gives no name, and for a grant of an earlier version. */
  readonly clientName: string | undefined;
  /**
   * Where the client is from: the domain of its metadata document, or else the host of its redirect URI, or the scheme of an
   * application on the person's device. Undefined for a grant of an earlier version.
   */
  readonly clientHost: string | undefined;
  /** Whether somebody has checked who the client is: its document is on its own domain, or the options of this server name it. */
  readonly clientVerified: boolean;
  /** What its tokens may do; with `offline_access` where the person has allowed refresh tokens by that scope. */
  readonly scopes: readonly string[];
  /** What the grant is for: the URL of an MCP endpoint. */
  readonly resource: string | undefined;
  /** In epoch seconds. */
  readonly createdAt: number;
  /** When a request was last made with one of its tokens, to the hour, in epoch seconds; undefined where none was. */
  readonly lastUsedAt: number | undefined;
  /** The network that request came from, such as `203.0.113.0/24`, where the option `grantUse.network` is on. */
  readonly lastUsedFrom: string | undefined;
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
type DirectoryParts = Pick<ProviderConfiguration, "meetForeignGrant" | "meetUnindexedGrants" | "repositories"> & {
  /** Whose grants they are; undefined for the grants of every server on the store. */
  readonly resource: string | undefined;
  /** The upstreams of that server; undefined where they are not known, and what a record says of its own has to do. */
  readonly upstreams: Pick<Upstreams, "all" | "issuerOfRecord" | "only"> | undefined;
};

/** What is looked through for a filter. */
type Owned = Grant | AuthorizationCode;

/**
 * Lists grants for an operator, by user or by client. Grants of another server on the same store are left out. Where the
 * repository finds grants by their user and client, it is asked for those alone.
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
  requireFilter(parts, filter);
  let found: [string, Grant][] = [];
  try {
    for await (const entry of candidates(parts, parts.repositories.grants, filter)) {
      if (isRevoked(entry[1]) || !isMeant(entry[1], filter, parts)) continue;
      found.push(entry);
      if (found.length < summarisedTogether) continue;
      const full = found;
      found = [];
      yield* await summariesOf(parts, full);
    }
  } catch (failure) {
    // The listing has ended: what it has found before is given all the same.
    if (!(failure instanceof UnreadableRecordsError)) throw failure;
    yield* await summariesOf(parts, found);
    throw failure;
  }
  yield* await summariesOf(parts, found);
}

/** When the grants were last used is read for so many of them at once. */
const summarisedTogether = 100;

function summariesOf(parts: DirectoryParts, found: readonly (readonly [string, Grant])[]): Promise<GrantSummary[]> {
  return Promise.all(found.map(([grantId, grant]) => summaryOf(parts, grantId, grant)));
}

/**
 * What an operator sees of a grant that is alive.
 *
 * @throws {StorageError} when the store fails.
 */
export async function summaryOf(
  { repositories, upstreams }: Pick<DirectoryParts, "repositories" | "upstreams">,
  grantId: string,
  grant: Grant,
): Promise<GrantSummary> {
  const { clientId, clientName, clientHost, clientVerified = false, subject, createdAt, expiresAt } = grant;
  const use = await lastUse(repositories.grantUses, grantId);
  return {
    grantId,
    clientId,
    clientName,
    clientHost,
    clientVerified,
    subject,
    upstreamIssuer: issuerOf(grant, upstreams),
    scopes: grant.offlineAccess ? [...grant.scopes, offlineAccess] : [...grant.scopes],
    resource: grant.resource?.href,
    createdAt,
    lastUsedAt: use?.usedAt,
    lastUsedFrom: use?.network,
    expiresAt,
  };
}

/**
 * Ends the grants that `listGrants` lists, and before them the codes that may still become one: those lead to nothing. For a
 * user, what the user has allowed until now is over as well, also where no grant of it is left; for all grants, what everybody
 * has allowed, at the server or, where that is not known, at those that the grants are for.
 * Throws as `listGrants` does; what can be read is ended before that.
 *
 * @returns How many grants were ended.
 */
export async function revokeGrants(
  grants: Pick<Grants, "forgetConsent" | "forgetConsentOfEverybody" | "revoke">,
  parts: DirectoryParts,
  filter: GrantFilter,
  by: RevocationEvidence["by"] = "operator",
): Promise<number> {
  requireFilter(parts, filter);
  const { authorizationCodes, grants: repository } = parts.repositories;
  const meant = <R extends Owned>([, found]: [string, R]) => isMeant(found, filter, parts);
  const codeCandidates = () => candidates(parts, authorizationCodes, filter, "authorizationCodes");
  const read = async () => {
    const unreadable = new UnreadableRecords();
    // Each is read to its end first: what is written meanwhile must not move it.
    const listing = candidates(parts, repository, filter);
    const codes = (await unreadable.readAll(codeCandidates())).filter(meant);
    const listed = (await unreadable.readAll(listing)).filter(meant).filter(([, grant]) => !isRevoked(grant));
    return { unreadable, codes, listed };
  };
  // Before anything is ended: a code that nobody can list would become a grant afterwards.
  candidates(parts, repository, filter);
  codeCandidates();
  const { subject, upstreamIssuer = parts.upstreams?.only?.issuer, clientId } = filter;
  let servers = [parts.resource];
  if (parts.upstreams === undefined) {
    const { codes, listed } = await read();
    const found = [...codes, ...listed].map(([, record]) => record);
    requireOneUser(
      filter,
      found.map((record) => record.upstreamIssuer),
    );
    servers = found.map(({ resource }) => resource?.href);
  }
  // Before the grants are listed: a login that is under way is listed, or reads this.
  if (subject !== undefined) await grants.forgetConsent({ subject, upstreamIssuer }, clientId);
  if (Object.keys(filter).length === 0) {
    for (const resource of new Set(servers)) {
      if (resource !== undefined) await grants.forgetConsentOfEverybody(resource);
    }
  }
  const { unreadable, codes, listed } = await read();
  let ended = 0;
  const end = async (grantId: string, evidence: RevocationEvidence): Promise<void> => {
    try {
      if (await grants.revoke(grantId, evidence)) ended += 1;
    } catch (failure) {
      if (!isUnreadable(failure)) throw failure;
      unreadable.add(failure);
    }
  };
  for (const [, code] of codes) if (code.grantId !== undefined) await end(code.grantId, { code, by });
  for (const [grantId] of listed) await end(grantId, { by });
  unreadable.throwIfAny();
  return ended;
}

/**
 * The records that a filter may mean: what an index has under its user or client, or all of them.
 *
 * @throws {ConfigurationError} when the repository can do neither.
 */
function candidates<R extends Owned>(
  { meetUnindexedGrants }: DirectoryParts,
  repository: Repository<string, R>,
  { subject, clientId }: GrantFilter,
  name: "authorizationCodes" | "grants" = "grants",
): AsyncIterable<[string, R]> {
  // Of the two the user has the fewer grants.
  const [index, value] = subject !== undefined ? ["subject", subject] : ["client", clientId];
  if (value !== undefined) {
    if (isIndexedBy(repository, index)) return repository.entriesBy(index, value);
    meetUnindexedGrants();
  }
  if (isEnumerable(repository)) return repository.entries();
  throw new ConfigurationError(`Grants cannot be listed: the ${name} repository has no entries() method.`);
}

/** When a grant was last used, where that can be read: what cannot be is no reason to hide the grant. */
async function lastUse(uses: Repository<string, GrantUse>, grantId: string): Promise<GrantUse | undefined> {
  try {
    return await uses.get(grantUseKey(grantId));
  } catch (failure) {
    if (isUnreadable(failure)) return undefined;
    throw failure;
  }
}

/** @throws {ConfigurationError} for a filter that may mean more than was meant. */
function requireFilter({ upstreams }: Pick<DirectoryParts, "upstreams">, given: GrantFilter): void {
  const filter: unknown = given;
  requirePlainObject("The filter ({} for all grants)", filter);
  const unknown = Object.keys(filter).find((name) => !filterMembers.some((known) => known === name));
  requireThat(unknown === undefined, `The filter has "${unknown}"; it may have ${filterMembers.join(", ")}.`);
  // A subject that is not known must not come to mean everybody.
  for (const name of filterMembers) {
    if (name in filter && typeof filter[name] !== "string") {
      throw new ConfigurationError(`The filter's ${name} must be a string; leave it out to mean every ${name}.`);
    }
  }
  if (upstreams === undefined) return;
  const names = upstreams.all.map(({ issuer }) => issuer).join(", ");
  requireThat(
    filter.subject === undefined || filter.upstreamIssuer !== undefined || upstreams.only !== undefined,
    `The filter needs upstreamIssuer beside subject: each of the upstreams (${names}) may have such a user.`,
  );
}

/**
 * Checks that a subject means one person, where the upstreams of the server are not known: two of them may give one subject
 * to two people.
 *
 * @param issuers - Of what was found for the filter; undefined for a record that names none.
 * @throws {ConfigurationError} when the filter has a subject and no upstream, and what was found is of several.
 */
export function requireOneUser(
  { subject, upstreamIssuer }: GrantFilter,
  issuers: readonly (string | undefined)[],
): void {
  if (subject === undefined || upstreamIssuer !== undefined) return;
  const different = [...new Set(issuers.map((issuer) => issuer && withoutLastSlashes(issuer)))];
  const names = different.map((issuer) => issuer ?? "one that their records do not name").join(", ");
  requireThat(
    different.length < 2,
    `The subject has logins at several upstreams (${names}), and each may be of another person: say which one is meant by its issuer, upstreamIssuer or --upstream-issuer, or end a grant by its id. Nothing was ended.`,
  );
}

function isMeant(found: Owned, { subject, upstreamIssuer, clientId }: GrantFilter, parts: DirectoryParts): boolean {
  const { meetForeignGrant, resource, upstreams } = parts;
  if (!isOfServer(found, resource)) {
    meetForeignGrant(String(found.resource));
    return false;
  }
  if (subject !== undefined && subject !== found.subject) return false;
  const meant = upstreamIssuer ?? (subject === undefined ? undefined : upstreams?.only?.issuer);
  if (meant !== undefined && !isSameIssuer(meant, issuerOf(found, upstreams) ?? "")) return false;
  return clientId === undefined || clientId === found.clientId;
}

function issuerOf({ upstreamIssuer }: Owned, upstreams: DirectoryParts["upstreams"]): string | undefined {
  return upstreams?.issuerOfRecord(upstreamIssuer) ?? upstreamIssuer;
}
