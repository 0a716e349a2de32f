import { beforeEach, describe, expect, it, vi } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { connectWithLogin, sdkV1Client, sdkV2Client } from "../support/mcp-client.ts";
import { initializeRequest, obtainTokens } from "../support/mount-suite.ts";
import { openUpstreamScene, otherUpstreams, upstreamKinds } from "../support/upstream-scene.ts";

beforeEach(() => {
  // oidc-provider remarks that it is not set up for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});

describe.each(["Pangea AuthN", ...otherUpstreams] as const)("with %s as the upstream", (kind) => {
  const ada = upstreamKinds[kind];
  const userOf = (said: string) => said.split(" ")[0];

  it.each([
    ["v1", sdkV1Client],
    ["v2", sdkV2Client],
  ])("the MCP SDK's %s client gets through login, tool call, refresh and revocation", async (_, newClient) => {
    await using scene = await openUpstreamScene(kind);
    await using client = newClient(scene.mcpUrl);
    await connectWithLogin(client);
    expect(userOf(await client.whoami())).toBe(ada);

    const first = client.oauth.tokens();
    scene.advanceSeconds(3_601);
    expect(userOf(await client.whoami()), "the upstream's token is refreshed too").toBe(ada);
    const second = client.oauth.tokens();
    expect(second?.access_token).not.toBe(first?.access_token);
    expect(second?.refresh_token).not.toBe(first?.refresh_token);

    const { client_id = "", client_secret } = client.oauth.clientInformation() ?? {};
    const secret = client_secret === undefined ? {} : { client_secret };
    const body = new URLSearchParams({ token: second?.refresh_token ?? "", client_id, ...secret });
    expect((await fetch(`${scene.baseUrl}/revoke`, { method: "POST", body })).status).toBe(200);
    await expect(client.whoami()).rejects.toThrow();
    expect(client.oauth.authorizationUrl, "the SDK asks for a new login").toBeInstanceOf(URL);
  });

  it("a token is for this user of this upstream, and its scopes are held to", async () => {
    await using scene = await openUpstreamScene(kind);
    const { accessToken } = await obtainTokens(scene.baseUrl, "user");
    const upstream = await scene.provider.upstreamToken({ token: accessToken });
    const { extra, scopes } = await scene.provider.verifyAccessToken(accessToken);
    expect(extra).toMatchObject({ subject: upstream.subject, upstreamIssuer: upstream.upstreamIssuer });
    expect(scopes).toEqual(["user"]);
    expect((await initializeRequest(scene.mcpUrl, accessToken)).status).toBe(200);
    expect((await initializeRequest(scene.mcpUrl, upstream.token)).status, "no token of there opens this").toBe(401);
    const metadata = await jsonOf(await fetch(`${scene.baseUrl}/.well-known/oauth-authorization-server`));
    expect(metadata.issuer).toBe(scene.baseUrl);
  });
});
