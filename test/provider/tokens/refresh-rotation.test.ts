import { describe, expect, it } from "vitest";
import type { McpOAuthProviderOptions, Repository } from "../../../src/index.ts";
import type { TokenResponse } from "../../../src/provider/tokens/token-response.ts";
import type { Grant } from "../../../src/records/grant.ts";
import { accessTokenKey, refreshTokenKey } from "../../../src/records/keys.ts";
import type { RefreshToken } from "../../../src/records/refresh-token.ts";
import { gated } from "../../support/gated-repository.ts";
import { failingOnce, intercepted, overtaken } from "../../support/intercepted-repository.ts";
import { heard } from "../../support/provider-events.ts";
import { recordsOf } from "../../support/records-of.ts";
import { outcomeOf, refreshingClient, TokenScene } from "../../support/token-scene.ts";

type Instance = ReturnType<TokenScene["instance"]>;
const refused = { error: "invalid_grant" };
const day = 86_400;

/** The first tokens of a login. */
async function opened(options: Partial<McpOAuthProviderOptions> = {}) {
  const scene = new TokenScene(options);
  const one = scene.instance();
  await scene.issueCode(one);
  const { tokens: first } = await one.redeem();
  if (first === undefined) throw new Error("The code is good.");
  return { scene, one, first };
}

/** Refreshes, and takes it for granted that this goes well. */
async function next(one: Instance, tokens: TokenResponse): Promise<TokenResponse> {
  const { tokens: renewed, error } = await one.refresh(tokens);
  if (renewed === undefined) throw new Error(`It is good: ${error}`);
  return renewed;
}

/** Changes the record of a refresh token, or of the grant. */
async function change(scene: TokenScene, generation: number, changes: Partial<RefreshToken>) {
  const key = refreshTokenKey(scene.handle, generation);
  const record = await scene.repositories.refreshTokens.get(key);
  if (record === undefined) throw new Error("It is stored.");
  await scene.repositories.refreshTokens.set(key, { ...record, ...changes });
}
async function changeGrant(scene: TokenScene, changes: Partial<Grant>) {
  const grant = await scene.grant();
  if (grant === undefined) throw new Error("It is stored.");
  await scene.repositories.grants.set(scene.grantId, { ...grant, ...changes });
}

const isEnded = async (scene: TokenScene) => (await scene.grant())?.revokedAt !== undefined;
const wasDecided = async (scene: TokenScene) => (await recordsOf(scene.repositories.consentRevocations)).length > 0;

describe("who shows a refresh token", () => {
  it.each([
    ["that is good", {}, 1, undefined],
    ["of another client", { clientId: "other" }, 1, "invalid_grant"],
    ["that was never issued, with a secret", { refreshToken: "guess", isProven: true }, 1, "invalid_grant"],
    ["that was never issued, without one", { refreshToken: "guess" }, 0, "invalid_grant"],
  ])("is asked who it is: %s", async (_, changes, times, error) => {
    const { scene, one, first } = await opened();
    let asked = 0;
    const answer = one.refreshes.refresh(one.refreshment(first.refresh_token ?? "", changes), async () => {
      asked += 1;
      return { ...refreshingClient, name: "as it was said" };
    });
    expect((await outcomeOf(answer)).error).toBe(error);
    expect(asked).toBe(times);
    if (error === undefined) expect((await answer).client).toMatchObject({ name: "as it was said" });
    expect(await isEnded(scene)).toBe(false);
  });

  it("is refused what is another server's, or whose grant is gone, or a removed upstream's", async () => {
    for (const changes of [
      { resource: new URL("https://other.example/mcp") },
      { upstreamIssuer: "https://login.gone.example" },
      undefined,
    ]) {
      const { scene, one, first } = await opened();
      if (changes === undefined) await scene.repositories.grants.delete(scene.grantId);
      else await changeGrant(scene, changes);
      const unknown = heard("unknown-upstream");
      expect(await one.refresh(first)).toEqual(refused);
      expect(unknown.stop()).toHaveLength(changes?.upstreamIssuer === undefined ? 0 : 1);
      expect(await recordsOf(scene.repositories.refreshTokens)).toHaveLength(1);
    }
  });

  it.each([
    [["authorization_code"], undefined, "unauthorized_client"],
    [["authorization_code"], true, undefined],
    [["refresh_token"], undefined, undefined],
  ] as const)("may refresh by its grant types or by offline_access: %j, %j", async (types, offlineAccess, error) => {
    const { scene, one, first } = await opened();
    if (offlineAccess !== undefined) await changeGrant(scene, { offlineAccess });
    const answer = one.refreshes.refresh(one.refreshment(first.refresh_token ?? ""), async () => ({
      grantTypes: [...types],
    }));
    expect((await outcomeOf(answer)).error).toBe(error);
  });

  it("is refused another resource, unless the grant is for none", async () => {
    const resource = "https://other.example/mcp";
    const { scene, one, first } = await opened();
    expect(await one.refresh(first, { resource })).toEqual({ error: "invalid_target" });
    const { resource: _, ...grant } = (await scene.grant()) as Grant;
    await scene.repositories.grants.set(scene.grantId, grant);
    expect((await one.refresh(first, { resource })).tokens?.resource).toBe(scene.resource);
  });
});

