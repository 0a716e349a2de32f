import { beforeEach, describe, expect, it } from "vitest";
import { BrowserSession, type LoginOptions } from "../../support/browser-session.ts";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator({ users: [{ username: "ada@example.com" }, { username: "grace@example.com" }] });
const ada = { username: "ada@example.com", password: "password" };
const grace = { username: "grace@example.com", password: "password" };

let harness: ProviderHarness;
let request: { readonly client_id: string; readonly code_challenge: string };
/** The person's browser, as Pangea sees it. */
let upstream: BrowserSession;
/** What the browser keeps of this server's cookies. */
let cookie: string;

beforeEach(async () => {
  harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
  const { client_id } = await harness.register({ client_name: "Scribe" });
  request = { client_id, code_challenge: pkce().challenge };
  upstream = new BrowserSession();
  const page = await harness.openConsentPage(request);
  const begun = await harness.decide(page, "allow");
  ({ cookie } = await finish(begun, joinCookies(page.cookie, begun), ada));
});

/** Follows a redirect to Pangea, logs in there, and comes back. */
async function finish(begun: Response, cookies: string, login: LoginOptions = {}) {
  const callback = await upstream.login(begun.headers.get("location") ?? "", login);
  const response = await harness.get(callback.pathname + callback.search, { cookie: cookies });
  return { response, cookie: joinCookies(cookies, response) };
}

/** Opens the authorization endpoint in the browser that remembers. */
const authorize = (parameters: Record<string, string>) =>
  harness.get(harness.authorizePath({ ...request, ...parameters }), { cookie });

const locationOf = (response: Response) => new URL(response.headers.get("location") ?? "");
const errorOf = (response: Response) => locationOf(response).searchParams.get("error");

describe("prompt=consent", () => {
  it("asks again although the answer is remembered, and says nothing of it to the upstream", async () => {
    expect((await authorize({})).status).toBe(302);
    const page = await harness.openConsentPage({ ...request, prompt: "consent" }, cookie);
    expect(page.html).toContain('value="allow"');
    const begun = await harness.decide(page, "allow");
    expect(locationOf(begun).searchParams.get("prompt")).toBeNull();
    const { response } = await finish(begun, joinCookies(page.cookie, begun));
    expect(locationOf(response).searchParams.get("code")).not.toBeNull();
  });

  it("counts beside other values, which wait in the page for the answer", async () => {
    const page = await harness.openConsentPage({ ...request, prompt: "login consent", login_hint: "ada" }, cookie);
    const { searchParams } = locationOf(await harness.decide(page, "allow"));
    expect(searchParams.get("prompt")).toBe("login");
    expect(searchParams.get("login_hint")).toBe("ada");
  });
});

describe("what is the upstream's affair reaches it", () => {
  it.each([
    [{ prompt: "login" }, { prompt: "login" }],
    [{ prompt: "select_account" }, { prompt: "select_account" }],
    [{ prompt: "select_account login" }, { prompt: "login select_account" }],
    [{ login_hint: "ada@example.com" }, { login_hint: "ada@example.com" }],
    [{ prompt: "create" }, {}],
    [{ prompt: "  " }, {}],
    [{ login_hint: "x".repeat(321) }, {}],
    [{ login_hint: "ada\u0000" }, {}],
    [{ login_hint: "  " }, {}],
    [{ ui_locales: "de", acr_values: "2", display: "popup", max_age: "0", nonce: "n" }, {}],
  ])("%j as %j", async (asked, told) => {
    const { searchParams } = locationOf(await authorize(asked));
    const names = ["prompt", "login_hint", "ui_locales", "acr_values", "display", "max_age", "nonce"];
    const passed = names.filter((name) => searchParams.has(name)).map((name) => [name, searchParams.get(name)]);
    expect(Object.fromEntries(passed)).toEqual(told);
  });

  it("and asks a person who is logged in there to log in again", async () => {
    const pages: string[] = [];
    const onPage = ({ url }: { readonly url: URL }) => pages.push(url.origin);
    await finish(await authorize({}), cookie, { onPage });
    expect(pages).toEqual([]);
    const begun = await authorize({ prompt: "login" });
    const { response } = await finish(begun, joinCookies(cookie, begun), { ...ada, onPage });
    expect(pages).toEqual([emulator.issuerUrl]);
    expect(locationOf(response).searchParams.get("code")).not.toBeNull();
  });
});

describe("prompt=none", () => {
  it("gets a code without a page where the client was allowed and the person is logged in", async () => {
    const begun = await authorize({ prompt: "none" });
    const pages: string[] = [];
    const { response } = await finish(begun, joinCookies(cookie, begun), { onPage: ({ text }) => pages.push(text) });
    expect(locationOf(response).searchParams.get("code")).not.toBeNull();
    expect(pages).toEqual([]);
  });

  it("is answered consent_required by a browser that has not allowed the client", async () => {
    cookie = "";
    const response = await authorize({ prompt: "none" });
    expect(errorOf(response)).toBe("consent_required");
    expect(locationOf(response).searchParams.get("state")).toBe("client-state");
  });

  it("is answered consent_required for scopes that were not allowed", async () => {
    const narrow = await harness.register({ client_name: "Narrow" });
    request = { ...request, ...narrow };
    const page = await harness.openConsentPage({ ...request, scope: "user" }, cookie);
    const begun = await harness.decide(page, "allow");
    ({ cookie } = await finish(begun, joinCookies(page.cookie, begun)));
    expect(locationOf(await authorize({ prompt: "none", scope: "user" })).origin).toBe(emulator.issuerUrl);
    expect(errorOf(await authorize({ prompt: "none", scope: "user admin" }))).toBe("consent_required");
  });

  it("is answered login_required where nobody is logged in upstream", async () => {
    upstream = new BrowserSession();
    const begun = await authorize({ prompt: "none" });
    const { response } = await finish(begun, joinCookies(cookie, begun));
    expect(errorOf(response)).toBe("login_required");
  });

  it("is answered consent_required, and nothing issued, where somebody else is logged in upstream", async () => {
    upstream = new BrowserSession();
    const other = await harness.openConsentPage({ ...request, ...(await harness.register()) });
    const elsewhere = await harness.decide(other, "allow");
    await finish(elsewhere, joinCookies(other.cookie, elsewhere), grace);
    const begun = await authorize({ prompt: "none" });
    const { response } = await finish(begun, joinCookies(cookie, begun));
    expect(errorOf(response)).toBe("consent_required");
    expect(locationOf(response).searchParams.get("code")).toBeNull();
  });

  it("goes with no other value", async () => {
    expect(errorOf(await authorize({ prompt: "none login" }))).toBe("invalid_request");
  });
});
