import { createHash } from "node:crypto";
import { exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import {
  type OpenIdConnectOptions,
  openIdConnect,
  type Upstream,
  type UpstreamIdentity,
  type UserClaims,
} from "../../../src/index.ts";
import {
  type IdTokenChanges,
  type ScriptedOpenIdProvider,
  scriptedClient,
  scriptedOpenIdProvider,
} from "../../support/scripted-openid-provider.ts";

const redirectUri = "https://mcp.example.org/oidc/callback";
const codeVerifier = "a-verifier-that-has-more-than-forty-three-characters-in-it";
const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
const login = { state: "state", codeChallenge, redirectUri };

let provider: ScriptedOpenIdProvider;
beforeEach(async () => {
  provider = await scriptedOpenIdProvider();
});
const upstreamOf = (options: Partial<OpenIdConnectOptions> = {}): Upstream =>
  openIdConnect({ issuer: provider.issuer, ...scriptedClient, fetch: provider.fetch, ...options });

/** A login up to its tokens: the provider's page is passed over. */
async function logIn(upstream: Upstream) {
  provider.nonce = (await upstream.authorizationUrl(login)).searchParams.get("nonce");
  return upstream.exchange({ code: "code", codeVerifier, redirectUri });
}
const identityOf = async (upstream: Upstream) => upstream.identify(await logIn(upstream));

describe("a login", () => {
  it("asks for a code with PKCE, a nonce and what the person wishes", async () => {
    const upstream = upstreamOf({
      scopes: ["openid", "offline_access"],
      authorizationParameters: { hd: "example.org" },
    });
    const url = await upstream.authorizationUrl({ ...login, prompt: "login", loginHint: "ada@example.org" });
    expect(`${url.origin}${url.pathname}`).toBe("https://id.example/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: "mcp",
      response_type: "code",
      redirect_uri: redirectUri,
      scope: "openid offline_access",
      state: "state",
      code_challenge: codeChallenge,
      code_challenge_method: "S256",
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      prompt: "login",
      login_hint: "ada@example.org",
      hd: "example.org",
    });
  });

  it("redeems the code, and says who has logged in", async () => {
    const upstream = upstreamOf();
    const tokens = await logIn(upstream);
    expect(tokens).toMatchObject({
      token: "upstream-access",
      refreshToken: "upstream-refresh",
      scopes: ["openid", "email"],
    });
    expect(tokens.expiresAt).toBeGreaterThan(Date.now() / 1_000 + 3_500);
    expect(await upstream.identify(tokens)).toEqual({ subject: "ada" });
    const redeemed = provider.requests.find(({ path }) => path === "/token");
    expect(Object.fromEntries(redeemed?.form ?? [])).toMatchObject({ code: "code", code_verifier: codeVerifier });
    expect(redeemed?.headers.get("authorization")).toMatch(/^Basic /);
  });

  it("sends the secret in the form where it is told to", async () => {
    await logIn(upstreamOf({ clientAuthentication: "client_secret_post" }));
    const { form } = provider.requests.find(({ path }) => path === "/token") ?? {};
    expect(form?.get("client_secret")).toBe(scriptedClient.clientSecret);
  });

  it.each(["PEM", "JWK"])("signs with a private key instead of a secret: %s", async (kind) => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const key =
      kind === "PEM" ? await exportPKCS8(privateKey) : { ...(await exportJWK(privateKey)), kid: "k", alg: "ES256" };
    const upstream = openIdConnect({
      issuer: provider.issuer,
      clientId: "mcp",
      privateKey: key,
      privateKeyAlgorithm: "ES256",
      fetch: provider.fetch,
    });
    await logIn(upstream);
    const { form } = provider.requests.find(({ path }) => path === "/token") ?? {};
    const { payload, protectedHeader } = await jwtVerify(form?.get("client_assertion") ?? "", publicKey);
    expect(payload).toMatchObject({ iss: "mcp", sub: "mcp" });
    expect(protectedHeader.kid).toBe(kind === "PEM" ? undefined : "k");
    expect(upstream.keyMaterial).toBeUndefined();
  });

  it("finds the endpoints once, and keys again when they change", async () => {
    const upstream = upstreamOf();
    await logIn(upstream);
    await provider.rotateKeys();
    await logIn(upstream);
    expect(provider.requests.filter(({ path }) => path.startsWith("/.well-known"))).toHaveLength(1);
  });
});

