import type { AccessToken } from "../../records/access-token.ts";
import type { AuthorizationCode } from "../../records/authorization-code.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";

/** A token response (RFC 6749 section 5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** In seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
}

/** An access token's record as it is written here: it always ends. */
export type IssuedAccessToken = AccessToken & { readonly expiresAt: number };

/** The record of an access token that is issued for a code or a refresh token. */
export function accessTokenRecord(
  source: Pick<AuthorizationCode | RefreshToken, "clientId" | "resource" | "subject">,
  issue: {
    readonly grantId: string;
    readonly scopes: readonly string[];
    /** In epoch seconds. */
    readonly expiresAt: number;
    readonly wrappedKey: string | undefined;
  },
): IssuedAccessToken {
  return {
    clientId: source.clientId,
    scopes: [...issue.scopes],
    expiresAt: Math.ceil(issue.expiresAt),
    grantId: issue.grantId,
    ...(source.resource !== undefined && { resource: source.resource }),
    ...(source.subject !== undefined && { subject: source.subject }),
    ...(issue.wrappedKey !== undefined && { wrappedKey: issue.wrappedKey }),
  };
}

/** The response for tokens that were issued. `nowSeconds` is in epoch seconds. */
export function tokenResponse(
  accessToken: string,
  record: IssuedAccessToken,
  refreshToken: string | undefined,
  nowSeconds: number,
): TokenResponse {
  return {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: Math.max(0, Math.floor(record.expiresAt - nowSeconds)),
    scope: record.scopes.join(" "),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
  };
}
