import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { OAuthError, StorageUnavailableError, UpstreamRejectedError } from "../../../src/errors.ts";
import { createInMemoryRepositories, type McpOAuthProviderOptions, type UpstreamIdentity } from "../../../src/index.ts";
import { revokeConsent } from "../../../src/provider/grants/consent-revocations.ts";
import { StepKey } from "../../../src/provider/grants/grant-key.ts";
import type { AuthorizationRequest } from "../../../src/provider/login/authorization-request.ts";
import { type Decision, rememberedFor } from "../../../src/provider/login/decision.ts";
import { Login } from "../../../src/provider/login/login.ts";
import type { UpstreamWishes } from "../../../src/provider/login/login-wishes.ts";
import type { CallbackParameters } from "../../../src/provider/login/upstream-login.ts";
import { readCredential } from "../../../src/provider/oauth/grant-credential.ts";
import { authorizationCodeKey, grantIdOf } from "../../../src/records/keys.ts";
import { SealedJson } from "../../../src/secrets/sealed-json.ts";
import { checkedRequest as request } from "../../support/authorization-request.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { failingOnce, recordedRepositories } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { recordsOf } from "../../support/records-of.ts";
import { upstreamRevocationsOf } from "../../support/upstream-revocations.ts";

let clock: ManualClock;
let upstream: FakeUpstream;
beforeEach(() => {
  clock = new ManualClock();
  upstream = new FakeUpstream(clock.read);
});

function start(options: Partial<McpOAuthProviderOptions> = {}) {
  const configuration = configured({ upstream, ...options }, clock);
  const login = new Login({ ...configuration, upstreamRevocations: upstreamRevocationsOf(configuration) });
  return { configuration, login };
}

interface Course {
  readonly decisions?: readonly Decision[];
  readonly about?: AuthorizationRequest;
  readonly wishes?: UpstreamWishes;
  readonly onLogin?: (request: AuthorizationRequest) => Promise<void>;
  readonly changes?: Partial<CallbackParameters>;
}

/** A login of Ada's from its beginning to its end. */
async function logIn({ login } = start(), course: Course = {}) {
  const { decisions = [{ decidedAt: clock.seconds() }], about = request, wishes, onLogin, changes } = course;
  const { location, state, transaction } = await login.begin(upstream, about, decisions, wishes);
  const code = logInAtFakeUpstream(location, "ada").searchParams.get("code") ?? "";
  const answer = { upstream: upstream.id, state, code, error: undefined, issuer: undefined, ...changes };
  return login.complete(answer, transaction, onLogin);
}

const identifyAs = (identity: UpstreamIdentity) => Object.assign(upstream, { identify: async () => identity });
const codesOf = async ({ configuration }: ReturnType<typeof start>) =>
  recordsOf(configuration.repositories.authorizationCodes);
const remembered = (decidedAt: number) => ({ ...rememberedFor("ada", { decidedAt }), decidedAt });
/** The upstream as the server calls it. */
const upstreamOf = ({ configuration }: ReturnType<typeof start>) => configuration.upstreams.byId("fake");
const parametersOf = (location: URL | undefined) => Object.fromEntries(location?.searchParams ?? []);