describe("the answer to a refresh token", () => {
  it("is told of, and names the resource to who has named it", async () => {
    const { scene, one, first } = await opened();
    const refreshed = heard("token-refreshed");
    const { tokens } = await one.refresh(first, { scope: "user" });
    const { grantId, upstream } = scene;
    expect(refreshed.stop()).toEqual([
      { clientId: "app", grantId, subject: "ada", upstreamIssuer: upstream.issuer, scopes: ["user"] },
    ]);
    expect(tokens).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 3_600,
      scope: "user",
      refresh_token: expect.any(String),
    });
    expect((await one.refresh(first, { resource: scene.resource })).tokens).toEqual({
      ...tokens,
      resource: scene.resource,
    });
  });

  it.each([
    ["user", "user"],
    ["user openid", "user"],
    ["openid", "user admin"],
    [undefined, "user admin"],
  ])("has the scopes that were asked for, of those of its grant: %s", async (scope, given) => {
    const { one, first } = await opened();
    expect((await one.refresh(first, { scope })).tokens?.scope).toBe(given);
  });

  it("has a scope that the grant's imply", async () => {
    const { scene, one, first } = await opened({ scopeImplies: { admin: ["user"] } });
    await changeGrant(scene, { scopes: ["admin"] });
    expect((await one.refresh(first, { scope: "user" })).tokens?.scope).toBe("user");
  });

  it("is the same again for as long as its access token lives, and then has another one", async () => {
    const { scene, one, first } = await opened();
    const answer = await next(one, first);
    scene.clock.advanceSeconds(3_599);
    expect(await next(one, first)).toEqual({ ...answer, expires_in: 1 });
    scene.clock.advanceSeconds(1);
    const later = await next(one, first);
    expect(later).toEqual({ ...answer, access_token: later.access_token });
    expect(later.access_token).not.toBe(answer.access_token);
  });

  it("is not given again once its access token was revoked, for as long as that would have lived", async () => {
    for (const isSlow of [false, true]) {
      const { scene, one, first } = await opened();
      const accessTokens = gated(scene.repositories.accessTokens);
      const slow = scene.instance({ repositories: scene.with("accessTokens", accessTokens) });
      const gate = accessTokens.hold("add");
      const late = isSlow ? slow.refresh(first) : undefined;
      if (late) await gate.arrival(late);
      const { access_token: token } = await next(one, first);
      const key = accessTokenKey(token);
      const record = await scene.repositories.accessTokens.get(key);
      if (record === undefined) throw new Error("It was added.");
      await scene.repositories.accessTokens.set(key, { ...record, revokedAt: 1 });
      if (late) await gate.answer();
      expect(await (late ?? one.refresh(first))).toEqual(refused);
      expect(await isEnded(scene)).toBe(false);
    }
  });

  it("reads where it is given again, and adds nothing", async () => {
    const { scene, one, first } = await opened();
    await next(one, first);
    const calls: string[] = [];
    const recording = <V>(name: string, repository: Repository<string, V>) =>
      intercepted(repository, (run, { method }) => {
        if (name === "access" || method !== "get") calls.push(`${name} ${method}`);
        return run();
      });
    const recorded = scene.instance({
      repositories: {
        ...scene.repositories,
        accessTokens: recording("access", scene.repositories.accessTokens),
        refreshTokens: recording("refresh", scene.repositories.refreshTokens),
      },
    });
    await next(recorded, first);
    expect(calls).toEqual(["access get"]);
    calls.length = 0;
    const second = await next(one, first);
    await next(recorded, second);
    expect(calls.sort()).toEqual(["access add", "refresh add", "refresh set"]);
    calls.length = 0;
    await next(recorded, second);
    expect(calls).toEqual(["access get"]);
  });

  it.each([
    ["refreshTokens", "invalid_grant", undefined],
    ["accessTokens", undefined, 0],
  ] as const)("is no failure of the server where what was there is gone: %s", async (kind, error, expiresIn) => {
    const { scene, first } = await opened();
    const { repository, begin } = overtaken<unknown>(scene.repositories[kind]);
    const one = scene.instance({ repositories: { ...scene.repositories, [kind]: repository } });
    begin();
    const outcome = await one.refresh(first);
    expect([outcome.error, outcome.tokens?.expires_in]).toEqual([error, expiresIn]);
  });

  it("takes ten minutes at the most: whoever is suspended for longer adds nothing, or answers nobody", async () => {
    for (const [kind, method, added] of [
      ["grants", "get", 1],
      ["accessTokens", "add", 2],
    ] as const) {
      for (const seconds of [600, 601]) {
        const { scene, first } = await opened();
        const repository = gated<string, unknown>(scene.repositories[kind]);
        const one = scene.instance({ repositories: { ...scene.repositories, [kind]: repository } });
        const gate = repository.hold(method);
        const late = one.refresh(first);
        await gate.arrival(late);
        scene.clock.advanceSeconds(seconds);
        await gate.answer();
        const isPrompt = seconds === 600;
        expect((await late).error).toBe(isPrompt ? undefined : "ERR_STORAGE_TIMEOUT");
        expect(await recordsOf(scene.repositories.refreshTokens)).toHaveLength(isPrompt ? 2 : added);
      }
    }
  });

  it("waits for every write where one fails", async () => {
    const { scene, one: before, first } = await opened();
    const second = await next(before, first);
    const flaky = failingOnce(scene.repositories.refreshTokens);
    const one = scene.instance({ repositories: scene.with("refreshTokens", flaky.repository) });
    flaky.failNext("set", "before");
    expect(await one.refresh(second)).toEqual({ error: "ERR_STORAGE_TIMEOUT" });
    // The repetition retires the token before the one that is shown.
    await next(one, second);
    expect(await scene.repositories.refreshTokens.get(refreshTokenKey(scene.handle, 1))).toMatchObject({
      retired: true,
    });
  });
});

