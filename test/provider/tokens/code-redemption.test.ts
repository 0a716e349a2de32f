import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { StorageTimeoutError } from "../../../src/errors.ts";
import type { AuthorizationCode, ClientAuthentication } from "../../../src/records/authorization-code.ts";
import type { Grant } from "../../../src/records/grant.ts";
import { accessTokenKey, authorizationCodeKey, refreshTokenKey } from "../../../src/records/keys.ts";
import { gated } from "../../support/gated-repository.ts";
import { failingOnce, intercepted, overtaken } from "../../support/intercepted-repository.ts";
import { heard } from "../../support/provider-events.ts";
import { recordsOf } from "../../support/records-of.ts";
import { outcomeOf, refreshingClient, TokenScene } from "../../support/token-scene.ts";

const kinds = ["grants", "refreshTokens", "accessTokens"] as const;
const refused = { error: "invalid_grant" };

/** Whether the login that the code began with is over, and why: by a decision, or since it is out of time. */
async function endOf(scene: TokenScene): Promise<"revoked" | "out of time" | undefined> {
  if ((await scene.grant())?.revokedAt === undefined) return undefined;
  return (await recordsOf(scene.repositories.consentRevocations)).length > 0 ? "revoked" : "out of time";
}

describe("who shows a code", () => {
  it.each([
    ["of this client", {}, {}, [refreshingClient]],
    ["of another client", { clientId: "other" }, {}, [undefined]],
    ["that was never issued, with a secret", { code: "guess", isProven: true }, {}, [undefined]],
    ["that was never issued, without one", { code: "guess" }, {}, []],
  ])("is asked who it is by what is known of the code: %s", async (_, shown, changes, expected) => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one, changes);
    const asked: (ClientAuthentication | undefined)[] = [];
    const answer = one.codes.redeem(one.redemption(shown), async (client) => {
      asked.push(client);
      return client;
    });
    const outcome = await outcomeOf(answer);
    expect(asked).toEqual(expected);
    expect(outcome.error).toBe("clientId" in shown || "code" in shown ? "invalid_grant" : undefined);
    if (outcome.error === undefined) expect((await answer).client).toEqual(refreshingClient);
    else expect(await scene.grant()).toBeUndefined();
  });

  it("is asked without a record where that is gone, and ends what the code led to", async () => {
    for (const clientId of ["app", "other"]) {
      const scene = new TokenScene();
      const one = scene.instance();
      await scene.issueCode(one);
      expect((await one.redeem()).tokens).toBeDefined();
      await scene.repositories.authorizationCodes.delete(authorizationCodeKey(scene.handle));
      const reuses = heard("reuse-detected");
      expect(await one.redeem({ clientId })).toEqual(refused);
      expect(await endOf(scene)).toBe(clientId === "app" ? "revoked" : undefined);
      const { grantId } = scene;
      const told = { clientId, grantId, credential: "authorization_code" };
      expect(reuses.stop()).toEqual(clientId === "app" ? [told] : []);
      // The second time there is nothing left to end.
      const again = heard("reuse-detected");
      expect(await one.redeem({ clientId })).toEqual(refused);
      expect(again.stop()).toEqual([]);
    }
  });

  it("is refused what another server has issued, and what a removed upstream's user has begun", async () => {
    for (const changes of [
      { resource: new URL("https://other.example/mcp") },
      { upstreamIssuer: "https://login.gone.example" },
    ]) {
      const scene = new TokenScene();
      const one = scene.instance();
      await scene.issueCode(one, changes);
      const unknown = heard("unknown-upstream");
      expect(await one.redeem()).toEqual(refused);
      expect(unknown.stop()).toHaveLength("upstreamIssuer" in changes ? 1 : 0);
      expect(await recordsOf(scene.repositories.grants)).toEqual([]);
    }
  });
});

