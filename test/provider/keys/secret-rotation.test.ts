import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, type ProviderRepositories, StorageUnavailableError } from "../../../src/index.ts";
import { intercepted, recordedRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();
const old = "o".repeat(40);
const fresh = "n".repeat(40);

let clock: ManualClock;
let repositories: ProviderRepositories;
beforeEach(() => {
  clock = new ManualClock();
  repositories = createInMemoryRepositories({ clock: clock.read });
});

const open = (secret: string | string[], options = {}) =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories, clock: clock.read, secret, ...options });
const errorOf = async (answer: Response) => [answer.status, (await jsonOf(answer)).error];

/** A login of which every step is done by the instance whose turn it is, and what comes of it. */
async function loginInTurns(instances: readonly ProviderHarness[], begin: number) {
  let turn = begin;
  const instance = (): ProviderHarness => {
    turn += 1;
    const [first] = instances;
    const next = instances[turn % instances.length] ?? first;
    if (next === undefined) throw new RangeError("There must be an instance");
    return next;
  };
  const { client_id } = await instance().register();
  const { verifier, challenge } = pkce();
  const page = await instance().openConsentPage({ client_id, code_challenge: challenge });
  const allowed = await instance().decide(page, "allow");
  const callback = await instance().logInUpstream(new URL(allowed.headers.get("location") ?? ""));
  const redirect = await instance().finishLogin(callback, joinCookies(page.cookie, allowed));
  const issued = { clientId: client_id, code: redirect.searchParams.get("code") ?? "", verifier };
  let tokens = { ...issued, ...(await jsonOf(await instance().redeem(issued))) };
  for (let round = 0; round < 3; round += 1) {
    const harness = instance();
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    expect((await harness.provider.pangeaToken({ token: tokens.access_token })).email).toBe("ada@example.com");
    const answer = await instance().refresh(tokens);
    expect(answer.status).toBe(200);
    tokens = { ...tokens, ...(await jsonOf(answer)) };
  }
  return tokens;
}

describe("the rotation of the secret in two steps", () => {
  it.each([
    ["the new secret is listed behind the old one on one instance", old, [old, fresh]],
    ["the new secret is listed behind the old one on both", [old, fresh], [old, fresh]],
    ["the new secret writes on one instance", [old, fresh], [fresh, old]],
    ["the new secret writes on both", [fresh, old], [fresh, old]],
  ])("loses no login and stops none: %s", async (_, one, other) => {
    const before = await loginInTurns([open(old)], 0);
    const instances = [open(one), open(other)];
    for (const begin of [0, 1]) {
      const tokens = await loginInTurns(instances, begin);
      for (const instance of instances) expect(await instance.mcpStatus(tokens.access_token)).toBe(200);
    }
    for (const [index, instance] of instances.entries()) {
      const renewed = await instance.refresh(before);
      expect(renewed.status, `instance ${index}`).toBe(200);
    }
  });

  it("leaves the old secret to be dropped once the logins of before have been refreshed", async () => {
    const first = await loginInTurns([open(old)], 0);
    const renewed = await jsonOf(await open([fresh, old]).refresh(first));
    const last = open(fresh);
    expect((await last.provider.pangeaToken({ token: renewed.access_token })).email).toBe("ada@example.com");
    expect((await last.refresh({ ...first, ...renewed })).status).toBe(200);
  });
});

