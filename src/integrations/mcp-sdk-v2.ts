import { optionalPackage } from "../optional-package.ts";
import type { McpOAuthProvider } from "../provider/mcp-oauth-provider.ts";
import { toOAuthError } from "../provider/oauth-failure.ts";

const { OAuthError, OAuthErrorCode } = await optionalPackage(
  "@modelcontextprotocol/server",
  "toMcpSdkV2Verifier()",
  () => import("@modelcontextprotocol/server"),
);

/** The `OAuthTokenVerifier` of the MCP SDK v2. */
export type McpSdkV2Verifier = Pick<McpOAuthProvider, "verifyAccessToken">;

/**
 * Adapts a provider to `requireBearerAuth` and `verifyBearerToken` of `@modelcontextprotocol/server` and
 * `@modelcontextprotocol/express` v2, which know failures by their own `OAuthError`.
 *
 * They have no answer 503: an outage of the store is 500 `server_error` there, never a word on the token.
 * `requireBearer` of our mounts answers 503 with `Retry-After`.
 *
 * @example
 * ```ts
 * app.use("/mcp", requireBearerAuth({ verifier: toMcpSdkV2Verifier(provider), resourceMetadataUrl }));
 * ```
 */
export function toMcpSdkV2Verifier(provider: McpSdkV2Verifier): McpSdkV2Verifier {
  return {
    async verifyAccessToken(token) {
      try {
        return await provider.verifyAccessToken(token);
      } catch (failure) {
        const { error, message } = toOAuthError(failure);
        // The SDK's middleware answers temporarily_unavailable with 400, as if the request were at fault.
        const code = error === "temporarily_unavailable" ? OAuthErrorCode.ServerError : error;
        throw Object.assign(new OAuthError(code, message), { cause: failure });
      }
    },
  };
}
