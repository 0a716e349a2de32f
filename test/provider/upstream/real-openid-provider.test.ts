import { exportJWK, generateKeyPair } from "jose";
import type { Configuration } from "oidc-provider";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  createInMemoryRepositories,
  McpOAuthProvider,
  type OpenIdConnectOptions,
  openIdConnect,
} from "../../../src/index.ts";
import { jsonOf } from "../../support/json-of.ts";
import { type OpenIdProviderServer, startOpenIdProvider } from "../../support/openid-provider-server.ts";
import { ClientHarness, pkce } from "../../support/provider-harness.ts";
import { serverClient } from "../../support/upstream-clients.ts";

const baseUrl = "http://localhost:8000";
const redirectUri = `${baseUrl}/oidc/callback`;

const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const elliptic = { ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: "elliptic" };

beforeEach(() => {
  // oidc-provider remarks that it is not set up for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});

async function scene(changes: Configuration = {}, options: Partial<OpenIdConnectOptions> = {}) {
  const server = await startOpenIdProvider(redirectUri, changes);
  const repositories = createInMemoryRepositories();
  const start = () =>
    new ClientHarness(
      new McpOAuthProvider({
        baseUrl,
        scopes: ["user"],
        repositories,
        upstream: openIdConnect({ issuer: server.issuer, ...serverClient, ...options }),
      }),
      baseUrl,
    );
  return { server, harness: start(), start };
}

async function answerFor(harness: ClientHarness<McpOAuthProvider>, server: OpenIdProviderServer) {
  const { client_id: clientId } = await harness.register();
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const callback = await server.followLogin(location);
  return { clientId, verifier, answer: await harness.finishLogin(callback, cookie) };
}

async function logIn(harness: ClientHarness<McpOAuthProvider>, server: OpenIdProviderServer) {
  const { clientId, verifier, answer } = await answerFor(harness, server);
  const issued = { clientId, verifier, code: answer.searchParams.get("code") ?? answer.search };
  return { ...issued, ...(await jsonOf(await harness.redeem(issued))) };
}

describe("a certified OpenID provider as the upstream", () => {
  const variations: readonly (readonly [string, Configuration, Partial<OpenIdConnectOptions>])[] = [
    ["as it comes", {}, {}],
    ["with refresh tokens that rotate", { rotateRefreshToken: true, issueRefreshToken: async () => true }, {}],
    ["with refresh tokens that stay", { rotateRefreshToken: false, issueRefreshToken: async () => true }, {}],
    ["without refresh tokens", { issueRefreshToken: async () => false }, {}],
    ["with the claims in the ID token", { conformIdTokenClaims: false }, { userinfo: false }],
    [
      "with the secret in the form",
      { clientDefaults: { token_endpoint_auth_method: "client_secret_post" } },
      { clientAuthentication: "client_secret_post" },
    ],
    [
      "with another algorithm",
      { jwks: { keys: [elliptic] }, clientDefaults: { id_token_signed_response_alg: "ES256" } },
      { idTokenSigningAlgorithm: "ES256" },
    ],
    ["without a revocation endpoint", { features: { devInteractions: { enabled: false } } }, {}],
  ];
  it.each(variations)("%s: a user logs in, is known, and uses the upstream's token", async (_, changes, options) => {
    const { server, harness, start } = await scene(changes, options);
    await using _server = server;
    const issued = await logIn(harness, server);
    const authInfo = await harness.provider.verifyAccessToken(issued.access_token);
    expect(authInfo.extra).toMatchObject({ subject: "ada" });
    const upstreamToken = await harness.provider.upstreamToken(authInfo);
    expect(upstreamToken).toMatchObject({ subject: "ada", username: "ada", email: "ada@example.org" });
    const userinfo = await fetch(`${server.issuer}/me`, {
      headers: { authorization: `Bearer ${upstreamToken.token}` },
    });
    expect(await userinfo.json()).toMatchObject({ sub: "ada" });
    // Another instance goes on with the login.
    const refreshed = await jsonOf(await start().refresh(issued));
    expect(await harness.provider.upstreamToken({ token: refreshed.access_token })).toMatchObject({ subject: "ada" });
  });

  it("that refreshes: the upstream's token is replaced when it is due", async () => {
    const ttl = {
      AccessToken: 30,
      IdToken: 600,
      RefreshToken: 3_600,
      AuthorizationCode: 60,
      Interaction: 60,
      Session: 60,
      Grant: 3_600,
    };
    const { server, harness } = await scene({ issueRefreshToken: async () => true, ttl });
    await using _server = server;
    const issued = await logIn(harness, server);
    const first = await harness.provider.upstreamToken({ token: issued.access_token });
    const second = await harness.provider.upstreamToken({ token: issued.access_token });
    expect(second.token).not.toBe(first.token);
    expect(second).toMatchObject({ subject: "ada", email: "ada@example.org" });
  });

  it("that says no: the client reads access_denied, and nothing is stored", async () => {
    const { server, harness } = await scene();
    await using _server = server;
    server.decision = "deny";
    const { answer } = await answerFor(harness, server);
    expect(answer.searchParams.get("error")).toBe("access_denied");
  });

  it("whose user may not log in: the reason is told", async () => {
    const { server, harness } = await scene({}, { allow: () => "Only the staff may use this server." });
    await using _server = server;
    const { answer } = await answerFor(harness, server);
    expect(Object.fromEntries(answer.searchParams)).toMatchObject({
      error: "access_denied",
      error_description: "Only the staff may use this server.",
    });
  });

  it("that is out: a login is refused for the time being, and goes on when it is back", async () => {
    const { server, harness } = await scene();
    await using _server = server;
    const { client_id: clientId } = await harness.register();
    const { challenge } = pkce();
    const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
    const callback = await server.followLogin(location);
    await server[Symbol.asyncDispose]();
    const answer = await harness.finishLogin(callback, cookie);
    expect(answer.searchParams.get("error")).toBe("temporarily_unavailable");
  });

  it("whose issuer is configured wrongly: nobody is logged in, and the operator reads why", async () => {
    const { server } = await scene();
    await using _server = server;
    const wrong = openIdConnect({ issuer: server.issuer.replace("127.0.0.1", "localhost"), ...serverClient });
    const login = { state: "s", codeChallenge: "c", redirectUri };
    await expect(Promise.resolve(wrong.authorizationUrl(login))).rejects.toMatchObject({
      code: "ERR_UPSTREAM_REJECTED",
      advice: expect.stringContaining("issuer"),
    });
  });
});
