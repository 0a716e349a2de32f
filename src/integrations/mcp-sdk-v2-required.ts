import { createRequire } from "node:module";
import { requiredPackage } from "../optional-package.ts";
import { type McpSdkV2Verifier, verifierFailingWith } from "./mcp-sdk-v2-verifier.ts";

export type { McpSdkV2Verifier } from "./mcp-sdk-v2-verifier.ts";

/** The SDK has a class of errors for those who import it and another one for those who require it, and knows its own only. */
const load = (): typeof import("@modelcontextprotocol/server") =>
  createRequire(import.meta.url)("@modelcontextprotocol/server");
const { OAuthError } = requiredPackage("@modelcontextprotocol/server", "toMcpSdkV2Verifier()", load);

/** The same as the function of that name which is imported. */
export function toMcpSdkV2Verifier(provider: McpSdkV2Verifier): McpSdkV2Verifier {
  return verifierFailingWith({ OAuthError }, provider);
}