describe("the record of a code", () => {
  it.each<[string, Partial<AuthorizationRequest>, object]>([
    ["the least", {}, {}],
    ["a resource that the client names", { namesResource: true }, { namesResource: true }],
    ["refresh tokens by offline_access", { offlineAccess: true }, { offlineAccess: true }],
    ["two scopes", { scopes: ["user", "admin"] }, { scopes: ["user", "admin"] }],
  ])("has what redemption needs, and no more: %s", async (_, changes, expected) => {
    const parts = start({ authorizationCodeLifetimeSeconds: 90 });
    const { location } = await logIn(parts, { about: { ...request, ...changes } });
    const { instance } = parts.configuration;
    const [[key, record] = ["", undefined]] = await codesOf(parts);
    expect(record).toEqual({
      clientId: "app",
      scopes: ["user"],
      endsAt: clock.seconds(90),
      expiresAt: clock.seconds(90 + 120),
      issuedBy: instance,
      codeChallenge: request.codeChallenge,
      redirectUri: new URL(request.redirectUri),
      resource: new URL(request.resource),
      client: request.client,
      grantId: expect.stringMatching(/^sha256-/),
      sealedUpstream: expect.any(String),
      wrappedKey: expect.any(String),
      subject: "ada",
      upstreamIssuer: upstream.issuer,
      ...expected,
    });
    const { keys } = parts.configuration;
    const code = location?.searchParams.get("code") ?? "";
    const credential = readCredential(keys.derive("credential mark"), "authorization_code", code);
    if (credential === undefined || record === undefined) expect.unreachable();
    const { handle, generation, core } = credential;
    expect([key, record.grantId, generation]).toEqual([authorizationCodeKey(handle), grantIdOf(handle), 0]);
    const { grantKey } = StepKey.unwrap(keys, grantIdOf(handle), core, record.wrappedKey ?? "");
    expect(grantKey.openSession(record.sealedUpstream ?? "")).toMatchObject({
      tokens: { token: "ada-1" },
      identity: { subject: "ada" },
      issuer: upstream.issuer,
    });
  });
});

describe("who has allowed the request", () => {
  it.each<[string, number, number, boolean]>([
    ["just now", 0, 100, true],
    ["within the time that counts", 99.5, 100, true],
    ["as long ago as counts no more", 100, 100, false],
    ["where nothing is remembered any more", 0, 0, false],
  ])("gets a code by a decision of %s", async (_, ago, rememberSeconds, counts) => {
    const parts = start({ consent: { rememberSeconds } });
    const { location } = await logIn(parts, { decisions: [remembered(clock.seconds(-ago))] });
    expect(location !== undefined).toBe(counts);
    expect(await codesOf(parts)).toHaveLength(counts ? 1 : 0);
    expect(upstream.revoked).toHaveLength(counts ? 0 : 1);
  });

  it("gets one by an answer of now, however short decisions are remembered", async () => {
    const parts = start({ consent: { rememberSeconds: 0 } });
    const completed = await logIn(parts);
    expect(completed).toMatchObject({ request, location: expect.any(URL) });
    expect(completed.upstream).toBe(upstreamOf(parts));
    expect(completed.decision).toEqual(rememberedFor("ada", { decidedAt: clock.seconds() }));
    expect(completed).not.toHaveProperty("account");
  });

  it("is told of with the client and the upstream", async () => {
    const told = heard("login");
    await logIn();
    expect(told.stop()).toEqual([{ clientId: "app", subject: "ada", upstreamIssuer: upstream.issuer }]);
  });

  it("is waited for with what goes on beside, also where the login fails", async () => {
    const inner = createInMemoryRepositories({ clock: clock.read });
    const codes = failingOnce(inner.authorizationCodes);
    const parts = start({ repositories: { ...inner, authorizationCodes: codes.repository } });
    for (const fails of [false, true]) {
      const order: string[] = [];
      if (fails) codes.failNext("set", "before");
      const onLogin = async (about: AuthorizationRequest) => {
        expect(about).toEqual(request);
        await new Promise(setImmediate);
        order.push("beside");
      };
      const { location } = await logIn(parts, { onLogin });
      order.push("login");
      expect(order).toEqual(["beside", "login"]);
      expect("error" in parametersOf(location)).toBe(fails);
    }
  });
});

