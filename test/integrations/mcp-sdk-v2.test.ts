import { requireBearerAuth } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import {
  OAuthErrorCode,
  type OAuthTokenVerifier,
  OAuthError as SdkOAuthError,
  verifyBearerToken,
} from "@modelcontextprotocol/server";
import express from "express";
import { describe, expect, expectTypeOf, it } from "vitest";
import { OAuthError, StorageUnavailableError } from "../../src/index.ts";
import { pangeaAuth } from "../../src/integrations/express.ts";
import { type McpSdkV2Verifier, toMcpSdkV2Verifier } from "../../src/integrations/mcp-sdk-v2.ts";
import { connectWithLogin, sdkV2Client } from "../support/mcp-client.ts";
import { initializeRequest, obtainTokens } from "../support/mount-suite.ts";
import { onNodeServer, startProtectedServer } from "../support/protected-server.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { createWhoamiHandlerV2 } from "../support/whoami-server.ts";

const open = onNodeServer((provider) => {
  const app = express();
  const mcp = toNodeHandler(createWhoamiHandlerV2(provider));
  app.use(pangeaAuth(provider));
  const guard = requireBearerAuth({
    verifier: toMcpSdkV2Verifier(provider),
    requiredScopes: ["user"],
    resourceMetadataUrl: `${new URL(provider.resource).origin}/.well-known/oauth-protected-resource/mcp`,
    expectedResource: new URL(provider.resource),
  });
  app.all("/mcp", guard, (request, response) => mcp(request, response));
  return app;
});

describe("the MCP SDK's v2 requireBearerAuth", () => {
  const emulator = useEmulator();

  it("lets the SDK's client through after a login", async () => {
    await using server = await startProtectedServer(open, emulator.issuerUrl);
    await using client = sdkV2Client(server.mcpUrl);
    await connectWithLogin(client);
    expect(await client.whoami()).toBe("ada@example.com ptu_");
  });

  it("refuses an unknown token with 401 and one that lacks a scope with 403", async () => {
    await using server = await startProtectedServer(open, emulator.issuerUrl);
    const { accessToken } = await obtainTokens(server.baseUrl, "admin");
    expect((await initializeRequest(server.mcpUrl, "mcp_at_unknown")).status).toBe(401);
    expect((await initializeRequest(server.mcpUrl, accessToken)).status).toBe(403);
  });

  it("does not blame the token for an outage of the store", async () => {
    await using server = await startProtectedServer(open, emulator.issuerUrl);
    const { accessToken } = await obtainTokens(server.baseUrl, "user");
    server.store.fail("get");
    expect((await initializeRequest(server.mcpUrl, accessToken)).status).toBe(500);
  });
});

describe("toMcpSdkV2Verifier", () => {
  const failing = (failure: Error) => toMcpSdkV2Verifier({ verifyAccessToken: () => Promise.reject(failure) });

  it("has the shape of the SDK's OAuthTokenVerifier", () => {
    expectTypeOf<McpSdkV2Verifier>().toExtend<OAuthTokenVerifier>();
  });

  it("throws the SDK's own OAuthError for a token that is not good", async () => {
    const failure = new OAuthError("invalid_token", "unknown");
    const attempt = verifyBearerToken("Bearer token", { verifier: failing(failure) });
    await expect(attempt).rejects.toBeInstanceOf(SdkOAuthError);
    await expect(attempt).rejects.toMatchObject({ code: OAuthErrorCode.InvalidToken, cause: failure });
  });

  it("throws a server error for an outage of the store", async () => {
    const attempt = failing(new StorageUnavailableError("down")).verifyAccessToken("token");
    await expect(attempt).rejects.toBeInstanceOf(SdkOAuthError);
    await expect(attempt).rejects.toMatchObject({ code: OAuthErrorCode.ServerError });
  });
});
