import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider, type McpOAuthProviderOptions } from "../../src/index.ts";
import { isEnumerable } from "../../src/storage/enumerable.ts";
import { type ClientScene, openClientScene } from "../clients/client-scene.ts";
import { BrowserSession, LoginStoppedError } from "../support/browser-session.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../support/fake-upstream.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ClientHarness, joinCookies, pkce } from "../support/provider-harness.ts";
import { setUp } from "../support/set-up.ts";

const ada = { username: "ada@example.com", password: "password" };
const honestUri = "https://scribe.example/callback";
const evilUri = "https://evil.example/callback";

let scene: ClientScene;
setUp("file", async (parts) => {
  scene = parts.use(await openClientScene());
});

async function register(redirectUri: string): Promise<string> {
  const response = await fetch(`${scene.server.baseUrl}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: "Scribe",
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: "none",
      scope: "user admin",
    }),
  });
  return (await jsonOf(response)).client_id;
}

const linkTo = (client_id: string, redirect_uri: string, changes: Record<string, string> = {}): string =>
  `${scene.server.baseUrl}/authorize?${new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri,
    scope: "user",
    code_challenge: pkce().challenge,
    code_challenge_method: "S256",
    ...changes,
  })}`;

/** A person who has allowed an honest client in this browser, and is still logged in at Pangea. */
let victim: BrowserSession;
let honest: string;
beforeEach(async () => {
  victim = new BrowserSession();
  honest = await register(honestUri);
  await victim.login(linkTo(honest, honestUri), ada);
});

/** Opens a link as the victim, who answers no question; gives back the places that the browser came to. */
async function open(link: string): Promise<{ pages: string[]; redirects: string[]; reached: URL | undefined }> {
  const pages: string[] = [];
  const redirects: string[] = [];
  try {
    const reached = await victim.login(link, {
      redirectUri: new URL(link).searchParams.get("redirect_uri") ?? "",
      decision: "none of the buttons",
      onPage: (page) => pages.push(page.text),
      onRedirect: (target) => redirects.push(target.origin),
    });
    return { pages, redirects, reached };
  } catch (failure) {
    if (!(failure instanceof LoginStoppedError)) throw failure;
    return { pages, redirects, reached: undefined };
  }
}

it("a consent to an access of an hour does not stand for one that lasts", async () => {
  const { pages, redirects, reached } = await open(linkTo(honest, honestUri, { scope: "user offline_access" }));
  expect(reached).toBeUndefined();
  expect(redirects).toEqual([]);
  expect(pages.join()).toContain("Scribe");
});

it("a person who allowed an honest client comes back to it without being asked again", async () => {
  const { pages, reached } = await open(linkTo(honest, honestUri));
  expect(pages).toEqual([]);
  expect(reached?.searchParams.get("code")).toMatch(/^pmcp_ac_/);
});

it("another client of the same name is asked about, and the page shows where the answer would go", async () => {
  const { pages, redirects, reached } = await open(linkTo(await register(evilUri), evilUri));
  expect(reached).toBeUndefined();
  expect(redirects, "Pangea, where the victim is logged in, was not asked").toEqual([]);
  expect(pages).toHaveLength(1);
  expect(pages[0]).toContain("evil.example");
});

it("the honest client's id with another redirect URI leads nowhere", async () => {
  const { pages, redirects, reached } = await open(linkTo(honest, evilUri));
  expect({ redirects, reached }).toEqual({ redirects: [], reached: undefined });
  expect(pages[0]).toContain("redirect_uri");
});

it("the honest client's id with more scopes is asked about again", async () => {
  const { pages, redirects } = await open(linkTo(honest, honestUri, { scope: "user admin" }));
  expect(pages).toHaveLength(1);
  expect(redirects).toEqual([]);
});

it("a no is not remembered as a yes, and takes no earlier yes away", async () => {
  const denied = await victim.login(linkTo(honest, honestUri, { scope: "admin" }), { ...ada, decision: "deny" });
  expect(denied.searchParams.get("error")).toBe("access_denied");
  expect((await open(linkTo(honest, honestUri, { scope: "admin" }))).pages).toHaveLength(1);
  expect((await open(linkTo(honest, honestUri))).pages).toEqual([]);
});

/** A person's browser at a server whose upstream and clock the test has in hand. */
class RememberingBrowser {
  readonly harness: ClientHarness<McpOAuthProvider>;
  readonly clientId: string;
  cookie = "";

  constructor(harness: ClientHarness<McpOAuthProvider>, clientId: string) {
    this.harness = harness;
    this.clientId = clientId;
  }

  /** The same browser, with the same cookies or those that a function makes of them. */
  at(harness = this.harness, changed = (cookie: string) => cookie): RememberingBrowser {
    return Object.assign(new RememberingBrowser(harness, this.clientId), { cookie: changed(this.cookie) });
  }

  /** Opens the link of the client: the page that asks, or the way to the upstream. */
  async open(): Promise<Answer> {
    return this.#read(await this.harness.get(this.harness.authorizePath(this.#parameters()), { cookie: this.cookie }));
  }

  /** Presses Allow. */
  async allow({ sealed = "" }: Answer): Promise<Answer> {
    return this.#read(await this.harness.decide({ sealed, cookie: this.cookie }, "allow"));
  }

  /** Logs in upstream and comes back: to the client, or to the page that asks. */
  async logIn({ location }: Answer, user: string): Promise<Answer> {
    const callback = logInAtFakeUpstream(location ?? expect.unreachable("the browser was asked"), user);
    return this.#read(await this.harness.get(callback.pathname + callback.search, { cookie: this.cookie }));
  }

  /** The whole login of a person who allows whatever is asked; gives back how often that was. */
  async connect(user: string): Promise<{ asked: number; code: string }> {
    let asked = 0;
    let answer = await this.open();
    for (let step = 0; step < 4; step += 1) {
      if (answer.sealed !== undefined) {
        asked += 1;
        answer = await this.allow(answer);
      }
      answer = await this.logIn(answer, user);
      const code = answer.location?.searchParams.get("code");
      if (typeof code === "string") return { asked, code };
    }
    throw new Error("The login came to no end");
  }

  redeem(code: string): Promise<Response> {
    return this.harness.redeem({ clientId: this.clientId, code, verifier: this.#pkce.verifier });
  }

  readonly #pkce = pkce();

  #parameters() {
    return { client_id: this.clientId, code_challenge: this.#pkce.challenge };
  }

  async #read(response: Response): Promise<Answer> {
    this.cookie = joinCookies(this.cookie, response);
    const location = response.headers.get("location");
    const sealed = /name="request" value="([^"]+)"/.exec(await response.text())?.[1];
    return { ...(location !== null && { location: new URL(location) }), ...(sealed !== undefined && { sealed }) };
  }
}

interface Answer {
  readonly location?: URL;
  readonly sealed?: string;
}

function startServer(changes: Partial<McpOAuthProviderOptions> = {}) {
  const clock = new ManualClock();
  const upstream = new FakeUpstream(clock.read);
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const options = {
    baseUrl: "http://localhost:8000",
    scopes: ["user"],
    upstream,
    secret: "a secret of this test, which is long enough",
    clock: clock.read,
    repositories,
    ...changes,
  };
  const instance = (more: Partial<McpOAuthProviderOptions> = {}) =>
    new ClientHarness(new McpOAuthProvider({ ...options, ...more }), String(more.baseUrl ?? options.baseUrl));
  return { clock, upstream, repositories, instance, harness: instance() };
}

/** A browser in which ada has allowed a client and has logged in for it. */
async function adasBrowser(changes: Partial<McpOAuthProviderOptions> = {}) {
  const server = startServer(changes);
  const { client_id } = await server.harness.register();
  const browser = new RememberingBrowser(server.harness, client_id);
  const { asked, code } = await browser.connect("ada");
  expect(asked).toBe(1);
  return { ...server, browser, code };
}

describe("what one person allowed", () => {
  it("is not taken for another's: who logs in is asked, and nothing of the login is kept before", async () => {
    const { browser, upstream, repositories } = await adasBrowser();
    const graces = await browser.logIn(await browser.open(), "grace");
    expect(graces.location, "no code goes to the client").toBeUndefined();
    expect(graces.sealed).toBeDefined();
    expect(upstream.revoked).toEqual([expect.objectContaining({ token: "grace-2" })]);
    const codes: unknown[] = [];
    if (isEnumerable(repositories.authorizationCodes))
      for await (const [, { subject }] of repositories.authorizationCodes.entries()) codes.push(subject);
    expect(codes).toEqual(["ada"]);

    const answer = await browser.logIn(await browser.allow(graces), "grace");
    const { access_token } = await jsonOf(await browser.redeem(answer.location?.searchParams.get("code") ?? ""));
    expect((await browser.harness.provider.verifyAccessToken(access_token)).extra.subject).toBe("grace");
  });

  it("stays that person's, beside what others allow in the same browser", async () => {
    const { browser } = await adasBrowser();
    expect((await browser.connect("grace")).asked).toBe(1);
    for (const user of ["ada", "grace"]) expect((await browser.connect(user)).asked).toBe(0);
    expect((await browser.connect("mallory")).asked).toBe(1);
  });

  it("is asked about again by who says no to it then, and issues nothing", async () => {
    const { browser, harness } = await adasBrowser();
    const { sealed = "" } = await browser.logIn(await browser.open(), "grace");
    const denied = await harness.decide({ sealed, cookie: browser.cookie }, "deny");
    expect(new URL(denied.headers.get("location") ?? "").searchParams.get("error")).toBe("access_denied");
    expect((await browser.connect("ada")).asked).toBe(0);
  });

  it("is kept for nobody where the upstream does not say who has logged in", async () => {
    const { browser, upstream } = await adasBrowser();
    Object.assign(upstream, { identify: async () => ({}) });
    for (let count = 0; count < 2; count += 1) expect((await browser.connect("ada")).asked).toBe(1);
    const fresh = new RememberingBrowser(browser.harness, browser.clientId);
    for (let count = 0; count < 2; count += 1) {
      expect((await fresh.open()).sealed).toBeDefined();
      expect((await fresh.connect("ada")).asked).toBe(1);
    }
  });

  it("opens nothing in another browser that has a copy of the cookie, and secrets of its own", async () => {
    const { browser, harness } = await adasBrowser();
    const copy = /pangea_mcp_consent_\w+=[^;]+/.exec(browser.cookie)?.[0] ?? expect.unreachable();
    const other = new RememberingBrowser(harness, browser.clientId);
    other.cookie = copy;
    expect((await other.open()).sealed).toBeDefined();
    other.cookie = `${other.cookie}; ${copy}`;
    expect((await other.open()).sealed).toBeDefined();
    expect((await browser.open()).location).toBeDefined();
  });

  it("is kept beside what another server on this host remembers", async () => {
    const { browser, harness } = await adasBrowser();
    const other = startServer({ baseUrl: "http://localhost:9000" });
    const { client_id } = await other.harness.register();
    const there = Object.assign(new RememberingBrowser(other.harness, client_id), { cookie: browser.cookie });
    expect((await there.connect("ada")).asked).toBe(1);
    const here = Object.assign(new RememberingBrowser(harness, browser.clientId), { cookie: there.cookie });
    expect((await here.open()).location).toBeDefined();
    there.cookie = here.cookie;
    expect((await there.open()).location).toBeDefined();
  });

  it("is not taken for that of a person of the same subject at another upstream", async () => {
    const { browser, instance, clock } = await adasBrowser();
    class OtherUpstream extends FakeUpstream {
      override readonly issuer = "https://other.fake.example";
    }
    const other = instance({ upstream: new OtherUpstream(clock.read) });
    expect((await browser.at(other).open()).sealed).toBeDefined();
  });

  it("is over by a lower rememberSeconds for a login under way, too", async () => {
    const { browser, instance, clock } = await adasBrowser();
    clock.advanceSeconds(100);
    const begun = await browser.open();
    expect(begun.location).toBeDefined();
    const lowered = browser.at(instance({ consent: { rememberSeconds: 60 } }));
    expect((await lowered.logIn(begun, "ada")).sealed).toBeDefined();
  });

  it("opens nothing at another server that has the same secret", async () => {
    const { browser, instance } = await adasBrowser();
    const other = instance({ issuerUrl: "http://localhost:8000/other" });
    expect((await browser.at(other).open()).sealed).toBeDefined();
    expect((await browser.at(instance()).open()).location).toBeDefined();
  });

  it("counts no longer than configured now, whatever was configured when it was allowed", async () => {
    const { browser, instance, clock } = await adasBrowser({ consent: { rememberSeconds: 90 * 86_400 } });
    clock.advanceSeconds(2 * 86_400);
    const lowered = (days: number) => browser.at(instance({ consent: { rememberSeconds: days * 86_400 } }));
    expect((await lowered(3).open()).location).toBeDefined();
    expect((await lowered(1).open()).sealed).toBeDefined();
    expect((await lowered(0).open()).sealed).toBeDefined();
  });
});

describe("after a revocation", () => {
  type Scene = Awaited<ReturnType<typeof adasBrowser>> & { tokens: { access_token: string; refresh_token: string } };
  const revocations: Record<string, (scene: Scene) => Promise<unknown>> = {
    "by the client": ({ browser, harness, tokens }) =>
      harness.postForm("/revoke", { client_id: browser.clientId, token: tokens.refresh_token }),
    "of the grant, by an operator": async ({ harness, tokens }) => {
      const { extra } = await harness.provider.verifyAccessToken(tokens.access_token);
      return harness.provider.revokeGrant(String(extra.grantId));
    },
    "of all that a person has, by an operator": ({ harness }) => harness.provider.revokeGrants({ subject: "ada" }),
    "by a code that was used twice": ({ browser, code }) => browser.redeem(code),
    "by a refresh token that was used again": async ({ browser, harness, clock, tokens }) => {
      const first = { clientId: browser.clientId, refresh_token: tokens.refresh_token };
      const { refresh_token } = await jsonOf(await harness.refresh(first));
      await harness.refresh({ clientId: browser.clientId, refresh_token });
      clock.advanceSeconds(3600);
      return harness.refresh(first);
    },
  };

  it.each(Object.entries(revocations))("%s the person is asked before the next login counts", async (_, revoke) => {
    const scene = await adasBrowser();
    const { browser, upstream, instance } = scene;
    const tokens = await jsonOf(await browser.redeem(scene.code));
    expect((await browser.at().connect("ada")).asked, "what was allowed is remembered until then").toBe(0);
    await revoke({ ...scene, tokens });
    expect(await browser.harness.mcpStatus(tokens.access_token)).toBe(401);

    const told = upstream.revoked.length;
    const begun = await browser.open();
    const back = await browser.at(instance()).logIn(begun, "ada");
    expect(back.location).toBeUndefined();
    expect(back.sealed).toBeDefined();
    expect(upstream.revoked.slice(told), "what the login has got from the upstream is ended there").toHaveLength(1);

    // What is allowed within the difference of two clocks is asked about once more.
    scene.clock.advanceSeconds(121);
    expect((await browser.connect("ada")).asked).toBe(1);
    expect((await browser.connect("ada")).asked, "what is allowed anew is remembered anew").toBe(0);
  });

  it("of one client the others are remembered, and so are other people", async () => {
    const { browser, harness } = await adasBrowser();
    const { client_id } = await harness.register();
    const other = Object.assign(new RememberingBrowser(harness, client_id), { cookie: browser.cookie });
    await other.connect("ada");
    const shared = browser.at(harness, () => other.cookie);
    await shared.connect("grace");
    const { code } = await shared.connect("ada");
    await shared.redeem(code);
    await harness.provider.revokeGrants({ subject: "ada", clientId: shared.clientId });
    expect((await shared.at().connect("grace")).asked).toBe(0);
    expect((await other.at(harness, () => shared.cookie).connect("ada")).asked).toBe(0);
    expect((await shared.at().connect("ada")).asked).toBe(1);
  });

  it("a decision that was made before it counts no more, though its login ends after it", async () => {
    const { browser, harness, clock, code } = await adasBrowser();
    await browser.redeem(code);
    const fresh = new RememberingBrowser(harness, browser.clientId);
    const begun = await fresh.allow(await fresh.open());
    clock.advanceSeconds(1);
    await harness.provider.revokeGrants({ subject: "ada" });
    expect((await fresh.logIn(begun, "ada")).sealed).toBeDefined();
  });

  it("what an instance whose clock is ahead has remembered counts no more either", async () => {
    const { browser, instance, clock, code } = await adasBrowser();
    const ahead = new ManualClock();
    ahead.advanceSeconds(20);
    const fresh = new RememberingBrowser(instance({ clock: ahead.read }), browser.clientId);
    await fresh.connect("ada");
    await browser.redeem(code);
    clock.advanceSeconds(1);
    await browser.harness.provider.revokeGrants({ subject: "ada" });
    const begun = await fresh.open();
    expect((await fresh.at(instance()).logIn(begun, "ada")).sealed).toBeDefined();
  });
});