describe("an ID token that is not this login's", () => {
  const now = Math.floor(Date.now() / 1_000);
  const wrong: readonly (readonly [what: string, changes: IdTokenChanges | "none"])[] = [
    ["another nonce", { claims: { nonce: "another" } }],
    ["another audience", { claims: { aud: "another" } }],
    ["another issuer", { claims: { iss: "https://evil.example" } }],
    ["a foreign key", { isForged: true }],
    ["the algorithm none", { algorithm: "none" }],
    ["an HMAC of the client's secret", { algorithm: "HS256" }],
    ["a time that is over", { claims: { iat: now - 7_200, exp: now - 3_600 } }],
    ["a time that is yet to come", { claims: { nbf: now + 3_600 } }],
    ["two audiences and another authorized party", { claims: { aud: ["mcp", "another"], azp: "another" } }],
    ["no subject", { claims: { sub: "" } }],
    ["no ID token at all", "none"],
  ];
  it.each(wrong)("%s: nobody is logged in", async (_, changes) => {
    provider.idToken = changes;
    await expect(identityOf(upstreamOf())).rejects.toMatchObject({
      code: "ERR_UPSTREAM_REJECTED",
      error: "server_error",
    });
  });

  it("takes a clock that is off by less than the tolerance", async () => {
    const now = Math.floor(Date.now() / 1_000);
    provider.idToken = { claims: { iat: now + 20, exp: now + 320 } };
    await expect(identityOf(upstreamOf())).resolves.toEqual({ subject: "ada" });
    provider.idToken = { claims: { iat: now - 320, exp: now - 20 } };
    await expect(identityOf(upstreamOf())).resolves.toEqual({ subject: "ada" });
  });

  it("refuses the userinfo of somebody else", async () => {
    provider.userinfo = { sub: "bob" };
    await expect(identityOf(upstreamOf())).rejects.toMatchObject({ code: "ERR_UPSTREAM_REJECTED" });
  });

  it("refuses a code that came with the issuer of another provider, and none where one is announced", async () => {
    provider.metadata = { authorization_response_iss_parameter_supported: true };
    const upstream = upstreamOf();
    provider.nonce = (await upstream.authorizationUrl(login)).searchParams.get("nonce");
    const exchange = { code: "code", codeVerifier, redirectUri };
    await expect(upstream.exchange({ ...exchange, issuer: "https://evil.example" })).rejects.toMatchObject({
      code: "ERR_UPSTREAM_REJECTED",
    });
    // What a browser has lost is no fault of the provider's: nobody has to be woken for it.
    await expect(upstream.exchange(exchange)).rejects.toMatchObject({
      code: "ERR_UPSTREAM_REJECTED",
      error: "invalid_grant",
    });
    for (const issuer of [provider.issuer, `${provider.issuer}/`]) {
      await expect(upstream.exchange({ ...exchange, issuer })).resolves.toBeDefined();
    }
  });
});

it("revokes nothing where one revocation would end every login of the user there", async () => {
  const upstream = upstreamOf({ revocation: false });
  expect(await upstream.revoke(await logIn(upstream))).toBe(false);
  expect(provider.requests.filter(({ path }) => path === "/revoke")).toEqual([]);
});

describe("an issuer", () => {
  const metadataOf = (issuer: string) => ({
    issuer,
    authorization_endpoint: "https://id.example/authorize",
    token_endpoint: "https://id.example/token",
    jwks_uri: "https://id.example/jwks",
  });

  it.each([
    ["with a slash that is not there", "https://id.example/staff/", "https://id.example/staff"],
    ["without the slash that is there", "https://id.example/staff", "https://id.example/staff/"],
    ["of another realm", "https://id.example/staff", "https://id.example/guests"],
    ["that is the host alone", "https://id.example", "https://id.example/staff"],
  ])("%s is refused with the one that was meant", async (_, issuer, named) => {
    const path = `${new URL(issuer).pathname.replace(/\/$/, "")}/.well-known/openid-configuration`;
    provider.answers.set(path, () => Response.json(metadataOf(named)));
    const upstream = upstreamOf({ issuer });
    await expect(upstream.authorizationUrl(login)).rejects.toMatchObject({
      code: "ERR_UPSTREAM_REJECTED",
      advice: expect.stringContaining(`issuer ${named}:`),
    });
    expect(await upstream.diagnose?.(redirectUri)).toContainEqual(
      expect.objectContaining({ status: "error", remedy: expect.stringContaining(`${named},`) }),
    );
  });

  it.each([
    ["https://id.example", "https://id.example/"],
    ["https://id.example/", "https://id.example"],
  ])("%s is %s: a host alone has no path to differ in", async (issuer, named) => {
    provider.metadata = { issuer: named };
    provider.idToken = { claims: { iss: named } };
    const upstream = upstreamOf({ issuer });
    expect(await identityOf(upstream)).toEqual({ subject: "ada" });
    const [issuers] = (await upstream.diagnose?.(redirectUri)) ?? [];
    expect(issuers).toMatchObject({ check: "upstream-issuer", status: "ok" });
  });
});

