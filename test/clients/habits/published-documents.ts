/**
 * Metadata documents as the issues of their clients quote them: anthropics/claude-code#37767, pocket-id/pocket-id#1677,
 * anomalyco/opencode#47737, github/copilot-cli#4793, django-oauth/django-oauth-toolkit#1845, apify/mcpc#187,
 * giantswarm/mcp-debug#61.
 */
export const claude = {
  client_id: "https://claude.ai/oauth/mcp-oauth-client-metadata",
  client_name: "Claude",
  client_uri: "https://claude.ai",
  redirect_uris: ["https://claude.ai/api/mcp/auth_callback"],
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};
export const claudeCode = {
  client_id: "https://claude.ai/oauth/claude-code-client-metadata",
  client_name: "Claude Code",
  redirect_uris: ["http://localhost/callback", "http://127.0.0.1/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};
export const openCode = {
  client_id: "https://opencode.ai/oauth/opencode/client.json",
  client_name: "opencode",
  client_uri: "https://opencode.ai",
  logo_uri: "https://opencode.ai/web-app-manifest-512x512.png",
  application_type: "native",
  redirect_uris: ["http://127.0.0.1/callback", "http://localhost/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
  token_endpoint_auth_methods_supported: ["none"],
};
export const copilotCli = {
  client_id: "https://github.com/copilot/cli/client-metadata.json",
  client_name: "GitHub Copilot CLI",
  application_type: "native",
  redirect_uris: ["http://127.0.0.1:33418/"],
};
export const chatGpt = {
  client_id: "https://chatgpt.com/oauth/client.json",
  client_uri: "https://chatgpt.com/",
  redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"],
  token_endpoint_auth_method: "private_key_jwt",
  token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  client_name: "ChatGPT",
  logo_uri: "https://persistent.oaistatic.com/sonic/misc/openai-logo.png",
  token_endpoint_auth_signing_alg: "RS256",
  jwks_uri: "https://chatgpt.com/oauth/jwks.json",
};
export const mcpc = {
  client_id: "https://apify.github.io/mcpc/client-metadata.json",
  client_name: "mcpc",
  redirect_uris: Array.from({ length: 10 }, (_, index) => 13_316 + index).flatMap((port) => [
    `http://127.0.0.1:${port}/callback`,
    `http://localhost:${port}/callback`,
  ]),
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};
export const mcpDebug = {
  client_id: "https://giantswarm.github.io/mcp-debug/client.json",
  client_name: "MCP Debugger CLI",
  client_uri: "https://github.com/giantswarm/mcp-debug",
  redirect_uris: ["http://localhost:8765/callback", "http://127.0.0.1:8765/callback"],
  grant_types: ["authorization_code"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};
