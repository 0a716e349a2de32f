import { beforeEach, describe, expect, it } from "vitest";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";

/** What browsers send with a form of this server's own page, without https, on this machine. */
const chromium = { "user-agent": "Mozilla/5.0 AppleWebKit/537.36 Chrome/156.0 Safari/537.36" };
const firefox = { "user-agent": "Mozilla/5.0 Gecko/20100101 Firefox/145.0" };
const ownForm = { "sec-fetch-site": "same-origin" };
const origin = "http://localhost:8000";

let harness: ProviderHarness;
/** A page that the attacker has fetched, and whose cookie another server on this machine plants in the victim's browser. */
let attackers: { readonly sealed: string; readonly cookie: string };
beforeEach(async () => {
  harness = new ProviderHarness(providerOptions("https://login.example"));
  const { client_id } = await harness.register();
  attackers = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge });
});

const decide = (headers: Record<string, string>, page = attackers) =>
  harness.postForm("/consent", { request: page.sealed, decision: "allow" }, { cookie: page.cookie, ...headers });

async function nothingHappened(response: Response): Promise<void> {
  expect(response.status).toBe(400);
  expect(response.headers.get("location")).toBeNull();
  expect(response.headers.getSetCookie()).toEqual([]);
}

describe("the attacker's page with a planted cookie", () => {
  it.each(["cross-site", "same-site", "none", ""])(
    "is not taken for the victim's decision where the browser says that the form is of another page: %s",
    async (site) => {
      // Another port of this machine is another origin and the same host: its server can plant the prefix as well.
      const page = { ...attackers, cookie: `${attackers.cookie}; __Host-${attackers.cookie}` };
      for (const named of [{}, { origin: "null" }, { origin }, { origin: "http://localhost:9000" }])
        await nothingHappened(await decide({ ...named, ...chromium, "sec-fetch-site": site }, page));
    },
  );

  it("is not taken for it from an old browser that does not say, unless the origin is this server's", async () => {
    await nothingHappened(await decide({}));
    await nothingHappened(await decide({ origin: "null" }));
    await nothingHappened(await decide({ origin: "http://localhost:9000" }));
    await nothingHappened(await decide({ origin: "http://127.0.0.1:8000" }));
    expect((await decide({ origin })).status).toBe(303);
  });

  it("is not taken for it though the form seems to be this server's, of a name that was taken over", async () => {
    await nothingHappened(await decide({ ...ownForm, origin: "http://rebound.example:8000" }));
  });

  it.each([
    ["Chromium", chromium],
    ["Firefox", firefox],
  ])("is worth nothing in %s, which would have kept the cookie with its prefix", async (_, browser) => {
    const planted = attackers.cookie;
    expect(planted).toMatch(/^pangea_mcp_browser_/);
    await nothingHappened(await decide({ ...browser, ...ownForm, origin }));
    // What such a browser itself was asked, it can answer.
    const { sealed, response } = await openIn(browser);
    const own = response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    expect(own).toMatch(/^__Host-pangea_mcp_browser_/);
    for (const named of [{}, { origin: "null" }, { origin }]) {
      const page = { sealed, cookie: `${planted}; ${own}` };
      expect((await decide({ ...browser, ...ownForm, ...named }, page)).status).toBe(303);
    }
  });

  async function openIn(browser: Record<string, string>) {
    const { client_id } = await harness.register();
    const path = harness.authorizePath({ client_id, code_challenge: pkce().challenge });
    const response = await harness.get(path, { ...browser, "sec-fetch-site": "none" });
    const sealed = /name="request" value="([^"]+)"/.exec(await response.clone().text())?.[1] ?? expect.unreachable();
    return { sealed, response };
  }
});

it("a planted login is not finished in a browser that keeps cookies with their prefix", async () => {
  const begun = await decide({ origin });
  const planted = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  expect(planted).toMatch(/^pangea_mcp_login_/);
  const state = new URL(begun.headers.get("location") ?? "").searchParams.get("state") ?? "";
  const path = `/pangea/callback?${new URLSearchParams({ state, error: "access_denied" })}`;
  await nothingHappened(await harness.get(path, { cookie: planted, ...chromium, "sec-fetch-site": "cross-site" }));
  expect((await harness.get(path, { cookie: planted })).status).toBe(302);
});

it("the page asks browsers to name its origin with the form, and no address to other sites", async () => {
  const { client_id } = await harness.register();
  const { response } = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge });
  expect(response.headers.get("referrer-policy")).toBe("same-origin");
});