describe("the secret replaced directly, with an instance that has the old one only beside", () => {
  it("is temporarily unavailable there, at every step, and no login is lost", async () => {
    const [ahead, behind] = [open([fresh, old]), open(old)];
    const tokens = await loginInTurns([ahead], 0);
    const code = await ahead.codeFor(tokens.clientId);
    const challenge = pkce().challenge;
    const page = await ahead.openConsentPage({ client_id: tokens.clientId, code_challenge: challenge });
    const begun = await ahead.beginLogin({ client_id: tokens.clientId, code_challenge: challenge });
    const callback = await ahead.logInUpstream(begun.location);

    for (const answer of [
      await behind.redeem(code),
      await behind.refresh(tokens),
      await behind.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token }),
    ]) {
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await errorOf(answer)).toEqual([503, "temporarily_unavailable"]);
    }
    await expect(behind.provider.pangeaToken({ token: tokens.access_token })).rejects.toMatchObject({
      error: "temporarily_unavailable",
    });
    expect((await behind.decide(page, "allow")).status).toBe(503);
    const finished = await behind.get(callback.pathname + callback.search, { cookie: begun.cookie });
    expect(finished.status).toBe(503);
    expect(finished.headers.get("location")).toBeNull();

    expect(await behind.mcpStatus(tokens.access_token), "an access token needs no key to be verified").toBe(200);
    expect((await ahead.redeem(code)).status).toBe(200);
    expect((await ahead.refresh(tokens)).status).toBe(200);
    expect((await ahead.finishLogin(callback, begun.cookie)).searchParams.get("code")).not.toBeNull();
  });

  it("stays so for as long as requests come to the instance that is ahead", async () => {
    const [ahead, behind] = [open([fresh, old]), open(old)];
    const tokens = await loginInTurns([ahead], 0);
    for (let minutes = 0; minutes < 300; minutes += 25) {
      clock.advanceSeconds(25 * 60);
      await ahead.get("/.well-known/oauth-authorization-server");
      await ahead.provider[Symbol.asyncDispose]();
      expect((await behind.refresh(tokens)).status).toBe(503);
    }
  });

  it("stays so where the only requests to the instance that is ahead are to the MCP endpoint", async () => {
    const [ahead, behind] = [open([fresh, old]), open(old)];
    const tokens = await ahead.tokens();
    for (let minutes = 0; minutes < 55; minutes += 5) {
      clock.advanceSeconds(300);
      expect(await ahead.mcpStatus(tokens.access_token)).toBe(200);
    }
    clock.advanceSeconds(600);
    expect((await behind.refresh(tokens)).status).toBe(503);
    expect((await ahead.refresh(tokens)).status).toBe(200);
  });

  it("seals nothing before it is announced", async () => {
    const outage = { isOver: false };
    const announced = intercepted(repositories.keyAnnouncements, async (run, { method }) => {
      if (method === "set" && !outage.isOver) throw new StorageUnavailableError("The test switched the store off.");
      return run();
    });
    const behind = open(old);
    const tokens = await behind.tokens();
    const ahead = open([fresh, old], { repositories: { ...repositories, keyAnnouncements: announced } });
    expect((await ahead.refresh(tokens)).status).toBe(503);
    expect((await ahead.get("/.well-known/oauth-authorization-server")).status).toBe(200);
    expect(await ahead.mcpStatus(tokens.access_token), "what is there already is good").toBe(200);
    outage.isOver = true;
    const renewed = { ...tokens, ...(await jsonOf(await ahead.refresh(tokens))) };
    expect(await errorOf(await behind.refresh(renewed))).toEqual([503, "temporarily_unavailable"]);
  });

  it("seals nothing after a pause that its announcement did not outlast", async () => {
    const [behind, ahead] = [open(old, {}), open([fresh, old], {})];
    await ahead.get("/.well-known/oauth-authorization-server");
    await ahead.provider[Symbol.asyncDispose]();
    const tokens = await behind.tokens();
    clock.advanceSeconds(3600);
    const renewed = { ...tokens, ...(await jsonOf(await ahead.refresh(tokens))) };
    expect(await errorOf(await behind.refresh(renewed))).toEqual([503, "temporarily_unavailable"]);
  });

  it("lets nobody end a login who knows no more of it than its handle", async () => {
    const [behind, ahead] = [open(old), open([fresh, old])];
    const tokens = await ahead.tokens();
    const core = `pmcp_rt_${tokens.access_token.slice(8, 30)}000001${"A".repeat(43)}`;
    const token = `${core}_AAAAAAAA${"0".repeat(22)}`;
    await behind.postForm("/revoke", { client_id: tokens.clientId, token });
    expect(await ahead.mcpStatus(tokens.access_token)).toBe(200);
    expect((await ahead.refresh(tokens)).status).toBe(200);
  });

  it("is asked about while a page is answered: where the store does not say, that is a page too", async () => {
    const keyAnnouncements = intercepted(repositories.keyAnnouncements, async (run, { method }) => {
      if (method === "get") throw new StorageUnavailableError("The test switched the store off.");
      return run();
    });
    const harness = open(old, { repositories: { ...repositories, keyAnnouncements } });
    const { client_id } = await harness.register();
    const page = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge });
    const foreign = page.sealed.replace(/^v2\.[^.]*/, "v2.AAAAAAAA");
    expect((await harness.decide({ ...page, sealed: foreign }, "allow")).status).toBe(503);
  });

  it("is announced again soon where the store did not take it", async () => {
    let isOut = true;
    const { keyAnnouncements, ...others } = repositories;
    const flaky = {
      get: keyAnnouncements.get.bind(keyAnnouncements),
      delete: keyAnnouncements.delete.bind(keyAnnouncements),
      take: keyAnnouncements.take.bind(keyAnnouncements),
      add: keyAnnouncements.add.bind(keyAnnouncements),
      set: async (...parameters: Parameters<typeof keyAnnouncements.set>) => {
        if (isOut) throw new RangeError("The test switched the store off.");
        await keyAnnouncements.set(...parameters);
      },
    };
    const ahead = open([fresh, old], { repositories: { ...others, keyAnnouncements: flaky } });
    await ahead.get("/.well-known/oauth-authorization-server");
    await ahead.provider[Symbol.asyncDispose]();
    isOut = false;
    for (const [seconds, announced] of [
      [9, 0],
      // Each of two keys to the instances of this server, to those that come later, and to other servers.
      [1, 6],
    ] as const) {
      clock.advanceSeconds(seconds);
      await ahead.get("/.well-known/oauth-authorization-server");
      await ahead.provider[Symbol.asyncDispose]();
      expect(await recordsOf(keyAnnouncements)).toHaveLength(announced);
    }
  });
});

