import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider } from "../../../src/index.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, joinCookies, pkce } from "../../support/provider-harness.ts";

const limit = 4096;
const servers = [
  ["https", "https://mcp.example"],
  ["http on this machine", "http://localhost:8000"],
] as const;

/** A browser whose person is signed in to the account page. It sends each cookie wherever it may. */
async function signedIn(baseUrl: string) {
  const clock = new ManualClock();
  const provider = new McpOAuthProvider({
    baseUrl,
    scopes: ["user"],
    secret: "a secret of this test, which is long enough",
    logger: false,
    upstream: new FakeUpstream(clock.read),
    clock: clock.read,
    repositories: createInMemoryRepositories({ clock: clock.read }),
  });
  const harness = new ClientHarness(provider, baseUrl);
  const { origin } = new URL(baseUrl);
  const shown = await harness.get("/account");
  const first = joinCookies("", shown);
  const sent = await harness.postForm("/account", { action: "sign-in" }, { origin, cookie: first });
  const callback = logInAtFakeUpstream(new URL(sent.headers.get("location") ?? ""), "ada");
  const { cookie } = await harness.followCallback(callback, joinCookies(first, sent));
  expect((await (await harness.get("/account", { cookie })).text()).includes('value="sign-out"')).toBe(true);
  const { client_id } = await harness.register();
  return { client_id, cookie, harness, origin };
}

/** What the browser has after tabs that began a login at the same time. */
async function afterTabsAtOnce({ client_id, cookie, harness }: Awaited<ReturnType<typeof signedIn>>, tabs: number) {
  const pages = await Promise.all(
    Array.from({ length: tabs }, (_, tab) =>
      harness.openConsentPage(
        { client_id, code_challenge: pkce().challenge, state: `${tab}`.padEnd(900, "abcdefghijk") },
        cookie,
      ),
    ),
  );
  const before = pages.reduce((cookies, { response }) => joinCookies(cookies, response), cookie);
  const decided = await Promise.all(pages.map(({ sealed }) => harness.decide({ sealed, cookie: before }, "allow")));
  const after = decided.reduce(joinCookies, before);
  return { cookie: after, page: pages[0] };
}

describe.each(servers)("cookies that are too long together, over %s", (_, baseUrl) => {
  type Browser = Awaited<ReturnType<typeof signedIn>> & Awaited<ReturnType<typeof afterTabsAtOnce>>;
  const requests: [string, (browser: Browser) => Promise<Response>][] = [
    ["the account page", ({ cookie, harness }) => harness.get("/account", { cookie })],
    [
      "a consent page",
      ({ client_id, cookie, harness }) =>
        harness.get(harness.authorizePath({ client_id, code_challenge: pkce().challenge }), { cookie }),
    ],
    [
      "an error of the authorization endpoint",
      ({ cookie, harness }) => harness.get("/authorize?client_id=nobody", { cookie }),
    ],
    [
      "a callback that nobody waits for",
      ({ cookie, harness }) => harness.get("/fake/callback?state=none&code=none", { cookie }),
    ],
    [
      "a decision against the client",
      ({ cookie, harness, page }) => harness.decide({ sealed: page?.sealed ?? "", cookie }, "deny"),
    ],
    [
      "a form of another page",
      ({ cookie, harness }) =>
        harness.postForm("/account", { action: "end-all" }, { origin: "https://other.example", cookie }),
    ],
  ];
  it.each(requests)("are trimmed by %s", async (_, send) => {
    const browser = await signedIn(baseUrl);
    const { cookie, page } = await afterTabsAtOnce(browser, 5);
    expect(cookie.length).toBeGreaterThan(limit);
    const answer = await send({ ...browser, cookie, page });
    const left = joinCookies(cookie, answer);
    expect(left.length).toBeLessThan(limit);
    expect(left).toContain("account_");
    expect(left).toContain("login_");
  });

  it("are none where tabs follow each other, though the authorization endpoint may not see all", async () => {
    const browser = await signedIn(baseUrl);
    const { client_id, harness } = browser;
    let { cookie } = browser;
    const isSeen = ([name = ""]: string[]) => baseUrl.startsWith("https") || !name.includes("account_");
    const seen = () =>
      cookie
        .split("; ")
        .filter((pair) => isSeen(pair.split("=")))
        .join("; ");
    for (let length = 40; length < 1024; length += 7) {
      const state = "s".repeat(length);
      const page = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge, state }, seen());
      cookie = joinCookies(cookie, page.response);
      cookie = joinCookies(cookie, await harness.decide({ sealed: page.sealed, cookie: seen() }, "allow"));
      expect(cookie.length).toBeLessThan(limit);
    }
  });
});