describe("the use of a successor", () => {
  it.each([
    [{}, 720],
    [{ refreshGraceSeconds: 590 }, 720],
    [{ refreshGraceSeconds: 590, clockToleranceSeconds: 0 }, 600],
  ])("retires the token before it, which is kept for a while, with %j: %i seconds", async (options, seconds) => {
    const { scene, one, first } = await opened(options);
    const record = (generation: number) =>
      scene.repositories.refreshTokens.get(refreshTokenKey(scene.handle, generation));
    const before = await record(1);
    const second = await next(one, first);
    expect(await record(1)).toEqual(before);
    await next(one, second);
    const expiresAt = scene.clock.seconds(seconds);
    expect(await record(1)).toEqual({ ...before, expiresAt, retired: true });
    expect(await record(2)).not.toHaveProperty("retired");
    scene.clock.advanceSeconds(20);
    await next(one, second);
    expect((await record(1))?.expiresAt, "as it was said first").toBe(expiresAt);
  });

  it("keeps no record for longer than its grant", async () => {
    const { scene, one, first } = await opened();
    const second = await next(one, first);
    await change(scene, 1, { expiresAt: scene.clock.seconds(100), usableUntil: scene.clock.seconds(100) });
    await next(one, second);
    expect((await scene.repositories.refreshTokens.get(refreshTokenKey(scene.handle, 1)))?.expiresAt).toBe(
      scene.clock.seconds(100),
    );
  });

  describe("by a request that is suspended between its look and its write", () => {
    /** A request that has looked, and is about to add the second token. */
    async function suspended() {
      const { scene, one, first } = await opened();
      const refreshTokens = gated(scene.repositories.refreshTokens);
      const another = scene.instance({ repositories: scene.with("refreshTokens", refreshTokens) });
      const addition = refreshTokens.hold("add");
      const late = another.refresh(first);
      await addition.arrival(late);
      return { scene, one, first, late, addition };
    }
    /** The second token was used, and its record is gone by the time that the request adds it. */
    async function overtaken() {
      const { scene, one, first, late, addition } = await suspended();
      const second = await next(one, first);
      const fourth = await next(one, await next(one, second));
      scene.clock.advanceSeconds(720);
      return { scene, one, second, fourth, late, addition };
    }
    const secondOf = (scene: TokenScene) => scene.repositories.refreshTokens.get(refreshTokenKey(scene.handle, 2));

    it("is there again, and leads to nothing", async () => {
      const { scene, one, second, fourth, late, addition } = await overtaken();
      expect(await secondOf(scene)).toBeUndefined();
      await addition.answer();
      expect(await late).toEqual({ error: "ERR_STORAGE_TIMEOUT" });
      expect(await secondOf(scene)).toBeDefined();
      // The two tokens after it leave the store as well, so that nothing but the one before it says that it was used.
      let newest = await next(one, fourth);
      for (let times = 0; times < 2; times += 1) {
        scene.clock.advanceSeconds(720);
        newest = await next(one, newest);
      }
      scene.clock.advanceSeconds(720);
      expect(await one.refresh(second)).toEqual(refused);
      expect(await isEnded(scene)).toBe(true);
    });

    it("stays where nobody has used it, for whoever repeats the request", async () => {
      const { scene, one, first, late, addition } = await suspended();
      scene.clock.advanceSeconds(720);
      await addition.answer();
      expect(await late).toEqual({ error: "ERR_STORAGE_TIMEOUT" });
      expect(await secondOf(scene)).toBeDefined();
      await next(one, await next(one, first));
    });
  });

  it("asks for no token before the first, and none twice", async () => {
    const { scene, one, first } = await opened();
    const asked: string[] = [];
    const refreshTokens = intercepted(scene.repositories.refreshTokens, (run, { method, key }) => {
      if (method === "get") asked.push(key);
      return run();
    });
    const recorded = scene.instance({ repositories: scene.with("refreshTokens", refreshTokens) });
    const keys = (...numbers: number[]) => numbers.map((number) => refreshTokenKey(scene.handle, number));
    const second = await next(recorded, first);
    expect(asked).toEqual(keys(1, 2, 3));
    asked.length = 0;
    await next(one, second);
    await next(recorded, second);
    expect(asked).toEqual(keys(1, 2, 3, 4));
  });

  it.each([
    ["end-grant", 29.999, true, undefined],
    ["end-grant", 30, true, "invalid_grant"],
    ["refuse", 30, true, "invalid_grant"],
    // Another instance adds what its clock may be ahead.
    ["end-grant", 149.999, false, undefined],
    ["end-grant", 150, false, "invalid_grant"],
  ] as const)("begins the grace: with %s, after %d seconds", async (onRefreshReuse, seconds, isSame, error) => {
    const { scene, one, first } = await opened({ onRefreshReuse });
    await next(one, await next(one, first));
    scene.clock.advanceSeconds(seconds);
    const reuses = heard("reuse-detected");
    expect((await (isSame ? one : scene.instance()).refresh(first)).error).toBe(error);
    const { grantId } = scene;
    const told = { clientId: "app", grantId, credential: "refresh_token" };
    expect(reuses.stop()).toEqual(error === undefined ? [] : [told]);
    const ends = error !== undefined && onRefreshReuse === "end-grant";
    expect(await isEnded(scene)).toBe(ends);
    expect(await wasDecided(scene)).toBe(ends);
    expect(scene.upstream.revoked.map(({ token }) => token)).toEqual(ends ? ["ada-1"] : []);
  });
});

