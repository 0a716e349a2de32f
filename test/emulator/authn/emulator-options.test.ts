import { createRequire } from "node:module";
import { expect, test, vi } from "vitest";
import { createAuthnEmulator } from "../../../src/emulator/authn/authn-emulator.ts";
import { defaultEmulatorClient } from "../../../src/emulator/authn/defaults.ts";
import { loadOidcProvider } from "../../../src/emulator/authn/oidc-provider.ts";
import type { AuthnEmulatorOptions } from "../../../src/emulator/authn/options.ts";
import { ConfigurationError } from "../../../src/errors.ts";
import { BrowserSession } from "../../support/browser-session.ts";
import {
  ada,
  authorizationRequest,
  exchange,
  introspect,
  logIn,
  present,
  redirectUri,
  refresh,
  serveAuthn,
} from "./served-authn.ts";

const registeredClient = {
  clientId: "psa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  clientSecret: "pck_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  redirectUris: [redirectUri],
};

test("refreshTokens off: a login gets no refresh token", async () => {
  await using served = await serveAuthn({ refreshTokens: false });

  expect(await logIn(served)).not.toHaveProperty("refresh_token");
});

test("refreshTokenRotation off: a refresh token can be used again", async () => {
  await using served = await serveAuthn({ refreshTokenRotation: false });
  const { refresh_token: refreshToken } = await logIn(served);

  const first = await refresh(served, present(refreshToken));
  const second = await refresh(served, present(refreshToken));

  expect(first.refresh_token).toBe(refreshToken);
  expect(second.access_token).not.toBe(first.access_token);
});

test("autoLogin signs the user in without a page", async () => {
  await using served = await serveAuthn({ autoLogin: ada.username });
  let pages = 0;

  const tokens = await logIn(served, { login: { onPage: () => (pages += 1) } });

  expect(pages).toBe(0);
  expect((await introspect(served, tokens.access_token)).username).toBe(ada.username);
});

test("autoLogin of a user who is denied gives access_denied", async () => {
  await using served = await serveAuthn({ users: [{ username: "mallory", deny: true }], autoLogin: "mallory" });
  const { url } = await authorizationRequest(served);

  expect((await new BrowserSession().login(url)).searchParams.get("error")).toBe("access_denied");
});

test("access tokens end with their lifetime on the emulator's clock", async () => {
  let now = Date.UTC(2030, 0, 1);
  await using served = await serveAuthn({ clock: () => now, accessTokenLifetimeSeconds: 100 });
  const tokens = await logIn(served);

  now += 99_999;
  const before = await introspect(served, tokens.access_token);
  now += 1;
  const after = await introspect(served, tokens.access_token);

  expect(tokens.expires_in).toBe(100);
  expect(before).toMatchObject({
    active: true,
    iat: Date.UTC(2030, 0, 1) / 1000,
    exp: Date.UTC(2030, 0, 1) / 1000 + 100,
  });
  expect(after.active).toBe(false);
});

test("a refresh token outlives the access token and ends with its own lifetime", async () => {
  let now = Date.UTC(2030, 0, 1);
  await using served = await serveAuthn({
    clock: () => now,
    accessTokenLifetimeSeconds: 100,
    refreshTokenLifetimeSeconds: 1000,
  });
  const first = await logIn(served);

  now += 900_000;
  const second = await refresh(served, present(first.refresh_token));
  now += 1_000_000;

  await expect(refresh(served, present(second.refresh_token))).rejects.toMatchObject({ error: "invalid_grant" });
});

test("a client with a list of scopes gets no other", async () => {
  await using served = await serveAuthn({ clients: [{ ...registeredClient, scopes: ["user", "reports"] }] });
  const { url } = await authorizationRequest(served, { scope: "user admin" });

  const callback = await new BrowserSession().login(url, ada);

  expect(callback.searchParams.get("error")).toBe("invalid_scope");
});

test("a client with a list of scopes that asks for none gets them all", async () => {
  await using served = await serveAuthn({ clients: [{ ...registeredClient, scopes: ["user", "reports"] }] });
  const request = await authorizationRequest(served);
  request.url.searchParams.delete("scope");

  const callback = await new BrowserSession().login(request.url, ada);
  const tokens = await exchange(served, callback, request);

  expect(tokens.scope).toBe("user reports");
});

