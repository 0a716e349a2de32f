import { describe, expect, it } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions("https://login.example"), ...options });

describe("an authorization request", () => {
  it.each([
    ["no client", {}],
    ["an unknown client", { client_id: "nobody" }],
    ["an unregistered redirect URI", { redirect_uri: "https://evil.example/" }],
    ["a redirect URI with a script in it", { redirect_uri: 'https://evil.example/"><script>alert(1)</script>' }],
  ])("with %s is answered with a page, never with a redirect", async (_, changes) => {
    const harness = start();
    const { client_id } = await harness.register();
    const response = await harness.get(
      harness.authorizePath({
        ...("client_id" in changes || Object.keys(changes).length > 0 ? { client_id } : {}),
        ...changes,
      }),
    );
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(await response.text()).not.toContain("<script>");
  });

  it.each([
    ["no challenge", {}, "invalid_request"],
    ["a plain challenge", { code_challenge: pkce().challenge, code_challenge_method: "plain" }, "invalid_request"],
    ["a malformed challenge", { code_challenge: "x" }, "invalid_request"],
    ["an implicit flow", { code_challenge: pkce().challenge, response_type: "token" }, "unsupported_response_type"],
    ["a fragment answer", { code_challenge: pkce().challenge, response_mode: "fragment" }, "invalid_request"],
    ["another resource", { code_challenge: pkce().challenge, resource: "https://other.example" }, "invalid_target"],
    ["a state too long to carry", { code_challenge: pkce().challenge, state: "s".repeat(4000) }, "invalid_request"],
  ])("with %s goes back to the client as %s", async (_, changes, error) => {
    const harness = start();
    const { client_id } = await harness.register();
    const response = await harness.get(harness.authorizePath({ client_id, ...changes }));
    expect(response.status).toBe(302);
    const location = new URL(response.headers.get("location") ?? "");
    expect(location.origin + location.pathname).toBe(harness.redirectUri);
    expect(location.searchParams.get("error")).toBe(error);
    expect(location.searchParams.get("iss")).toBe("http://localhost:8000");
    expect(location.searchParams.get("state")).not.toBeNull();
  });

  it("with a repeated parameter is refused", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const path = harness.authorizePath({ client_id, code_challenge: pkce().challenge });
    const repeatedClient = await harness.get(`${path}&client_id=other`);
    expect(repeatedClient.status).toBe(400);
    const repeatedScope = await harness.get(`${path}&scope=user&scope=admin`);
    expect(new URL(repeatedScope.headers.get("location") ?? "").searchParams.get("error")).toBe("invalid_request");
  });

  it("may be posted", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const parameters = new URL(harness.authorizePath({ client_id, code_challenge: pkce().challenge }), "http://x")
      .searchParams;
    const response = await harness.postForm("/authorize", Object.fromEntries(parameters));
    expect(await response.text()).toContain("Test client");
  });

  it("sends Pangea a state of its own form, PKCE, and nothing of the client's", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const { challenge } = pkce();
    const { location } = await harness.beginLogin({ client_id, code_challenge: challenge });
    expect(location.searchParams.get("state")).toMatch(/^[a-zA-Z0-9_\-+/=.]{8,999}$/);
    expect(location.searchParams.get("code_challenge_method")).toBe("S256");
    expect(location.href).not.toContain("client-state");
    expect(location.href).not.toContain(challenge);
    expect(location.href).not.toContain(client_id);
  });

  it.each(["OPTIONS", "PUT", "DELETE"])("lets no other origin's script read what becomes of %s", async (method) => {
    const { provider, baseUrl } = start();
    for (const path of ["/authorize", "/consent", "/pangea/callback"]) {
      const response = await provider.fetch(new Request(`${baseUrl}${path}`, { method }));
      expect(response.status).toBe(405);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  it("keeps its cookies from scripts and, over https, from other hosts", async () => {
    const secure = start({ mcpBaseUrl: "https://mcp.example" });
    const { client_id } = await secure.register();
    const page = await secure.openConsentPage({ client_id, code_challenge: pkce().challenge });
    const response = await secure.decide(page, "allow");
    const cookies = [...page.response.headers.getSetCookie(), ...response.headers.getSetCookie()];
    expect(cookies.map((cookie) => cookie.replace(/=[^;]*/, "=…"))).toEqual([
      expect.stringMatching(
        /^__Host-pangea_mcp_browser_[0-9a-f]{8}=…; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=7862400$/,
      ),
      expect.stringMatching(
        /^__Host-pangea_mcp_login_[0-9a-f]{8}_[0-9a-f]{16}=…; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/,
      ),
    ]);
  });

  it("keeps as many logins of a browser as there is room for, and lets go of the oldest beyond", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const names = Array.from({ length: 200 }, (_, index) => `pangea_mcp_login_${String(index).padStart(16, "0")}`);
    const many = names.map((name) => `${name}=x`).join("; ");
    const page = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge }, many);
    const kept = joinCookies(page.cookie, await harness.decide(page, "allow"));
    const left = names.filter((name) => kept.includes(name));
    expect(left).toEqual(names.slice(-left.length));
    expect(left.length).toBeGreaterThan(50);
    expect(kept.length).toBeLessThan(4096);
  });

  it("lets go of the oldest logins before their cookies fill the headers", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const large = ["a", "b", "c"].map((name) => `pangea_mcp_login_${name}=${"x".repeat(1700)}`).join("; ");
    const page = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge }, large);
    const decided = await harness.decide(page, "allow");
    const kept = joinCookies(page.cookie, decided);
    expect(kept).not.toMatch(/login_[ab]=/);
    expect(kept).toMatch(/login_c=x/);
    expect(kept.length).toBeLessThan(4096);
  });
});

