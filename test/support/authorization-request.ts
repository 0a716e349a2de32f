import type { AuthorizationRequest } from "../../src/provider/login/authorization-request.ts";

/** An authorization request that has been checked, of a client that has no secret. */
export const checkedRequest: AuthorizationRequest = {
  clientId: "app",
  client: { tokenEndpointAuthMethod: "none", grantTypes: ["authorization_code"] },
  redirectUri: "https://app.example/callback",
  scopes: ["user"],
  codeChallenge: "c".repeat(43),
  resource: "https://mcp.example/mcp",
};
