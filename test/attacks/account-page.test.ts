import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, type ProviderRepositories } from "../../src/index.ts";
import type { AccountBrowser } from "../support/account-browser.ts";
import { type AccountServer, accountServer } from "../support/account-server.ts";
import { logInAtFakeUpstream } from "../support/fake-upstream.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { heard } from "../support/provider-events.ts";
import { pkce } from "../support/provider-harness.ts";

let server: AccountServer;
let clientId: string;
/** The victim's browser, signed in. */
let adas: AccountBrowser;
beforeEach(async () => {
  server = accountServer();
  clientId = await server.register("Scribe");
  await server.allow(clientId);
  adas = server.browser();
  await adas.signIn();
});

/** What a browser shows that is not signed in. */
async function isShut(browser: AccountBrowser): Promise<void> {
  await browser.open();
  expect(browser.text).not.toContain("What you have allowed");
  expect(browser.text).not.toContain("Scribe");
  expect(browser.text).not.toContain("Sign out");
}

const accountCookie = ({ cookie }: AccountBrowser) =>
  cookie.split("; ").find((pair) => pair.includes("_account_")) ?? "";

describe("another browser", () => {
  it("is not signed in by the cookie of the session alone", async () => {
    const mallorys = server.browser();
    mallorys.cookie = accountCookie(adas);
    await isShut(mallorys);
    await mallorys.open();
    mallorys.cookie += `; ${accountCookie(adas)}`;
    await isShut(mallorys);
    await adas.open();
    expect(adas.text, "the victim's own browser is").toContain("Scribe");
  });

  it("is not signed in by the session of another server with the same secret and store", async () => {
    const repositories = createInMemoryRepositories();
    const [one, other] = [
      accountServer({ repositories, clock: Date.now }),
      accountServer({ repositories, clock: Date.now, issuerUrl: "https://other.example" }),
    ];
    const browser = one.browser();
    await browser.signIn();
    const elsewhere = other.browser();
    elsewhere.cookie = browser.cookie;
    await isShut(elsewhere);
  });
});

describe("another site", () => {
  it("cannot frame the page", async () => {
    for (const response of [await server.browser().open(), await adas.open()]) {
      expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(response.headers.get("x-frame-options")).toBe("DENY");
    }
  });

  it.each([
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "https://mcp.example", "sec-fetch-site": "cross-site" },
    { origin: "https://mcp.example", "sec-fetch-site": "same-site" },
    { origin: "https://mcp.example", "sec-fetch-site": "none" },
  ])("cannot send the form, though the browser sends the cookie: %j", async (headers) => {
    const form = adas.formToken;
    for (const action of ["end-all", "end-client", "sign-out"]) {
      const response = await adas.send(action, { form, client: clientId }, headers);
      expect(response.status, action).toBe(400);
      expect(response.headers.getSetCookie(), action).toEqual([]);
    }
    expect(await server.grantsOf("ada")).toBe(1);
    await adas.open();
    expect(adas.text).toContain("Scribe");
  });

  it.each(["text/plain", "application/json", "multipart/form-data; boundary=x"])(
    "cannot send a body of another kind: %s",
    async (type) => {
      const response = await adas.send("end-all", {}, { "content-type": type });
      expect(response.status).toBe(400);
      expect(await server.grantsOf("ada")).toBe(1);
    },
  );

  it("cannot do by a link what a form does", async () => {
    for (const action of ["end-all", "sign-out", "sign-in"]) {
      const query = new URLSearchParams({ action, form: adas.formToken, client: clientId });
      const response = await adas.open(`/account?${query}`);
      expect(response.headers.get("location")).toBeNull();
      expect(adas.text).toContain("Scribe");
    }
  });

  it("cannot have the page say what it likes", async () => {
    await adas.open("/account?done=all-ended");
    expect(adas.text).not.toContain("All access was ended.");
    const mallorys = server.browser();
    await server.allow(clientId, "mallory");
    await mallorys.signIn("mallory");
    const done = (await mallorys.send("end-all")).headers.get("location") ?? "";
    await adas.open(`/account${new URL(done).search}`);
    expect(adas.text).not.toContain("All access was ended.");
  });
});

describe("a page of an earlier session", () => {
  it("does nothing in the session of whoever has signed in since in this browser", async () => {
    const token = adas.formToken;
    await server.allow(clientId, "grace");
    await adas.send("sign-out");
    await adas.signIn("grace");
    for (const form of [token, "", "invented"]) {
      expect((await adas.send("end-all", { form })).status).toBe(400);
    }
    expect(await server.grantsOf("grace")).toBe(1);
    expect(await server.grantsOf("ada")).toBe(1);
  });
});

describe("a session that is over", () => {
  it("opens nothing after the sign-out, whoever has kept a copy of everything that the browser had", async () => {
    const copy = server.browser();
    copy.cookie = adas.cookie;
    await copy.open();
    expect(copy.text).toContain("Scribe");
    const form = copy.formToken;
    await adas.send("sign-out");
    expect((await copy.send("end-all", { form })).status).toBe(403);
    await isShut(copy);
    expect(await server.grantsOf("ada")).toBe(1);
  });

  it("opens nothing after its time, also where somebody has written a later end into the store", async () => {
    const clock = new ManualClock();
    const repositories: ProviderRepositories = createInMemoryRepositories({ clock: () => 0 });
    const slow = accountServer({ repositories, clock: clock.read });
    const browser = slow.browser();
    await browser.signIn();
    const form = browser.formToken;
    clock.advanceSeconds(899);
    await browser.open();
    expect(browser.text).toContain("What you have allowed");
    clock.advanceSeconds(1);
    expect((await browser.send("end-all", { form })).status).toBe(403);
    expect(browser.text).toContain("Nothing was changed.");
    await isShut(browser);
  });
});

