import { describe, expect, it } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";

const web = "https://app.example/callback";
const ipv4 = "http://127.0.0.1:4999/callback";
const ipv6 = "http://[::1]:4999/callback";
const localhost = "http://localhost:4999/callback";
const application = "com.example.app:/callback";

/** A client with every kind of redirect URI, asked for another one. */
async function askWith(redirect_uri: string): Promise<Response> {
  const harness = new ProviderHarness(providerOptions("https://login.example"));
  const { client_id } = await harness.register({ redirect_uris: [web, ipv4, ipv6, localhost, application] });
  return harness.get(harness.authorizePath({ client_id, redirect_uri, code_challenge: pkce().challenge }));
}

describe("a redirect URI that looks like a registered one is shown an error page", () => {
  it.each([
    // Case and encoding
    "HTTPS://app.example/callback",
    "https://APP.example/callback",
    "https://app.example/Callback",
    "https://app.example/%63allback",
    "https://app.example/callback%2f",
    "https://app.example/callback%00",
    "https://app.example/callback%20",
    "https://app%2eexample/callback",
    "https:app.example/callback",
    "https:/app.example/callback",
    "https:\\\\app.example\\callback",
    "https:///app.example/callback",
    // User information
    "https://app.example@evil.example/callback",
    "https://app.example:443@evil.example/callback",
    "https://user@app.example/callback",
    "https://app.example%40evil.example/callback",
    "https://evil.example\\@app.example/callback",
    "https://evil.example#@app.example/callback",
    // The host
    "https://app.example./callback",
    "https://app.example.evil.example/callback",
    "https://evilapp.example/callback",
    "https://sub.app.example/callback",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "https://app.example\u3002evil.example/callback",
    "https://\u0430pp.example/callback",
    "https://xn--pp-7kc.example/callback",
    "https://app.example\u00ad/callback",
    // The path, the query and the fragment
    "https://app.example/callback/",
    "https://app.example/callback/..",
    "https://app.example/./callback",
    "https://app.example/x/../callback",
    "https://app.example/x/%2e%2e/callback",
    "https://app.example/callback/../evil",
    "https://app.example//callback",
    "https://app.example/callback;x",
    "https://app.example/callback?",
    "https://app.example/callback?next=https://evil.example",
    "https://app.example/callback#",
    "https://app.example/callback#code",
    // White space and control characters, which some parsers drop
    " https://app.example/callback",
    "https://app.example/callback ",
    "https://app.example/call\tback",
    "https://app.example/call\nback",
    "https://app.example/callback\r\nSet-Cookie: a=b",
    "\u0000https://app.example/callback",
    // The scheme
    "http://app.example/callback",
    "ftp://app.example/callback",
    "javascript://app.example/callback",
    "javascript:alert(1)//https://app.example/callback",
    "data:text/html,https://app.example/callback",
    "//app.example/callback",
    "/callback",
    "callback",
    // The loopback hosts: the port is free, nothing else is
    "https://127.0.0.1:4999/callback",
    "http://127.0.0.1:4999/other",
    "http://127.0.0.1:4999/callback/../other",
    "http://127.0.0.1:99999/callback",
    "http://127.0.0.1:/callback",
    "http://127.0.0.1:4999:80/callback",
    "http://127.0.0.1:4999@evil.example/callback",
    "http://127.0.0.1.evil.example:4999/callback",
    "http://127.0.0.1.:4999/callback",
    "http://127.0.0.2:4999/callback",
    "http://127.1:4999/callback",
    "http://2130706433:4999/callback",
    "http://0x7f.0.0.1:4999/callback",
    "http://0177.0.0.1:4999/callback",
    "http://0.0.0.0:4999/callback",
    "http://[::]:4999/callback",
    "http://[0:0:0:0:0:0:0:1]:4999/callback",
    "http://[::1%25lo]:4999/callback",
    "http://[::ffff:127.0.0.1]:4999/callback",
    "http://localhost.evil.example:4999/callback",
    "http://localhost.:4999/callback",
    "http://LOCALHOST:4999/callback",
    "http://localhost:4999@evil.example/callback",
    "http://evil.localhost:4999/callback",
    // The application's scheme
    "com.example.app://callback",
    "com.example.app://evil/callback",
    "com.example.app:/callback/x",
    "com.example.app:callback",
    "COM.EXAMPLE.APP:/callback",
    "com.example.app2:/callback",
  ])("%j", async (uri) => {
    const response = await askWith(uri);
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
    expect(response.headers.get("content-type")).toContain("text/html");
  });
});

describe("the client's own redirect URIs go through", () => {
  it.each([
    web,
    ipv4,
    ipv6,
    localhost,
    application,
    "http://127.0.0.1:61000/callback",
    "http://127.0.0.1/callback",
    "http://[::1]:61000/callback",
    "http://localhost:61000/callback",
  ])("%s", async (uri) => {
    const response = await askWith(uri);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('value="allow"');
  });
});

it("a port, a host and a path are not moved between two registered loopback URIs", async () => {
  const harness = new ProviderHarness(providerOptions("https://login.example"));
  const redirect_uris = ["http://127.0.0.1:4999/one", "http://localhost:4999/other"];
  const { client_id } = await harness.register({ redirect_uris });
  for (const redirect_uri of ["http://127.0.0.1:4999/other", "http://localhost:4999/one"]) {
    const request = { client_id, redirect_uri, code_challenge: pkce().challenge };
    expect((await harness.get(harness.authorizePath(request))).status).toBe(400);
  }
});

describe("a redirect URI that must never be registered", () => {
  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox",
    "file:///etc/passwd",
    "blob:https://app.example/x",
    "about:blank",
    "intent://x#Intent;end",
    "ftp://app.example/",
    "http://app.example/callback",
    "http://127.0.0.1.nip.example/callback",
    "http://0.0.0.0/callback",
    "https://app.example/callback#fragment",
    "https://user:pass@app.example/callback",
    "https://@app.example/callback",
    "https://app.example/../callback",
    "https://app.example./callback",
    "https://*.example/callback",
    "https://app.ex\u00e4mple/callback",
    "https://app.example/call back",
    "https://app.example/\r\nset-cookie:a=b",
    "https://",
    "//app.example",
    "app.example/callback",
    "",
    5,
    null,
    ["https://app.example"],
    { href: "https://app.example" },
  ])("%j: refused alone, left out among others", async (uri) => {
    const harness = new ProviderHarness(providerOptions("https://login.example"));
    const alone = await harness.postJson("/register", { redirect_uris: [uri] });
    expect(alone.status).toBe(400);
    const { error } = await jsonOf(alone);
    expect(["invalid_redirect_uri", "invalid_client_metadata"]).toContain(error);
    const { client_id, redirect_uris } = await jsonOf(
      await harness.postJson("/register", {
        redirect_uris: ["https://app.example/ok", uri],
        token_endpoint_auth_method: "none",
      }),
    );
    expect(redirect_uris).toEqual(["https://app.example/ok"]);
    // No text at all is no parameter, and the client has one redirect URI.
    if (uri === "") return;
    const path = harness.authorizePath({ client_id, redirect_uri: String(uri), code_challenge: "c".repeat(43) });
    const answer = await harness.get(path);
    expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
  });
});
