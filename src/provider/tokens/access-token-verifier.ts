import { OAuthError } from "../../errors.ts";
import type { AccessToken } from "../../records/access-token.ts";
import { accessTokenKey, grantIdOf } from "../../records/keys.ts";
import { frozenCopy } from "../../storage/freeze.ts";
import { isMemoryReadable } from "../../storage/memory-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isLive } from "../grants/grants.ts";
import { type KnownUpstreams, upstreamOfRecord, upstreamRemoved } from "../grants/upstream-of-record.ts";
import { readAccessToken } from "../oauth/grant-credential.ts";
import { isPythonAccessToken, longestAccessToken } from "../oauth/opaque-token.ts";
import { isSameResource } from "../oauth/resource.ts";
import { VerifiedToken } from "./verified-token.ts";

/**
 * What is known of a request's access token. It has the shape of the MCP SDK's `AuthInfo`.
 */
export interface AuthInfo {
  /** The access token itself. */
  readonly token: string;
  readonly clientId: string;
  /** The scopes that were given, and those that they imply (`scopeImplies`). */
  readonly scopes: string[];
  /** In epoch seconds. */
  readonly expiresAt: number;
  /** The resource that the token was issued for (RFC 8707). Requests share the object, which cannot be changed. */
  readonly resource: URL;
  /**
   * `subject`: the user's id upstream; `upstreamIssuer`: the issuer that the id is of, for the two together say who the user
   * is; `grantId`: the grant; and the claims of tokens that Python issued.
   */
  readonly extra: Record<string, unknown>;
}

/** What verification needs. */
export type VerifierParts = Pick<ProviderConfiguration, "now" | "repositories" | "resource" | "scopeHierarchy"> &
  KnownUpstreams &
  Partial<Pick<ProviderConfiguration, "meetForeignGrant">>;

/**
 * Verifies access tokens: issued here, alive, of a grant that is alive, of a user of a configured upstream, and for this
 * resource. Token and grant are read in one turn; a text that is none of ours costs no read.
 *
 * What is found of a token that is good is noted beside the cache's copy of its record. The note holds while the cache
 * would answer with the very same records of token and grant, and until the first of them expires. It says yes and never
 * no: every refusal comes from the records.
 */
export class AccessTokenVerifier {
  readonly #parts: VerifierParts;
  readonly #resource: URL;
  readonly #memory: ReturnType<typeof memoryOf>;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#resource = frozenCopy(new URL(parts.resource));
    this.#memory = memoryOf(parts.repositories);
  }

  /**
   * Says what is known of a token that is good, without a promise where it is noted.
   *
   * @param nowSeconds - The time, of whoever knows it already.
   * @throws {OAuthError} with `invalid_token`.
   * @throws {StorageError} when the store fails.
   */
  verify(token: string, nowSeconds = this.#parts.now()): VerifiedToken | Promise<VerifiedToken> {
    // Callers without types give what a request had.
    if (typeof token !== "string") throw invalidToken();
    return this.#noted(token, nowSeconds) ?? this.#verifyRecords(token);
  }

  /** What a request that shows a good token is told. Only the resource is shared with other requests. */
  authInfo(token: string, { clientId, scopes, expiresAt, extra }: VerifiedToken): AuthInfo {
    return { token, clientId, scopes: [...scopes], expiresAt, resource: this.#resource, extra: { ...extra } };
  }

  #noted(token: string, nowSeconds: number): VerifiedToken | undefined {
    if (this.#memory === undefined || token.length > longestAccessToken) return undefined;
    const remembered = this.#memory.accessTokens.remembered(accessTokenKey(token));
    const note = remembered?.note;
    if (!(note instanceof VerifiedToken) || note.verifier !== this || remembered?.current() === undefined) {
      return undefined;
    }
    return note.isGood(nowSeconds) ? note : undefined;
  }

  async #verifyRecords(token: string): Promise<VerifiedToken> {
    const ours = readAccessToken(token);
    if (ours === undefined && !isPythonAccessToken(token)) throw invalidToken();
    const { meetForeignGrant, now: time, repositories, resource } = this.#parts;
    const key = accessTokenKey(token);
    const grantId = ours && grantIdOf(ours.handle);
    const [record, grant] = await Promise.all([
      repositories.accessTokens.get(key),
      grantId && repositories.grants.get(grantId),
    ]);
    const now = time();
    // The Python package kept upstream tokens among its own, without an expiry: those open nothing here.
    if (record?.expiresAt === undefined || record.expiresAt <= now || record.revokedAt !== undefined) {
      throw invalidToken();
    }
    // Tokens of the Python package have no grant, and stand for themselves.
    if (ours !== undefined && !isLive(grant, now)) throw invalidToken();
    if (!isFor(resource, record, ours !== undefined)) {
      if (record.resource !== undefined) meetForeignGrant?.(String(record.resource));
      throw invalidToken();
    }
    const upstream = upstreamOfRecord(this.#parts, grant ?? {});
    if (upstream === undefined) throw upstreamRemoved("invalid_token");
    const { expiresAt } = record;
    const inMemory = this.#memory?.accessTokens.remembered(key);
    const grantInMemory = grantId && this.#memory?.grants.remembered(grantId);
    const scopes = this.#parts.scopeHierarchy.withImplied(record.scopes);
    const verified = new VerifiedToken(this, { ...record, expiresAt }, scopes, upstream.issuer, grant, grantInMemory);
    // Memory may have another record by now, and what was found is not of that one.
    const isOfMemory = inMemory?.current() === record && grantInMemory?.current() === grant;
    if (isOfMemory && inMemory !== undefined) inMemory.note = verified;
    return verified;
  }
}

function memoryOf({ accessTokens, grants }: VerifierParts["repositories"]) {
  return isMemoryReadable(accessTokens) && isMemoryReadable(grants) ? { accessTokens, grants } : undefined;
}

function isFor(resource: string, record: AccessToken, ours: boolean): boolean {
  if (record.resource === undefined) return !ours;
  return isSameResource(record.resource, resource);
}

function invalidToken(): OAuthError {
  return new OAuthError("invalid_token", "The access token is not known, has expired or was revoked.");
}