describe("who the user is", () => {
  it.each([
    ["a verified address", { email: "ada@example.org", email_verified: true }, { email: "ada@example.org" }],
    ["an address that nobody verified", { email: "boss@example.org", email_verified: false }, {}],
    ["an address that says nothing of it", { email: "boss@example.org" }, {}],
    ["a verification that is a word", { email: "boss@example.org", email_verified: "true" }, {}],
    ["a name", { preferred_username: "ada" }, { username: "ada" }],
    ["a name that is no text", { preferred_username: 7 }, {}],
  ])("%s", async (_, claims, known) => {
    provider.idToken = { claims };
    expect(await identityOf(upstreamOf())).toEqual({ subject: "ada", ...known });
  });

  it("is completed by the userinfo endpoint, which never overrules the ID token", async () => {
    provider.idToken = { claims: { preferred_username: "ada" } };
    provider.userinfo = { sub: "ada", preferred_username: "boss", email: "ada@example.org", email_verified: true };
    expect(await identityOf(upstreamOf())).toEqual({ subject: "ada", username: "ada", email: "ada@example.org" });
    expect(await identityOf(upstreamOf({ userinfo: false }))).toEqual({ subject: "ada", username: "ada" });
  });

  it("is told by the claims that the configuration names", async () => {
    provider.idToken = { claims: { oid: "object-1", upn: "ada@corp", mail: "a@corp" } };
    const upstream = upstreamOf({ claims: { subject: "oid", username: "upn", email: "mail" } });
    expect(await identityOf(upstream)).toEqual({ subject: "object-1", username: "ada@corp", email: "a@corp" });
    await expect(identityOf(upstreamOf({ claims: { subject: "missing" } }))).rejects.toMatchObject({
      code: "ERR_UPSTREAM_REJECTED",
      advice: expect.stringContaining("missing"),
    });
  });
});

describe("who may log in", () => {
  it.each([
    ["true", true, undefined],
    ["false", false, "You may not use this server."],
    ["a reason", "Only the staff may.", "Only the staff may."],
    ["an empty reason", "", "You may not use this server."],
    ["no answer", undefined, "You may not use this server."],
    ["null", null, "You may not use this server."],
    ["a number", 1, "You may not use this server."],
  ])("%s", async (_, allowed, reason) => {
    provider.idToken = { claims: { groups: ["staff"] } };
    const allow = (identity: UpstreamIdentity, claims: UserClaims) =>
      identity.subject === "ada" && Array.isArray(claims.groups) && allowed;
    // Answers that no type would let through are among the rows.
    const upstream: Upstream = Reflect.apply(upstreamOf, undefined, [{ allow }]);
    if (reason === undefined) await expect(identityOf(upstream)).resolves.toEqual({ subject: "ada" });
    else await expect(identityOf(upstream)).rejects.toMatchObject({ error: "access_denied", message: reason });
  });
});

describe("after the login", () => {
  it("refreshes, and keeps a refresh token that is not replaced", async () => {
    const upstream = upstreamOf();
    expect(await upstream.refresh("old")).toMatchObject({ token: "upstream-access", refreshToken: "upstream-refresh" });
    const kept = () => Response.json({ access_token: "next", token_type: "Bearer" });
    provider.answers.set("/token", kept);
    expect(await upstream.refresh("old")).toMatchObject({ token: "next", refreshToken: "old" });
  });

  it("revokes both tokens, where the provider can", async () => {
    const upstream = upstreamOf();
    expect(await upstream.revoke({ token: "a", refreshToken: "b" })).toBe(true);
    const revoked = () =>
      provider.requests.filter(({ path }) => path === "/revoke").map(({ form }) => form.get("token"));
    expect(revoked()).toEqual(["b", "a"]);
    provider.metadata = { revocation_endpoint: undefined };
    expect(await upstreamOf().revoke({ token: "c" })).toBe(false);
    expect(revoked()).toHaveLength(2);
  });

  it("says where a browser ends the session, where the provider has such a page", async () => {
    const upstream = upstreamOf();
    const tokens = await logIn(upstream);
    const url = await upstream.logoutUrl?.(tokens, "https://mcp.example.org/account");
    expect(url?.pathname).toBe("/logout");
    expect(Object.fromEntries(url?.searchParams ?? [])).toEqual({
      client_id: "mcp",
      post_logout_redirect_uri: "https://mcp.example.org/account",
      id_token_hint: tokens.idToken,
    });
    provider.metadata = { end_session_endpoint: undefined };
    expect(await upstreamOf().logoutUrl?.(tokens, "https://mcp.example.org/account")).toBeUndefined();
  });
});

