import { describe, expect, it } from "vitest";
import { StorageTimeoutError } from "../../../src/errors.ts";
import { createInMemoryRepositories, KeyRing, UnsealableError } from "../../../src/index.ts";
import { StepKey } from "../../../src/provider/grants/grant-key.ts";
import { grantIdOf } from "../../../src/records/keys.ts";
import { gated } from "../../support/gated-repository.ts";
import { failingOnce } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const open = (options = {}) => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });
const errorOf = async (answer: Response) => [answer.status, (await jsonOf(answer)).error];
const revoke = (harness: ProviderHarness, clientId: string, token: string) =>
  harness.postForm("/revoke", { client_id: clientId, token });

/** Refreshes, and takes it for granted that this goes well. */
async function next(harness: ProviderHarness, tokens: IssuedTokens): Promise<IssuedTokens> {
  const answer = await harness.refresh(tokens);
  expect(answer.status).toBe(200);
  return { ...tokens, ...(await jsonOf(answer)) };
}

const steps = [
  { kind: "refreshTokens", method: "add" },
  { kind: "accessTokens", method: "add" },
  { kind: "refreshTokens", method: "set" },
] as const;
const lostAnswers = steps.flatMap((step) => [
  { ...step, moment: "before" as const },
  { ...step, moment: "after" as const },
  // Nothing is read back after a set.
  ...(step.method === "add" ? [{ ...step, moment: "after and unread" as const }] : []),
]);

describe("a refresh that failed at some step", () => {
  it.each(lostAnswers)(
    "costs nobody the login: $kind $method failed $moment the effect",
    async ({ kind, method, moment }) => {
      for (const { seconds, elsewhere } of [
        { seconds: 0, elsewhere: false },
        { seconds: 0, elsewhere: true },
        { seconds: 7 * 86_400, elsewhere: false },
        { seconds: 7 * 86_400, elsewhere: true },
      ]) {
        const clock = new ManualClock();
        const inner = createInMemoryRepositories({ clock: clock.read });
        const flaky = failingOnce<unknown>(inner[kind]);
        const harness = open({ clock: clock.read, repositories: { ...inner, [kind]: flaky.repository } });
        const other = open({ clock: clock.read, repositories: inner });
        const tokens = await next(harness, await harness.tokens());
        flaky.failNext(method, moment);
        const lost = await harness.refresh(tokens);
        if (lost.status !== 200) expect(await errorOf(lost)).toEqual([503, "temporarily_unavailable"]);
        clock.advanceSeconds(seconds);
        const renewed = await next(elsewhere ? other : harness, tokens);
        expect(await other.mcpStatus(renewed.access_token)).toBe(200);
        const last = await next(harness, renewed);
        clock.advanceSeconds(31);
        expect((await harness.refresh(tokens)).status, "used twice over").toBe(400);
        expect(await other.mcpStatus(last.access_token)).toBe(401);
      }
    },
  );
});

