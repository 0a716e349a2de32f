import { beforeEach, describe, expect, it } from "vitest";
import { startPangeaEmulator } from "../../../src/emulator.ts";
import { createInMemoryRepositories, type PangeaOAuthProviderOptions } from "../../../src/index.ts";
import type { ProviderInternals } from "../../../src/provider/configuration/internals.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const hour = 3600;
const emulator = useEmulator({ authn: { accessTokenLifetimeSeconds: hour } }, "test");
let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
});

/** Access tokens here outlive those of Pangea, so that only the latter fall due. */
const start = (options: Partial<PangeaOAuthProviderOptions> = {}, internals: ProviderInternals = {}) =>
  new ProviderHarness(
    {
      ...providerOptions(emulator.issuerUrl),
      accessTokenLifetimeSeconds: 24 * hour,
      clock: clock.read,
      ...options,
    },
    internals,
  );
const tokenCalls = () => emulator.calls.snapshot()["v2/oauth/token"] ?? 0;
const open = (harness: ProviderHarness, token: string) => harness.provider.pangeaToken({ token });

describe("a user's Pangea token", () => {
  it("is not refreshed before it is due, and comes from the store", async () => {
    const harness = start();
    const { access_token } = await harness.tokens();
    emulator.calls.reset();
    const first = await open(harness, access_token);
    clock.advanceSeconds(hour - 120);
    expect((await open(harness, access_token)).token).toBe(first.token);
    expect(tokenCalls()).toBe(0);
    expect(first.expiresAt).toBeGreaterThan(clock.seconds());
  });

  it("is refreshed when it is due, once for callers at the same time, and kept for those who come later", async () => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const harness = start({ repositories });
    const { access_token } = await harness.tokens();
    const before = await open(harness, access_token);
    clock.advanceSeconds(hour);
    emulator.calls.reset();

    const opened = await Promise.all(Array.from({ length: 20 }, () => open(harness, access_token)));

    expect(tokenCalls()).toBe(1);
    expect(new Set(opened.map(({ token }) => token)).size).toBe(1);
    expect(opened[0]?.token).not.toBe(before.token);
    expect(opened[0]).toMatchObject({ subject: before.subject, email: "ada@example.com" });
    expect((await open(start({ repositories }), access_token)).token).toBe(opened[0]?.token);
    expect(tokenCalls()).toBe(1);
  });

  it("is refreshed once by any number of instances, since Pangea may take a second use for theft", async () => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    // Turns in place of milliseconds: every instance gets its chance to do the wrong thing.
    const delay = async (milliseconds: number) => {
      for (let turn = 0; turn < milliseconds / 10; turn += 1) await new Promise(setImmediate);
    };
    const instances = Array.from({ length: 5 }, () => start({ repositories }, { delay }));
    const [first] = instances;
    const { access_token } = await (first ?? start()).tokens();
    clock.advanceSeconds(hour);
    emulator.calls.reset();
    const gate = emulator.faults.hold("v2/oauth/token", { committed: true });
    const opened = instances.map((instance) => open(instance, access_token));
    await gate.arrived(1);
    // The refresh token is spent, and the others have been told nothing yet.
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
    gate.open();
    const tokens = (await Promise.all(opened)).map(({ token }) => token);
    expect(tokenCalls()).toBe(1);
    expect(new Set(tokens).size).toBe(1);
    expect(emulator.authn.liveTokens("ada@example.com").accessTokens).toContain(tokens[0]);
  });

  it("is refreshed by another instance when the one that claimed to do it is gone", async () => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const crashed = start({ repositories, upstreamTimeout: 1000 }, { delay: () => new Promise(() => undefined) });
    const { access_token } = await crashed.tokens();
    const before = await open(crashed, access_token);
    clock.advanceSeconds(hour);
    void open(crashed, access_token);
    await new Promise(setImmediate);
    const delay = async (milliseconds: number) => clock.advanceSeconds(milliseconds / 1000);
    const other = start({ repositories, upstreamTimeout: 1000 }, { delay });
    // The one that is gone may have a session that the store did not take at first, so its lock holds for a while.
    await expect(open(other, access_token)).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
    clock.advanceSeconds(300);
    expect((await open(other, access_token)).token).not.toBe(before.token);
  });

  it("ends the login, here too, when Pangea has ended the session", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    await open(harness, tokens.access_token);
    emulator.authn.endSessions("ada@example.com");
    clock.advanceSeconds(hour);

    await expect(open(harness, tokens.access_token)).rejects.toMatchObject({ error: "invalid_token" });

    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    expect((await jsonOf(await harness.refresh(tokens))).error).toBe("invalid_grant");
  });

  it("is good until it expires while Pangea is out, and the login survives the outage", async () => {
    const harness = start();
    const { access_token } = await harness.tokens();
    const before = await open(harness, access_token);
    const outage = emulator.faults.inject({ kind: "server-error", httpStatus: 503, on: "authn" });
    clock.advanceSeconds(hour - 30);
    expect((await open(harness, access_token)).token).toBe(before.token);
    clock.advanceSeconds(31);
    await expect(open(harness, access_token)).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
    expect(await harness.mcpStatus(access_token)).toBe(200);
    outage.clear();
    expect((await open(harness, access_token)).token).not.toBe(before.token);
  });

  it("opens with every live token of the grant, and with none that is not", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const renewed = await jsonOf(await harness.refresh(tokens));
    const [one, other] = [await open(harness, tokens.access_token), await open(harness, renewed.access_token)];
    expect(other.token).toBe(one.token);
    await harness.postForm("/revoke", { client_id: tokens.clientId, token: tokens.access_token });
    for (const wrong of [tokens.access_token, renewed.refresh_token, tokens.code, one.token, "", "nonsense"]) {
      await expect(open(harness, wrong)).rejects.toMatchObject({ error: "invalid_token" });
    }
    await expect(harness.provider.pangeaToken(undefined)).rejects.toMatchObject({ error: "invalid_token" });
    expect((await open(harness, renewed.access_token)).token).toBe(one.token);
  });
});

describe("where Pangea gives no refresh tokens", () => {
  it("the login lasts as long as the user's token does", async () => {
    await using plain = await startPangeaEmulator({
      authn: { accessTokenLifetimeSeconds: hour, refreshTokens: false },
    });
    const harness = start({ pangeaAuthnIssuerUrl: plain.issuerUrl });
    const { access_token } = await harness.tokens();
    clock.advanceSeconds(hour - 1);
    expect((await open(harness, access_token)).token).toMatch(/^ptu_/);
    clock.advanceSeconds(1);
    await expect(open(harness, access_token)).rejects.toMatchObject({ error: "invalid_token" });
    expect(await harness.mcpStatus(access_token)).toBe(401);
  });
});
