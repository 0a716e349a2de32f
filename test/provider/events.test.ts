import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type PangeaOAuthProviderOptions, providerEventChannels } from "../../src/index.ts";
import { emit } from "../../src/provider/events.ts";
import { FailingRepositories } from "../support/intercepted-repository.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

let told: { name: string; event: unknown }[];
const listen = (event: unknown, channel: string | symbol) =>
  void told.push({ name: String(channel).replace("pangea-authn-fastmcp:", ""), event });
beforeEach(() => {
  told = [];
  for (const name of providerEventChannels) subscribe(name, listen);
});
afterEach(() => {
  for (const name of providerEventChannels) unsubscribe(name, listen);
});

const start = (options: Partial<PangeaOAuthProviderOptions> = {}) =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });
const names = () => told.map(({ name }) => name);
describe("events", () => {
  it("tell the life of a login, without a token, code or secret in them", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    const tokens = await harness.tokens();
    const renewed = await jsonOf(await harness.refresh(tokens));
    const revoke = { client_id: tokens.clientId, token: tokens.access_token };
    await harness.postForm("/revoke", revoke);
    await harness.refresh({ ...tokens, ...renewed });
    clock.advanceSeconds(31);
    await harness.refresh(tokens);

    expect(names()).toEqual([
      "client-registered",
      "consent",
      "login",
      "token-issued",
      "token-refreshed",
      "token-revoked",
      "token-refreshed",
      "grant-revoked",
      "reuse-detected",
    ]);
    const { clientId } = tokens;
    const of = (name: string) => told.find((one) => one.name === name)?.event;
    expect(of("client-registered")).toEqual({ clientId, clientName: "Test client" });
    expect(of("consent")).toEqual({ clientId, decision: "allowed", scopes: ["user", "admin"] });
    expect(of("login")).toMatchObject({ clientId, subject: expect.stringMatching(/^pui_/) });
    const { subject } = JSON.parse(JSON.stringify(of("login")));
    for (const name of ["token-issued", "token-refreshed"]) {
      expect(of(name)).toMatchObject({ clientId, subject, scopes: ["user", "admin"] });
    }
    expect(of("reuse-detected")).toMatchObject({ clientId, credential: "refresh_token" });
    const everything = JSON.stringify(told);
    for (const secret of [
      tokens.code,
      tokens.access_token,
      tokens.refresh_token,
      renewed.access_token,
      renewed.refresh_token,
    ]) {
      expect(everything).not.toContain(secret);
    }
    expect(everything).not.toMatch(/pmcp_|pt[ur]_|pck_/);
  });

  it("tell of a code that was used twice", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const form = {
      grant_type: "authorization_code",
      client_id: tokens.clientId,
      code: tokens.code,
      code_verifier: tokens.verifier,
    };
    await harness.postForm("/token", form);
    expect(told.at(-1)).toMatchObject({ name: "reuse-detected", event: { credential: "authorization_code" } });
  });

  it("tell of a refused consent, a remembered one, and a login that failed", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const parameters = { client_id, code_challenge: pkce().challenge };
    const page = await harness.openConsentPage(parameters);
    await harness.decide(page, "deny");
    expect(told.at(-1)).toMatchObject({ name: "consent", event: { decision: "denied" } });

    const { location, cookie } = await harness.beginLogin(parameters);
    await harness.get(`/pangea/callback?error=access_denied&state=${location.searchParams.get("state")}`, { cookie });
    const failure = { code: "ERR_UPSTREAM_REJECTED", message: expect.any(String), causes: [] };
    const event = { clientId: client_id, error: "access_denied", failure };
    expect(told.at(-1)).toEqual({ name: "login-failed", event });

    const allowed = await harness.beginLogin(parameters);
    const after = await harness.followCallback(await harness.logInUpstream(allowed.location), allowed.cookie);
    await harness.get(harness.authorizePath(parameters), { cookie: after.cookie });
    expect(told.at(-1)).toMatchObject({ name: "consent", event: { decision: "remembered" } });
  });

  it("tell the operator what Pangea has against this server, and the client only that it cannot log in", async () => {
    const refusal = (error: string) => async () => Response.json({ error }, { status: 401 });
    const advice = expect.stringContaining("pangeaAuthnClientSecret");
    const reference = expect.stringMatching(/^[\w-]{8}$/);
    const refused = { code: "ERR_UPSTREAM_REJECTED", message: expect.stringContaining("/v2/oauth/token"), causes: [] };
    for (const [error, answer, outages] of [
      [
        "invalid_client",
        "server_error",
        [{ code: "ERR_UPSTREAM_REJECTED", reference, failure: refused, trace: expect.any(String), advice }],
      ],
      ["invalid_grant", "access_denied", []],
    ] as const) {
      const harness = start({ fetch: refusal(error) });
      const { client_id } = await harness.register();
      const { location, cookie } = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
      told = [];
      const redirect = await harness.finishLogin(await harness.logInUpstream(location), cookie);
      expect(redirect.searchParams.get("error")).toBe(answer);
      expect(redirect.href).not.toContain(error);
      expect(told.filter(({ name }) => name === "outage").map(({ event }) => event)).toEqual(outages);
      expect(told.at(-1)).toMatchObject({ name: "login-failed", event: { clientId: client_id, error: answer } });
    }
  });

  it("tell of refused tokens, but not of those who have none yet", async () => {
    const harness = start({ requiredScopes: ["admin"] });
    const { access_token } = await harness.tokens({ scope: "user" });
    told = [];
    await harness.provider.authenticate({ headers: new Headers() });
    expect(told).toEqual([]);
    await harness.mcpStatus("pmcp_at_wrong");
    await harness.mcpStatus(access_token);
    const failure = { code: "ERR_OAUTH", message: expect.any(String), causes: [] };
    expect(told).toEqual([
      { name: "denied", event: { error: "invalid_token", failure } },
      { name: "denied", event: { error: "insufficient_scope", failure } },
    ]);
  });

  it("tell of a caller who is too fast", async () => {
    const harness = start({ rateLimits: { total: { token: { requests: 1, perSeconds: 60 } } } });
    await harness.postForm("/token", {});
    told = [];
    await harness.postForm("/token", {});
    expect(told).toEqual([{ name: "rate-limited", event: { route: "token" } }]);
  });

  it("tell of an outage of the store, and where in the code, at every endpoint", async () => {
    const store = new FailingRepositories();
    const harness = start({ repositories: store.repositories });
    const tokens = await harness.tokens();
    store.fail();
    told = [];
    await harness.get(harness.authorizePath({ client_id: tokens.clientId, code_challenge: pkce().challenge }));
    await harness.refresh(tokens);
    await harness.postForm("/revoke", { client_id: tokens.clientId, token: tokens.access_token });
    await harness.postJson("/register", { redirect_uris: [harness.redirectUri] });
    await harness.mcpStatus(tokens.access_token);
    expect(names()).toEqual(Array(5).fill("outage"));
    for (const { event } of told) {
      expect(event).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", trace: expect.stringMatching(/^ {4}at /) });
    }
  });

  it("tell of a defect by where it is, not by its message", async () => {
    const { repositories } = new FailingRepositories();
    const clients = {
      ...repositories.clients,
      get: async () => {
        throw new TypeError("cannot read pck_secret");
      },
    };
    const harness = start({ repositories: { ...repositories, clients } });
    const response = await harness.postForm("/token", {
      grant_type: "refresh_token",
      client_id: "a",
      client_secret: "c",
      refresh_token: "b",
    });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("pck_secret");
    expect(told.at(-1)).toMatchObject({ name: "outage", event: { code: "ERR_UNEXPECTED" } });
    expect(JSON.stringify(told)).toContain("events.test.ts");
    expect(JSON.stringify(told)).not.toContain("pck_secret");
  });

  it.each([
    ["consent", "consent-failed", { error: "invalid_request" }],
    ["pangea/callback", "login-failed", { clientId: undefined, error: "invalid_request" }],
    ["pangea/callback?state=of+another+browser", "login-failed", { clientId: undefined, error: "invalid_request" }],
  ] as const)("tell of what /%s refuses, with what the person read", async (path, name, event) => {
    const harness = start();
    const response = await (path.startsWith("pangea") ? harness.get(`/${path}`) : harness.postForm(`/${path}`, {}));
    expect(response.status).toBe(400);
    const failure = { code: "ERR_OAUTH", message: expect.any(String), causes: [] };
    expect(told).toEqual([{ name, event: { ...event, failure } }]);
  });

  it("tell of a consent that does not count, be it of another page, another browser or an old one", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    const { client_id } = await harness.register();
    const page = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge });
    told = [];
    await harness.decide(page, "allow", { origin: "https://elsewhere.example" });
    await harness.decide({ ...page, cookie: "" }, "allow");
    clock.advanceSeconds(3600);
    await harness.decide(page, "allow");
    expect(told).toEqual(
      Array(3).fill({ name: "consent-failed", event: { error: "invalid_request", failure: expect.anything() } }),
    );
  });

  it("cost nothing to make where nobody listens", () => {
    for (const name of providerEventChannels) unsubscribe(name, listen);
    emit("rate-limited", { route: "token" });
    expect(told).toEqual([]);
  });
});