describe("a refresh token that was used long ago", () => {
  it("ends its grant where its record is gone, once", async () => {
    const { scene, one, first } = await opened();
    await next(one, first);
    await scene.repositories.refreshTokens.delete(refreshTokenKey(scene.handle, 1));
    for (const told of [1, 0]) {
      const reuses = heard("reuse-detected");
      expect(await one.refresh(first)).toEqual(refused);
      expect(reuses.stop()).toHaveLength(told);
      expect(await isEnded(scene)).toBe(true);
    }
    expect(scene.upstream.revoked, "nothing opens the session").toEqual([]);
  });

  it.each<[string, Partial<RefreshToken>, string]>([
    ["says so in a word", { retired: true }, "in time"],
    ["ends before it would be unusable, as earlier versions said it", {}, "sooner"],
  ])("ends its grant where its record %s and one after it is gone", async (_, changes, ends) => {
    for (const gone of [2, 3, undefined]) {
      const { scene, one, first } = await opened();
      await next(one, await next(one, first));
      const expiresAt = scene.clock.seconds(ends === "in time" ? 40 * day : 10);
      await change(scene, 1, { retired: undefined, ...changes, expiresAt } as Partial<RefreshToken>);
      if (gone !== undefined) await scene.repositories.refreshTokens.delete(refreshTokenKey(scene.handle, gone));
      const { error } = await one.refresh(first);
      expect(error, String(gone)).toBe(gone === undefined ? undefined : "invalid_grant");
      expect(await isEnded(scene)).toBe(gone !== undefined);
    }
  });

  it("is good where its record ends when it does, and nobody has used its successor", async () => {
    const { scene, one, first } = await opened();
    const usableUntil = scene.clock.seconds(100);
    await change(scene, 1, { usableUntil, expiresAt: usableUntil });
    expect((await one.refresh(first)).error).toBeUndefined();
  });

  it("is read once more, where it was used between two of the reads", async () => {
    const { scene, one, first } = await opened();
    const second = await next(one, first);
    const third = { ...second };
    // The read of the successor's successor comes before its use, and the read of the shown token after it.
    const refreshTokens = gated(scene.repositories.refreshTokens);
    const slow = scene.instance({ repositories: scene.with("refreshTokens", refreshTokens) });
    const gate = refreshTokens.hold("get");
    const answer = slow.refresh(first);
    await gate.arrival(answer);
    await next(one, third);
    await gate.answer();
    expect((await answer).error).toBeUndefined();
    expect(await isEnded(scene)).toBe(false);
  });
});