describe("the answer to a code", () => {
  it("is told of, with whose it is", async () => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one);
    const issued = heard("token-issued");
    const { tokens } = await one.redeem();
    const { grantId, upstream } = scene;
    expect(issued.stop()).toEqual([
      { clientId: "app", grantId, subject: "ada", upstreamIssuer: upstream.issuer, scopes: ["user", "admin"] },
    ]);
    expect(tokens).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 3_600,
      scope: "user admin",
      refresh_token: expect.any(String),
    });
    expect(await scene.grant()).toEqual({
      clientId: "app",
      clientName: "App",
      clientHost: "127.0.0.1",
      scopes: ["user", "admin"],
      createdAt: scene.clock.seconds(),
      expiresAt: scene.clock.seconds(90 * 86_400),
      redemption: expect.any(String),
      resource: new URL(scene.resource),
      subject: "ada",
      upstreamIssuer: scene.upstream.issuer,
      sealedUpstream: expect.any(String),
    });
  });

  it.each<[string, Partial<AuthorizationCode>, string | undefined, boolean]>([
    ["where nobody has named it", {}, undefined, false],
    ["where the token request has", {}, "https://mcp.example/mcp", true],
    ["where the authorization request has", { namesResource: true }, undefined, true],
  ])("names the resource %s", async (_, changes, resource, isNamed) => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one, changes);
    const { tokens } = await one.redeem({ resource });
    expect(tokens).toBeDefined();
    expect(tokens?.resource).toBe(isNamed ? scene.resource : undefined);
  });

  it.each<[string, Partial<AuthorizationCode>, boolean]>([
    ["by its grant types", {}, true],
    ["by no grant type", { client: { ...refreshingClient, grantTypes: ["authorization_code"] } }, false],
    [
      "by offline_access",
      { client: { ...refreshingClient, grantTypes: ["authorization_code"] }, offlineAccess: true },
      true,
    ],
  ])("has a refresh token where the client may have one, %s", async (_, changes, isGiven) => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one, changes);
    const { tokens } = await one.redeem();
    expect(tokens?.refresh_token !== undefined).toBe(isGiven);
    expect(await recordsOf(scene.repositories.refreshTokens)).toHaveLength(isGiven ? 1 : 0);
    expect((await scene.grant())?.offlineAccess).toBe(changes.offlineAccess);
    expect((await scene.grant())?.expiresAt).toBe(scene.clock.seconds(isGiven ? 90 * 86_400 : 3_600));
  });

  it("names the attempt in what decides about the code, and in nothing else", async () => {
    const named = async (scene: TokenScene) => {
      const names: string[] = [];
      for (const kind of kinds) {
        const [[, record = {}] = []] = await recordsOf<{ readonly redemption?: string }>(scene.repositories[kind]);
        if (record.redemption !== undefined) names.push(kind);
      }
      return names;
    };
    for (const [missing, expected] of [
      [undefined, ["grants"]],
      ["grants", ["grants"]],
      ["accessTokens", ["grants", "accessTokens"]],
      ["refreshTokens", ["grants", "refreshTokens"]],
    ] as const) {
      const scene = new TokenScene();
      const flaky = missing && failingOnce<unknown>(scene.repositories[missing]);
      const repositories = { ...scene.repositories, ...(missing && { [missing]: flaky?.repository }) };
      const one = scene.instance({ repositories });
      await scene.issueCode(one);
      flaky?.failNext("add", "before");
      if (flaky) expect(await one.redeem()).toEqual({ error: "ERR_STORAGE_TIMEOUT" });
      expect((await one.redeem()).tokens, missing).toBeDefined();
      expect((await named(scene)).sort()).toEqual([...expected].sort());
    }
  });

  it("takes ten minutes at the most: whoever is suspended for longer adds nothing, or answers nobody", async () => {
    for (const [kind, method, isAdded] of [
      ["grants", "get", false],
      ["accessTokens", "add", true],
    ] as const) {
      for (const seconds of [600, 601]) {
        const scene = new TokenScene();
        const repository = gated<string, unknown>(scene.repositories[kind]);
        const repositories = { ...scene.repositories, [kind]: repository };
        const one = scene.instance({ repositories, accessTokenLifetimeSeconds: 3_600 });
        await scene.issueCode(one, { expiresAt: scene.clock.seconds(700) });
        const gate = repository.hold(method);
        const late = one.redeem();
        await gate.arrival(late);
        scene.clock.advanceSeconds(seconds);
        await gate.answer();
        const isPrompt = seconds === 600;
        expect((await late).error).toBe(isPrompt ? undefined : "ERR_STORAGE_TIMEOUT");
        expect(await recordsOf(scene.repositories.grants)).toHaveLength(isPrompt || isAdded ? 1 : 0);
      }
    }
  });

  it("is none once the code's record has ended: who ended everything meanwhile found no code any more, and no grant yet", async () => {
    for (const seconds of [179, 180]) {
      const scene = new TokenScene();
      const grants = gated(scene.repositories.grants);
      const one = scene.instance({ repositories: { ...scene.repositories, grants } });
      await scene.issueCode(one, { expiresAt: scene.clock.seconds(180) });
      const gate = grants.hold("add");
      const late = one.redeem();
      await gate.arrival(late);
      scene.clock.advanceSeconds(seconds);
      await gate.answer();
      const isLate = seconds === 180;
      expect((await late).error, String(seconds)).toBe(isLate ? "invalid_grant" : undefined);
      const [grant] = await recordsOf(scene.repositories.grants);
      expect(grant?.[1].revokedAt !== undefined, String(seconds)).toBe(isLate);
    }
  });
});

