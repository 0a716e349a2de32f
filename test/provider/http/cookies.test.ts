import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { McpOAuthProvider } from "../../../src/index.ts";
import { BrowserCookies } from "../../../src/provider/http/cookies.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, joinCookies, pkce } from "../../support/provider-harness.ts";

const limit = 4096;
/** What the names of cookies call the server at http://localhost:8000. */
const nameOfServer = hash("sha256", "http://localhost:8000", "hex").slice(0, 8);
const longest = (beginning: string) => beginning.padEnd(1024, "abcdefghijklmnopqrstuvwxyz0123456789-_");
const chromium = {
  "sec-fetch-site": "none",
  "user-agent": "Mozilla/5.0 AppleWebKit/537.36 Chrome/156.0 Safari/537.36",
};
const safari = {
  "sec-fetch-site": "none",
  "user-agent": "Mozilla/5.0 AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
};

/** A browser whose every request goes out with what it has by then. The largest `Cookie` header it had is remembered. */
class MeasuredBrowser {
  readonly harness: ClientHarness<McpOAuthProvider>;
  cookie = "";
  largest = 0;

  constructor(harness: ClientHarness<McpOAuthProvider>) {
    this.harness = harness;
  }

  keep(response: Response): Response {
    this.cookie = joinCookies(this.cookie, response);
    this.largest = Math.max(this.largest, this.cookie.length);
    return response;
  }

  /** Opens the page that asks, or begins the login where that is remembered. */
  async open(parameters: Record<string, string>, cookie = this.cookie): Promise<{ sealed?: string; location?: URL }> {
    const path = this.harness.authorizePath({ code_challenge: pkce().challenge, ...parameters });
    return readAnswer(this.keep(await this.harness.get(path, { cookie })));
  }

  async allow(sealed: string | undefined): Promise<URL> {
    const { location } = await readAnswer(
      this.keep(await this.harness.decide({ sealed: sealed ?? "", cookie: this.cookie }, "allow")),
    );
    if (location === undefined) throw new Error("The decision was refused");
    return location;
  }

  /** Begins a login, and is asked about it where that has to be. */
  async begin(parameters: Record<string, string>): Promise<URL> {
    const { sealed, location } = await this.open(parameters);
    return location ?? this.allow(sealed);
  }

  async finish(location: URL, user = "ada"): Promise<{ sealed?: string; location?: URL }> {
    const path = logInAtFakeUpstream(location, user).href.slice(this.harness.baseUrl.length);
    return readAnswer(this.keep(await this.harness.get(path, { cookie: this.cookie })));
  }
}

async function readAnswer(response: Response): Promise<{ sealed?: string; location?: URL }> {
  const location = response.headers.get("location");
  if (location !== null) return { location: new URL(location) };
  const sealed = /name="request" value="([^"]+)"/.exec(await response.text())?.[1];
  return sealed === undefined ? {} : { sealed };
}

/** Three servers with what makes cookies long: each as people set them up. */
const servers: [string, string][] = [
  ["http on this machine", "http://localhost:8000"],
  ["https", "https://mcp.example"],
  ["https with long addresses", `https://${"mcp-server.".repeat(6)}example/${"path/".repeat(10)}to`],
];

function start(baseUrl: string) {
  const clock = new ManualClock();
  const provider = new McpOAuthProvider({
    baseUrl,
    scopes: ["files:read", "files:write", "admin"],
    upstream: new FakeUpstream(clock.read),
    secret: "a secret of this test, which is long enough",
    clock: clock.read,
  });
  const harness = new ClientHarness(provider, baseUrl);
  return { harness, browser: new MeasuredBrowser(harness), clock };
}

const longUri = longest("https://client.example/callback?");