describe("the reuse of a refresh token", () => {
  it("ends the login at the next try where it could not at the first", async () => {
    for (const moment of ["before", "after"] as const) {
      const clock = new ManualClock();
      const inner = createInMemoryRepositories({ clock: clock.read });
      const grants = failingOnce(inner.grants);
      const harness = open({ clock: clock.read, repositories: { ...inner, grants: grants.repository } });
      const tokens = await harness.tokens();
      const renewed = await next(harness, tokens);
      const last = await next(harness, renewed);
      clock.advanceSeconds(31);
      grants.failNext("set", moment);
      expect((await harness.refresh(tokens)).status).toBe(503);
      expect(await errorOf(await harness.refresh(tokens))).toEqual([400, "invalid_grant"]);
      for (const { access_token } of [tokens, renewed, last]) expect(await harness.mcpStatus(access_token)).toBe(401);
    }
  });

  it("is noticed though the token before it could not be retired at first, however long ago", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    const refreshTokens = failingOnce(inner.refreshTokens);
    const harness = open({ clock: clock.read, repositories: { ...inner, refreshTokens: refreshTokens.repository } });
    const first = await harness.tokens();
    const second = await next(harness, first);
    refreshTokens.failNext("set", "before");
    expect((await harness.refresh(second)).status).toBe(503);
    let last = await next(harness, second);
    for (let round = 0; round < 3; round += 1) last = await next(harness, last);
    clock.advanceSeconds(601);

    expect(await errorOf(await harness.refresh(first))).toEqual([400, "invalid_grant"]);

    expect(await harness.mcpStatus(last.access_token)).toBe(401);
    expect((await harness.refresh(last)).status).toBe(400);
  });

  it.each([
    [-100, 600],
    [-60, 630],
    [-40, 640],
    [0, 630],
    [100, 630],
  ])(
    "is noticed where clocks are %i s apart and it is shown after %i s, when an unused one is hardly good for longer",
    async (skew, seconds) => {
      const clock = new ManualClock();
      const repositories = createInMemoryRepositories({ clock: clock.read });
      const lifetimes = { accessTokenLifetimeSeconds: 600, refreshTokenLifetimeSeconds: 660 };
      const harness = open({ clock: clock.read, repositories, ...lifetimes });
      const apart = open({ clock: () => clock.read() + skew * 1_000, repositories, ...lifetimes });
      const first = await harness.tokens();
      const second = await next(harness, first);
      clock.advanceSeconds(61);
      let last = await next(harness, second);
      for (let round = 0; round < 2; round += 1) last = await next(apart, last);
      clock.advanceSeconds(seconds - 61);
      expect(await errorOf(await harness.refresh(first))).toEqual([400, "invalid_grant"]);
      expect((await harness.refresh(last)).status).toBe(400);
    },
  );

  it("is noticed though the clock of the instance that retired the token was ahead of the others", async () => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const harness = open({ clock: clock.read, repositories });
    const ahead = open({ clock: () => clock.read() + 29_000, repositories });
    const first = await harness.tokens();
    let last = await next(ahead, await next(harness, first));
    for (let round = 0; round < 2; round += 1) last = await next(harness, last);
    // The first token's record is the only one left of those that were spent.
    clock.advanceSeconds(610);
    expect(await errorOf(await harness.refresh(first))).toEqual([400, "invalid_grant"]);
    expect((await harness.refresh(last)).status).toBe(400);
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
    const again = await next(rotated, tokens);
    // All but the mark, which is made with the new secret.
    expect(again.refresh_token.slice(0, -31)).toBe(first.refresh_token.slice(0, -31));
    expect(await rotated.mcpStatus(again.access_token)).toBe(200);
    expect((await next(rotated, again)).access_token).toBe((await next(old, { ...tokens, ...first })).access_token);
  });

  it("gets a new lease of an access token that has expired, for the same scopes, and the grace stays what it was", async () => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const harness = open({ clock: clock.read, repositories, accessTokenLifetimeSeconds: 5 });
    const tokens = await harness.tokens();
    const renewed = await jsonOf(await harness.refresh(tokens, { scope: "user" }));
    await next(harness, { ...tokens, ...renewed });
    clock.advanceSeconds(20);
    const again = await next(harness, tokens);
    expect(again.scope).toBe("user");
    expect((await harness.provider.verifyAccessToken(again.access_token)).scopes).toEqual(["user"]);
    clock.advanceSeconds(15);
    expect(await errorOf(await harness.refresh(tokens))).toEqual([400, "invalid_grant"]);
    expect((await harness.refresh(again)).status).toBe(400);
  });

  it.each([
    [0, [400, "invalid_grant"]],
    [3_000, [400, "invalid_grant"]],
    // By then the revoked one would have ended by itself: another one is issued in its place.
    [3_700, [200, undefined]],
    [20 * 86_400, [200, undefined]],
  ])("does not bring back the access token that its client has revoked %i seconds ago", async (seconds, expected) => {
    const clock = new ManualClock();
    const harness = open({ clock: clock.read });
    const tokens = await harness.tokens();
    const first = await next(harness, tokens);
    expect((await revoke(harness, tokens.clientId, first.access_token)).status).toBe(200);
    clock.advanceSeconds(seconds);
    expect(await errorOf(await harness.refresh(tokens))).toEqual(expected);
    expect(await harness.mcpStatus(first.access_token)).toBe(401);
    expect((await harness.refresh(first)).status, "the login goes on").toBe(200);
  });
});