describe("a secret that nobody has any more", () => {
  /** Everybody who has the old secret is gone, and what they announced has run out. */
  async function afterwards() {
    const before = open(old, { accessTokenLifetimeSeconds: 24 * 3600, authorizationCodeLifetimeSeconds: 300 });
    const tokens = await loginInTurns([before], 0);
    clock.advanceSeconds(3601);
    const code = await before.codeFor(tokens.clientId);
    for (const [key] of await recordsOf(repositories.keyAnnouncements)) await repositories.keyAnnouncements.delete(key);
    return { before, tokens, code, harness: open(fresh) };
  }

  it("leads to a new login: at the next refresh, for a code, and for a Pangea token", async () => {
    const { harness, tokens, code } = await afterwards();
    expect(await errorOf(await harness.refresh(tokens))).toEqual([400, "invalid_grant"]);
    expect(await errorOf(await harness.redeem(code))).toEqual([400, "invalid_grant"]);
    await expect(harness.provider.pangeaToken({ token: tokens.access_token })).rejects.toMatchObject({
      error: "invalid_token",
    });
    const again = await harness.tokensFor(tokens.clientId);
    expect(await harness.mcpStatus(again.access_token)).toBe(200);
  });

  it("costs nothing that the secret, listed again, would open", async () => {
    const { before, harness, tokens, code } = await afterwards();
    await harness.refresh(tokens);
    await harness.redeem(code);
    const listed = open([fresh, old]);
    expect((await listed.refresh(tokens)).status).toBe(200);
    expect((await before.redeem(code)).status).toBe(200);
  });

  it("stands in the way of no revocation", async () => {
    const { harness, tokens } = await afterwards();
    const revoke = (clientId: string, token: string) => harness.postForm("/revoke", { client_id: clientId, token });
    const { client_id } = await harness.register();
    await revoke(client_id, tokens.refresh_token);
    expect(await harness.mcpStatus(tokens.access_token), "another client's wish").toBe(200);
    expect((await revoke(tokens.clientId, tokens.refresh_token)).status).toBe(200);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
  });
});

describe("credentials that name a key which nobody has", () => {
  it("cost ten look-ups in ten seconds at the most, and end no login", async () => {
    const recorded = recordedRepositories({ clock: clock.read });
    const harness = open(old, { repositories: recorded.repositories, rateLimits: false });
    const tokens = await harness.tokens();
    const invented = () => {
      const keyId = randomBytes(6).toString("base64url");
      return tokens.refresh_token.slice(0, -30) + keyId + tokens.refresh_token.slice(-22);
    };
    for (let round = 0; round < 3; round += 1) {
      recorded.calls.length = 0;
      const statuses: number[] = [];
      for (let count = 0; count < 50; count += 1) {
        statuses.push((await harness.refresh({ ...tokens, refresh_token: invented() })).status);
        clock.advance(100);
      }
      expect(recorded.calls.filter((call) => call === "key_announcement get")).toHaveLength(10);
      expect(recorded.calls.filter((call) => !/^(?:key_announcement|client) /.test(call))).toEqual([]);
      // Whoever may not be looked up is told to come back, since it may be another instance's.
      expect(statuses.slice(0, 10)).toEqual(Array(10).fill(400));
      expect(statuses.slice(10)).toEqual(Array(40).fill(503));
      clock.advanceSeconds(10);
    }
    expect((await harness.refresh(tokens)).status).toBe(200);
  });

  it("keep nobody who has lost a login from being told so, by whoever comes back once", async () => {
    const before = open(old);
    const tokens = await before.tokens();
    for (const [key] of await recordsOf(repositories.keyAnnouncements)) await repositories.keyAnnouncements.delete(key);
    const harness = open(fresh, { rateLimits: false });
    const statuses: number[] = [];
    for (let second = 0; second < 40; second += 1) {
      const keyId = randomBytes(6).toString("base64url");
      const refresh_token = tokens.refresh_token.slice(0, -30) + keyId + tokens.refresh_token.slice(-22);
      await harness.refresh({ ...tokens, refresh_token });
      if (second % 10 === 5) statuses.push((await harness.refresh(tokens)).status);
      clock.advanceSeconds(0.9);
    }
    expect(statuses).toContain(400);
  });

  it("cost one look-up each for a key that is shown again and again", async () => {
    const recorded = recordedRepositories({ clock: clock.read });
    const harness = open(old, { repositories: recorded.repositories, rateLimits: false });
    const tokens = await harness.tokens();
    const foreign = `${tokens.code.slice(0, -30)}AAAAAAAA${tokens.code.slice(-22)}`;
    recorded.calls.length = 0;
    for (let count = 0; count < 20; count += 1) {
      expect(await errorOf(await harness.redeem({ ...tokens, code: foreign }))).toEqual([400, "invalid_grant"]);
    }
    expect(recorded.calls).toEqual(["key_announcement get"]);
  });
});
