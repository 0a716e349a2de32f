import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../../src/index.ts";
import { gated } from "../../support/gated-repository.ts";
import { refusing } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const open = (options = {}) => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });
const revoke = (harness: ProviderHarness, clientId: string, token: string) =>
  harness.postForm("/revoke", { client_id: clientId, token });
const errorOf = async (answer: Response) => [answer.status, (await jsonOf(answer)).error];

describe("a code whose first redemption failed halfway", () => {
  it("is redeemed for tokens that a revocation finds, though a write of the first attempt lands last", async () => {
    const inner = createInMemoryRepositories();
    let failing = true;
    const grants = gated(inner.grants);
    const accessTokens = refusing(inner.accessTokens, (method) => failing && method === "set");
    const one = open({ repositories: { ...inner, grants, accessTokens } });
    const other = open({ repositories: inner });
    const code = await one.codeFor((await one.register()).client_id);
    const late = grants.hold("set");
    expect((await one.redeem(code)).status).toBe(503);
    failing = false;
    const answer = await other.redeem(code);
    expect(answer.status).toBe(200);
    const tokens = await jsonOf(answer);
    await late.answer();

    expect((await other.refresh({ ...code, ...tokens })).status).toBe(200);
    expect((await revoke(other, code.clientId, tokens.refresh_token)).status).toBe(200);
    expect(await other.mcpStatus(tokens.access_token)).toBe(401);
    expect(await recordsOf(inner.accessTokens)).toEqual([]);
  });

  it("is over where the secret that it was issued under is gone", async () => {
    const repositories = createInMemoryRepositories();
    const before = open({ repositories, secret: "a".repeat(40) });
    const code = await before.codeFor((await before.register()).client_id);
    expect(await errorOf(await open({ repositories, secret: "b".repeat(40) }).redeem(code))).toEqual([
      400,
      "invalid_grant",
    ]);
    // Only an outage leaves a code good.
    expect((await before.redeem(code)).status).toBe(400);
  });
});

describe("a revocation that failed halfway", () => {
  it.each(["accessTokens", "refreshTokens", "grants"] as const)("can be repeated after %s were out", async (kind) => {
    const inner = createInMemoryRepositories();
    let failing = false;
    const flaky = refusing<unknown>(inner[kind], (method) => failing && method === "delete");
    const ended: string[] = [];
    const harness = open({
      repositories: { ...inner, [kind]: flaky },
      fetch: async (request: Request) => {
        if (request.url.endsWith("/revoke")) ended.push(await request.clone().text());
        return fetch(request);
      },
    });
    const first = await harness.tokens();
    const tokens = { ...first, ...(await jsonOf(await harness.refresh(first))) };
    failing = true;
    expect((await revoke(harness, tokens.clientId, tokens.refresh_token)).status).toBe(503);
    failing = false;
    expect((await revoke(harness, tokens.clientId, tokens.refresh_token)).status).toBe(200);
    for (const { access_token } of [first, tokens]) expect(await harness.mcpStatus(access_token)).toBe(401);
    expect((await harness.refresh(tokens)).status).toBe(400);
    const grants = [];
    for await (const grant of open({ repositories: inner }).provider.listGrants({})) grants.push(grant);
    expect(grants).toEqual([]);
    expect(ended).not.toEqual([]);
  });

  it("for a refresh token that was used twice is made good when it is used again", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    let failing = false;
    const accessTokens = refusing(inner.accessTokens, (method) => failing && method === "delete");
    const harness = open({ clock: clock.read, repositories: { ...inner, accessTokens } });
    const tokens = await harness.tokens();
    const successor = await jsonOf(await harness.refresh(tokens));
    clock.advanceSeconds(31);
    failing = true;
    expect((await harness.refresh(tokens)).status).toBe(503);
    failing = false;
    expect(await errorOf(await harness.refresh(tokens))).toEqual([400, "invalid_grant"]);
    for (const { access_token } of [tokens, successor]) expect(await harness.mcpStatus(access_token)).toBe(401);
  });
});

describe("a refresh token that is used again within the grace", () => {
  it("leads to the same refresh token under a new secret, though its access token has expired", async () => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const settings = { clock: clock.read, repositories, accessTokenLifetimeSeconds: 5 };
    const old = open({ ...settings, secret: "a".repeat(40) });
    const tokens = await old.tokens();
    const first = await jsonOf(await old.refresh(tokens));
    clock.advanceSeconds(10);
    const rotated = open({ ...settings, secret: ["b".repeat(40), "a".repeat(40)] });
    const again = await jsonOf(await rotated.refresh(tokens));
    expect(again.refresh_token).toBe(first.refresh_token);
    expect(await rotated.mcpStatus(again.access_token)).toBe(200);
  });

  it("gets a new lease of an access token that has expired, for the same scopes, and the grace stays what it was", async () => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const harness = open({ clock: clock.read, repositories, accessTokenLifetimeSeconds: 5 });
    const tokens = await harness.tokens();
    expect((await harness.refresh(tokens, { scope: "user" })).status).toBe(200);
    clock.advanceSeconds(20);
    const again = await jsonOf(await harness.refresh(tokens));
    expect(again.scope).toBe("user");
    expect((await harness.provider.verifyAccessToken(again.access_token)).scopes).toEqual(["user"]);
    clock.advanceSeconds(15);
    expect(await errorOf(await harness.refresh(tokens))).toEqual([400, "invalid_grant"]);
    expect((await harness.refresh({ ...tokens, ...again })).status).toBe(400);
  });

  it("does not bring back the access token that its client has revoked", async () => {
    const harness = open();
    const tokens = await harness.tokens();
    const first = await jsonOf(await harness.refresh(tokens));
    expect((await revoke(harness, tokens.clientId, first.access_token)).status).toBe(200);
    expect(await errorOf(await harness.refresh(tokens))).toEqual([400, "invalid_grant"]);
    expect(await harness.mcpStatus(first.access_token)).toBe(401);
    expect((await harness.refresh({ ...tokens, ...first })).status).toBe(200);
  });

  it("ends an access token that could not be taken back at first", async () => {
    const inner = createInMemoryRepositories();
    let failing = false;
    const held = gated(inner.accessTokens);
    const accessTokens = refusing(held, (method) => failing && method === "delete");
    const harness = open({ repositories: { ...inner, accessTokens } });
    const tokens = await harness.tokens();
    const gate = held.hold("set");
    const slow = harness.refresh(tokens);
    await gate.arrival();
    const first = await jsonOf(await harness.refresh(tokens));
    await revoke(harness, tokens.clientId, first.access_token);
    failing = true;
    await gate.answer();
    expect((await slow).status).toBe(503);
    failing = false;
    expect((await harness.refresh(tokens)).status).toBe(400);
    expect(await harness.mcpStatus(first.access_token)).toBe(401);
  });
});

it("a refresh that takes minutes does not outlive the end of its login", async () => {
  const clock = new ManualClock();
  const inner = createInMemoryRepositories({ clock: clock.read });
  const accessTokens = gated(inner.accessTokens);
  const harness = open({ clock: clock.read, repositories: { ...inner, accessTokens } });
  const tokens = await harness.tokens();
  const gate = accessTokens.hold("set");
  const refresh = harness.refresh(tokens);
  await gate.arrival();
  await revoke(harness, tokens.clientId, tokens.refresh_token);
  clock.advanceSeconds(300);
  await gate.answer();
  expect(await errorOf(await refresh)).toEqual([400, "invalid_grant"]);
  expect(await recordsOf(inner.accessTokens)).toEqual([]);
});
