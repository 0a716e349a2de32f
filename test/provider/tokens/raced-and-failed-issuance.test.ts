import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../../src/index.ts";
import { gated } from "../../support/gated-repository.ts";
import { refusing } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const open = (options = {}) => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

async function refreshed(harness: ProviderHarness, tokens: Pick<IssuedTokens, "clientId" | "refresh_token">) {
  const response = await harness.refresh(tokens);
  expect(response.status).toBe(200);
  return { clientId: tokens.clientId, ...(await jsonOf(response)) };
}

const revoke = (harness: ProviderHarness, clientId: string, token: string) =>
  harness.postForm("/revoke", { client_id: clientId, token });

describe("a refresh that is sent twice, and is slow once", () => {
  it.each(["accessTokens", "refreshTokens"] as const)("hides no token from a revocation: %s", async (kind) => {
    const inner = createInMemoryRepositories();
    const repository = gated<string, unknown>(inner[kind]);
    const harness = open({ repositories: { ...inner, [kind]: repository } });
    const tokens = await harness.tokens();
    const gate = repository.hold("add");
    const slow = harness.refresh(tokens);
    await gate.arrival();
    const first = await refreshed(harness, tokens);
    const second = await refreshed(harness, first);
    await gate.answer();
    expect((await slow).status).toBe(200);
    expect(await harness.mcpStatus(second.access_token)).toBe(200);

    expect((await revoke(harness, tokens.clientId, second.refresh_token)).status).toBe(200);

    for (const { access_token } of [tokens, first, second]) expect(await harness.mcpStatus(access_token)).toBe(401);
    expect((await harness.refresh(second)).status).toBe(400);
  });

  it("does not bring back an access token that was revoked meanwhile", async () => {
    const inner = createInMemoryRepositories();
    const accessTokens = gated(inner.accessTokens);
    const harness = open({ repositories: { ...inner, accessTokens } });
    const tokens = await harness.tokens();
    const gate = accessTokens.hold("add");
    const slow = harness.refresh(tokens);
    await gate.arrival();
    const first = await refreshed(harness, tokens);
    await revoke(harness, tokens.clientId, first.access_token);
    await gate.answer();
    expect((await slow).status).toBe(400);
    expect(await harness.mcpStatus(first.access_token)).toBe(401);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  });

  it("gives requests for different scopes one token, says what it has, and leaves none that no revocation finds", async () => {
    const repositories = createInMemoryRepositories();
    const instances = [open({ repositories }), open({ repositories }), open({ repositories })] as const;
    const [harness] = instances;
    const tokens = await harness.tokens();
    const answers = await Promise.all(
      [{ scope: "user" }, {}, { scope: "admin" }].map((asked, index) => instances[index]?.refresh(tokens, asked)),
    );
    const bodies = await Promise.all(answers.map((answer) => jsonOf(answer ?? new Response())));
    const [first] = bodies;
    for (const { access_token, scope } of bodies) {
      expect(access_token).toBe(first?.access_token);
      expect((await harness.provider.verifyAccessToken(access_token)).scopes.join(" ")).toBe(scope);
    }
    await revoke(harness, tokens.clientId, first?.refresh_token ?? "");
    for (const { access_token } of [tokens, ...bodies]) expect(await harness.mcpStatus(access_token)).toBe(401);
  });

  it("answers a later request, for whatever scopes, as it answered the first", async () => {
    const harness = open({ clock: new ManualClock().read });
    const tokens = await harness.tokens();
    const first = await jsonOf(await harness.refresh(tokens, { scope: "user" }));
    for (const asked of [{ scope: "admin" }, {}]) {
      expect(await jsonOf(await harness.refresh(tokens, asked))).toEqual(first);
    }
  });
});