describe("a session and a token", () => {
  it("the cookie of a session is no token: not at the MCP endpoint, not at the token endpoint", async () => {
    const { harness, provider } = server;
    const id = accountCookie(adas).split("=")[1] ?? "";
    expect(id).toHaveLength(43);
    expect(await harness.mcpStatus(id)).toBe(401);
    await expect(provider.upstreamToken({ token: id })).rejects.toMatchObject({ error: "invalid_token" });
    const headers = new Headers({ cookie: adas.cookie });
    const answer = await provider.authenticate({ headers });
    expect(answer instanceof Response && answer.status).toBe(401);
    for (const form of [
      { grant_type: "refresh_token", refresh_token: id },
      { grant_type: "authorization_code", code: id, code_verifier: pkce().verifier },
    ]) {
      expect((await harness.postForm("/token", { client_id: clientId, ...form }, cookieOf(adas))).status).toBe(400);
    }
  });

  it("a client's tokens and code open no page: not as a cookie, not as a header", async () => {
    const { harness } = server;
    const tokens = await server.allow(clientId);
    const name = accountCookie(adas).split("=")[0] ?? "";
    for (const token of [tokens.access_token, tokens.refresh_token, tokens.code]) {
      const browser = server.browser();
      await browser.open();
      browser.cookie += `; ${name}=${token}`;
      await isShut(browser);
      const response = await harness.get("/account", { authorization: `Bearer ${token}` });
      expect(await response.text()).not.toContain("What you have allowed");
    }
  });
});

const cookieOf = ({ cookie }: AccountBrowser) => ({ cookie });

describe("somebody else's grant", () => {
  it("is not ended by its id, and the answer does not tell whether there is one", async () => {
    const mallorys = server.browser();
    await mallorys.signIn("mallory");
    const grant = await grantOfAda();
    const refused = heard("account-refused");
    const answers = [];
    const form = mallorys.formToken;
    for (const id of [grant, `${grant}x`, "sha256-nothing"]) {
      const response = await mallorys.send("end-login", { form, grant: id });
      answers.push(`${response.status} ${mallorys.text}`);
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^403 /);
    expect(await server.grantsOf("ada")).toBe(1);
    expect(refused.stop()).toMatchObject([{ subject: "mallory" }, { subject: "mallory" }, { subject: "mallory" }]);
  });

  it("is not ended by naming the client, nor by ending all", async () => {
    await server.allow(clientId, "mallory");
    const mallorys = server.browser();
    await mallorys.signIn("mallory");
    await mallorys.submit("end-client", { client: clientId, subject: "ada" });
    await mallorys.submit("end-all", { subject: "ada" });
    expect(await server.grantsOf("mallory")).toBe(0);
    expect(await server.grantsOf("ada")).toBe(1);
  });

  async function grantOfAda(): Promise<string> {
    for await (const { grantId } of server.provider.listGrants({ subject: "ada" })) return grantId;
    return expect.unreachable();
  }
});

describe("a login for one purpose", () => {
  it("of a client opens no account, whatever the browser calls its cookie", async () => {
    const { harness } = server;
    const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: pkce().challenge });
    const callback = logInAtFakeUpstream(location, "mallory");
    const renamed = server.browser();
    renamed.cookie = cookie.replace("_login_", "_signin_");
    expect((await renamed.comeBack(callback)).status).toBe(400);
    expect(renamed.cookie).not.toContain("_account_");
    const honest = server.browser();
    honest.cookie = cookie;
    const answer = await honest.comeBack(callback);
    expect(answer.headers.get("location")).toContain("code=pmcp_ac_");
    expect(honest.cookie).not.toContain("_account_");
    await isShut(honest);
  });

  it("of the account gives no client anything, whatever the browser calls its cookie", async () => {
    const browser = server.browser();
    const callback = logInAtFakeUpstream(await browser.beginSignIn(), "mallory");
    const renamed = server.browser();
    renamed.cookie = browser.cookie.replace("_signin_", "_login_");
    const answer = await renamed.comeBack(callback);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("location")).toBeNull();
    const signedIn = await browser.comeBack(callback);
    expect(signedIn.headers.get("location")).toBe("https://mcp.example/notes/account");
  });
});

describe("a login that an attacker has begun", () => {
  it("does not sign the victim in as the attacker", async () => {
    const mallorys = server.browser();
    const callback = logInAtFakeUpstream(await mallorys.beginSignIn(), "mallory");
    const victims = server.browser();
    await victims.open();
    const answer = await victims.comeBack(callback);
    expect(answer.status).toBe(400);
    expect(victims.cookie).not.toContain("_account_");
    await isShut(victims);
    // Nor where the victim has a login of their own under way, or is signed in.
    await victims.beginSignIn();
    expect((await victims.comeBack(callback)).status).toBe(400);
    expect((await adas.comeBack(callback)).status).toBe(400);
    await adas.open();
    expect(adas.text).toContain("Scribe");
    await mallorys.comeBack(callback);
    await mallorys.open();
    expect(mallorys.text).toContain("What you have allowed");
  });

  it("is not begun in the victim's browser by another site's form", async () => {
    const victims = server.browser();
    await victims.open();
    const response = await victims.send("sign-in", {}, { origin: "https://evil.example" });
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
    expect(victims.cookie).not.toContain("_signin_");
  });

  it("signs nobody in a second time", async () => {
    const browser = server.browser();
    const callback = logInAtFakeUpstream(await browser.beginSignIn(), "ada");
    await browser.comeBack(callback);
    const again = await browser.comeBack(callback);
    expect(again.status).toBe(400);
  });
});
