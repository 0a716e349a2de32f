import * as oauth from "oauth4webapi";
import { expect, it } from "vitest";
import { initializeRequest } from "../support/mount-suite.ts";
import { openClientSceneWith } from "./client-scene.ts";

const redirectUri = "http://127.0.0.1:4999/callback";
const insecure = { [oauth.allowInsecureRequests]: true } as const;

const authentications = {
  none: () => oauth.None(),
  client_secret_basic: (secret: string) => oauth.ClientSecretBasic(secret),
  client_secret_post: (secret: string) => oauth.ClientSecretPost(secret),
} as const;

it.each([
  ["none", "Pangea AuthN"],
  ["client_secret_basic", "Pangea AuthN"],
  ["client_secret_post", "Pangea AuthN"],
  ["none", "OpenID Connect"],
  ["none", "OAuth 2.0"],
] as const)(
  "gets oauth4webapi from the resource's metadata to a token, a refresh and a revocation: %s, with %s as the upstream",
  async (method, kind) => {
    await using scene = await openClientSceneWith(kind);
    const resourceUrl = new URL(scene.server.mcpUrl);
    const resource = await oauth.processResourceDiscoveryResponse(
      resourceUrl,
      await oauth.resourceDiscoveryRequest(resourceUrl, insecure),
    );
    const issuer = new URL(resource.authorization_servers?.[0] ?? "");
    const discovery = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
    const server = await oauth.processDiscoveryResponse(issuer, discovery);

    const registration = await oauth.dynamicClientRegistrationRequest(
      server,
      {
        client_name: "oauth4webapi",
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: method,
      },
      insecure,
    );
    const client = await oauth.processDynamicClientRegistrationResponse(registration);
    const authentication = authentications[method](String(client.client_secret ?? ""));

    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const authorizationUrl = new URL(server.authorization_endpoint ?? "");
    authorizationUrl.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: "user",
      state,
      resource: resource.resource,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }).toString();
    const parameters = oauth.validateAuthResponse(server, client, await scene.logIn(authorizationUrl), state);
    const redemption = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      redirectUri,
      verifier,
      insecure,
    );
    const first = await oauth.processAuthorizationCodeResponse(server, client, redemption);
    expect(await statusWith(scene.server.mcpUrl, first.access_token)).toBe(200);

    const refresh = await oauth.refreshTokenGrantRequest(
      server,
      client,
      authentication,
      first.refresh_token ?? "",
      insecure,
    );
    const second = await oauth.processRefreshTokenResponse(server, client, refresh);
    expect(second.access_token).not.toBe(first.access_token);
    expect(await statusWith(scene.server.mcpUrl, second.access_token)).toBe(200);

    const revocation = await oauth.revocationRequest(
      server,
      client,
      authentication,
      second.refresh_token ?? "",
      insecure,
    );
    await oauth.processRevocationResponse(revocation);
    expect(await statusWith(scene.server.mcpUrl, second.access_token)).toBe(401);
  },
);

async function statusWith(mcpUrl: string, token: string): Promise<number> {
  return (await initializeRequest(mcpUrl, token)).status;
}
