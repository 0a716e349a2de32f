import { once } from "node:events";
import { createServer } from "node:http";
import {
  CustomOAuthError,
  InvalidClientMetadataError,
  InvalidGrantError,
  InvalidScopeError,
  InvalidTokenError,
  TemporarilyUnavailableError,
} from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import type { OAuthServerProvider } from "@modelcontextprotocol/sdk/server/auth/provider.js";
import { mcpAuthRouter } from "@modelcontextprotocol/sdk/server/auth/router.js";
import express, { type Express } from "express";
import { exportJWK, generateKeyPair } from "jose";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  createInMemoryRepositories,
  OAuthError,
  type PangeaOAuthProvider,
  type PangeaOAuthProviderOptions,
  StorageError,
} from "../../src/index.ts";
import { pangeaAuth, requireBearer } from "../../src/integrations/express.ts";
import { type McpSdkV1Provider, toMcpSdkV1Provider } from "../../src/integrations/mcp-sdk-v1.ts";
import { jsonOf } from "../support/json-of.ts";
import { describeMount, initializeRequest, obtainTokens } from "../support/mount-suite.ts";
import { onNodeServer, startProtectedServer } from "../support/protected-server.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { serveWhoamiV1 } from "../support/whoami-server.ts";

/** The application that the SDK's documentation shows, with a guard of one's choice. */
function withRouter(provider: PangeaOAuthProvider, guard: express.RequestHandler): Express {
  const app = express();
  const resourceServerUrl = new URL(provider.resource);
  app.use(
    mcpAuthRouter({
      provider: toMcpSdkV1Provider(provider),
      issuerUrl: new URL(provider.issuer),
      scopesSupported: ["user", "admin"],
      resourceServerUrl,
    }),
  );
  app.use(pangeaAuth(provider));
  app.all("/mcp", guard, (request, response) => serveWhoamiV1(provider, request, response));
  return app;
}

const withSdkGuard = onNodeServer((provider) =>
  withRouter(
    provider,
    requireBearerAuth({
      verifier: toMcpSdkV1Provider(provider),
      requiredScopes: ["user"],
      resourceMetadataUrl: `${new URL(provider.resource).origin}/.well-known/oauth-protected-resource/mcp`,
    }),
  ),
);

// The SDK's router writes the issuer as URL.href does.
const provider = (baseUrl: string) => ({ mcpIssuerUrl: `${baseUrl}/` });

describeMount(
  "the MCP SDK's v1 router",
  onNodeServer((provider) => withRouter(provider, requireBearer(provider))),
  { provider },
);

describe("the MCP SDK's v1 router and a client that has to authenticate", () => {
  const emulator = useEmulator();

  /** Redeems a code at the SDK's router without a word on who it is. */
  async function redeemUnauthenticated(options: Partial<PangeaOAuthProviderOptions>, clientId: string) {
    const all = { ...providerOptions(emulator.issuerUrl), mcpIssuerUrl: "http://localhost:8000/", ...options };
    const harness = new ProviderHarness(all);
    const { provider } = harness;
    const code = await harness.codeFor(clientId);
    const server = createServer(withRouter(provider, requireBearer(provider))).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const address = server.address();
      const port = typeof address === "object" ? address?.port : undefined;
      const body = new URLSearchParams({
        grant_type: "authorization_code",
        client_id: clientId,
        code: code.code,
        code_verifier: code.verifier,
        redirect_uri: harness.redirectUri,
      });
      const answer = await fetch(`http://127.0.0.1:${port}/token`, { method: "POST", body });
      return [answer.status, (await jsonOf(answer)).error];
    } finally {
      server.close();
    }
  }

  it("does not take one with private_key_jwt, which it cannot read, for a public one", async () => {
    const { publicKey } = await generateKeyPair("ES256", { extractable: true });
    const clients = [
      {
        client_id: "signing",
        redirect_uris: ["http://127.0.0.1:4999/callback"],
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [await exportJWK(publicKey)] },
      },
    ];
    const repositories = createInMemoryRepositories();
    expect(await redeemUnauthenticated({ clients, repositories }, "signing")).toEqual([400, "invalid_client"]);
  });

  it("does not take one whose secret no longer follows from its id for a public one", async () => {
    const repositories = createInMemoryRepositories();
    const before = { ...providerOptions(emulator.issuerUrl), repositories, secret: "a".repeat(40) };
    const { client_id } = await new ProviderHarness(before).register({
      token_endpoint_auth_method: "client_secret_post",
    });
    const after = { repositories, secret: "b".repeat(40) };
    expect(await redeemUnauthenticated(after, client_id)).toEqual([400, "invalid_client"]);
  });
});