describe("the record of a grant", () => {
  it("is kept for as long as a request with its code may take, where the grant is over sooner", async () => {
    const scene = new TokenScene({ accessTokenLifetimeSeconds: 5, grantLifetimeSeconds: 10 });
    const one = scene.instance();
    await scene.issueCode(one, { expiresAt: scene.clock.seconds(179.5) });
    expect((await one.redeem()).tokens?.expires_in).toBe(5);
    expect((await scene.grant())?.expiresAt).toBe(scene.clock.seconds(180 + 120 + 600));
  });

  it("has nothing of what its code has nothing of, and so has the answer", async () => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one);
    const key = authorizationCodeKey(scene.handle);
    const record = await scene.repositories.authorizationCodes.get(key);
    if (record === undefined) throw new Error("It is stored.");
    const { subject: _, resource: __, sealedUpstream: ___, upstreamIssuer: ____, client: _____, ...others } = record;
    await scene.repositories.authorizationCodes.set(key, others);
    expect((await one.redeem()).tokens).not.toHaveProperty("refresh_token");
    expect(Object.keys((await scene.grant()) ?? {}).sort()).toEqual([
      "clientHost",
      "clientId",
      "clientName",
      "createdAt",
      "expiresAt",
      "redemption",
      "scopes",
    ]);
  });
});

describe("what a code is shown with", () => {
  it.each([
    ["43 characters", "a".repeat(43), true],
    ["128 characters of every kind", "aZ09-._~".repeat(16), true],
    ["42 characters", "a".repeat(42), false],
    ["129 characters", "a".repeat(129), false],
    ["a character before it that is none", `!${"a".repeat(43)}`, false],
    ["a character behind it that is none", `${"a".repeat(43)}!`, false],
  ])("is a verifier of the form that PKCE gives it, whatever its hash: %s", async (_, codeVerifier, isGood) => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one, { codeChallenge: hash("sha256", codeVerifier, "base64url") });
    expect((await one.redeem({ codeVerifier })).error).toBe(isGood ? undefined : "invalid_grant");
  });

  it.each([
    ["another client", { clientId: "other" }, "invalid_grant"],
    ["another redirect URI", { redirectUri: "http://127.0.0.1:4999/other" }, "invalid_grant"],
    ["what is no URI", { redirectUri: "::" }, "invalid_grant"],
    ["no redirect URI", { redirectUri: undefined }, undefined],
    ["its redirect URI in other letters", { redirectUri: "HTTP://127.0.0.1:4999/callback" }, undefined],
    ["another verifier", { codeVerifier: "w".repeat(43) }, "invalid_grant"],
    ["another resource", { resource: "https://other.example/mcp" }, "invalid_target"],
  ])("is compared, and the code is left for its owner: %s", async (_, changes, error) => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one);
    expect((await one.redeem(changes)).error).toBe(error);
    expect((await one.redeem()).error).toBe(error === undefined ? "invalid_grant" : undefined);
  });

  it("is compared with no resource where the code is for none", async () => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one);
    const key = authorizationCodeKey(scene.handle);
    const { resource: _, ...record } = (await scene.repositories.authorizationCodes.get(key)) ?? {};
    await scene.repositories.authorizationCodes.set(key, record as AuthorizationCode);
    expect((await one.redeem({ resource: "https://other.example/mcp" })).error).toBeUndefined();
  });

  it("is not compared by whoever uses the code a second time: that ends the login all the same", async () => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one);
    await one.redeem();
    expect(await one.redeem({ resource: "https://other.example/mcp" })).toEqual(refused);
    expect(await endOf(scene)).toBe("revoked");
    expect(scene.upstream.revoked.map(({ token }) => token)).toEqual(["ada-1"]);
  });

  it("is not compared where the code's access token may have come and gone", async () => {
    const scene = new TokenScene({ accessTokenLifetimeSeconds: 5 });
    const one = scene.instance();
    await scene.issueCode(one);
    await one.redeem();
    scene.clock.advanceSeconds(6);
    expect(await scene.instance().redeem({ resource: "https://other.example/mcp" })).toEqual(refused);
    expect(await endOf(scene)).toBe("revoked");
  });

  it("is compared where the attempt began before the code was answered, which costs nobody the login", async () => {
    const scene = new TokenScene();
    const authorizationCodes = gated(scene.repositories.authorizationCodes);
    const one = scene.instance({ repositories: scene.with("authorizationCodes", authorizationCodes) });
    await scene.issueCode(one);
    const gate = authorizationCodes.hold("get");
    const wrong = one.redeem({ resource: "https://other.example/mcp" });
    await gate.arrival(wrong);
    expect((await one.redeem()).tokens).toBeDefined();
    await gate.answer();
    expect(await wrong).toEqual({ error: "invalid_target" });
    expect(await endOf(scene)).toBeUndefined();
  });
});