describe.each(servers)("all cookies of a server together, over %s", (_, baseUrl) => {
  const cases: Record<string, (browser: MeasuredBrowser) => Promise<void>> = {
    "one login with the longest state and redirect URI": async (browser) => {
      const { client_id } = await browser.harness.register({ redirect_uris: [longUri] });
      const request = { client_id, redirect_uri: longUri, state: longest("state") };
      for (let count = 0; count < 3; count += 1) {
        const { location } = await browser.finish(await browser.begin(request));
        expect(location?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
        expect(location?.searchParams.get("state")).toBe(longest("state"));
      }
    },
    "many logins of long requests at once, the last of which goes on": async (browser) => {
      const { client_id } = await browser.harness.register({ redirect_uris: [longUri] });
      const begun: URL[] = [];
      for (let count = 0; count < 6; count += 1) {
        begun.push(await browser.begin({ client_id, redirect_uri: longUri, state: longest(`state ${count}`) }));
      }
      const last = begun.at(-1) ?? expect.unreachable();
      expect((await browser.finish(last)).location?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
    },
    "many logins of usual requests at once, the last two of which go on": async (browser) => {
      const { client_id } = await browser.harness.register();
      const begun: URL[] = [];
      for (let count = 0; count < 9; count += 1) {
        begun.push(await browser.begin({ client_id, state: `${count}`.padEnd(43, "s") }));
      }
      for (const location of begun.slice(-2)) {
        expect((await browser.finish(location)).location?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
      }
    },
    "many decisions, of which the latest are remembered beside a login": async (browser) => {
      const clients: string[] = [];
      for (let count = 0; count < 30; count += 1) {
        const { client_id } = await browser.harness.register();
        clients.push(client_id);
        await browser.finish(await browser.begin({ client_id }));
      }
      for (const client_id of clients.slice(-15)) {
        expect((await browser.open({ client_id })).location, "is not asked about again").toBeDefined();
      }
      expect((await browser.open({ client_id: clients[0] ?? "" })).sealed).toBeDefined();
    },
    "many decisions and then a long login": async (browser) => {
      for (let count = 0; count < 20; count += 1) {
        const { client_id } = await browser.harness.register();
        await browser.finish(await browser.begin({ client_id }));
      }
      const { client_id } = await browser.harness.register({ redirect_uris: [longUri] });
      const begun = await browser.begin({ client_id, redirect_uri: longUri, state: longest("state") });
      expect((await browser.finish(begun)).location?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
    },
    "consent pages in several tabs, opened one after the other and all at once": async (browser) => {
      const { client_id } = await browser.harness.register();
      const pages = await Promise.all(Array.from({ length: 12 }, () => browser.open({ client_id }, "")));
      for (let count = 0; count < 12; count += 1) pages.push(await browser.open({ client_id }));
      for (const { sealed } of pages) await browser.allow(sealed);
    },
    "forms of other sites between everything else": async (browser) => {
      const { client_id } = await browser.harness.register({ redirect_uris: [longUri] });
      const request = { client_id, redirect_uri: longUri, state: longest("state") };
      const form = { response_type: "code", code_challenge: pkce().challenge, code_challenge_method: "S256" };
      for (let count = 0; count < 3; count += 1) {
        const begun = await browser.begin(request);
        browser.keep(await browser.harness.postForm("/authorize", { ...request, ...form }));
        await browser.finish(begun);
      }
    },
    "several people at one browser": async (browser) => {
      const { client_id } = await browser.harness.register();
      for (let count = 0; count < 30; count += 1) {
        const answer = await browser.finish(await browser.begin({ client_id }), `person-${count}`);
        if (answer.sealed !== undefined) await browser.finish(await browser.allow(answer.sealed), `person-${count}`);
      }
    },
    "cookies that somebody else has planted": async (browser) => {
      const { client_id } = await browser.harness.register();
      const prefix = `${baseUrl.startsWith("https:") ? "__Host-" : ""}pangea_mcp_`;
      browser.cookie = ["consent", "other", "login_x", "browser_x"]
        .map((name) => `${prefix}${name}=${"x".repeat(3000)}`)
        .join("; ");
      await browser.open({ client_id });
      expect(browser.cookie.length).toBeLessThan(limit);
      browser.largest = 0;
      await browser.finish(await browser.begin({ client_id }));
    },
  };

  it.each(Object.entries(cases))("stay under 4,096 characters: %s", async (name, run) => {
    const { browser } = start(baseUrl);
    await run(browser);
    expect(browser.cookie).not.toBe("");
    if (name !== "cookies that somebody else has planted") expect(browser.largest).toBeLessThan(limit);
    expect(browser.cookie.length).toBeLessThan(limit);
  });

  it("stay under 4,096 characters for every length of a state, and what cannot fit is refused", async () => {
    const { browser } = start(baseUrl);
    // A quotation mark takes more room than a letter.
    const { client_id } = await browser.harness.register({ redirect_uris: [longUri] });
    const request = { client_id, redirect_uri: longUri };
    const refusals: string[] = [];
    for (let length = 0; length <= 1024; length += 64) {
      const { sealed } = await browser.open({ ...request, state: `${'"'.repeat(length)}s` });
      const response = await browser.harness.decide({ sealed: sealed ?? "", cookie: browser.cookie }, "allow");
      const { location } = await readAnswer(browser.keep(response));
      if (location?.origin === "https://client.example") refusals.push(location.searchParams.get("error") ?? "");
    }
    expect(browser.largest).toBeLessThan(limit);
    expect([...new Set(refusals)]).toEqual(["invalid_request"]);
  });
});

describe("logins that are under way in one browser", () => {
  /** Begins a login of a client with a usual state at a server, in a browser that may be at others too. */
  const beginAt = async (browser: MeasuredBrowser) => {
    const { client_id } = await browser.harness.register();
    return browser.begin({ client_id, state: "s".repeat(22) });
  };

  it("are as many as there is room for: five tabs of one server come back", async () => {
    const { browser } = start("https://mcp.example");
    const begun: URL[] = [];
    for (let tab = 0; tab < 5; tab += 1) begun.push(await beginAt(browser));
    for (const location of begun) {
      expect((await browser.finish(location)).location?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
    }
    expect(browser.largest).toBeLessThan(limit);
  });

  it("are those of all servers of a host, and none ends another's", async () => {
    const browsers: { readonly browser: MeasuredBrowser; readonly begun: URL }[] = [];
    let cookie = "";
    for (let server = 0; server < 5; server += 1) {
      const { browser } = start(`https://mcp.example/server-${server}`);
      browser.cookie = cookie;
      browsers.push({ browser, begun: await beginAt(browser) });
      cookie = browser.cookie;
    }
    for (const { browser, begun } of browsers) {
      browser.cookie = cookie;
      expect((await browser.finish(begun)).location?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
      cookie = browser.cookie;
      expect(cookie.length).toBeLessThan(limit);
    }
  });

  it("the newest go on where there is no room for all, and a server knows its own", async () => {
    const [one, other] = [start("https://mcp.example/one"), start("https://mcp.example/other")];
    const begun: URL[] = [];
    for (let count = 0; count < 12; count += 1) {
      const [here, there] = count % 2 === 0 ? [one.browser, other.browser] : [other.browser, one.browser];
      begun.push(await beginAt(here));
      there.cookie = here.cookie;
    }
    expect(one.browser.cookie.length).toBeLessThan(limit);
    for (const [index, location] of begun.slice(-4).entries()) {
      const [here, there] = index % 2 === 0 ? [one.browser, other.browser] : [other.browser, one.browser];
      expect((await here.finish(location)).location?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
      there.cookie = here.cookie;
    }
    const ofOne = start("https://mcp.example/one").browser;
    await beginAt(ofOne);
    const visitor = { method: "GET", header: (name: string) => (name === "cookie" ? ofOne.cookie : null) };
    const knows = (baseUrl: string) =>
      new BrowserCookies({ baseUrl, consent: { remember: 100 } }, visitor).hasBegunLogin;
    expect([knows("https://mcp.example/one"), knows("https://mcp.example/other")]).toEqual([true, false]);
  });
});

it("a refused login costs nothing that the browser has", async () => {
  const { browser } = start("https://mcp.example");
  const { client_id } = await browser.harness.register();
  await browser.finish(await browser.begin({ client_id }));
  const other = await browser.begin({ client_id });
  const { client_id: greedy } = await browser.harness.register({ redirect_uris: [longUri] });
  const { sealed } = await browser.open({ client_id: greedy, redirect_uri: longUri, state: '"'.repeat(1024) });
  const before = browser.cookie;
  const refused = await browser.harness.decide({ sealed: sealed ?? "", cookie: before }, "allow");
  expect(new URL(refused.headers.get("location") ?? "").searchParams.get("error")).toBe("invalid_request");
  expect(refused.headers.getSetCookie()).toEqual([]);
  expect((await browser.finish(other)).location?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
});

describe("the names of cookies", () => {
  const settings = (baseUrl: string) => ({ baseUrl, consent: { remember: 100 } });
  const visitor = (headers: Record<string, string>, cookie = "") => ({
    method: "GET",
    header: (name: string) => ({ ...headers, cookie })[name] ?? null,
  });
  const setBy = (baseUrl: string, headers: Record<string, string>) => {
    const cookies = new BrowserCookies(settings(baseUrl), visitor(headers));
    return cookies.change({ secret: cookies.pageSecret(), decisions: () => "" }).join();
  };

  it.each([
    ["https", "https://mcp.example", {}, true],
    ["https in Safari", "https://mcp.example", safari, true],
    ["http on this machine in Chromium", "http://localhost:8000", chromium, true],
    [
      "http on this machine in Firefox",
      "http://127.0.0.1:8000",
      { "sec-fetch-site": "cross-site", "user-agent": "Mozilla/5.0 Gecko/20100101 Firefox/140.0" },
      true,
    ],
    ["http on this machine in Safari, which drops such cookies", "http://localhost:8000", safari, false],
    [
      "http on this machine in Chrome of an iPhone, which is WebKit",
      "http://localhost:8000",
      { "sec-fetch-site": "none", "user-agent": "Mozilla/5.0 AppleWebKit/605.1.15 CriOS/140.0 Mobile Safari/604.1" },
      false,
    ],
    ["http on this machine in a script", "http://localhost:8000", { "user-agent": "node" }, false],
  ])("have the prefix that keeps others from planting them where the browser keeps it: %s", (_, url, headers, has) => {
    const set = setBy(url, headers);
    expect(set.startsWith("__Host-pangea_mcp_browser_")).toBe(has);
    expect(set.includes("; Secure")).toBe(has);
  });

  it.each([
    ["https", "https://mcp.example", {}],
    ["http on this machine in Chromium", "http://localhost:8000", chromium],
  ])("are believed with the prefix only where the browser keeps it: %s", (_, url, headers) => {
    const planted = "pangea_mcp_browser_1=secret; pangea_mcp_consent=decisions; __HOST-pangea_mcp_browser_2=secret";
    const cookies = new BrowserCookies(settings(url), visitor(headers, planted));
    expect(cookies.secrets).toEqual([]);
    expect(cookies.decisions).toBeUndefined();
    const own = new BrowserCookies(settings(url), visitor(headers, "__Host-pangea_mcp_browser_1=secret"));
    expect(own.secrets).toEqual(["secret"]);
  });

  it.each([
    ["a secret", `pangea_mcp_browser_12345678=${"a".repeat(8_000)}`],
    ["the secret of forms", `pangea_mcp_browser_post=${"a".repeat(8_000)}`],
    ["the name of a secret", `pangea_mcp_browser_${"a".repeat(8_000)}=secret`],
    ["the id of an account session", `pangea_mcp_account_${nameOfServer}=${"a".repeat(8_000)}`],
  ])("that are longer than this server makes them are nobody's, and go: %s", (_, planted) => {
    const cookies = new BrowserCookies(settings("http://localhost:8000"), visitor({}, planted));
    expect(cookies.secrets).toEqual([]);
    expect(cookies.account).toBeUndefined();
    const set = cookies.change({ decisions: () => "" });
    const [name = ""] = planted.split("=");
    expect(set.find((each) => each.startsWith(`${name}=`))).toMatch(/^[\w-]+=;.*; Max-Age=0$/);
  });
});
