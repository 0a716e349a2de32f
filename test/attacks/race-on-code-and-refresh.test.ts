import { describe, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../src/index.ts";
import { gated } from "../support/gated-repository.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

/** However a record is written: what is held is the write, and that it is an `add` is the provider's matter. */
const writes = ["add", "set"] as const;

/** Several instances of one server over one store, whose calls a test can hold. */
function instances(count: number) {
  const clock = new ManualClock();
  const store = createInMemoryRepositories({ clock: clock.read });
  const gates = {
    accessTokens: gated(store.accessTokens),
    refreshTokens: gated(store.refreshTokens),
    grants: gated(store.grants),
  };
  const options = {
    ...providerOptions(emulator.issuerUrl),
    clock: clock.read,
    repositories: { ...store, ...gates },
    rateLimits: false,
  } as const;
  const all = Array.from({ length: count }, () => new ProviderHarness(options));
  const [one] = all;
  if (one === undefined) throw new RangeError("There must be an instance");
  return { one, all, gates, clock };
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
    for (const kind of ["accessTokens", "refreshTokens", "grants"] as const) {
      const { one, gates } = instances(1);
      const issued = await one.codeFor((await one.register()).client_id);
      const gate = gates[kind].hold(...writes);
      const first = one.redeem(issued);
      await gate.arrival(first);
      const replay = await one.redeem(issued);
      await gate.answer();
      const answers = [replay, await first];
      expect(answers.filter(({ status }) => status === 200).length, "one of them at the most").toBeLessThanOrEqual(1);
      await nothingIsAlive(one, issued.clientId, answers);
      expect((await one.redeem(issued)).status).toBe(400);
    }
  });

  it("whose login was ended does not bring the login back by a redemption that comes to an end late", async () => {
    const { one, gates } = instances(1);
    const issued = await one.codeFor((await one.register()).client_id);
    const gate = gates.grants.hold(...writes);
    const late = one.redeem(issued);
    await gate.arrival(late);
    const answers = [await one.redeem(issued), await one.redeem(issued)];
    await gate.answer();
    answers.push(await late);
    await nothingIsAlive(one, issued.clientId, answers);
  });
});

/** Every token of these answers is dead, for the MCP endpoint and for a refresh. */
async function nothingIsAlive(harness: ProviderHarness, clientId: string, answers: readonly Response[]): Promise<void> {
  for (const answer of answers) {
    if (answer.status !== 200) continue;
    const { access_token, refresh_token } = await jsonOf(answer);
    expect(await harness.mcpStatus(access_token)).toBe(401);
    const refreshed = await harness.refresh({ clientId, refresh_token });
    expect([refreshed.status, (await jsonOf(refreshed)).error]).toEqual([400, "invalid_grant"]);
  }
}

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
    for (const [kind, methods] of [
      ["accessTokens", writes],
      ["refreshTokens", writes],
      ["grants", ["get"]],
    ] as const) {
      const { one, gates } = instances(1);
      const tokens = await one.tokens();
      const gate = gates[kind].hold(...methods);
      const refresh = one.refresh(tokens);
      await gate.arrival(refresh);
      await gate.apply();
      await one.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
      await gate.answer();
      await nothingIsAlive(one, tokens.clientId, [await refresh]);
      expect(await one.mcpStatus(tokens.access_token)).toBe(401);
    }
  });

  it("whose access token is revoked while it is sent again does not bring the token back", async () => {
    const { one, gates, clock } = instances(1);
    const tokens = await one.tokens();
    await one.refresh(tokens);
    // The access token has expired, so that it is issued again.
    clock.advanceSeconds(3601);
    const gate = gates.accessTokens.hold(...writes);
    const again = one.refresh(tokens);
    await gate.arrival(again);
    const { access_token } = await jsonOf(await one.refresh(tokens));
    await one.postForm("/revoke", { client_id: tokens.clientId, token: access_token });
    await gate.answer();
    expect((await again).status).toBe(400);
    expect(await one.mcpStatus(access_token)).toBe(401);
  });

  it("that is reused late while its successor is refreshed ends both", async () => {
    const { one, gates, clock } = instances(1);
    const tokens = await one.tokens();
    const successor = { ...tokens, ...(await jsonOf(await one.refresh(tokens))) };
    const last = { ...tokens, ...(await jsonOf(await one.refresh(successor))) };
    clock.advanceSeconds(31);
    const gate = gates.accessTokens.hold(...writes);
    const refresh = one.refresh(last);
    await gate.arrival(refresh);
    expect((await one.refresh(tokens)).status).toBe(400);
    await gate.answer();
    await nothingIsAlive(one, tokens.clientId, [await refresh]);
    for (const { access_token } of [tokens, successor, last]) expect(await one.mcpStatus(access_token)).toBe(401);
  });
});
