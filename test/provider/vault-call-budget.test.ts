import { describe, expect, it } from "vitest";
import { cacheRepositories } from "../../src/index.ts";
import { createVaultRepositories } from "../../src/vault.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();
/** Without the use of grants, which is written once an hour and beside the request. */
const options = () => ({ ...providerOptions(emulator.issuerUrl), grantUse: { recorded: false } });

it("takes at most 8 calls to Vault for a login, 6 of them in sequence, and 1 for a request with the token", async () => {
  const repositories = createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate });
  const harness = new ProviderHarness({ ...options(), repositories });
  const { client_id } = await harness.register();
  await harness.tokensFor(client_id);
  // Calls that go out together must overlap at the emulator to be seen as such.
  emulator.faults.inject({ kind: "latency", milliseconds: 20, on: "vault" });
  emulator.calls.reset();

  const tokens = await harness.tokensFor(client_id);

  expect(emulator.calls.total("vault"), JSON.stringify(emulator.calls.snapshot())).toBeLessThanOrEqual(8);
  expect(emulator.calls.sequential("vault")).toBeLessThanOrEqual(6);

  emulator.calls.reset();
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  expect(emulator.calls.total("vault")).toBe(1);
});

describe("the first login of a registration, which keeps it", () => {
  async function firstLogin(isWarm: boolean): Promise<void> {
    const repositories = createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate });
    const harness = new ProviderHarness({ ...options(), repositories });
    if (isWarm) await harness.tokensFor((await harness.register()).client_id);
    const { client_id } = await harness.register();
    // The announcement of the keys, which the first request has begun, is no part of a login.
    await harness.provider[Symbol.asyncDispose]();
    emulator.faults.inject({ kind: "latency", milliseconds: 20, on: "vault" });
    emulator.calls.reset();
    await harness.tokensFor(client_id);
  }

  it("takes 3 calls more, and none more in sequence", async () => {
    await firstLogin(true);
    expect(emulator.calls.total("vault"), JSON.stringify(emulator.calls.snapshot())).toBeLessThanOrEqual(11);
    expect(emulator.calls.sequential("vault")).toBeLessThanOrEqual(6);
  });

  it("takes 5 calls more, 1 of them in sequence, while an instance does not know that Vault finds several names", async () => {
    await firstLogin(false);
    expect(emulator.calls.total("vault"), JSON.stringify(emulator.calls.snapshot())).toBeLessThanOrEqual(16);
    expect(emulator.calls.sequential("vault")).toBeLessThanOrEqual(7);
  });
});

it.each(["the same instance", "another instance"])(
  "takes at most 6 calls for a refresh, and 5 for a logout, at %s",
  async (which) => {
    const instance = () =>
      new ProviderHarness({
        ...options(),
        repositories: createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate }),
      });
    const first = instance();
    const { clientId, ...begun } = await first.tokens();
    const once = await jsonOf(await first.refresh({ clientId, ...begun }));
    const harness = which === "the same instance" ? first : instance();
    // An instance announces its keys with the first request that it gets.
    await harness.provider.fetch(new Request("http://localhost:8000/token", { method: "POST" }));
    await harness.provider[Symbol.asyncDispose]();
    emulator.faults.inject({ kind: "latency", milliseconds: 20, on: "vault" });
    emulator.calls.reset();

    const answer = await harness.refresh({ clientId, refresh_token: String(once.refresh_token) });
    const refreshed = await jsonOf(answer);
    expect(answer.status, JSON.stringify(refreshed)).toBe(200);
    expect(emulator.calls.total("vault"), JSON.stringify(emulator.calls.snapshot())).toBeLessThanOrEqual(6);

    emulator.calls.reset();
    expect(
      (await harness.postForm("/revoke", { client_id: clientId, token: String(refreshed.refresh_token) })).status,
    ).toBe(200);
    expect(emulator.calls.total("vault"), JSON.stringify(emulator.calls.snapshot())).toBeLessThanOrEqual(5);
    expect(await harness.mcpStatus(String(refreshed.access_token))).toBe(401);
  },
);

it("takes no call to Vault for a second request with the same token when a cache is in front", async () => {
  const vault = createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate });
  const repositories = cacheRepositories(vault, { maxStaleness: 5_000 });
  const harness = new ProviderHarness({ ...options(), repositories });
  const tokens = await harness.tokens();
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  emulator.calls.reset();
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  expect(emulator.calls.total("vault")).toBe(0);
});

it("gives one code's tokens to one of two instances, and ends them for the replay", async () => {
  const instance = () =>
    new ProviderHarness({
      ...options(),
      repositories: createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate }),
    });
  const [one, other] = [instance(), instance()];
  const code = await one.codeFor((await one.register()).client_id);

  const answers = await Promise.all([one.redeem(code), other.redeem(code)]);

  const granted = answers.filter((answer) => answer.status === 200);
  expect(granted.length).toBeLessThanOrEqual(1);
  for (const answer of granted) expect(await one.mcpStatus((await jsonOf(answer)).access_token)).toBe(401);
});
