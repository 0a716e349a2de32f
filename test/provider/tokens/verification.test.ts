import { describe, expect, it } from "vitest";
import { cacheRepositories, createInMemoryRepositories } from "../../../src/index.ts";
import { gated } from "../../support/gated-repository.ts";
import { recordedRepositories } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { SwitchedInvalidationChannel } from "../../support/switched-invalidation-channel.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

describe("the verification of an access token", () => {
  it("reads the token's record and its grant's, and nothing else", async () => {
    const { repositories, calls } = recordedRepositories();
    const harness = start({ repositories, grantUse: { recorded: false } });
    const tokens = await harness.tokens();
    calls.length = 0;
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    expect(calls.sort()).toEqual(["access_token get", "grant get"]);
    calls.length = 0;
    expect(await harness.mcpStatus(`mcp_${"0f".repeat(32)}`)).toBe(401);
    expect(calls).toEqual(["access_token get"]);
    calls.length = 0;
    for (const foreign of [tokens.refresh_token, tokens.code, `${tokens.access_token}0`, "ptu_x"]) {
      expect(await harness.mcpStatus(foreign)).toBe(401);
    }
    expect(calls).toEqual([]);
  });

  it("reads both in one turn: neither waits for the other", async () => {
    const inner = createInMemoryRepositories();
    const [accessTokens, grants] = [gated(inner.accessTokens), gated(inner.grants)];
    const harness = start({ repositories: { ...inner, accessTokens, grants } });
    const tokens = await harness.tokens();
    const [token, grant] = [accessTokens.hold("get"), grants.hold("get")];
    const status = harness.mcpStatus(tokens.access_token);
    // In the same run of the event loop, so a backend can put both into one request.
    await Promise.resolve();
    expect([token.arrived, grant.arrived]).toEqual([true, true]);
    await Promise.all([token.answer(), grant.answer()]);
    expect(await status).toBe(200);
  });
});

describe("the verification behind a cache, on an instance that did not revoke", () => {
  /** Two instances over one store, each with a cache of its own. */
  function cachedInstances(channel?: SwitchedInvalidationChannel) {
    const clock = new ManualClock();
    const backend = recordedRepositories({ clock: clock.read });
    const instance = () =>
      start({
        clock: clock.read,
        repositories: cacheRepositories(backend.repositories, {
          maxStaleness: 5_000,
          clock: clock.read,
          ...(channel !== undefined && { invalidation: { grants: channel } }),
        }),
      });
    return { clock, calls: backend.calls, one: instance(), other: instance() };
  }

  it("sees the end of a login within maxStaleness, and asks the store nothing before", async () => {
    const { clock, calls, one, other } = cachedInstances();
    const tokens = await one.tokens();
    expect(await other.mcpStatus(tokens.access_token)).toBe(200);
    await one.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
    expect(await one.mcpStatus(tokens.access_token), "the instance that revoked").toBe(401);
    calls.length = 0;
    clock.advance(4_999);
    expect(await other.mcpStatus(tokens.access_token)).toBe(200);
    expect(calls).toEqual([]);
    clock.advance(1);
    expect(await other.mcpStatus(tokens.access_token)).toBe(401);
  });

  it("sees the end of a login at once where the caches tell each other", async () => {
    const channel = new SwitchedInvalidationChannel();
    channel.switch("up");
    const { one, other } = cachedInstances(channel);
    const tokens = await one.tokens();
    expect(await other.mcpStatus(tokens.access_token)).toBe(200);
    await one.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
    expect(await other.mcpStatus(tokens.access_token)).toBe(401);
  });

  it("is the only thing that may be late: a refresh and a Pangea token see the end of a login at once", async () => {
    const { one, other } = cachedInstances();
    const tokens = await one.tokens();
    expect(await other.mcpStatus(tokens.access_token)).toBe(200);
    await one.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
    expect((await other.refresh(tokens)).status).toBe(400);
    await expect(other.provider.pangeaToken({ token: tokens.access_token })).rejects.toMatchObject({
      error: "invalid_token",
    });
  });
});