describe("a store that fails for a moment", () => {
  it("after Pangea has refreshed the user's tokens loses neither them nor the login", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    let failing = false;
    const upstreamSessions = refusing(inner.upstreamSessions, (method) => failing && method === "set");
    const harness = open({
      clock: clock.read,
      repositories: { ...inner, upstreamSessions },
      accessTokenLifetimeSeconds: 30 * 24 * 3600,
    });
    const tokens = await harness.tokens();
    const { expiresAt = 0 } = await harness.provider.pangeaToken({ token: tokens.access_token });
    clock.advanceSeconds(expiresAt - clock.seconds(5));
    failing = true;
    const renewed = await harness.provider.pangeaToken({ token: tokens.access_token });
    expect(renewed.expiresAt).toBeGreaterThan(clock.seconds());
    expect(await harness.provider.pangeaToken({ token: tokens.access_token })).toEqual(renewed);
    // Due again, and the store still does not take it.
    clock.advanceSeconds((renewed.expiresAt ?? 0) - clock.seconds(5));
    const again = await harness.provider.pangeaToken({ token: tokens.access_token });
    expect(again.expiresAt).toBeGreaterThan(clock.seconds());
    expect(await harness.provider.pangeaToken({ token: tokens.access_token })).toEqual(again);
    failing = false;
    expect(await harness.provider.pangeaToken({ token: tokens.access_token })).toEqual(again);
    const other = open({ clock: clock.read, repositories: inner }).provider;
    expect(await other.pangeaToken({ token: tokens.access_token })).toEqual(again);
  });

  it("after Pangea has refreshed the user's tokens does not bring back a login that was ended since", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    let failing = false;
    const upstreamSessions = refusing(inner.upstreamSessions, (method) => failing && method === "set");
    const revoked: string[] = [];
    const settings = {
      clock: clock.read,
      accessTokenLifetimeSeconds: 30 * 24 * 3600,
      fetch: async (request: Request) => {
        const form = new URLSearchParams(await request.clone().text());
        if (request.url.endsWith("/revoke")) revoked.push(form.get("token") ?? "");
        return fetch(request);
      },
    };
    const harness = open({ ...settings, repositories: { ...inner, upstreamSessions } });
    const tokens = await harness.tokens();
    const { grantId } = (await harness.provider.verifyAccessToken(tokens.access_token)).extra;
    const { expiresAt = 0 } = await harness.provider.pangeaToken({ token: tokens.access_token });
    clock.advanceSeconds(expiresAt - clock.seconds(5));
    failing = true;
    const renewed = await harness.provider.pangeaToken({ token: tokens.access_token });
    failing = false;
    await open({ ...settings, repositories: inner }).provider.revokeGrant(String(grantId));
    await expect(harness.provider.pangeaToken({ token: tokens.access_token })).rejects.toMatchObject({
      error: "invalid_token",
    });
    expect(await inner.grants.get(String(grantId))).toMatchObject({ revokedAt: expect.any(Number), scopes: [] });
    // Whoever ended the login had no key to its session. The instance that had the newest one has ended it.
    expect(revoked).toContain(renewed.token);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
  });
});

describe("the end of a grant", () => {
  it("is the end of its access tokens, however late they were issued", async () => {
    const clock = new ManualClock();
    const harness = open({ clock: clock.read, grantLifetimeSeconds: 1_000, accessTokenLifetimeSeconds: 600 });
    const tokens = await harness.tokens();
    clock.advanceSeconds(900);
    const late = await refreshed(harness, tokens);
    expect(late.expires_in).toBeLessThanOrEqual(101);
    clock.advanceSeconds(102);
    expect(await harness.mcpStatus(late.access_token)).toBe(401);
    const short = open({ grantLifetimeSeconds: 60 });
    expect((await short.tokens()).expires_in).toBeLessThanOrEqual(60);
  });

  it("while Pangea refreshes its tokens ends those too, and is told as what it is", async () => {
    const clock = new ManualClock();
    const revoked: string[] = [];
    const issued: string[] = [];
    let hold = false;
    let release = (): void => {};
    let begun = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const refreshing = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const harness = open({
      clock: clock.read,
      accessTokenLifetimeSeconds: 30 * 24 * 3600,
      fetch: async (request: Request) => {
        const form = new URLSearchParams(await request.clone().text());
        if (request.url.endsWith("/revoke")) revoked.push(form.get("token") ?? "");
        const response = await fetch(request);
        if (!hold || form.get("grant_type") !== "refresh_token") return response;
        const reply: { access_token: string; refresh_token: string } = await jsonOf(response);
        issued.push(reply.access_token, reply.refresh_token);
        begun();
        await released;
        return Response.json(reply);
      },
    });
    const tokens = await harness.tokens();
    const { expiresAt = 0 } = await harness.provider.pangeaToken({ token: tokens.access_token });
    clock.advanceSeconds(expiresAt - clock.seconds() - 30);
    hold = true;
    const opened = harness.provider.pangeaToken({ token: tokens.access_token });
    await refreshing;
    expect((await revoke(harness, tokens.clientId, tokens.refresh_token)).status).toBe(200);
    release();
    await expect(opened).rejects.toMatchObject({ error: "invalid_token" });
    expect(revoked).toEqual(expect.arrayContaining(issued));
  });
});

it("a code of another client ends nobody's login", async () => {
  const clock = new ManualClock();
  const harness = open({ clock: clock.read });
  const tokens = await harness.tokens();
  clock.advanceSeconds(1_800);
  const { client_id: other } = await harness.register();
  const replay = await harness.redeem({ clientId: other, code: tokens.code, verifier: tokens.verifier });
  expect(replay.status).toBe(400);
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  expect((await harness.redeem(tokens)).status).toBe(400);
  expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
});
