import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import type { OAuthTokenVerifier } from "@modelcontextprotocol/sdk/server/auth/provider.js";
import express from "express";
import { expect, expectTypeOf, it } from "vitest";
import type { PangeaOAuthProvider } from "../../src/index.ts";
import { pangeaAuth } from "../../src/integrations/express.ts";
import { initializeRequest, obtainTokens } from "../support/mount-suite.ts";
import { onNodeServer, startProtectedServer } from "../support/protected-server.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { serveWhoamiV1 } from "../support/whoami-server.ts";

const emulator = useEmulator();

it("a provider has the shape of the MCP SDK's OAuthTokenVerifier", async () => {
  expectTypeOf<PangeaOAuthProvider>().toExtend<OAuthTokenVerifier>();
  const withSdkGuard = onNodeServer((provider) => {
    const app = express();
    app.use(pangeaAuth(provider));
    app.all("/mcp", requireBearerAuth({ verifier: provider, requiredScopes: ["user"] }), (request, response) =>
      serveWhoamiV1(provider, request, response),
    );
    return app;
  });
  await using server = await startProtectedServer(withSdkGuard, emulator.issuerUrl);
  const { accessToken } = await obtainTokens(server.baseUrl, "user");
  expect((await initializeRequest(server.mcpUrl, accessToken)).status).toBe(200);
});
