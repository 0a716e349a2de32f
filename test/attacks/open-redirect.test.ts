import { expect, it } from "vitest";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";

const evil = "https://evil.example/phish";

async function start() {
  const harness = new ProviderHarness(providerOptions("https://login.example"));
  const { client_id } = await harness.register();
  return { harness, request: { client_id, code_challenge: pkce().challenge } };
}

it.each([
  ["an unregistered redirect URI", { redirect_uri: evil }],
  ["one in another parameter", { redirect_uri: "", next: evil, return_to: evil, url: evil }],
  ["an unknown client", { client_id: "nobody", redirect_uri: evil }],
  ["a client that is a URL", { client_id: evil, redirect_uri: evil }],
  ["an error to report", { redirect_uri: evil, response_type: "token" }],
])("authorize does not lead to another site by %s", async (_, changes) => {
  const { harness, request } = await start();
  const response = await harness.get(harness.authorizePath({ ...request, ...changes }));
  expect(response.headers.get("location")).toBeNull();
  expect(response.headers.get("refresh")).toBeNull();
  expect(await response.text()).not.toContain("evil.example");
});

it("a decision leads to the client whose page was answered, whatever else the form says", async () => {
  const { harness, request } = await start();
  const page = await harness.openConsentPage(request);
  const form = { request: page.sealed, decision: "deny", redirect_uri: evil, client_id: evil, state: evil };
  const response = await harness.postForm("/consent", form, { origin: harness.baseUrl, cookie: page.cookie });
  const location = new URL(response.headers.get("location") ?? "");
  expect(location.origin + location.pathname).toBe(harness.redirectUri);
  expect(location.searchParams.get("state")).toBe("client-state");
});

it("a page that was altered leads nowhere", async () => {
  const { harness, request } = await start();
  const page = await harness.openConsentPage(request);
  const middle = Math.floor(page.sealed.length / 2);
  const altered =
    page.sealed.slice(0, middle) + (page.sealed[middle] === "A" ? "B" : "A") + page.sealed.slice(middle + 1);
  for (const sealed of [altered, evil, "", btoa(JSON.stringify({ redirectUri: evil }))]) {
    const response = await harness.decide({ ...page, sealed }, "deny");
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
  }
});

it.each([
  "/pangea/callback",
  "/pangea/callback?redirect_uri=",
  "/pangea/callback?error=access_denied&state=",
  "//evil.example/authorize?x=",
])("no other path leads to another site: %s", async (path) => {
  const { harness } = await start();
  const response = await harness.provider.fetch(new Request(`${harness.baseUrl}${path}${encodeURIComponent(evil)}`));
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.headers.get("location")).toBeNull();
});

it("what a person is sent on to is Pangea as configured, or the client's own redirect URI", async () => {
  const { harness, request } = await start();
  const page = await harness.openConsentPage(request);
  const allowed = await harness.decide(page, "allow", { host: "evil.example", "x-forwarded-host": "evil.example" });
  const location = new URL(allowed.headers.get("location") ?? "");
  expect(location.origin).toBe("https://login.example");
  expect(location.searchParams.get("redirect_uri")).toBe("http://localhost:8000/pangea/callback");
});