describe("a code that is shown too late to who issued it", () => {
  it.each([
    ["a moment before", 59.999, {}, undefined, undefined],
    ["at its end", 60, {}, "invalid_grant", "out of time"],
    ["with another verifier", 60, { codeVerifier: "w".repeat(43) }, "invalid_grant", undefined],
    ["by another client", 60, { clientId: "other" }, "invalid_grant", undefined],
    ["for another resource", 60, { resource: "https://other.example/mcp" }, "invalid_target", undefined],
  ])("ends the session upstream where that is its client's: %s", async (_, seconds, changes, error, end) => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one);
    scene.clock.advanceSeconds(seconds);
    expect((await one.redeem(changes)).error).toBe(error);
    expect(await endOf(scene)).toBe(end);
    expect(scene.upstream.revoked).toHaveLength(end === undefined ? 0 : 1);
  });

  it("ends the login, and the consent, where it was used before, whatever it is shown with", async () => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one);
    await one.redeem();
    scene.clock.advanceSeconds(60);
    expect(await one.redeem({ codeVerifier: "w".repeat(43) })).toEqual(refused);
    expect(await endOf(scene)).toBe("revoked");
  });

  it("lives for another instance, and where its record says no end", async () => {
    for (const changes of [{ issuedBy: "another" }, { endsAt: undefined }]) {
      const scene = new TokenScene();
      const one = scene.instance();
      await scene.issueCode(one, changes as Partial<AuthorizationCode>);
      scene.clock.advanceSeconds(179);
      expect((await one.redeem()).tokens).toBeDefined();
    }
  });

  it("is refused alone while an attempt that came in time is being answered, or began before the answer", async () => {
    for (const isAnswered of [false, true]) {
      const scene = new TokenScene();
      const grants = gated(scene.repositories.grants);
      const one = scene.instance({ repositories: scene.with("grants", grants) });
      await scene.issueCode(one);
      const addition = grants.hold("add");
      const inTime = one.redeem();
      await addition.arrival(inTime);
      scene.clock.advanceSeconds(60);
      const look = grants.hold("get");
      const late = one.redeem();
      await look.arrival(late);
      await look.apply();
      if (isAnswered) {
        await addition.answer();
        await inTime;
      }
      await look.answer();
      expect(await late).toEqual(refused);
      await addition.answer();
      expect((await inTime).tokens).toBeDefined();
      expect(await endOf(scene)).toBeUndefined();
    }
  });
});

