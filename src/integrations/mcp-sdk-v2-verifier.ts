import type { OAuthError } from "@modelcontextprotocol/server";
import type { McpOAuthProvider } from "../provider/mcp-oauth-provider.ts";
import { toOAuthError } from "../provider/oauth-failure.ts";

/** The `OAuthTokenVerifier` of the MCP SDK v2. */
export type McpSdkV2Verifier = Pick<McpOAuthProvider, "verifyAccessToken">;

/** What is needed of the MCP SDK v2: the class by which it knows failures. */
interface McpSdkV2Errors {
  readonly OAuthError: typeof OAuthError;
}

/** A verifier that fails with the errors of the MCP SDK v2. */
export function verifierFailingWith({ OAuthError }: McpSdkV2Errors, provider: McpSdkV2Verifier): McpSdkV2Verifier {
  return {
    async verifyAccessToken(token) {
      try {
        return await provider.verifyAccessToken(token);
      } catch (failure) {
        const { error, message } = toOAuthError(failure);
        // The SDK's middleware answers temporarily_unavailable with 400, as if the request were at fault.
        const code = error === "temporarily_unavailable" ? "server_error" : error;
        throw Object.assign(new OAuthError(code, message), { cause: failure });
      }
    },
  };
}