test("redirect URIs of a configured client are compared exactly", async () => {
  await using served = await serveAuthn({ clients: [registeredClient] });
  const { url } = await authorizationRequest(served, { redirect_uri: `${redirectUri}/` });

  const response = await new BrowserSession().fetch(url);

  expect(response.status).toBe(400);
  expect(response.headers.has("location")).toBe(false);
});

test.each([
  "http://localhost:4711/any/path?x=1",
  "http://127.0.0.1/",
  "http://127.0.0.1:65535/callback",
  "http://127.9.8.7:8080/callback",
  "http://[::1]:8080/callback",
  "http://LOCALHOST:3000/callback",
  "http://mcp.localhost:3000/callback",
  "https://localhost/callback",
  "https://localhost:8443/prefix/pangea/callback",
  "https://127.0.0.1:8443/callback",
  "https://[::1]/callback",
])("the default client may be sent to %s", async (uri) => {
  await using served = await serveAuthn();

  const tokens = await logIn(served, { parameters: { redirect_uri: uri } });

  expect(tokens.access_token).toMatch(/^ptu_/);
});

test.each([
  "http://localhost.attacker.example/",
  "http://localhost@attacker.example/",
  "https://localhost.attacker.example/callback",
  "http://notlocalhost/",
  "http://127.0.0.1.attacker.example/",
  "http://[::2]/",
  "http://0.0.0.0/",
  "http://128.0.0.1/",
  "http://localhost/#fragment",
  "javascript:alert(1)",
])("the default client may not be sent to %s", async (uri) => {
  await using served = await serveAuthn();
  const { url } = await authorizationRequest(served, { redirect_uri: uri });

  const response = await new BrowserSession().fetch(url);

  expect(response.status).toBe(400);
  expect(response.headers.has("location")).toBe(false);
});

test("a client that is registered while the emulator runs can log in", async () => {
  await using served = await serveAuthn({ clients: [] });

  served.authn.registerClient({ ...defaultEmulatorClient, redirectUris: [redirectUri] });

  expect((await logIn(served)).access_token).toMatch(/^ptu_/);
});

test("a user who is added while the emulator runs can log in", async () => {
  await using served = await serveAuthn();

  served.authn.setUser({ username: "grace", password: "cobol" });
  const tokens = await logIn(served, { login: { username: "grace", password: "cobol" } });

  expect(await introspect(served, tokens.access_token)).toMatchObject({
    username: "grace",
    email: "grace@example.com",
    sub: served.authn.userId("grace"),
  });
});

test("endSessions ends the tokens and the browser logins of one user and of no other", async () => {
  await using served = await serveAuthn({ users: [ada, { username: "grace" }] });
  const browser = new BrowserSession();
  const adas = await logIn(served, { browser });
  const graces = await logIn(served, { login: { username: "grace", password: "password" } });

  served.authn.endSessions(ada.username);

  expect((await introspect(served, adas.access_token)).active).toBe(false);
  await expect(refresh(served, present(adas.refresh_token))).rejects.toMatchObject({ error: "invalid_grant" });
  await expect(logIn(served, { browser, login: {} })).rejects.toMatchObject({ page: { status: 400 } });
  expect((await introspect(served, graces.access_token)).active).toBe(true);
});

test("liveTokens lists what a user holds, without what was replaced or revoked", async () => {
  await using served = await serveAuthn();
  const first = await logIn(served);
  const second = await refresh(served, present(first.refresh_token));

  expect(served.authn.liveTokens(ada.username)).toStrictEqual({
    accessTokens: [first.access_token, second.access_token],
    refreshTokens: [second.refresh_token],
  });
  served.authn.endSessions(ada.username);
  expect(served.authn.liveTokens(ada.username)).toStrictEqual({ accessTokens: [], refreshTokens: [] });
});

test("two emulators share nothing", async () => {
  await using one = await serveAuthn();
  await using other = await serveAuthn();
  const tokens = await logIn(one);

  expect((await introspect(other, tokens.access_token)).active).toBe(false);
  expect(other.authn.liveTokens(ada.username).accessTokens).toStrictEqual([]);
});