describe("a redemption of which something fails", () => {
  const failures = kinds.flatMap((kind) => [
    { kind, moment: "before" as const },
    { kind, moment: "after and unread" as const },
  ]);
  it.each(failures)("is taken up by the instance, once: $kind $moment the effect", async ({ kind, moment }) => {
    for (const times of [1, 3]) {
      const scene = new TokenScene();
      const flaky = failingOnce<unknown>(scene.repositories[kind]);
      const one = scene.instance({ repositories: { ...scene.repositories, [kind]: flaky.repository } });
      await scene.issueCode(one);
      const outcomes: (string | undefined)[] = [];
      for (let time = 0; time < times; time += 1) {
        flaky.failNext("add", moment);
        const { error } = await one.redeem();
        outcomes.push(error);
        if (error === undefined) break;
      }
      if (outcomes.at(-1) !== undefined) outcomes.push((await one.redeem()).error);
      const failed = moment === "before" ? times : 1;
      expect(outcomes).toEqual([...Array.from({ length: failed }, () => "ERR_STORAGE_TIMEOUT"), undefined]);
      expect(await endOf(scene)).toBeUndefined();
      expect(await one.redeem()).toEqual(refused);
      expect(await endOf(scene)).toBe("revoked");
    }
  });

  it.each(kinds)("is taken up by another instance while something is missing, and then is used: %s", async (kind) => {
    for (const moment of ["before", "after and unread"] as const) {
      const scene = new TokenScene();
      const flaky = failingOnce<unknown>(scene.repositories[kind]);
      const one = scene.instance({ repositories: { ...scene.repositories, [kind]: flaky.repository } });
      const other = scene.instance();
      await scene.issueCode(one);
      flaky.failNext("add", moment);
      expect((await one.redeem()).error).toBe("ERR_STORAGE_TIMEOUT");
      // Where everything is there, nobody else can tell that from a code that was used.
      expect((await other.redeem()).error).toBe(moment === "before" ? undefined : "invalid_grant");
      expect(await one.redeem()).toEqual(refused);
      expect(await endOf(scene)).toBe("revoked");
    }
  });

  it.each(kinds)("answers one of two repetitions at once, whatever failed: %s", async (kind) => {
    const scene = new TokenScene();
    const flaky = failingOnce<unknown>(scene.repositories[kind]);
    const one = scene.instance({ repositories: { ...scene.repositories, [kind]: flaky.repository } });
    await scene.issueCode(one);
    flaky.failNext("add", "after and unread");
    await one.redeem();
    const outcomes = await Promise.all([one.redeem(), one.redeem()]);
    expect(outcomes.filter(({ tokens }) => tokens !== undefined)).toHaveLength(1);
    expect(await endOf(scene)).toBe("revoked");
  });

  it.each(kinds)("answers one of a slow attempt and a quick one at the most: %s", async (kind) => {
    for (const outcome of ["done", "fails before", "fails after"] as const) {
      const scene = new TokenScene();
      const repository = gated<string, unknown>(scene.repositories[kind]);
      const one = scene.instance({ repositories: { ...scene.repositories, [kind]: repository } });
      const other = scene.instance();
      await scene.issueCode(one);
      const gate = repository.hold("add");
      const slow = one.redeem();
      await gate.arrival(slow);
      const quick = await other.redeem();
      if (outcome === "fails after") await gate.apply();
      if (outcome === "done") await gate.answer();
      else gate.fail(new StorageTimeoutError("Nobody knows whether this was done."));
      const outcomes = [quick, await slow, await one.redeem(), await other.redeem()];
      expect(outcomes.filter(({ tokens }) => tokens !== undefined).length, outcome).toBeLessThanOrEqual(1);
      expect(await endOf(scene), outcome).toBe("revoked");
    }
  });

  it.each([
    { missing: "refreshTokens", lifetime: 200, seconds: 150, error: undefined },
    { missing: "accessTokens", lifetime: 170, seconds: 49.999, error: undefined },
    { missing: "accessTokens", lifetime: 170, seconds: 50, error: "invalid_grant" },
    { missing: "grants", lifetime: 120, seconds: 119, error: undefined },
  ] as const)(
    "is taken up while its access token is surely there: $missing, $lifetime s, $seconds s",
    async ({ missing, lifetime, seconds, error }) => {
      const scene = new TokenScene();
      const flaky = failingOnce<unknown>(scene.repositories[missing]);
      const repositories = { ...scene.repositories, [missing]: flaky.repository };
      const one = scene.instance({ repositories, accessTokenLifetimeSeconds: lifetime });
      await scene.issueCode(one, { endsAt: scene.clock.seconds(170) });
      flaky.failNext("add", "before");
      await one.redeem();
      scene.clock.advanceSeconds(seconds);
      const { error: second, tokens } = await one.redeem();
      expect(second).toBe(error);
      // The token of the first attempt is as good as one's own, for as long as it is.
      if (error === undefined)
        expect(tokens?.expires_in).toBe(missing === "accessTokens" ? lifetime : lifetime - seconds);
    },
  );

  it("is not taken up by whoever is suspended until the access token may have come and gone", async () => {
    for (const [seconds, error] of [
      [179.999, undefined],
      [180, "invalid_grant"],
    ] as const) {
      const scene = new TokenScene();
      const flaky = failingOnce(scene.repositories.accessTokens);
      const accessTokens = gated(flaky.repository);
      const one = scene.instance({
        repositories: scene.with("accessTokens", accessTokens),
        accessTokenLifetimeSeconds: 300,
      });
      await scene.issueCode(one, { endsAt: scene.clock.seconds(170) });
      flaky.failNext("add", "before");
      await one.redeem();
      const gate = accessTokens.hold("add");
      const late = one.redeem();
      await gate.arrival(late);
      scene.clock.advanceSeconds(seconds);
      await gate.answer();
      expect((await late).error).toBe(error);
      expect(await endOf(scene)).toBe(error === undefined ? undefined : "revoked");
    }
  });

  it("is not late where it has begun the grant itself, however short its access token lives", async () => {
    const scene = new TokenScene();
    const accessTokens = gated(scene.repositories.accessTokens);
    const repositories = scene.with("accessTokens", accessTokens);
    const one = scene.instance({ repositories, accessTokenLifetimeSeconds: 60 });
    await scene.issueCode(one);
    const gate = accessTokens.hold("add");
    const slow = one.redeem();
    await gate.arrival(slow);
    scene.clock.advanceSeconds(30);
    await gate.answer();
    expect((await slow).tokens).toBeDefined();
  });

  it("leads nowhere where the login was ended before its tokens were there", async () => {
    const scene = new TokenScene();
    const flaky = failingOnce(scene.repositories.accessTokens);
    const one = scene.instance({ repositories: scene.with("accessTokens", flaky.repository) });
    await scene.issueCode(one);
    flaky.failNext("add", "before");
    await one.redeem();
    const grant = await scene.grant();
    if (grant === undefined) throw new Error("It was added.");
    await scene.repositories.grants.set(scene.grantId, { ...grant, revokedAt: 1 } satisfies Grant);
    expect(await one.redeem()).toEqual(refused);
    expect(await recordsOf(scene.repositories.accessTokens)).toEqual([]);
  });

  it.each(["refreshTokens", "accessTokens"] as const)(
    "is answered though these were there and are gone: %s",
    async (kind) => {
      const scene = new TokenScene();
      const { repository, begin } = overtaken<unknown>(scene.repositories[kind]);
      const one = scene.instance({ repositories: { ...scene.repositories, [kind]: repository } });
      await scene.issueCode(one);
      begin();
      expect((await one.redeem()).tokens?.expires_in).toBe(kind === "accessTokens" ? 0 : 3_600);
    },
  );

  it("is not answered where its refresh token is there and its grant is not: somebody else's is", async () => {
    const scene = new TokenScene();
    const flaky = failingOnce(scene.repositories.grants);
    const one = scene.instance({ repositories: scene.with("grants", flaky.repository) });
    const other = scene.instance();
    await scene.issueCode(one);
    flaky.failNext("add", "before");
    await one.redeem();
    const before = await scene.repositories.refreshTokens.get(refreshTokenKey(scene.handle, 1));
    const { tokens } = await other.redeem();
    expect(tokens?.expires_in).toBe(3_600);
    expect(await scene.repositories.refreshTokens.get(refreshTokenKey(scene.handle, 1))).toEqual(before);
    expect((await other.refresh(tokens)).tokens).toBeDefined();
  });

  const everything = [...kinds, "nothing"] as const;
  const halves = everything.flatMap((there) =>
    kinds.flatMap((failing) => (["before", "after and unread"] as const).map((moment) => ({ there, failing, moment }))),
  );
  it.each(halves)(
    "is taken up twice: $there was there, and then $failing failed $moment the effect",
    async ({ there, failing, moment }) => {
      for (const isOnly of [true, false]) {
        const scene = new TokenScene();
        const first = scene.instance();
        await scene.issueCode(first);
        const { tokens } = await first.redeem();
        const keys = {
          grants: scene.grantId,
          refreshTokens: refreshTokenKey(scene.handle, 1),
          accessTokens: accessTokenKey(tokens?.access_token ?? ""),
        };
        const missing = kinds.filter((kind) => (kind === there) !== isOnly);
        for (const kind of missing) await scene.repositories[kind].delete(keys[kind]);
        const flaky = failingOnce<unknown>(scene.repositories[failing]);
        const one = scene.instance({ repositories: { ...scene.repositories, [failing]: flaky.repository } });
        const fails = missing.includes(failing);
        if (fails) flaky.failNext("add", moment);
        if (missing.length === 0) continue;
        expect((await one.redeem()).error).toBe(fails ? "ERR_STORAGE_TIMEOUT" : undefined);
        if (fails) expect((await one.redeem()).tokens).toBeDefined();
        expect(await one.redeem()).toEqual(refused);
        expect(await endOf(scene)).toBe("revoked");
      }
    },
  );

  it.each(["grants", "accessTokens"] as const)("is taken up for a client without refresh tokens: %s", async (kind) => {
    for (const moment of ["before", "after and unread"] as const) {
      const scene = new TokenScene();
      const flaky = failingOnce<unknown>(scene.repositories[kind]);
      const one = scene.instance({ repositories: { ...scene.repositories, [kind]: flaky.repository } });
      await scene.issueCode(one, { client: { ...refreshingClient, grantTypes: [] } });
      flaky.failNext("add", moment);
      expect((await one.redeem()).error).toBe("ERR_STORAGE_TIMEOUT");
      const { tokens } = await one.redeem();
      expect(tokens).toBeDefined();
      expect(tokens).not.toHaveProperty("refresh_token");
      expect(await one.redeem()).toEqual(refused);
    }
  });

  it("answers whoever adds the access token, where another attempt adds the refresh token", async () => {
    const scene = new TokenScene();
    const first = scene.instance();
    await scene.issueCode(first);
    const { tokens } = await first.redeem();
    await scene.repositories.accessTokens.delete(accessTokenKey(tokens?.access_token ?? ""));
    await scene.repositories.refreshTokens.delete(refreshTokenKey(scene.handle, 1));
    const refreshTokens = gated(scene.repositories.refreshTokens);
    const accessTokens = gated(scene.repositories.accessTokens);
    const one = scene.instance({ repositories: scene.with("refreshTokens", refreshTokens) });
    const other = scene.instance({ repositories: scene.with("accessTokens", accessTokens) });
    const [itsRefresh, othersAccess] = [refreshTokens.hold("add"), accessTokens.hold("add")];
    const [answer, refusal] = [one.redeem(), other.redeem()];
    await itsRefresh.arrival(answer);
    await othersAccess.arrival(refusal);
    await itsRefresh.answer();
    await othersAccess.answer();
    expect((await answer).tokens).toBeDefined();
    expect(await refusal).toEqual(refused);
  });

  it.each([true, false])("is refused where its access token was revoked, found or not: %s", async (isLookedFor) => {
    const scene = new TokenScene();
    const one = scene.instance();
    await scene.issueCode(one);
    const { tokens } = await one.redeem();
    const key = accessTokenKey(tokens?.access_token ?? "");
    const record = await scene.repositories.accessTokens.get(key);
    if (record === undefined) throw new Error("It was added.");
    await scene.repositories.accessTokens.set(key, { ...record, revokedAt: 1 });
    await scene.repositories.grants.delete(scene.grantId);
    if (!isLookedFor) await scene.repositories.refreshTokens.delete(refreshTokenKey(scene.handle, 1));
    expect(await scene.instance().redeem()).toEqual(refused);
    expect(await endOf(scene)).toBe("revoked");
  });

  it("is refused where nothing is known of the code", async () => {
    expect(await new TokenScene().instance().redeem()).toEqual(refused);
  });

  it("does not look first for what an add finds out", async () => {
    const scene = new TokenScene();
    const calls: string[] = [];
    const accessTokens = intercepted(scene.repositories.accessTokens, (run, { method }) => {
      calls.push(method);
      return run();
    });
    const one = scene.instance({ repositories: scene.with("accessTokens", accessTokens) });
    await scene.issueCode(one);
    await one.redeem();
    expect(calls).toEqual(["add"]);
  });
});