describe("a refresh token of a grant that is over", () => {
  it("ends the session upstream that the revocation could not end, and is refused", async () => {
    const { scene, one, first } = await opened();
    await changeGrant(scene, { revokedAt: 1 });
    const reuses = heard("reuse-detected");
    expect(await one.refresh(first)).toEqual(refused);
    expect(reuses.stop()).toEqual([]);
    expect(scene.upstream.revoked.map(({ token }) => token)).toEqual(["ada-1"]);
  });

  it.each([
    ["a moment before its end", 30 * day - 0.001, undefined, false],
    ["at its end", 30 * day, "invalid_grant", false],
    ["while an access token of it may live", 30 * day + 3_600 + 120 + 600 - 0.001, "invalid_grant", false],
    ["when nothing of it can live", 30 * day + 3_600 + 120 + 600, "invalid_grant", true],
  ])("that was never used is refused, and ends the session at last: %s", async (_, seconds, error, ended) => {
    const { scene, one, first } = await opened();
    scene.clock.advanceSeconds(seconds);
    expect((await one.refresh(first)).error).toBe(error);
    expect(await isEnded(scene)).toBe(ended);
    expect(scene.upstream.revoked).toHaveLength(ended ? 1 : 0);
    expect(await wasDecided(scene), "the person has not decided anything").toBe(false);
  });

  it("is over with its successor, for as long as that is good", async () => {
    const { scene, one, first } = await opened();
    scene.clock.advanceSeconds(20 * day);
    await next(one, first);
    scene.clock.advanceSeconds(29 * day);
    expect((await one.refresh(first)).error).toBeUndefined();
    scene.clock.advanceSeconds(day);
    expect(await one.refresh(first)).toEqual(refused);
    expect(await isEnded(scene)).toBe(false);
  });

  it("is over when grants have a shorter lifetime by now", async () => {
    const { scene, first } = await opened();
    scene.clock.advanceSeconds(10 * day);
    const grantLifetimeSeconds = 10 * day;
    expect(await scene.instance({ grantLifetimeSeconds }).refresh(first)).toEqual(refused);
    expect((await scene.instance({ grantLifetimeSeconds: 10 * day + 1 }).refresh(first)).error).toBeUndefined();
  });

  it("lets the session be where its grant has gone on without it", async () => {
    const lifetimes = { accessTokenLifetimeSeconds: 10, refreshTokenLifetimeSeconds: 600, refreshGraceSeconds: 600 };
    const { scene, one, first } = await opened({ ...lifetimes, clockToleranceSeconds: 0 });
    const second = await next(one, first);
    scene.clock.advanceSeconds(599);
    const third = await next(one, second);
    await change(scene, 2, { usableUntil: scene.clock.seconds(-1_000) });
    scene.clock.advanceSeconds(590);
    expect(await one.refresh(first)).toEqual(refused);
    expect(await isEnded(scene)).toBe(false);
    expect((await one.refresh(third)).error).toBeUndefined();
  });
});