describe("what fails", () => {
  const json =
    (body: object, status: number, headers = {}) =>
    () =>
      Response.json(body, { status, headers });
  const failures = [
    ["/token", "a code that is not good", json({ error: "invalid_grant" }, 400), { error: "invalid_grant" }],
    [
      "/token",
      "a secret that is not good",
      json({ error: "invalid_client" }, 401),
      { error: "invalid_client", advice: expect.stringContaining("secret") },
    ],
    [
      "/token",
      "an outage",
      json({}, 503, { "retry-after": "7" }),
      { code: "ERR_UPSTREAM_UNAVAILABLE", retryAfterSeconds: 7 },
    ],
    ["/token", "too many requests", json({}, 429), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
    ["/token", "a page instead of JSON", () => new Response("<html>"), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
    ["/token", "no network", () => Promise.reject(new TypeError("fetch failed")), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
    ["/userinfo", "an outage", json({}, 500), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
    ["/jwks", "an outage", json({}, 502), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
    ["/.well-known/openid-configuration", "an outage", json({}, 500), { code: "ERR_UPSTREAM_UNAVAILABLE" }],
    [
      "/.well-known/openid-configuration",
      "another issuer",
      json({ issuer: "https://evil.example" }, 200),
      { code: "ERR_UPSTREAM_REJECTED", advice: expect.stringContaining("issuer") },
    ],
  ] as const;
  it.each(failures)("%s: %s", async (path, _, answer, expected) => {
    provider.answers.set(path, answer);
    await expect(identityOf(upstreamOf())).rejects.toMatchObject(expected);
  });

  it("asks again for a discovery document that it did not get", async () => {
    const upstream = upstreamOf();
    provider.answers.set("/.well-known/openid-configuration", () => new Response(null, { status: 503 }));
    await expect(upstream.authorizationUrl(login)).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
    provider.answers.clear();
    await expect(identityOf(upstream)).resolves.toEqual({ subject: "ada" });
  });

  it("has no token, code or secret in its error", async () => {
    provider.idToken = { claims: { nonce: "another" } };
    const failure: unknown = await identityOf(upstreamOf()).catch((error: unknown) => error);
    const told = `${String(failure)} ${String(Object(failure).cause)} ${JSON.stringify(Object(failure).cause)}`;
    for (const secret of ["upstream-access", "upstream-refresh", scriptedClient.clientSecret, "eyJ"]) {
      expect(told).not.toContain(secret);
    }
  });
});

describe("what is refused at once", () => {
  const good = { issuer: "https://id.example", ...scriptedClient };
  it.each<readonly [string, unknown]>([
    ["no options", undefined],
    ["no issuer", { ...good, issuer: undefined }],
    ["plain http", { ...good, issuer: "http://id.example" }],
    ["the discovery document", { ...good, issuer: "https://id.example/.well-known/openid-configuration" }],
    ["a metadata document", { ...good, issuer: "https://id.example/.well-known/oauth-authorization-server/a" }],
    ["no client id", { ...good, clientId: "" }],
    ["white space around the client id", { ...good, clientId: " mcp" }],
    ...["client_id", "response_type", "redirect_uri", "state", "nonce", "code_challenge", "scope", "request_uri"].map(
      (name) => [`the login's own ${name}`, { ...good, authorizationParameters: { [name]: "mine" } }] as const,
    ),
    ["a parameter that is no text", { ...good, authorizationParameters: { max_age: 5 } }],
    ["neither secret nor key", { ...good, clientSecret: undefined }],
    ["both", { ...good, privateKey: "…" }],
    ["scopes without openid", { ...good, scopes: ["email"] }],
    ["a hook that is no function", { ...good, allow: true }],
    ["a timeout of 0", { ...good, timeout: 0 }],
    ["an empty list of secrets", { ...good, clientSecret: [] }],
  ])("%s", (_, options) => {
    expect(() => Reflect.apply(openIdConnect, undefined, [options])).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });
});
