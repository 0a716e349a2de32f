import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../src/index.ts";
import { gated } from "../support/gated-repository.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { recordsOf } from "../support/records-of.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

/** Several instances of one server over one store, whose calls a test can hold. */
function instances(count: number) {
  const clock = new ManualClock();
  const store = createInMemoryRepositories({ clock: clock.read });
  const accessTokens = gated(store.accessTokens);
  const grants = gated(store.grants);
  const options = {
    ...providerOptions(emulator.issuerUrl),
    clock: clock.read,
    repositories: { ...store, accessTokens, grants },
    rateLimits: false,
  } as const;
  const all = Array.from({ length: count }, () => new ProviderHarness(options));
  const [one] = all;
  if (one === undefined) throw new RangeError("There must be an instance");
  return { one, all, store, accessTokens, grants, clock };
}

describe("a code", () => {
  it("that hundred thieves and clients redeem at once, at four instances, gives tokens to one at the most", async () => {
    const { one, all } = instances(4);
    const issued = await one.codeFor((await one.register()).client_id);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (all[index % all.length] ?? one).redeem(issued)),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners.length).toBeLessThanOrEqual(1);
    for (const winner of winners) {
      expect(await one.mcpStatus((await jsonOf(winner)).access_token), "and the replays end them").toBe(401);
    }
  });

  it("that is replayed while its first use is still being written down leaves nothing alive", async () => {
    const { one, accessTokens, store } = instances(1);
    const issued = await one.codeFor((await one.register()).client_id);
    const gate = accessTokens.hold("set");
    const first = one.redeem(issued);
    await gate.arrival();
    const replay = await one.redeem(issued);
    expect(replay.status).toBe(400);
    await gate.answer();
    const answer = await first;
    expect(answer.status).toBe(400);
    expect(await recordsOf(store.accessTokens)).toEqual([]);
    expect(await recordsOf(store.refreshTokens)).toEqual([]);
  });
});

describe("a refresh token", () => {
  it("that is redeemed hundred times at once, at four instances, has one successor, and the login lives on", async () => {
    const { one, all } = instances(4);
    const tokens = await one.tokens();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (all[index % all.length] ?? one).refresh(tokens)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const bodies = await Promise.all(answers.map(jsonOf));
    expect(new Set(bodies.map(({ refresh_token }) => refresh_token)).size).toBe(1);
    expect(await one.mcpStatus(bodies[0]?.access_token ?? "")).toBe(200);
  });

  it("whose login is ended while it is refreshed leaves nothing alive", async () => {
    const { one, accessTokens, store } = instances(1);
    const tokens = await one.tokens();
    const gate = accessTokens.hold("set");
    const refresh = one.refresh(tokens);
    await gate.arrival();
    await one.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
    await gate.answer();
    const answer = await refresh;
    expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
    expect(await recordsOf(store.accessTokens)).toEqual([]);
  });

  it("that is reused late while its successor is refreshed ends both", async () => {
    const { one, accessTokens, store, clock } = instances(1);
    const tokens = await one.tokens();
    const successor = { ...tokens, ...(await jsonOf(await one.refresh(tokens))) };
    clock.advanceSeconds(31);
    const gate = accessTokens.hold("set");
    const refresh = one.refresh(successor);
    await gate.arrival();
    expect((await one.refresh(tokens)).status).toBe(400);
    await gate.answer();
    expect((await refresh).status).toBe(400);
    expect(await recordsOf(store.accessTokens)).toEqual([]);
  });
});
