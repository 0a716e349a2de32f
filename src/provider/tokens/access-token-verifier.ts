import { OAuthError } from "../../errors.ts";
import type { AccessToken } from "../../records/access-token.ts";
import { accessTokenKey } from "../../records/keys.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isOpaqueToken, isPythonAccessToken } from "../oauth/opaque-token.ts";
import { isSameResource } from "../oauth/resource.ts";

/**
 * What is known of a request's access token. It has the shape of the MCP SDK's `AuthInfo`.
 */
export interface AuthInfo {
  /** The access token itself. */
  readonly token: string;
  readonly clientId: string;
  readonly scopes: string[];
  /** In epoch seconds. */
  readonly expiresAt: number;
  /** The resource that the token was issued for (RFC 8707). */
  readonly resource: URL;
  /** `subject`: the user's id at Pangea AuthN; `grantId`: the grant; and the claims of tokens that Python issued. */
  readonly extra: Record<string, unknown>;
}

/** Verifies access tokens: issued here, alive, and for this resource. */
export class AccessTokenVerifier {
  readonly #configuration: ProviderConfiguration;

  constructor(configuration: ProviderConfiguration) {
    this.#configuration = configuration;
  }

  /**
   * Verifies an access token with one read of the store; one that does not look like ours costs none.
   *
   * @throws `OAuthError` with `invalid_token`, `StorageError` when the store fails.
   */
  async verify(token: string): Promise<AuthInfo> {
    const ours = isOpaqueToken("access_token", token);
    if (!ours && !isPythonAccessToken(token)) throw invalidToken();
    const record = await this.#configuration.repositories.accessTokens.get(accessTokenKey(token));
    // The Python package kept upstream tokens among its own, without an expiry: those open nothing here.
    if (record?.expiresAt === undefined || record.expiresAt * 1000 <= this.#configuration.clock()) throw invalidToken();
    if (!this.#isForThisResource(record, ours)) throw invalidToken();
    return {
      token,
      clientId: record.clientId,
      scopes: [...record.scopes],
      expiresAt: record.expiresAt,
      resource: new URL(this.#configuration.resource),
      extra: {
        ...record.claims,
        ...(record.subject !== undefined && { subject: record.subject }),
        ...(record.grantId !== undefined && { grantId: record.grantId }),
      },
    };
  }

  #isForThisResource(record: AccessToken, ours: boolean): boolean {
    if (record.resource === undefined) return !ours;
    return isSameResource(record.resource, this.#configuration.resource);
  }
}

function invalidToken(): OAuthError {
  return new OAuthError("invalid_token", "The access token is not known, has expired or was revoked.");
}