describe("the MCP SDK's v1 requireBearerAuth", () => {
  const emulator = useEmulator();

  it("lets a token through and refuses any other with 401", async () => {
    await using server = await startProtectedServer(withSdkGuard, emulator.issuerUrl, provider);
    const { accessToken, refreshToken } = await obtainTokens(server.baseUrl, "user");
    expect((await initializeRequest(server.mcpUrl, accessToken)).status).toBe(200);
    expect((await initializeRequest(server.mcpUrl, "mcp_at_unknown")).status).toBe(401);
    expect((await initializeRequest(server.mcpUrl, refreshToken)).status).toBe(401);
  });

  it("answers 403 to a token that lacks a scope", async () => {
    await using server = await startProtectedServer(withSdkGuard, emulator.issuerUrl, provider);
    const { accessToken } = await obtainTokens(server.baseUrl, "admin");
    expect((await initializeRequest(server.mcpUrl, accessToken)).status).toBe(403);
  });

  it("does not blame the token for an outage of the store", async () => {
    await using server = await startProtectedServer(withSdkGuard, emulator.issuerUrl, provider);
    const { accessToken } = await obtainTokens(server.baseUrl, "user");
    server.store.fail("get");
    const refusal = await initializeRequest(server.mcpUrl, accessToken);
    expect(refusal.status).toBe(500);
    expect(await refusal.json()).toMatchObject({ error: "server_error" });
  });

  it("answers an outage at the token endpoint with temporarily_unavailable, not invalid_client", async () => {
    await using server = await startProtectedServer(withSdkGuard, emulator.issuerUrl, provider);
    const { clientId, refreshToken } = await obtainTokens(server.baseUrl, "user");
    server.store.fail("get");
    const body = new URLSearchParams({ grant_type: "refresh_token", client_id: clientId, refresh_token: refreshToken });
    const refusal = await fetch(`${server.baseUrl}/token`, { method: "POST", body });
    expect(await refusal.json()).toMatchObject({ error: "temporarily_unavailable" });
  });

  it("registers a client that says nothing for the one method that the router can read", async () => {
    await using server = await startProtectedServer(withSdkGuard, emulator.issuerUrl, provider);
    const registration = await fetch(`${server.baseUrl}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ redirect_uris: ["http://127.0.0.1/callback"] }),
    });
    expect(await registration.json()).toMatchObject({
      token_endpoint_auth_method: "client_secret_post",
      client_secret: expect.any(String),
    });
  });
});

describe("toMcpSdkV1Provider", () => {
  const client = { client_id: "client", redirect_uris: ["http://127.0.0.1/callback"] };

  /** A provider in which everything fails in one way. */
  function failing(failure: Error): McpSdkV1Provider {
    const fail = (): Promise<never> => Promise.reject(failure);
    return toMcpSdkV1Provider({
      clientsStore: { getClient: fail, registerClient: fail },
      skipLocalPkceValidation: true,
      authorize: fail,
      challengeForAuthorizationCode: fail,
      exchangeAuthorizationCode: fail,
      exchangeRefreshToken: fail,
      verifyAccessToken: fail,
      revokeToken: fail,
    });
  }

  class Outage extends StorageError {
    readonly code = "ERR_STORAGE_UNAVAILABLE";
  }

  it("has the shape of the SDK's OAuthServerProvider", () => {
    expectTypeOf<McpSdkV1Provider>().toExtend<OAuthServerProvider>();
    expectTypeOf<PangeaOAuthProvider>().toExtend<OAuthServerProvider>();
  });

  it.each([
    ["invalid_token", InvalidTokenError],
    ["invalid_grant", InvalidGrantError],
    ["invalid_scope", InvalidScopeError],
    ["invalid_client_metadata", InvalidClientMetadataError],
  ] as const)("throws the SDK's own class for %s", async (code, SdkError) => {
    const failure = new OAuthError(code, "what to do");
    const rejection = expect(failing(failure).exchangeRefreshToken(client, "token")).rejects;
    await rejection.toBeInstanceOf(SdkError);
    await rejection.toMatchObject({ message: "what to do", errorCode: code, cause: failure });
  });

  it("keeps the code of an error that the SDK has no class for", async () => {
    const adapted = failing(new OAuthError("invalid_redirect_uri", "not that one"));
    const rejection = expect(adapted.clientsStore.registerClient?.(client)).rejects;
    await rejection.toBeInstanceOf(CustomOAuthError);
    await rejection.toMatchObject({ errorCode: "invalid_redirect_uri" });
  });

  it("throws TemporarilyUnavailableError for an outage wherever a client redeems or revokes", async () => {
    const adapted = failing(new Outage("down"));
    for (const attempt of [
      () => adapted.clientsStore.getClient("client"),
      () => adapted.exchangeAuthorizationCode(client, "code"),
      () => adapted.exchangeRefreshToken(client, "token"),
      () => adapted.challengeForAuthorizationCode(client, "code"),
      () => adapted.revokeToken(client, { token: "token" }),
    ]) {
      await expect(attempt()).rejects.toBeInstanceOf(TemporarilyUnavailableError);
    }
  });

  it("tells nothing of a failure that nobody foresaw", async () => {
    const adapted = failing(new Error("the password is hunter2"));
    await expect(adapted.exchangeRefreshToken(client, "token")).rejects.not.toThrow(/hunter2/);
  });

  it("offers no registration where the provider has none", () => {
    const { clientsStore, ...rest } = failing(new Outage("down"));
    const { getClient } = clientsStore;
    expect(toMcpSdkV1Provider({ ...rest, clientsStore: { getClient } }).clientsStore.registerClient).toBeUndefined();
  });
});
