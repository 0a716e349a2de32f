import { describe, expect, it } from "vitest";
import { McpOAuthProvider, type UpstreamTokens } from "../../../src/index.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ClientHarness, joinCookies, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions("https://login.example"), ...options });

/** The consent page of a client, as text and as HTML. */
async function pageOf(harness: ClientHarness<McpOAuthProvider>, metadata: Record<string, unknown>, request = {}) {
  const { client_id } = await harness.register(metadata);
  const [redirect_uri = harness.redirectUri] = Array.isArray(metadata.redirect_uris) ? metadata.redirect_uris : [];
  const { html } = await harness.openConsentPage({
    client_id,
    redirect_uri,
    code_challenge: pkce().challenge,
    ...request,
  });
  const text = html.replace(/<style>.*<\/style>/s, "").replace(/<[^>]*>/g, "");
  return { html, text };
}

describe("a client without a name", () => {
  it.each([
    ["http://127.0.0.1:4999/callback", "127.0.0.1"],
    ["https://app.example/callback", "app.example"],
    ["com.example.app:/callback", "com.example.app"],
  ])("at %s is called an application from %s", async (uri, place) => {
    for (const client_name of [undefined, "", " \u200b\u202e "]) {
      const { text } = await pageOf(start(), { client_name, redirect_uris: [uri] });
      expect(text).toContain(`An application that gives no name, from ${place}, wants to use`);
      expect(text).not.toContain("gave this name");
    }
  });
});

describe("the consent page", () => {
  it("does not say in its first line what its heading says", async () => {
    const { html } = await pageOf(start(), { client_name: "Scribe" });
    expect(html.split("Scribe")).toHaveLength(3); // The title of the window, and the heading.
  });

  it("shows the whole redirect URI, and folds a long one", async () => {
    const short = "https://app.example/callback?tenant=1&x=%22";
    const shown = await pageOf(start(), { redirect_uris: [short] });
    expect(shown.text).toContain("https://app.example/callback?tenant=1&amp;x=%22");
    expect(shown.html).not.toContain("<details");
    const long = `https://app.example/${"long/".repeat(30)}callback`;
    const folded = await pageOf(start(), { redirect_uris: [long] });
    expect(folded.html).toMatch(new RegExp(`<details><summary>[^<]+</summary><code class="address">${long}</code>`));
  });

  it("has words for a scope without a description", async () => {
    const consent = { brandName: "Acme Notes", scopeDescriptions: { user: "Read your notes" } };
    const { text } = await pageOf(start({ consent }), {});
    expect(text).toContain("Read your notes");
    expect(text).toContain("Use what Acme Notes calls “admin”");
  });

  it("says what the upstream will be asked for where the configuration has words for it", async () => {
    expect((await pageOf(start(), {})).text).not.toContain("Pangea AuthN");
    const consent = { upstreamScopeDescriptions: { user: "Your name and <e-mail> address" } };
    const { text } = await pageOf(start({ consent, pangeaAuthnScopes: ["user", "groups"] }), {});
    expect(text).toContain("Your login asks Pangea AuthN for");
    expect(text).toContain("Your name and &lt;e-mail&gt; address");
    expect(text).toContain("Use what Pangea AuthN calls “groups”");
  });

  it.each([
    ["https://www.notes.example", "notes.example"],
    ["https://mcp.example.org:8443", "mcp.example.org"],
    ["http://localhost:8000", "the MCP server on this computer"],
  ])("of a server at %s without a brand calls it %s", async (mcpBaseUrl, brand) => {
    const { text } = await pageOf(start({ mcpBaseUrl }), {});
    expect(text).toContain(`wants to use ${brand} in your name.`);
  });
});

/** An upstream that says an e-mail address of its users. */
class NamingUpstream extends FakeUpstream {
  override async identify(tokens: UpstreamTokens) {
    const { subject } = await super.identify(tokens);
    return { subject, email: `${subject}@<example>.org` };
  }
}

it("a person who is asked after the login reads as whom they are logged in", async () => {
  const provider = new McpOAuthProvider({
    baseUrl: "http://localhost:8000",
    scopes: ["user"],
    upstream: new NamingUpstream(Date.now),
    secret: "a secret of thirty-two characters or more",
  });
  const harness = new ClientHarness(provider, "http://localhost:8000");
  const request = { ...(await harness.register()), code_challenge: pkce().challenge };
  const page = await harness.openConsentPage(request);
  const begun = await harness.decide(page, "allow");
  const back = logInAtFakeUpstream(new URL(begun.headers.get("location") ?? ""), "ada");
  const { cookie } = await harness.followCallback(back, joinCookies(page.cookie, begun));
  const again = await harness.get(harness.authorizePath(request), { cookie });
  const callback = logInAtFakeUpstream(new URL(again.headers.get("location") ?? ""), "grace");
  const asked = await harness.get(callback.pathname + callback.search, { cookie: joinCookies(cookie, again) });
  expect(asked.status).toBe(200);
  expect(await asked.text()).toContain("<bdi>grace@&lt;example&gt;.org</bdi>");
});

describe("a page of an error ends in what to do next", () => {
  it.each([
    ["a request that is wrong", {}, "/authorize", "start the login there again"],
    [
      "too many requests",
      { rateLimits: { total: { authorize: { requests: 1, perSeconds: 60 } } } },
      "/authorize?client_id=nobody",
      "Wait a moment",
    ],
  ])("%s", async (_, options, path, step) => {
    const harness = start(options);
    await harness.get("/authorize");
    const html = await (await harness.get(path)).text();
    expect(html).toMatch(new RegExp(`<p class="step">[^<]*${step}`));
  });
});

describe("consent.errorTexts", () => {
  const words = "Die Anwendung hat etwas gefragt, das {brand} nicht <versteht>.";

  it("are what a page of an error says, with the message small below", async () => {
    const harness = start({ consent: { errorTexts: { invalid_request: words }, brandName: "Notiz & Co" } });
    const html = await (await harness.get("/authorize")).text();
    expect(html).toContain(
      "<p>Die Anwendung hat etwas gefragt, das <bdi>Notiz &amp; Co</bdi> nicht &lt;versteht&gt;.</p>",
    );
    expect(html).toContain(
      '<p class="quiet" lang="en"><code>invalid_request</code>: The request names no client_id.</p>',
    );
  });

  it("leave other errors as they are", async () => {
    const html = await (await start({ consent: { errorTexts: { access_denied: words } } }).get("/authorize")).text();
    expect(html).toContain("<p>The request names no client_id.</p>");
  });

  it.each([
    [{ invalid_reqest: "x" }, "consent.errorTexts.invalid_reqest"],
    [{ invalid_request: "" }, "consent.errorTexts.invalid_request"],
    [{ invalid_request: "{client}" }, "{client}"],
  ])("that would never be seen, or are none, are refused: %j", (errorTexts, named) => {
    expect(() => start({ consent: { errorTexts } })).toThrow(named);
  });
});
