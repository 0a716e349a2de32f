import { describe, expect, it } from "vitest";
import { FailingRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

describe("a refresh token", () => {
  it("gives a new pair", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const renewed = await jsonOf(await harness.refresh(tokens));

    expect(renewed.refresh_token).toMatch(/^pmcp_rt_/);
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
    expect(renewed.access_token).not.toBe(tokens.access_token);
    expect(renewed.scope).toBe("user admin");
    expect(await harness.mcpStatus(renewed.access_token)).toBe(200);
    expect((await harness.refresh({ ...tokens, ...renewed })).status).toBe(200);
  });

  it("gets the same answer again within the grace window, for a client that lost it", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    const tokens = await harness.tokens();
    const first = await jsonOf(await harness.refresh(tokens));
    clock.advanceSeconds(29);
    const again = await jsonOf(await harness.refresh(tokens));

    expect(again).toEqual({ ...first, expires_in: first.expires_in - 29 });
    expect(await harness.mcpStatus(again.access_token)).toBe(200);
  });

  it("gives fifty concurrent requests the same successor", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const answers = await Promise.all(Array.from({ length: 50 }, () => harness.refresh(tokens)));
    const bodies = await Promise.all(answers.map((answer) => jsonOf(answer)));

    expect(new Set(bodies.map((body) => body.refresh_token)).size).toBe(1);
    expect(new Set(bodies.map((body) => body.access_token)).size).toBe(1);
    expect(await harness.mcpStatus(bodies[0]?.access_token ?? "")).toBe(200);
  });

  it("ends the whole grant when it is used again after the grace window", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    const tokens = await harness.tokens();
    const renewed = await jsonOf(await harness.refresh(tokens));
    clock.advanceSeconds(31);

    const reuse = await harness.refresh(tokens);

    expect(reuse.status).toBe(400);
    expect((await jsonOf(reuse)).error).toBe("invalid_grant");
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    expect(await harness.mcpStatus(renewed.access_token)).toBe(401);
    expect((await harness.refresh({ ...tokens, ...renewed })).status).toBe(400);
  });

  it("is its own client's only", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const other = await harness.register();
    expect((await jsonOf(await harness.refresh(tokens, { client_id: other.client_id }))).error).toBe("invalid_grant");
    expect((await harness.refresh(tokens)).status).toBe(200);
  });

  it("is given only to clients that registered for it", async () => {
    const harness = start();
    const { client_id } = await harness.register({ grant_types: ["authorization_code"] });
    expect((await harness.tokensFor(client_id)).refresh_token).toBeUndefined();
  });

  it("may narrow the scopes and never widen them", async () => {
    const harness = start();
    const tokens = await harness.tokens({ scope: "user" });
    expect(tokens.scope).toBe("user");
    expect((await jsonOf(await harness.refresh(tokens, { scope: "user admin" }))).error).toBe("invalid_scope");
    expect((await jsonOf(await harness.refresh(tokens, { scope: "user" }))).scope).toBe("user");
  });

  it("is for its resource only", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const answer = await harness.refresh(tokens, { resource: "https://other.example/mcp" });
    expect((await jsonOf(answer)).error).toBe("invalid_target");
  });

  it("expires, and lives on while it is used, until the grant ends", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    let tokens = await harness.tokens();
    for (const days of [29, 29, 29]) {
      clock.advanceSeconds(days * 86_400);
      const answer = await harness.refresh(tokens);
      expect(answer.status).toBe(200);
      tokens = { ...tokens, ...(await jsonOf(answer)) };
    }
    clock.advanceSeconds(3.1 * 86_400);
    expect((await harness.refresh(tokens)).status).toBe(400);
  });

  it.each(["get", "set"] as const)("survives an outage of the store's %s", async (operation) => {
    const store = new FailingRepositories();
    const harness = start({ repositories: store.repositories });
    const tokens = await harness.tokens();
    store.fail(operation);
    const during = await harness.refresh(tokens);
    expect(during.status).toBe(503);
    expect(during.headers.get("retry-after")).not.toBeNull();
    expect((await jsonOf(during)).error).toBe("temporarily_unavailable");
    store.recover();
    expect((await harness.refresh(tokens)).status).toBe(200);
  });

  it("survives a change of the configured secret", async () => {
    const store = new FailingRepositories().repositories;
    const before = start({ repositories: store, secret: "a".repeat(32) });
    const tokens = await before.tokens();
    const first = await jsonOf(await before.refresh(tokens));
    const after = start({ repositories: store, secret: ["b".repeat(32), "a".repeat(32)] });

    expect((await jsonOf(await after.refresh(tokens))).refresh_token).toBe(first.refresh_token);
    expect((await after.refresh({ ...tokens, ...first })).status).toBe(200);
  });

  it("keeps eight access tokens alive at the most", async () => {
    const harness = start();
    let tokens = await harness.tokens();
    const issued = [tokens.access_token];
    for (let round = 0; round < 10; round += 1) {
      tokens = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
      issued.push(tokens.access_token);
    }
    const statuses = await Promise.all(issued.map((token) => harness.mcpStatus(token)));
    expect(statuses).toEqual([401, 401, 401, ...Array.from({ length: 8 }, () => 200)]);
  });
});