describe("who has not allowed the request", () => {
  it.each<[string, UpstreamIdentity, string | undefined]>([
    ["a name", { subject: "ada", username: "Ada", email: "ada@example.com" }, "Ada"],
    ["an address", { subject: "ada", email: "ada@example.com" }, "ada@example.com"],
    ["neither", { subject: "ada" }, undefined],
  ])("is asked, as whom the upstream knows: by %s", async (_, identity, account) => {
    identifyAs(identity);
    const parts = start();
    const onLogin = () => expect.unreachable();
    const completed = await logIn(parts, { decisions: [], onLogin });
    const known = account === undefined ? {} : { account };
    expect(completed).toStrictEqual({ request, upstream: upstreamOf(parts), location: undefined, ...known });
    expect(await codesOf(parts)).toEqual([]);
    expect(upstream.revoked).toHaveLength(1);
  });

  it("is not asked where the client wants no page", async () => {
    const { location } = await logIn(start(), { decisions: [], wishes: { prompt: "none" } });
    expect(parametersOf(location)).toMatchObject({ error: "consent_required", iss: "https://mcp.example" });
    expect(location?.searchParams.get("code")).toBeNull();
    const { location: allowed } = await logIn(start(), { wishes: { prompt: "none" } });
    expect(parametersOf(allowed)).toHaveProperty("code");
  });

  it.each<[UpstreamWishes, boolean]>([
    [{}, false],
    [{ prompt: "login" }, false],
    [{ prompt: "none" }, true],
  ])("is who has ended the consent since, asked by %j unless no page may be shown", async (wishes, isSilent) => {
    const parts = start();
    const decisions = [remembered(clock.seconds())];
    await revokeConsent(parts.configuration, { subject: "ada", upstreamIssuer: upstream.issuer }, "app");
    const { location } = await logIn(parts, { decisions, wishes });
    expect(location?.searchParams.get("error")).toBe(isSilent ? "consent_required" : undefined);
    expect(await codesOf(parts)).toEqual([]);
    expect(upstream.revoked).toHaveLength(1);
  });

  it("is who has ended the consent while the code was written", async () => {
    const inner = createInMemoryRepositories({ clock: clock.read });
    const { authorizationCodes } = inner;
    const parts = start({ repositories: inner });
    const set = authorizationCodes.set.bind(authorizationCodes);
    authorizationCodes.set = async (key, value) => {
      await set(key, value);
      await revokeConsent(parts.configuration, { subject: "ada", upstreamIssuer: upstream.issuer }, "app");
    };
    const { location } = await logIn(parts, { decisions: [remembered(clock.seconds())] });
    expect(location).toBeUndefined();
    expect(await codesOf(parts)).toEqual([]);
  });
});

it("a consent that was ended within the tolerance is asked for once more, and then remembered as of its own time", async () => {
  const parts = start({ clockToleranceSeconds: 40 });
  await revokeConsent(parts.configuration, { subject: "ada", upstreamIssuer: upstream.issuer }, "app");
  const { after, location } = await logIn(parts);
  expect(location).toBeUndefined();
  const { decision } = await logIn(parts, { decisions: [{ decidedAt: clock.seconds(), after: after ?? "" }] });
  expect(decision?.decidedAt).toBe(clock.seconds());
  const asked = await logIn(parts, { decisions: [remembered(clock.seconds(40))] });
  expect(asked.location).toBeUndefined();
  const stands = await logIn(parts, { decisions: [remembered(clock.seconds(41))] });
  expect(stands.location).toBeDefined();
});

it("nobody's consent is looked for where the upstream does not say who has logged in", async () => {
  identifyAs({});
  const { repositories, calls } = recordedRepositories({ clock: clock.read });
  const told = heard("login");
  await logIn(start({ repositories }));
  expect(calls).toEqual(["authorization_code set"]);
  expect(told.stop()).toEqual([{ clientId: "app", subject: undefined, upstreamIssuer: upstream.issuer }]);
});

