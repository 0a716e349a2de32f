import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defaultEmulatorClientId, defaultEmulatorClientSecret } from "../../../src/emulator/authn/defaults.ts";
import { BrowserSession, LoginStoppedError } from "../../support/browser-session.ts";
import {
  ada,
  authorizationRequest,
  exchange,
  introspect,
  logIn,
  present,
  redirectUri,
  refresh,
  revoke,
  type ServedAuthn,
  serveAuthn,
} from "./served-authn.ts";

let served: ServedAuthn;

beforeAll(async () => {
  served = await serveAuthn({
    users: [
      { ...ada, profile: { first_name: "Ada", last_name: "Lovelace" } },
      { username: "mallory@example.com", deny: true },
    ],
  });
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

test("a login gives tokens in Pangea's form", async () => {
  const tokens = await logIn(served);

  expect(tokens).toStrictEqual({
    access_token: expect.stringMatching(/^ptu_[a-z2-7]{32}$/),
    refresh_token: expect.stringMatching(/^ptr_[a-z2-7]{32}$/),
    token_type: "bearer",
    expires_in: 172_800,
    scope: "user",
  });
});

test("a login without a scope gets the scope user", async () => {
  const request = await authorizationRequest(served);
  request.url.searchParams.delete("scope");

  const callback = await new BrowserSession().login(request.url, ada);
  const tokens = await exchange(served, callback, request);

  expect(tokens.scope).toBe("user");
});

test("scopes that nobody has declared are granted to a client without a list", async () => {
  const tokens = await logIn(served, { parameters: { scope: "vault:read tools/*" } });

  expect(tokens.scope).toBe("vault:read tools/*");
});

test("the scope openid adds an id_token that the published keys verify", async () => {
  const request = await authorizationRequest(served, { scope: "openid email" });
  const callback = await new BrowserSession().login(request.url, ada);
  const response = await oauth.authorizationCodeGrantRequest(
    served.server,
    served.client,
    served.clientAuthentication,
    oauth.validateAuthResponse(served.server, served.client, callback, request.state),
    redirectUri,
    request.codeVerifier,
    { [oauth.allowInsecureRequests]: true },
  );
  const tokens = await oauth.processAuthorizationCodeResponse(served.server, served.client, response);
  await oauth.validateApplicationLevelSignature(served.server, response, { [oauth.allowInsecureRequests]: true });

  expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({
    iss: served.issuer,
    aud: defaultEmulatorClientId,
    sub: served.authn.userId(ada.username),
    email: "ada@example.com",
  });
});

test("the authorization response names the issuer", async () => {
  const request = await authorizationRequest(served);

  const callback = await new BrowserSession().login(request.url, ada);

  expect(callback.searchParams.get("iss")).toBe(served.issuer);
  expect(callback.searchParams.get("state")).toBe(request.state);
});

test("the second login of a browser shows no form", async () => {
  const browser = new BrowserSession();
  await logIn(served, { browser });
  let pages = 0;

  await logIn(served, { browser, login: { onPage: () => (pages += 1) } });

  expect(pages).toBe(0);
});

test("prompt=login shows the form to a browser that is signed in", async () => {
  const browser = new BrowserSession();
  await logIn(served, { browser });
  let pages = 0;

  await logIn(served, { browser, login: { ...ada, onPage: () => (pages += 1) }, parameters: { prompt: "login" } });

  expect(pages).toBe(1);
});

test("prompt=consent is answered with yes", async () => {
  const tokens = await logIn(served, { parameters: { prompt: "consent" } });

  expect(tokens.access_token).toMatch(/^ptu_/);
});

test("the cancel button gives access_denied to the client", async () => {
  const request = await authorizationRequest(served);

  const callback = await new BrowserSession().login(request.url, { cancelLogin: true });

  expect(Object.fromEntries(callback.searchParams)).toStrictEqual({
    error: "access_denied",
    error_description: expect.any(String),
    state: request.state,
    iss: served.issuer,
  });
});

test("a user who is denied gives access_denied to the client", async () => {
  const request = await authorizationRequest(served);

  const callback = await new BrowserSession().login(request.url, {
    username: "mallory@example.com",
    password: "password",
  });

  expect(callback.searchParams.get("error")).toBe("access_denied");
  expect(callback.searchParams.get("state")).toBe(request.state);
});

test("a wrong password shows the form again, with the username and without the password", async () => {
  const request = await authorizationRequest(served);

  const stopped = await new BrowserSession()
    .login(request.url, { username: ada.username, password: "guess-4711" })
    .catch((error: unknown) => error);

  if (!(stopped instanceof LoginStoppedError)) throw stopped;
  expect(stopped.page.status).toBe(400);
  expect(stopped.page.forms[0]?.fields.get("username")).toBe(ada.username);
  expect(stopped.page.html).not.toContain("guess-4711");
});

test("an unknown user is told the same as one with a wrong password", async () => {
  const request = await authorizationRequest(served);

  const pages = [];
  for (const username of ["nobody", ada.username]) {
    const login = new BrowserSession().login(request.url, { username, password: "wrong" });
    const stopped = await login.catch((error: unknown) => error);
    if (!(stopped instanceof LoginStoppedError)) throw stopped;
    pages.push([stopped.page.status, stopped.page.text]);
  }

  expect(pages[0]).toStrictEqual(pages[1]);
});

test("a login can be tried again after a wrong password", async () => {
  const request = await authorizationRequest(served);
  const browser = new BrowserSession();
  const stopped = await browser.login(request.url, { ...ada, password: "wrong" }).catch((error: unknown) => error);
  if (!(stopped instanceof LoginStoppedError)) throw stopped;

  const callback = await browser.login(stopped.page.url, { ...ada, redirectUri });

  expect(callback.searchParams.get("code")).not.toBeNull();
});

test("a login page that no authorization request led to says so", async () => {
  const response = await new BrowserSession().fetch(`${served.issuer}/v2/oauth/login/unknown`);

  expect(response.status).toBe(400);
  expect(await response.text()).toContain("This login has ended or expired.");
});

test.each([
  ["is missing", undefined],
  ["is shorter than 8 characters", "short77"],
  ["is longer than 999 characters", "s".repeat(1000)],
  ["has other characters", "state with spaces"],
])("a state that %s gives invalid_request", async (_case, state) => {
  const request = await authorizationRequest(served);
  if (state === undefined) request.url.searchParams.delete("state");
  else request.url.searchParams.set("state", state);

  const callback = await new BrowserSession().login(request.url, ada);

  expect(callback.searchParams.get("error")).toBe("invalid_request");
  expect(callback.searchParams.has("code")).toBe(false);
});

test("a state of 999 characters is taken", async () => {
  const state = "aZ9_-+/=.".repeat(111);
  const request = await authorizationRequest(served, { state });

  const callback = await new BrowserSession().login(request.url, ada);

  expect(callback.searchParams.get("state")).toBe(state);
});

test("a redirect URI that is not the client's is shown an error and never redirected to", async () => {
  const { url } = await authorizationRequest(served, { redirect_uri: "https://attacker.example/callback" });

  const response = await new BrowserSession().fetch(url);

  expect(response.status).toBe(400);
  expect(response.headers.has("location")).toBe(false);
  expect(await response.text()).toContain("invalid_redirect_uri");
});

test("an unknown client is shown an error", async () => {
  const { url } = await authorizationRequest(served, { client_id: "psa_unknown" });

  const response = await new BrowserSession().fetch(url);

  expect(response.status).toBe(400);
  expect(await response.text()).toContain("invalid_client");
});

test("no page may be framed, kept or run a script", async () => {
  const browser = new BrowserSession();
  const { url: login } = await authorizationRequest(served);
  const { url: refused } = await authorizationRequest(served, { client_id: "psa_unknown" });

  const location = (await browser.fetch(login)).headers.get("location");
  const loginPage = await browser.fetch(new URL(location ?? "", served.issuer));
  const errorPage = await browser.fetch(refused);

  for (const { headers } of [loginPage, errorPage]) {
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-.*frame-ancestors 'none'$/,
    );
    expect(headers.get("cache-control")).toBe("no-store");
  }
});

test("an error page escapes what the request says", async () => {
  const { url } = await authorizationRequest(served, { redirect_uri: `https://x.example/"><script>alert(1)</script>` });

  const response = await new BrowserSession().fetch(url);

  expect(await response.text()).not.toContain("<script>");
});

test("a wrong code verifier gives invalid_grant", async () => {
  const request = await authorizationRequest(served);
  const callback = await new BrowserSession().login(request.url, ada);
  const mistaken = { ...request, codeVerifier: oauth.generateRandomCodeVerifier() };

  await expect(exchange(served, callback, mistaken)).rejects.toMatchObject({
    error: "invalid_grant",
    status: 400,
  });
});

test("a code is taken once, and a second use ends what the first one got", async () => {
  const request = await authorizationRequest(served);
  const callback = await new BrowserSession().login(request.url, ada);
  const tokens = await exchange(served, callback, request);

  await expect(exchange(served, callback, request)).rejects.toMatchObject({ error: "invalid_grant" });
  expect((await introspect(served, tokens.access_token)).active).toBe(false);
});

test("client_secret_basic is taken as well as client_secret_post", async () => {
  const basic = { ...served, clientAuthentication: oauth.ClientSecretBasic(defaultEmulatorClientSecret) };

  expect((await logIn(basic)).access_token).toMatch(/^ptu_/);
});

test("a wrong client secret gives invalid_client", async () => {
  const impostor = { ...served, clientAuthentication: oauth.ClientSecretPost("pck_wrong") };

  await expect(logIn(impostor)).rejects.toMatchObject({ error: "invalid_client", status: 401 });
});

test("an introspection tells the user, the client, the scope and the lifetime", async () => {
  const tokens = await logIn(served);

  const introspection = await introspect(served, tokens.access_token);

  expect(introspection).toMatchObject({
    active: true,
    sub: expect.stringMatching(/^pui_[a-z2-7]{32}$/),
    username: "ada@example.com",
    email: "ada@example.com",
    client_id: defaultEmulatorClientId,
    aud: defaultEmulatorClientId,
    scope: "user",
    token_type: "Bearer",
  });
  expect(present(introspection.exp) - present(introspection.iat)).toBe(172_800);
});

test("a token for a resource has the resource as its audience", async () => {
  const resource = "https://mcp.example/mcp";
  const tokens = await logIn(served, { parameters: { resource } });

  expect((await introspect(served, tokens.access_token)).aud).toBe(resource);
});

test("an unknown token is not active", async () => {
  expect(await introspect(served, "ptu_unknown")).toStrictEqual({ active: false });
});

test("a refresh gives a new access token and a new refresh token", async () => {
  const first = await logIn(served);

  const second = await refresh(served, present(first.refresh_token));

  expect(second.access_token).toMatch(/^ptu_[a-z2-7]{32}$/);
  expect(second.access_token).not.toBe(first.access_token);
  expect(second.refresh_token).toMatch(/^ptr_[a-z2-7]{32}$/);
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(second.scope).toBe("user");
});

test("a refresh token that is used again ends the grant", async () => {
  const first = await logIn(served);
  const second = await refresh(served, present(first.refresh_token));

  await expect(refresh(served, present(first.refresh_token))).rejects.toMatchObject({ error: "invalid_grant" });
  await expect(refresh(served, present(second.refresh_token))).rejects.toMatchObject({ error: "invalid_grant" });
});

test("revoking a refresh token ends the access token too", async () => {
  const tokens = await logIn(served);

  await revoke(served, present(tokens.refresh_token));

  expect((await introspect(served, tokens.access_token)).active).toBe(false);
  await expect(refresh(served, present(tokens.refresh_token))).rejects.toMatchObject({ error: "invalid_grant" });
});

test("revoking one login of a user leaves the other alone", async () => {
  const browser = new BrowserSession();
  const first = await logIn(served, { browser });
  const second = await logIn(served, { browser });

  await revoke(served, present(first.refresh_token));

  expect((await introspect(served, second.access_token)).active).toBe(true);
});

test("revoking an unknown token succeeds", async () => {
  await expect(revoke(served, "ptu_unknown")).resolves.toBeUndefined();
});

test("a client gets a token of its own with client_credentials", async () => {
  const response = await oauth.clientCredentialsGrantRequest(
    served.server,
    served.client,
    served.clientAuthentication,
    { scope: "reports" },
    { [oauth.allowInsecureRequests]: true },
  );
  const tokens = await oauth.processClientCredentialsResponse(served.server, served.client, response);

  expect(tokens).toMatchObject({ access_token: expect.stringMatching(/^ptu_[a-z2-7]{32}$/), scope: "reports" });
});

test("both metadata documents name the endpoints", async () => {
  const documents = await Promise.all(
    ["oauth-authorization-server", "openid-configuration"].map(async (name) =>
      (await fetch(`${served.issuer}/.well-known/${name}`)).json(),
    ),
  );

  for (const document of documents) {
    expect(document).toMatchObject({
      issuer: served.issuer,
      authorization_endpoint: `${served.issuer}/v2/oauth/authorize`,
      token_endpoint: `${served.issuer}/v2/oauth/token`,
      introspection_endpoint: `${served.issuer}/v2/oauth/token/introspect`,
      revocation_endpoint: `${served.issuer}/v2/oauth/token/revoke`,
      registration_endpoint: `${served.issuer}/v2/oauth/clients/register`,
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    });
  }
});
