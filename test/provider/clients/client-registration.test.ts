import { describe, expect, it } from "vitest";
import { startPangeaEmulator } from "../../../src/emulator.ts";
import { createInMemoryRepositories, StorageUnavailableError } from "../../../src/index.ts";
import { clientKey } from "../../../src/records/keys.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions("https://login.example"), ...options });

describe("client registration", () => {
  it("answers with the metadata, an id and, for a confidential client, a secret that is stored as a hash only", async () => {
    const repositories = createInMemoryRepositories();
    const harness = start({ repositories });
    const response = await harness.postJson("/register", {
      redirect_uris: ["https://app.example/callback"],
      client_name: "App",
      grant_types: ["authorization_code", "refresh_token"],
    });
    const client = await jsonOf(response);

    expect(response.status).toBe(201);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(client).toMatchObject({
      client_name: "App",
      redirect_uris: ["https://app.example/callback"],
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: "user admin",
    });
    expect(client.client_secret).toMatch(/^pmcp_cs_/);
    expect(client.client_secret_expires_at).toBe(0);
    const stored = await repositories.clients.get(clientKey(client.client_id));
    expect(JSON.stringify(stored)).not.toContain(client.client_secret);
  });

  it.each([
    [{}, "invalid_client_metadata"],
    [{ redirect_uris: [] }, "invalid_client_metadata"],
    [{ redirect_uris: "https://app.example/" }, "invalid_client_metadata"],
    [{ redirect_uris: ["javascript:alert(1)"] }, "invalid_redirect_uri"],
    [{ redirect_uris: ["https://app.example/"], grant_types: ["client_credentials"] }, "invalid_client_metadata"],
    [{ redirect_uris: ["https://app.example/"], response_types: ["token"] }, "invalid_client_metadata"],
    [{ redirect_uris: ["https://app.example/"], scope: "root" }, undefined],
    [
      { redirect_uris: ["https://app.example/"], token_endpoint_auth_method: "private_key_jwt" },
      "invalid_client_metadata",
    ],
    [{ redirect_uris: ["https://app.example/"], client_name: "x".repeat(300) }, undefined],
    [{ redirect_uris: ["https://app.example/"], client_uri: "javascript:alert(1)" }, undefined],
    [{ redirect_uris: ["https://app.example/"], token_endpoint_auth_method: "magic" }, undefined],
    [[], "invalid_client_metadata"],
    ["{", "invalid_client_metadata"],
    ['{"redirect_uris":["https://app.example/"],"__proto__":{"polluted":true}}', undefined],
  ])("of %j answers with %s", async (metadata, error) => {
    const response = await start().postJson("/register", metadata);
    expect(response.status).toBe(error === undefined ? 201 : 400);
    expect((await jsonOf(response)).error).toBe(error);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each(["openid user", 'us"er user', "user offline_access"])("answers which scopes of %j it kept", async (scope) => {
    const answer = await start().postJson("/register", { redirect_uris: ["https://app.example/cb"], scope });
    expect(answer.status).toBe(201);
    expect((await jsonOf(answer)).scope).toBe(scope.includes("offline_access") ? scope : "user");
  });

  it("keeps a client of the Python package that names no scopes within those that clients may have", async () => {
    const repositories = createInMemoryRepositories();
    const client = { client_id: "legacy", redirect_uris: ["http://127.0.0.1:4999/callback"] };
    await repositories.clients.set("legacy", client);
    const harness = new ProviderHarness({
      ...providerOptions("https://login.example"),
      repositories,
      clientRegistration: { validScopes: ["user"] },
    });
    const request = { client_id: "legacy", code_challenge: pkce().challenge };
    expect((await harness.openConsentPage({ ...request, scope: "user" })).response.status).toBe(200);
    const page = await harness.openConsentPage({ ...request, scope: "user admin" });
    expect(page.html).not.toMatch(/<li>.*admin/);
  });

  it("compares the redirect URI of a client of the Python package as a URL, and that of its own clients to the letter", async () => {
    const repositories = createInMemoryRepositories();
    await repositories.clients.set("legacy", { client_id: "legacy", redirect_uris: ["https://app.example/"] });
    const harness = start({ repositories });
    const own = await harness.register({ redirect_uris: ["https://app.example/"] });
    const status = async (client_id: string, redirect_uri: string) =>
      (await harness.get(harness.authorizePath({ client_id, redirect_uri, code_challenge: pkce().challenge }))).status;
    expect(await status("legacy", "https://APP.example:443")).toBe(200);
    expect(await status(own.client_id, "https://APP.example:443")).toBe(400);
    for (const other of ["https://evil.example/", "https://app.example/other", "http://app.example/"]) {
      expect(await status("legacy", other), other).toBe(400);
    }
  });

  it("keeps a registration that somebody logs in with, and lets one go that is only looked at", async () => {
    await using emulator = await startPangeaEmulator();
    const clock = new ManualClock();
    const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), clock: clock.read });
    const used = await harness.register();
    const lookedAt = await harness.register();
    const authorize = (client_id: string) =>
      harness.get(harness.authorizePath({ client_id, code_challenge: pkce().challenge }));
    const days = (count: number) => clock.advanceSeconds(count * 86_400);

    days(0.9);
    await harness.tokensFor(used.client_id);
    expect((await authorize(lookedAt.client_id)).status).toBe(200);
    days(0.2);
    expect((await authorize(lookedAt.client_id)).status).toBe(400);
    days(59.8);
    await harness.tokensFor(used.client_id);
    days(59.1);
    let { refresh_token } = await harness.tokensFor(used.client_id);
    for (const wait of [29, 29]) {
      days(wait);
      const form = { grant_type: "refresh_token", client_id: used.client_id, refresh_token };
      refresh_token = (await jsonOf(await harness.postForm("/token", form))).refresh_token;
    }
    days(89);
    expect((await authorize(used.client_id)).status).toBe(200);
    days(2);
    expect((await authorize(used.client_id)).status).toBe(400);
  });

  it.each([
    ["the person opens the page a second before the end, and thinks for 25 minutes", 86_399, 1500, 0],
    ["the person logs in a second before the end, and takes nine minutes", 86_390, 5, 540],
    ["all of it takes as long as it may", 86_399, 1790, 590],
  ])("lasts until the client has its tokens, and then for 90 days: %s", async (_, registered, thinks, logsIn) => {
    await using emulator = await startPangeaEmulator();
    const clock = new ManualClock();
    const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), clock: clock.read });
    const { client_id, client_secret = "" } = await harness.register({
      token_endpoint_auth_method: "client_secret_post",
    });
    const { verifier, challenge } = pkce();
    clock.advanceSeconds(registered);
    const page = await harness.openConsentPage({ client_id, code_challenge: challenge });
    clock.advanceSeconds(thinks);
    const allowed = await harness.decide(page, "allow");
    const cookie = joinCookies(page.cookie, allowed);
    clock.advanceSeconds(logsIn);
    const callback = await harness.logInUpstream(new URL(allowed.headers.get("location") ?? ""));
    const { location } = await harness.followCallback(callback, cookie);
    clock.advanceSeconds(50);
    const form = { client_id, client_secret, code: location.searchParams.get("code") ?? "", code_verifier: verifier };
    const tokens = await jsonOf(await harness.postForm("/token", { grant_type: "authorization_code", ...form }));
    expect(tokens.error).toBeUndefined();
    clock.advanceSeconds(29 * 86_400);
    const refresh = { grant_type: "refresh_token", client_id, client_secret, refresh_token: tokens.refresh_token };
    expect((await harness.postForm("/token", refresh)).status).toBe(200);
    clock.advanceSeconds(89 * 86_400);
    expect((await harness.get(harness.authorizePath({ client_id, code_challenge: challenge }))).status).toBe(200);
  });

  it("goes on with the first login where the store does not take that it lasts, and says so", async () => {
    await using emulator = await startPangeaEmulator();
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), clock: clock.read, repositories });
    const { client_id } = await harness.register();
    const write = repositories.clients.set;
    repositories.clients.set = async () => {
      throw new StorageUnavailableError("The store is away.", { effect: "none" });
    };
    const told = heard("outage");
    const { refresh_token } = await harness.tokensFor(client_id);
    expect(told.stop().length).toBeGreaterThan(0);
    repositories.clients.set = write;
    expect((await harness.refresh({ clientId: client_id, refresh_token })).status).toBe(200);
    clock.advanceSeconds(89 * 86_400);
    expect((await harness.get(harness.authorizePath({ client_id, code_challenge: pkce().challenge }))).status).toBe(
      200,
    );
  });

  it("needs the initial access token where there is one", async () => {
    const harness = start({ clientRegistration: { initialAccessToken: ["token-of-last-year", "token-of-this-year"] } });
    const register = (authorization?: string) =>
      harness.provider.fetch(
        new Request(`${harness.baseUrl}/register`, {
          method: "POST",
          headers: { "content-type": "application/json", ...(authorization !== undefined && { authorization }) },
          body: JSON.stringify({ redirect_uris: [harness.redirectUri] }),
        }),
      );
    for (const wrong of [undefined, "Bearer token-of-next-year", "Basic token-of-this-year", "Bearer "]) {
      const refused = await register(wrong);
      expect(refused.status, wrong).toBe(401);
      expect(refused.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
      expect((await jsonOf(refused)).error).toBe("invalid_token");
    }
    expect((await register("Bearer token-of-last-year")).status).toBe(201);
    expect((await register("Bearer token-of-this-year")).status).toBe(201);
    const short = () => start({ clientRegistration: { initialAccessToken: "x".repeat(15) } });
    expect(short).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });

  it("is not served where it is switched off; clients from the configuration work", async () => {
    const harness = start({
      clientRegistration: { enabled: false },
      clients: [{ client_id: "https://app.example/client.json", redirect_uris: ["https://app.example/cb"] }],
    });
    expect((await harness.postJson("/register", {})).status).toBe(404);
    const metadata = await jsonOf(await harness.get("/.well-known/oauth-authorization-server"));
    expect(metadata.registration_endpoint).toBeUndefined();
    const { location } = await harness.beginLogin({
      client_id: "https://app.example/client.json",
      redirect_uri: "https://app.example/cb",
      code_challenge: pkce().challenge,
    });
    expect(location.href).toContain("https://login.example/v2/oauth/authorize");
  });
});

describe("the storage key of a client id", () => {
  it("is the id itself where it is a plain one, as the Python package stores it", () => {
    expect(clientKey("11111111-2222-3333-4444-555555555555")).toBe("11111111-2222-3333-4444-555555555555");
  });

  it.each(["https://app.example/client.json", "sha256-abc", "mcp_00", "client_to_authn_x", "", "x".repeat(200), "ü"])(
    "is a hash for %j",
    (id) => {
      expect(clientKey(id)).toMatch(/^sha256-[A-Za-z0-9+/]{43}=$/);
    },
  );
});