describe("a login that fails", () => {
  it.each<[string, unknown, object]>([
    [
      "what the upstream refuses",
      new UpstreamRejectedError("invalid_grant", "no"),
      { error: "access_denied", failure: { code: "ERR_UPSTREAM_REJECTED" } },
    ],
    [
      "who may not log in",
      new OAuthError("access_denied", "no"),
      { error: "access_denied", failure: { code: "ERR_OAUTH" } },
    ],
    [
      "the store",
      new StorageUnavailableError("no"),
      { error: "temporarily_unavailable", failure: { code: "ERR_STORAGE_UNAVAILABLE" } },
    ],
  ])("is told of with the client that it was for: %s", async (_, failure, expected) => {
    upstream.exchange = () => Promise.reject(failure);
    const [told, parts] = [heard("login-failed"), start()];
    const completed = await logIn(parts);
    const [event] = told.stop();
    expect(event).toMatchObject({ clientId: "app", ...expected });
    expect(event).not.toHaveProperty("advice");
    expect(completed.request).toEqual(request);
    expect(completed.upstream).toBe(upstreamOf(parts));
    expect(completed).not.toHaveProperty("decision");
  });

  it("is told of with what an operator can change", async () => {
    Object.assign(upstream, { adviceFor: () => "Set scopes." });
    const told = heard("login-failed");
    await logIn(start(), { changes: { error: "invalid_scope" } });
    expect(told.stop()).toMatchObject([{ error: "invalid_scope", advice: "Set scopes." }]);
  });

  it("ends for the client, where this instance has no upstream of that name", async () => {
    const { location, state, transaction } = await start().login.begin(upstream, request, []);
    const code = logInAtFakeUpstream(location, "ada").searchParams.get("code") ?? "";
    const { login } = start({ upstream: new FakeUpstream(clock.read, "other") });
    const answer = { upstream: "fake", state, code, error: undefined, issuer: undefined };
    const completed = await login.complete(answer, transaction);
    expect(parametersOf(completed.location)).toMatchObject({ error: "server_error", iss: "https://mcp.example" });
    expect(completed.upstream).toBeUndefined();
  });
});

/** A login as a cookie has it, of this version, with every member that there can be. */
const kept = {
  a: {
    r: {
      c: "app",
      k: { m: "client_secret_post", h: "hash", x: 1, u: 2, g: ["authorization_code"] },
      t: "https://app.example/callback",
      s: "state",
      p: ["user"],
      f: true,
      q: "c".repeat(43),
      o: "https://mcp.example/mcp",
      n: true,
    },
    d: [{ b: "subject", w: 3, y: "mark", z: "clock" }],
    l: true,
  },
  i: "fake",
  j: "https://login.fake.example",
  v: "verifier",
};

describe("the cookie of a login", () => {
  const sealedOf = ({ configuration }: ReturnType<typeof start>) =>
    new SealedJson(configuration.keys.derive("login transaction"), z.unknown());
  const full: AuthorizationRequest = {
    clientId: "app",
    client: {
      tokenEndpointAuthMethod: "client_secret_post",
      secretHash: "hash",
      secretExpiresAt: 1,
      registeredUntil: 2,
      grantTypes: ["authorization_code"],
    },
    redirectUri: "https://app.example/callback",
    state: "state",
    scopes: ["user"],
    offlineAccess: true,
    codeChallenge: "c".repeat(43),
    resource: "https://mcp.example/mcp",
    namesResource: true,
  };

  it("says what an instance of another version reads", async () => {
    const parts = start();
    const decisions = [{ subject: "subject", decidedAt: 3, after: "mark", decidedBy: "clock" }];
    const begun = await parts.login.begin(upstream, full, decisions, { prompt: "none" });
    const written = sealedOf(parts).open(begun.transaction, begun.state);
    expect(written).toEqual({ ...kept, v: expect.stringMatching(/^[\w-]{43}$/), e: clock.seconds(600) });
  });

  it("is read as an instance of another version has written it", async () => {
    const parts = start();
    const sealed = sealedOf(parts).seal({ ...kept, e: clock.seconds(1) }, "state of the login");
    const answer = {
      upstream: "fake",
      state: "state of the login",
      code: "",
      error: "access_denied",
      issuer: undefined,
    };
    const { request: read, location } = await parts.login.complete(answer, sealed);
    expect(read).toEqual(full);
    expect(parametersOf(location)).toMatchObject({ error: "access_denied", state: "state" });
  });
});
