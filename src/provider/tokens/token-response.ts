/** A token response (RFC 6749 section 5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** In seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
}

/** The response for tokens that were issued. Times are in epoch seconds. */
export function tokenResponse(issued: {
  readonly accessToken: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  readonly refreshToken: string | undefined;
  readonly now: number;
}): TokenResponse {
  const { accessToken, scopes, expiresAt, refreshToken, now } = issued;
  return {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: Math.max(0, Math.floor(expiresAt - now)),
    scope: scopes.join(" "),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
  };
}
