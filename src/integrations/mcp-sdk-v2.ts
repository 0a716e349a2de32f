import { optionalPackage } from "../optional-package.ts";
import { type McpSdkV2Verifier, verifierFailingWith } from "./mcp-sdk-v2-verifier.ts";

export type { McpSdkV2Verifier } from "./mcp-sdk-v2-verifier.ts";

const { OAuthError } = await optionalPackage(
  "@modelcontextprotocol/server",
  "toMcpSdkV2Verifier()",
  () => import("@modelcontextprotocol/server"),
);

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
  return verifierFailingWith({ OAuthError }, provider);
}
