import { beforeEach, describe, expect, it, vi } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { initializeRequest, obtainTokens } from "../support/mount-suite.ts";
import { openUpstreamScene, otherUpstreams } from "../support/upstream-scene.ts";

beforeEach(() => {
  // oidc-provider remarks that it is not set up for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});

describe.each(["Pangea AuthN", ...otherUpstreams] as const)("with %s as the upstream", (kind) => {
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
