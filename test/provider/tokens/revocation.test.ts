import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, type GrantSummary } from "../../../src/index.ts";
import { failingOnce, recordedRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });
const revoke = (harness: ProviderHarness, clientId: string, token: string) =>
  harness.postForm("/revoke", { client_id: clientId, token });

async function isActiveAtPangea(token: string): Promise<boolean> {
  const introspection = await fetch(`${emulator.issuerUrl}/v2/oauth/token/introspect`, {
    method: "POST",
    headers: {
      authorization: `Basic ${btoa("psa_emulatoremulatoremulatoremulator:pck_emulatoremulatoremulatoremulator")}`,
    },
    body: new URLSearchParams({ token }),
  });
  return (await jsonOf(introspection)).active ?? false;
}

describe("revocation", () => {
  it("of an access token ends that token, and nothing else of its login", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const { token } = await harness.provider.pangeaToken({ token: tokens.access_token });
    const answer = await revoke(harness, tokens.clientId, tokens.access_token);
    expect(answer.status).toBe(200);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    await expect(harness.provider.pangeaToken({ token: tokens.access_token })).rejects.toMatchObject({
      error: "invalid_token",
    });
    expect(await isActiveAtPangea(token)).toBe(true);
    const renewed = await jsonOf(await harness.refresh(tokens));
    expect(await harness.mcpStatus(renewed.access_token)).toBe(200);
    expect((await revoke(harness, tokens.clientId, tokens.access_token)).status).toBe(200);
  });

  it("of a refresh token ends the grant, the upstream tokens included", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const authInfo = await harness.provider.verifyAccessToken(tokens.access_token);
    const upstream = await harness.provider.pangeaToken(authInfo);

    await revoke(harness, tokens.clientId, tokens.refresh_token);

    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    await expect(harness.provider.pangeaToken(authInfo)).rejects.toMatchObject({ error: "invalid_token" });
    expect(await isActiveAtPangea(upstream.token)).toBe(false);
  });

  it("of a refresh token of any number ends the whole login", async () => {
    const harness = start();
    const first = await harness.tokens();
    const second = { ...first, ...(await jsonOf(await harness.refresh(first))) };
    const third = { ...first, ...(await jsonOf(await harness.refresh(second))) };
    await revoke(harness, first.clientId, first.refresh_token);
    for (const { access_token } of [first, second, third]) expect(await harness.mcpStatus(access_token)).toBe(401);
    expect((await harness.refresh(third)).status).toBe(400);
  });

  it("of a login is one write, whatever it has issued, and the tokens' own records are let be", async () => {
    const { repositories, calls } = recordedRepositories();
    const harness = start({ repositories });
    let tokens = await harness.tokens();
    for (let round = 0; round < 5; round += 1) {
      tokens = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
    }
    calls.length = 0;
    await revoke(harness, tokens.clientId, tokens.refresh_token);
    // The consent is forgotten too, which is no matter of the tokens.
    const writes = calls.filter((call) => !call.endsWith(" get") && !call.startsWith("consent_revocation"));
    expect(writes).toEqual(["grant set"]);
  });

  it("of a login lasts until nothing of the login could live, by the clock of any instance", async () => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const options = { clock: clock.read, repositories, grantLifetimeSeconds: 3600, accessTokenLifetimeSeconds: 3600 };
    const harness = start(options);
    const tokens = await harness.tokens();
    await revoke(harness, tokens.clientId, tokens.refresh_token);
    const [[, tombstone] = []] = await recordsOf(repositories.grants);
    expect(tombstone).toMatchObject({ clientId: tokens.clientId, revokedAt: clock.seconds(), scopes: [] });
    // An instance that has been suspended all the while, and has a slow clock, finds the tombstone still.
    clock.advanceSeconds(3600 + 600 + 300);
    const slow = start({ ...options, clock: () => clock.read() - (3600 + 900) * 1000 });
    expect(await slow.mcpStatus(tokens.access_token)).toBe(401);
    expect((await slow.refresh(tokens)).status).toBe(400);
    expect((await slow.redeem(tokens)).status).toBe(400);
    expect(await recordsOf(repositories.grants)).toHaveLength(1);
    clock.advanceSeconds(2 * 86_400);
    expect(await recordsOf(repositories.grants)).toEqual([]);
  });

  it("by an operator ends a login that is being refreshed, and says once that there was one", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const { grantId } = (await harness.provider.verifyAccessToken(tokens.access_token)).extra;
    const [first, second] = await Promise.all([
      harness.provider.revokeGrant(String(grantId)),
      harness.refresh(tokens).then(jsonOf),
    ]);
    expect(first).toBe(true);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    if (second.access_token !== undefined) expect(await harness.mcpStatus(second.access_token)).toBe(401);
    if (second.refresh_token !== undefined) expect((await harness.refresh({ ...tokens, ...second })).status).toBe(400);
    expect(await harness.provider.revokeGrant(String(grantId))).toBe(false);
  });

  it("answers 200 for an unknown token and for another client's, which lives on", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const other = await harness.register();
    for (const token of ["nonsense", tokens.access_token, tokens.refresh_token]) {
      const answer = await revoke(harness, other.client_id, token);
      expect(answer.status).toBe(200);
    }
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    expect((await harness.refresh(tokens)).status).toBe(200);
  });

  it("is refused to an unknown client", async () => {
    const answer = await start().postForm("/revoke", { client_id: "nobody", token: "x" });
    expect(answer.status).toBe(401);
    expect((await jsonOf(answer)).error).toBe("invalid_client");
  });

  it("of a login is not done by whoever knows no more than its tokens' common handle", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const renewed = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
    const { refresh_token } = renewed;
    const core = refresh_token.slice(0, -31);
    const invented = [
      `${core}_AAAAAAAA${"0".repeat(22)}`,
      `${core.slice(0, 36)}${"0".repeat(43)}_AAAAAAAA${"0".repeat(22)}`,
      `${core.slice(0, 30)}000009${"0".repeat(43)}_AAAAAAAA${"0".repeat(22)}`,
      `${core}${refresh_token.slice(-31, -22)}${"0".repeat(22)}`,
      tokens.code,
    ];
    for (const token of invented) {
      expect((await revoke(harness, tokens.clientId, token)).status).toBe(200);
      expect(await harness.mcpStatus(renewed.access_token)).toBe(200);
    }
    expect((await harness.refresh(renewed)).status).toBe(200);
  });

  it("says 503 where the store does not take it, and the token lives on", async () => {
    const inner = createInMemoryRepositories();
    const accessTokens = failingOnce(inner.accessTokens);
    const harness = start({ repositories: { ...inner, accessTokens: accessTokens.repository } });
    const tokens = await harness.tokens();
    accessTokens.failNext("set", "before");
    const answer = await revoke(harness, tokens.clientId, tokens.access_token);
    expect(answer.status).toBe(503);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    expect((await revoke(harness, tokens.clientId, tokens.access_token)).status).toBe(200);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
  });

  it.each([
    { kind: "grants", method: "get", moment: "before" },
    { kind: "grants", method: "set", moment: "before" },
    { kind: "grants", method: "set", moment: "after" },
    { kind: "refreshTokens", method: "get", moment: "before" },
    { kind: "upstreamSessions", method: "get", moment: "before" },
  ] as const)("that failed halfway can be repeated: $kind $method failed $moment the effect", async (failure) => {
    const { kind, method, moment } = failure;
    const inner = createInMemoryRepositories();
    const flaky = failingOnce<unknown>(inner[kind]);
    const ended: string[] = [];
    const harness = start({
      repositories: { ...inner, [kind]: flaky.repository },
      fetch: async (request: Request) => {
        if (request.url.endsWith("/revoke")) ended.push(await request.clone().text());
        return fetch(request);
      },
    });
    const first = await harness.tokens();
    const tokens = { ...first, ...(await jsonOf(await harness.refresh(first))) };
    flaky.failNext(method, moment);
    expect((await revoke(harness, tokens.clientId, tokens.refresh_token)).status).toBe(503);
    expect((await revoke(harness, tokens.clientId, tokens.refresh_token)).status).toBe(200);
    for (const { access_token } of [first, tokens]) expect(await harness.mcpStatus(access_token)).toBe(401);
    expect((await harness.refresh(tokens)).status).toBe(400);
    const grants: GrantSummary[] = [];
    for await (const grant of start({ repositories: inner }).provider.listGrants({})) grants.push(grant);
    expect(grants).toEqual([]);
    expect(ended).not.toEqual([]);
  });

  it("is not served where it is switched off", async () => {
    const harness = start({ revocation: { enabled: false } });
    expect((await harness.postForm("/revoke", { client_id: "x", token: "y" })).status).toBe(404);
    const metadata = await jsonOf(await harness.get("/.well-known/oauth-authorization-server"));
    expect(metadata.revocation_endpoint).toBeUndefined();
  });
});