describe("a refresh that takes minutes", () => {
  it("does not outlive the end of its login", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    const accessTokens = gated(inner.accessTokens);
    const harness = open({ clock: clock.read, repositories: { ...inner, accessTokens } });
    const tokens = await harness.tokens();
    const gate = accessTokens.hold("add");
    const refresh = harness.refresh(tokens);
    await gate.arrival();
    await revoke(harness, tokens.clientId, tokens.refresh_token);
    clock.advanceSeconds(300);
    await gate.answer();
    const answer = await jsonOf(await refresh);
    for (const token of [tokens.access_token, answer.access_token ?? ""]) {
      expect(await harness.mcpStatus(token)).toBe(401);
    }
    for (const refresh_token of [tokens.refresh_token, answer.refresh_token ?? ""]) {
      expect(await errorOf(await harness.refresh({ ...tokens, refresh_token }))).toEqual([400, "invalid_grant"]);
    }
  });

  it("gives up after ten, and its client comes back", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    const accessTokens = gated(inner.accessTokens);
    const harness = open({ clock: clock.read, repositories: { ...inner, accessTokens } });
    const tokens = await harness.tokens();
    const gate = accessTokens.hold("add");
    const refresh = harness.refresh(tokens);
    await gate.arrival();
    clock.advanceSeconds(601);
    await gate.answer();
    expect(await errorOf(await refresh)).toEqual([503, "temporarily_unavailable"]);
    expect((await next(harness, tokens)).scope).toBe("user admin");
  });

  it("brings back no token that was spent and gone meanwhile", async () => {
    const clock = new ManualClock();
    const inner = createInMemoryRepositories({ clock: clock.read });
    const grants = gated(inner.grants);
    const suspended = open({ clock: clock.read, repositories: { ...inner, grants } });
    const harness = open({ clock: clock.read, repositories: inner });
    const first = await harness.tokens();
    const gate = grants.hold("get");
    const refresh = suspended.refresh(first);
    await gate.arrival();
    await gate.apply();
    const second = await next(harness, first);
    let last = second;
    for (let round = 0; round < 5; round += 1) last = await next(harness, last);
    clock.advanceSeconds(660);
    await gate.answer();
    expect(await errorOf(await refresh)).toEqual([503, "temporarily_unavailable"]);
    expect(await errorOf(await harness.refresh(second))).toEqual([400, "invalid_grant"]);
    expect((await harness.refresh(last)).status, "reuse ended the login").toBe(400);
  });

  it("is refused where a write of unknown outcome is all that there is", async () => {
    const inner = createInMemoryRepositories();
    const refreshTokens = gated(inner.refreshTokens);
    const harness = open({ repositories: { ...inner, refreshTokens } });
    const tokens = await harness.tokens();
    const gate = refreshTokens.hold("add");
    const refresh = harness.refresh(tokens);
    await gate.arrival();
    gate.fail(new StorageTimeoutError("Nobody knows whether this was done."));
    expect(await errorOf(await refresh)).toEqual([503, "temporarily_unavailable"]);
    const renewed = await next(harness, tokens);
    await gate.apply();
    expect((await next(harness, renewed)).access_token).not.toBe(renewed.access_token);
  });
});

describe("the keys of a login", () => {
  const secret = "the secret that every instance is configured with";

  it("leave the store with the tokens that opened them", async () => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const harness = open({ clock: clock.read, repositories, secret });
    const keys = KeyRing.from(secret, { context: harness.provider.issuer });
    const chain = [await harness.tokens()];
    for (let round = 0; round < 5; round += 1) {
      clock.advanceSeconds(100);
      chain.push(await next(harness, chain.at(-1) ?? (await harness.tokens())));
    }
    const [{ code = "" } = {}] = chain;
    const grantId = grantIdOf(code.slice(8, 30));
    /** Which of the login's credentials open a key in the store. */
    const opening = async () => {
      const records: { readonly wrappedKey?: string }[] = [];
      for (const kind of ["authorizationCodes", "refreshTokens"] as const) {
        for (const [, record] of await recordsOf<{ readonly wrappedKey?: string }>(repositories[kind])) {
          records.push(record);
        }
      }
      return [code, ...chain.map(({ refresh_token }) => refresh_token)].map((credential) =>
        records.some(({ wrappedKey = "" }) => {
          try {
            StepKey.unwrap(keys, grantId, credential.slice(0, -31), wrappedKey);
            return true;
          } catch (failure) {
            expect(failure).toBeInstanceOf(UnsealableError);
            return false;
          }
        }),
      );
    };
    // The code, then the refresh tokens. The last one is unused, and its predecessor gets its answer again. Of the others
    // each leaves twelve minutes after its successor was used.
    clock.advanceSeconds(620);
    expect(await opening()).toEqual([false, false, false, false, true, true, true]);
    clock.advanceSeconds(86_400);
    expect(await opening()).toEqual([false, false, false, false, false, true, true]);
  });
});
