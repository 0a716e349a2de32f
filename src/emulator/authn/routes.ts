/** Where AuthN's OAuth server answers, below the issuer. */
export const oauthRoutes = {
  authorization: "/v2/oauth/authorize",
  token: "/v2/oauth/token",
  introspection: "/v2/oauth/token/introspect",
  revocation: "/v2/oauth/token/revoke",
  jwks: "/v2/oauth/jwks",
  registration: "/v2/oauth/clients/register",
  clients: "/v2/oauth/clients",
  login: "/v2/oauth/login",
  logout: "/logout",
} as const;

/** The path that the service API has in front of `/v2/…` when the SDK's base URL template ends in `{SERVICE_NAME}`. */
export const servicePrefix = "/authn";
