import * as client from "openid-client";
import { expect, it } from "vitest";
import { initializeRequest } from "../support/mount-suite.ts";
import { otherUpstreams } from "../support/upstream-scene.ts";
import { openClientScene, openClientSceneWith } from "./client-scene.ts";

const redirectUri = "http://127.0.0.1:4999/callback";

it.each(["Pangea AuthN", ...otherUpstreams] as const)(
  "gets openid-client from the metadata over a registration to a token, a refresh and a revocation, with %s as the upstream",
  async (kind) => {
    await using scene = await openClientSceneWith(kind);
    const { baseUrl, mcpUrl } = scene.server;
    const configuration = await client.dynamicClientRegistration(
      new URL(baseUrl),
      {
        client_name: "openid-client",
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "client_secret_basic",
      },
      undefined,
      { algorithm: "oauth2", execute: [client.allowInsecureRequests] },
    );
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const authorizationUrl = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: "user admin",
      state: expectedState,
      resource: mcpUrl,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    const callback = await scene.logIn(authorizationUrl);
    const tokens = await client.authorizationCodeGrant(configuration, callback, { pkceCodeVerifier, expectedState });
    expect(tokens.scope).toBe("user admin");
    expect((await initializeRequest(mcpUrl, tokens.access_token)).status).toBe(200);

    const refreshed = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    expect((await initializeRequest(mcpUrl, refreshed.access_token)).status).toBe(200);
    await client.tokenRevocation(configuration, refreshed.refresh_token ?? "");
    expect((await initializeRequest(mcpUrl, refreshed.access_token)).status).toBe(401);
  },
);

it("tells openid-client of a person who says no, in a way that it understands", async () => {
  await using scene = await openClientScene();
  const configuration = await client.dynamicClientRegistration(
    new URL(scene.server.baseUrl),
    { redirect_uris: [redirectUri], token_endpoint_auth_method: "none" },
    client.None(),
    { algorithm: "oauth2", execute: [client.allowInsecureRequests] },
  );
  const verifier = client.randomPKCECodeVerifier();
  const authorizationUrl = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    state: "the-state",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const callback = await scene.logIn(authorizationUrl, { decision: "deny" });
  const refusal = client.authorizationCodeGrant(configuration, callback, { expectedState: "the-state" });
  await expect(refusal).rejects.toMatchObject({ error: "access_denied" });
});