test("a user's id is the same after a restart", async () => {
  await using one = await serveAuthn();
  await using other = await serveAuthn();

  expect(one.authn.userId(ada.username)).toBe(other.authn.userId(ada.username));
});

test("a whole login writes nothing to the console", async () => {
  const methods = ["log", "info", "warn", "error", "debug"] as const;
  const spies = methods.map((method) => vi.spyOn(console, method).mockImplementation(() => {}));
  try {
    await using served = await serveAuthn();
    const tokens = await logIn(served, { parameters: { scope: "openid user" } });
    await refresh(served, present(tokens.refresh_token));

    expect(spies.flatMap((spy) => spy.mock.calls)).toStrictEqual([]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
});

test("loading oidc-provider leaves other warnings on the console", () => {
  const warnings: unknown[][] = [];
  const warn = vi.spyOn(console, "warn").mockImplementation((...parts: unknown[]) => void warnings.push(parts));
  const oidc = loadOidcProvider();
  loadOidcProvider(() => {
    console.warn("oidc-provider WARNING: Unsupported runtime. Use another.");
    console.warn("a warning of another package");
    return oidc;
  });
  warn.mockRestore();

  expect(warnings).toStrictEqual([["a warning of another package"]]);
});

test("a missing oidc-provider is a configuration error that says what to install", () => {
  const load = () => loadOidcProvider(() => createRequire(import.meta.url)("oidc-provider-that-is-not-installed"));

  expect(load).toThrow(ConfigurationError);
  expect(load).toThrow("npm install oidc-provider");
});

test("another failure of loading oidc-provider is passed on", () => {
  const failure = new SyntaxError("broken");

  expect(() =>
    loadOidcProvider(() => {
      throw failure;
    }),
  ).toThrow(failure);
});

const invalidOptions: readonly [string, Partial<AuthnEmulatorOptions>, string][] = [
  ["an issuer with a slash", { issuer: "http://127.0.0.1:4000/" }, "issuer"],
  ["an issuer that is no URL", { issuer: "localhost" }, "issuer"],
  ["a user twice", { users: [ada, ada] }, "users"],
  ["a user without a name", { users: [{ username: "" }] }, "username"],
  ["a user id of another form", { users: [{ username: "x", id: "1" }] }, "pui_"],
  [
    "one id for two users",
    { users: [ada, { username: "grace" }].map((user) => ({ ...user, id: "pui_22222222222222222222222222222222" })) },
    "users",
  ],
  ["a client twice", { clients: [registeredClient, registeredClient] }, "clients"],
  ["a client id of another form", { clients: [{ ...registeredClient, clientId: "me" }] }, "psa_"],
  ["a client secret of another form", { clients: [{ ...registeredClient, clientSecret: "me" }] }, "pck_"],
  ["a client without a redirect URI", { clients: [{ ...registeredClient, redirectUris: [] }] }, "redirectUris"],
  ["a redirect URI with a fragment", { clients: [{ ...registeredClient, redirectUris: ["http://x/#y"] }] }, "clients"],
  ["an empty list of scopes", { clients: [{ ...registeredClient, scopes: [] }] }, "scopes"],
  ["a lifetime of no time", { accessTokenLifetimeSeconds: 0 }, "accessTokenLifetimeSeconds"],
  ["a lifetime that is no whole number", { refreshTokenLifetimeSeconds: 1.5 }, "refreshTokenLifetimeSeconds"],
  ["an automatic login of nobody", { autoLogin: "nobody" }, "nobody"],
];

test.each(invalidOptions)("%s is a configuration error", async (_case, options, name) => {
  const created = createAuthnEmulator({
    issuer: "http://127.0.0.1:4000",
    isServiceTokenAccepted: () => true,
    ...options,
  });

  await expect(created).rejects.toThrow(ConfigurationError);
  await expect(created).rejects.toThrow(name);
});

test("a closed emulator answers 503", async () => {
  await using served = await serveAuthn();

  await served.authn[Symbol.asyncDispose]();
  const response = await fetch(`${served.issuer}/v2/oauth/jwks`);

  expect(response.status).toBe(503);
});