describe("the callback", () => {
  it.each(["", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied&state=x", "?code=x&state=a&state=b"])(
    "with %j and no login begun is answered with a page",
    async (query) => {
      const response = await start().get(`/pangea/callback${query}`);
      expect(response.status).toBe(400);
      expect(response.headers.get("content-type")).toContain("text/html");
    },
  );

  it("with an altered transaction is answered with a page", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const { location, cookie } = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
    const state = location.searchParams.get("state");
    const login = /pangea_mcp_login_[^;]+/.exec(cookie)?.[0] ?? "";
    for (const altered of [`${login.slice(0, -8)}AAAAAAAA`, login.replace("v2.", "v1."), `${login}.x`]) {
      const response = await harness.get(`/pangea/callback?code=x&state=${state}`, { cookie: altered });
      expect(response.status).toBe(400);
    }
  });
});

describe("the token endpoint", () => {
  it.each([
    ["another content type", "application/json", "{}"],
    ["no content type", undefined, "grant_type=x"],
    ["no grant type", "application/x-www-form-urlencoded", "client_id=x"],
    ["a repeated parameter", "application/x-www-form-urlencoded", "client_id=x&client_id=y"],
    ["bytes that are not UTF-8", "application/x-www-form-urlencoded", new Uint8Array([0xff, 0xfe])],
    ["200 parameters", "application/x-www-form-urlencoded", Array.from({ length: 200 }, (_, i) => `p${i}=1`).join("&")],
  ])("with %s answers 400 invalid_request", async (_, contentType, body) => {
    const harness = start();
    const headers = contentType === undefined ? {} : { "content-type": contentType };
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const response = await harness.provider.fetch(
      new Request("http://localhost:8000/token", { method: "POST", headers, body: bytes }),
    );
    expect(response.status).toBe(400);
    expect((await jsonOf(response)).error).toBe("invalid_request");
  });

  it("refuses an oversized body without reading it to its end", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(16 * 1024).fill(97));
      },
    });
    const request = new Request("http://localhost:8000/token", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: endless,
      duplex: "half",
    });
    const response = await start().provider.fetch(request);
    expect(response.status).toBe(413);
    expect(pulled).toBeLessThan(10);
  });
});

describe("every route", () => {
  it("answers a wrong method with 405 and Allow", async () => {
    const response = await start().get("/token");
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
  });

  it("answers a preflight where scripts of other origins may call, and not at authorize", async () => {
    const preflight = (path: string) =>
      start().provider.fetch(new Request(`http://localhost:8000${path}`, { method: "OPTIONS" }));
    for (const path of ["/token", "/register", "/revoke", "/.well-known/oauth-authorization-server"]) {
      const response = await preflight(path);
      expect(response.status).toBe(204);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
    }
    expect((await preflight("/authorize")).status).toBe(405);
    expect((await preflight("/mcp")).status).toBe(204);
  });

  it("ignores the host that a request names", async () => {
    const response = await start().provider.fetch(
      new Request("http://evil.example/.well-known/oauth-authorization-server", {
        headers: { "x-forwarded-host": "evil.example", forwarded: "host=evil.example" },
      }),
    );
    expect(JSON.stringify(await jsonOf(response))).not.toContain("evil.example");
  });
});
