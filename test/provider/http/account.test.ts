import { describe, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  isEnumerable,
  OAuthError,
  StorageUnavailableError,
  type UpstreamIdentity,
  UpstreamRejectedError,
  type UpstreamTokens,
  UpstreamUnavailableError,
  wrapRepositories,
} from "../../../src/index.ts";
import { accountServer } from "../../support/account-server.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { pkce } from "../../support/provider-harness.ts";

const resource = "https://mcp.example/notes/mcp";

describe("somebody who is not signed in", () => {
  it("is told what the page is for, and goes upstream by a button", async () => {
    const page = accountServer().browser();
    const response = await page.open();
    expect(response.status).toBe(200);
    expect(page.text).toContain("Sign in to see which applications may use Acme Notes in your name.");
    const upstream = await page.beginSignIn();
    expect(upstream.origin).toBe("https://login.fake.example");
    expect(upstream.searchParams.get("redirectUri")).toBe("https://mcp.example/notes/fake/callback");
  });

  it("gets a page that no cache keeps, no site frames, and that loads nothing", async () => {
    const page = accountServer().browser();
    for (const response of [await page.open(), await page.signIn()]) {
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(response.headers.get("x-frame-options")).toBe("DENY");
      expect(response.headers.get("referrer-policy")).toBe("same-origin");
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});

describe("somebody who is signed in", () => {
  it("sees which applications have access: by name, address and standing, to what, since when and until when", async () => {
    const { allow, browser, clock, register } = accountServer({
      clients: [
        {
          client_id: "cli",
          client_name: "Acme CLI",
          redirect_uris: ["http://127.0.0.1:4999/callback"],
          scope: "admin",
        },
      ],
    });
    const begun = new Date(clock.read());
    await allow(
      await register("Scribe", { redirect_uris: ["http://127.0.0.1:4999/callback", "https://scribe.example/cb"] }),
    );
    await allow("cli", "ada", "admin");
    await allow(await register("Elsewhere"), "grace");
    const page = browser();
    await page.signIn();
    for (const part of ["These applications may use Acme Notes in your name.", resource, "Scribe", "scribe.example"]) {
      expect(page.text).toContain(part);
    }
    expect(page.text).toContain("Unverified: it gave this name itself. Nobody has checked it.");
    expect(page.text).toContain("It was set up by the people who run Acme Notes .");
    expect(page.text).toContain("Read your notes");
    expect(page.text).toContain("Use what Acme Notes calls “ admin ”");
    expect(page.html).toContain(`<time datetime="${begun.toISOString()}">`);
    const end = new Date(begun.getTime() + 90 * 86_400_000);
    expect(page.html).toContain(`<time datetime="${end.toISOString()}">`);
    expect(page.text).not.toContain("Elsewhere");
  });

  it("sees which applications may stay connected", async () => {
    const { allow, browser, register } = accountServer();
    await allow(await register("Scribe"), "ada", "user offline_access");
    await allow(await register("Guest"), "grace");
    const page = browser();
    await page.signIn("ada");
    expect(page.text).toContain("Stay connected while you are away");
    await page.signIn("grace");
    expect(page.text).not.toContain("Stay connected while you are away");
  });

  it("sees the latest application first, and each once, however often it was logged in with", async () => {
    const { allow, browser, clock, register } = accountServer();
    const [first, second] = [await register("First"), await register("Second")];
    for (const client of [first, second, first]) {
      await allow(client);
      clock.advanceSeconds(60);
    }
    const page = browser();
    await page.signIn();
    expect([...page.html.matchAll(/<h2[^>]*><bdi>(.*?)<\/bdi>/g)].map(([, name]) => name)).toEqual(["First", "Second"]);
    expect(page.text).toContain("2 logins of this application");
    expect(page.hidden("grant")).toHaveLength(2);
  });

  it("is told who it is, where the upstream says so", async () => {
    class NamingUpstream extends FakeUpstream {
      override async identify(tokens: UpstreamTokens): Promise<UpstreamIdentity & { readonly subject: string }> {
        return { ...(await super.identify(tokens)), email: "ada@example.com" };
      }
    }
    const page = accountServer({ upstream: new NamingUpstream(Date.now) }).browser();
    await page.signIn();
    expect(page.text).toContain("You are logged in as ada@example.com .");
  });

  it("can end one application, with all its logins, and reads that it was done", async () => {
    const { allow, browser, grantsOf, harness, register } = accountServer();
    const scribe = await register("Scribe & Co");
    const tokens = [await allow(scribe), await allow(scribe), await allow(await register("Other"))];
    const page = browser();
    await page.signIn();
    expect((await page.submit("end-client", { client: scribe })).status).toBe(200);
    expect(page.text).toContain("Scribe &amp; Co has no access any more.");
    expect(page.hidden("client")).not.toContain(scribe);
    const statuses = await Promise.all(tokens.map(({ access_token }) => harness.mcpStatus(access_token)));
    expect(statuses).toEqual([401, 401, 200]);
    expect(await grantsOf("ada")).toBe(1);
    await page.submit("end-client", { client: scribe });
    expect(page.text).toContain("That access was over already. Nothing was changed.");
  });

  it("can end one login of an application, and keeps the others", async () => {
    const { allow, browser, harness, register } = accountServer();
    const scribe = await register("Scribe");
    const [lost, kept] = [await allow(scribe), await allow(scribe)];
    const page = browser();
    await page.signIn();
    const info = await harness.provider.verifyAccessToken(lost.access_token);
    await page.submit("end-login", { grant: String(info.extra.grantId) });
    expect(page.text).toContain("One login of Scribe is over.");
    expect(await harness.mcpStatus(lost.access_token)).toBe(401);
    expect(await harness.mcpStatus(kept.access_token)).toBe(200);
    await page.submit("end-login", { grant: String(info.extra.grantId) });
    expect(page.text).toContain("That access was over already.");
  });

  it("can end everything, also a code that nobody has redeemed yet; others keep theirs", async () => {
    const { allow, browser, grantsOf, harness, register } = accountServer();
    const scribe = await register("Scribe");
    for (const client of [scribe, scribe, await register("Other")]) await allow(client);
    const hers = await allow(scribe, "grace");
    const { verifier, challenge } = pkce();
    const { location, cookie } = await harness.beginLogin({ client_id: scribe, code_challenge: challenge });
    const redirect = await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
    const page = browser();
    await page.signIn();
    await page.submit("end-all");
    expect(page.text).toContain("All access was ended.");
    expect(page.text).toContain("No application may use Acme Notes in your name.");
    expect(await grantsOf("ada")).toBe(0);
    const code = redirect.searchParams.get("code") ?? "";
    expect((await harness.redeem({ clientId: scribe, code, verifier })).status).toBe(400);
    expect(await harness.mcpStatus(hers.access_token)).toBe(200);
  });

  it("is asked again by a client whose access was ended, though the browser remembers the consent", async () => {
    const { browser, harness, register } = accountServer();
    const scribe = await register("Scribe");
    const request = { client_id: scribe, code_challenge: pkce().challenge };
    const { location, cookie } = await harness.beginLogin(request);
    const allowed = await harness.followCallback(logInAtFakeUpstream(location, "ada"), cookie);
    const again = async () => {
      const response = await harness.get(harness.authorizePath(request), { cookie: allowed.cookie });
      return response.headers.get("location");
    };
    expect(await again(), "the consent is remembered").toContain("login.fake.example");
    const page = browser();
    await page.signIn();
    await page.submit("end-all");
    const begun = await harness.get(harness.authorizePath(request), { cookie: allowed.cookie });
    const upstream = new URL(begun.headers.get("location") ?? "");
    const kept = `${allowed.cookie}; ${begun.headers.getSetCookie()[0]?.split(";")[0]}`;
    const answer = await harness.provider.fetch(
      new Request(logInAtFakeUpstream(upstream, "ada"), { headers: { cookie: kept } }),
    );
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("Allow Scribe?");
  });

  it("forgets in this browser what was allowed, when all access is ended", async () => {
    const { browser, harness, register } = accountServer();
    const request = { client_id: await register("Scribe"), code_challenge: pkce().challenge };
    const { location, cookie } = await harness.beginLogin(request);
    const page = browser();
    page.cookie = (await harness.followCallback(logInAtFakeUpstream(location, "ada"), cookie)).cookie;
    expect(page.cookie).toContain("pangea_mcp_consent_");
    await page.signIn();
    expect(page.cookie).toContain("pangea_mcp_consent_");
    await page.submit("end-all");
    expect(page.cookie).not.toContain("pangea_mcp_consent_");
    expect(page.cookie).toContain("pangea_mcp_account_");
  });

  it("sees a client whose registration is over by what it is, and can end its access", async () => {
    const repositories = createInMemoryRepositories();
    const { allow, browser, grantsOf, register } = accountServer({ repositories, clock: Date.now });
    const scribe = await register("Scribe");
    await allow(scribe);
    await repositories.clients.delete(scribe);
    const page = browser();
    await page.signIn();
    // By the name that the grant keeps.
    expect(page.text).toContain("Scribe");
    await page.submit("end-client", { client: scribe });
    expect(await grantsOf("ada")).toBe(0);
  });

  it("sees and ends what is there, also where the store says what cannot be", async () => {
    const repositories = createInMemoryRepositories();
    const { allow, browser, grantsOf, register } = accountServer({ repositories, clock: Date.now });
    const scribe = await register("Scribe");
    await allow(scribe);
    const client = (await repositories.clients.get(scribe)) ?? expect.unreachable();
    await repositories.clients.set(scribe, { ...client, redirect_uris: ["no address"] });
    if (!isEnumerable(repositories.grants)) expect.unreachable();
    for await (const [id, grant] of repositories.grants.entries()) {
      await repositories.grants.set(id, { ...grant, createdAt: 1e300 });
    }
    const page = browser();
    expect((await page.signIn()).status).toBe(200);
    expect(page.text).toContain("Scribe");
    await page.submit("end-client", { client: scribe });
    expect(await grantsOf("ada")).toBe(0);
  });

  it("sees that there is more than the page shows", async () => {
    const { allow, browser, register } = accountServer({ rateLimits: false });
    for (let count = 0; count < 101; count += 1) await allow(await register(`Client ${count}`));
    const page = browser();
    await page.signIn();
    expect(page.hidden("client")).toHaveLength(100);
    expect(page.text).toContain("1 more applications are not shown.");
  });
});

describe("signing out", () => {
  it("ends the session here, and says so", async () => {
    const page = accountServer().browser();
    await page.signIn();
    expect(page.text).not.toContain("Sign out here and at");
    await page.send("sign-out");
    expect(page.text).toContain("You are signed out.");
    expect(page.cookie).not.toContain("account_");
    await page.open();
    expect(page.text).toContain("Sign in");
  });

  it("goes on upstream where the upstream offers that, with what it needs to know whom", async () => {
    class LogoutUpstream extends FakeUpstream {
      async logoutUrl({ token }: UpstreamTokens, returnTo: string): Promise<URL> {
        return new URL(`${this.issuer}/log-out?${new URLSearchParams({ token, returnTo })}`);
      }
    }
    const page = accountServer({ upstream: new LogoutUpstream(Date.now) }).browser();
    await page.signIn();
    expect(page.text).toContain("Sign out here and at Fake Login");
    const response = await page.send("sign-out-upstream");
    expect(response.status).toBe(303);
    const location = new URL(response.headers.get("location") ?? "");
    expect(location.origin).toBe("https://login.fake.example");
    expect(location.searchParams.get("returnTo")).toBe("https://mcp.example/notes/account");
    expect(location.searchParams.get("token")).toMatch(/^ada-/);
    await page.open();
    expect(page.text).not.toContain("What you have allowed");
  });

  it("an upstream that cannot say where people sign out keeps nobody from signing in", async () => {
    class SilentUpstream extends FakeUpstream {
      async logoutUrl(): Promise<URL> {
        throw new UpstreamUnavailableError("The test's upstream is out.");
      }
    }
    const page = accountServer({ upstream: new SilentUpstream(Date.now) }).browser();
    await page.signIn();
    expect(page.text).toContain("What you have allowed");
    expect(page.text).not.toContain("Sign out here and at");
  });
});

describe("a session", () => {
  it("is over after its time, which use does not prolong; what was clicked is not done", async () => {
    const { allow, browser, clock, grantsOf, register } = accountServer({ account: { sessionSeconds: 120 } });
    await allow(await register("Scribe"));
    const page = browser();
    await page.signIn();
    clock.advanceSeconds(100);
    await page.open();
    expect(page.text).toContain("Scribe");
    clock.advanceSeconds(20);
    const response = await page.send("end-all");
    expect(response.status).toBe(403);
    expect(page.text).toContain("You were signed out after 2 minutes. Nothing was changed.");
    expect(await grantsOf("ada")).toBe(1);
  });

  it("is a new one with each login, and the one before is over", async () => {
    const repositories = createInMemoryRepositories();
    const { browser } = accountServer({ repositories, clock: Date.now });
    const page = browser();
    await page.signIn();
    const before = page.cookie;
    const callback = logInAtFakeUpstream(await beginAgain(page), "grace");
    await page.comeBack(callback);
    expect(page.cookie).not.toBe(before);
    const other = browser();
    other.cookie = before;
    await other.open();
    expect(other.text).not.toContain("What you have allowed");
  });

  it("costs the store nothing where the cookie is none of this server's making", async () => {
    let reads = 0;
    const repositories = wrapRepositories(createInMemoryRepositories(), (repository, name) =>
      name === "accountSessions"
        ? intercepted(repository, async (run) => {
            reads += 1;
            return run();
          })
        : repository,
    );
    const { browser } = accountServer({ repositories, clock: Date.now });
    const page = browser();
    await page.open();
    await page.signIn();
    reads = 0;
    page.cookie = page.cookie.replace(/(account_\w+=)[^;]+/, "$1invented");
    await page.open();
    expect(reads).toBe(0);
  });

  it("has a cookie that no script reads and no other site sends, for the page alone where it can be", async () => {
    const cookieOf = async (baseUrl: string, headers = {}) => {
      const { browser, harness } = accountServer({ baseUrl });
      const page = browser();
      const callback = logInAtFakeUpstream(await page.beginSignIn(), "ada");
      const request = new Request(callback, { headers: { cookie: page.cookie, ...headers } });
      const lines = (await harness.provider.fetch(request)).headers.getSetCookie();
      return lines.find((line) => line.includes("account_") && !line.includes("Max-Age=0"));
    };
    expect(await cookieOf("https://mcp.example/notes")).toMatch(
      /^__Host-pangea_mcp_account_[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=\d+$/,
    );
    expect(await cookieOf("http://localhost:8000/notes")).toMatch(
      /^pangea_mcp_account_[0-9a-f]{8}=[\w-]{43}; Path=\/notes\/account; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
    );
  });
});

/** Signs in once more, from a form of the page that is there. */
async function beginAgain(page: { send(action: string): Promise<Response> }): Promise<URL> {
  const response = await page.send("sign-in");
  return new URL(response.headers.get("location") ?? "");
}

describe("what fails", () => {
  it("at the upstream is shown on a page of the account, and leads nowhere", async () => {
    const { browser, harness } = accountServer();
    const page = browser();
    const upstream = await page.beginSignIn();
    const state = upstream.searchParams.get("state") ?? "";
    const refusal = heard("account-refused");
    const response = await page.comeBack(
      new URL(`${harness.baseUrl}/fake/callback?${new URLSearchParams({ state, error: "access_denied" })}`),
    );
    expect(response.status).toBe(403);
    expect(page.text).toContain("That did not work");
    expect(page.text).toContain("Fake Login refused the login.");
    expect(refusal.stop()).toMatchObject([{ error: "access_denied", subject: undefined, upstreamIssuer: undefined }]);
  });

  it("in the store is an outage, with when to come back, and ends nothing without a word", async () => {
    let isOut = false;
    const repositories = wrapRepositories(createInMemoryRepositories(), (repository) => {
      const failing = intercepted(repository, async (run) => {
        if (isOut) throw new StorageUnavailableError("The test's store is out.");
        return run();
      });
      return isEnumerable(repository) ? { ...failing, entries: () => repository.entries() } : failing;
    });
    const { allow, browser, grantsOf, register } = accountServer({ repositories, clock: Date.now });
    await allow(await register("Scribe"));
    const page = browser();
    await page.signIn();
    isOut = true;
    const response = await page.send("end-all");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).not.toBeNull();
    expect(page.text).toContain("Wait a moment, then open the page again.");
    isOut = false;
    expect(await grantsOf("ada")).toBe(1);
  });

  it("for the upstream refuses this server is an outage that the operator reads of", async () => {
    class RefusingUpstream extends FakeUpstream {
      override async exchange(): Promise<never> {
        throw new UpstreamRejectedError("invalid_client", "The test's upstream does not know the secret.");
      }
    }
    const { browser, lines } = accountServer({ upstream: new RefusingUpstream(Date.now) });
    const page = browser();
    const response = await page.signIn();
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("60");
    expect(page.text).toContain("Fake Login refused this server.");
    expect(lines.some((line) => line.startsWith("error ") && line.includes("ERR_UPSTREAM_REJECTED"))).toBe(true);
  });

  it("for the upstream cannot be asked where to log in is such an outage too", async () => {
    class MisconfiguredUpstream extends FakeUpstream {
      override async authorizationUrl(): Promise<never> {
        throw new UpstreamRejectedError("server_error", "The test's upstream has another issuer.", {
          advice: "Set it.",
        });
      }
    }
    const { browser, lines } = accountServer({ upstream: new MisconfiguredUpstream(Date.now) });
    const page = browser();
    await page.open();
    const response = await page.send("sign-in");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("60");
    expect(page.text).toContain("Fake Login refused this server.");
    expect(lines.some((line) => line.startsWith("error ") && line.includes("Set it."))).toBe(true);
  });

  it("by a user whom the upstream refuses opens no session", async () => {
    class StrictUpstream extends FakeUpstream {
      override async identify(): Promise<never> {
        throw new OAuthError("access_denied", "Log in with an account of example.org.");
      }
    }
    const page = accountServer({ upstream: new StrictUpstream(Date.now) }).browser();
    const response = await page.signIn();
    expect(response.status).toBe(403);
    expect(page.text).toContain("Log in with an account of example.org.");
    expect(page.cookie).not.toContain("account_");
  });

  it("by a user whom the upstream does not name opens no session", async () => {
    class NamelessUpstream extends FakeUpstream {
      override async identify() {
        // Callers without types may leave it out.
        return JSON.parse("{}");
      }
    }
    const page = accountServer({ upstream: new NamelessUpstream(Date.now) }).browser();
    expect((await page.signIn()).status).toBe(403);
    expect(page.cookie).not.toContain("account_");
  });

  it("by a form that asks for nothing that there is", async () => {
    const page = accountServer().browser();
    await page.signIn();
    expect((await page.send("dance")).status).toBe(400);
    expect((await page.send("end-client")).status).toBe(400);
  });
});

describe("what is told", () => {
  it("an auditor reads a line for each decision, with who decided about what", async () => {
    const { allow, browser, lines, register } = accountServer();
    const scribe = await register("Scribe");
    const { access_token } = await allow(scribe);
    await allow(scribe);
    await allow(await register("Other"));
    const names = [
      "account-signed-in",
      "account-access-ended",
      "account-all-access-ended",
      "account-signed-out",
    ] as const;
    const events = names.map((name) => heard(name));
    const page = browser();
    await page.signIn();
    const [grant = ""] = page.hidden("grant");
    await page.submit("end-login", { grant });
    await page.submit("end-client", { client: scribe });
    await page.submit("end-all");
    await page.send("sign-out");
    expect(
      lines.filter((line) => line.includes('"ada"')).map((line) => line.replace("pangea-authn-fastmcp: ", "")),
    ).toEqual([
      'info "ada" signed in to the account page.',
      `info "ada" ended the grant ${grant} of the client "${scribe}".`,
      `info "ada" ended all access of the client "${scribe}": 1 grant(s).`,
      'info "ada" ended all access of all clients: 1 grant(s).',
      'info "ada" signed out of the account page.',
    ]);
    const ada = { subject: "ada", upstreamIssuer: "https://login.fake.example" };
    expect(events.flatMap((each) => each.stop())).toEqual([
      { ...ada },
      { ...ada, clientId: scribe, grantId: grant, grants: 1 },
      { ...ada, clientId: scribe, grantId: undefined, grants: 1 },
      { ...ada, grants: 1 },
      { ...ada, upstream: false },
    ]);
    expect(lines.join("\n")).not.toContain(access_token);
  });

  it("no decision is left out of the log, however many there are in a minute", async () => {
    const { browser, lines } = accountServer();
    const page = browser();
    for (let count = 0; count < 3; count += 1) {
      await page.signIn();
      await page.send("sign-out");
    }
    expect(lines.filter((line) => line.includes("signed in to"))).toHaveLength(3);
    expect(lines.filter((line) => line.includes("signed out of"))).toHaveLength(3);
  });

  it("a name from the upstream makes no second line of the log", async () => {
    const { browser, lines } = accountServer();
    const page = browser();
    await page.signIn('ada"\n2026 info "grace" ended all');
    const line = lines.find((each) => each.includes("signed in to the account page"));
    expect(line).not.toMatch(/[\r\n]/);
    expect(line).toContain('"ada\\"\\n2026');
  });
});

describe("the option account", () => {
  it("switches the page off, and the link to it", async () => {
    const { harness, provider, register } = accountServer({ account: { enabled: false } });
    expect(provider.serves("/notes/account")).toBe(false);
    const page = await harness.openConsentPage({
      client_id: await register("Scribe"),
      code_challenge: pkce().challenge,
    });
    expect(page.html).not.toContain("/notes/account");
  });

  it("is on where nothing is said, and the consent page leads there", async () => {
    const { harness, provider, register } = accountServer();
    expect(provider.serves("/notes/account")).toBe(true);
    const page = await harness.openConsentPage({
      client_id: await register("Scribe"),
      code_challenge: pkce().challenge,
    });
    expect(page.html).toContain('<a href="/notes/account" target="_blank" rel="noopener">');
  });

  it.each([
    ["grants", false, false],
    ["grants", true, false],
    ["authorizationCodes", false, false],
    ["authorizationCodes", true, true],
  ] as const)(
    "is off where the store cannot list %s, with an index: %j, and cannot be asked for there: on %j",
    (kind, isIndexed, isOn) => {
      const inner = createInMemoryRepositories();
      const plain = intercepted<string, unknown>(inner[kind], (run) => run());
      const index = { indexNames: ["subject"], entriesBy: () => expect.unreachable() };
      const repositories = { ...inner, [kind]: Object.assign(plain, isIndexed && index) };
      expect(accountServer({ repositories }).provider.serves("/notes/account")).toBe(isOn);
      const asked = () => accountServer({ repositories, account: { enabled: true } });
      if (isOn) expect(asked).not.toThrow();
      else expect(asked).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
    },
  );

  it.each([
    { sessionSeconds: 0 },
    { sessionSeconds: 86_401 },
    { sessionSeconds: -1 },
    { enabled: "yes" },
    { open: true },
  ])("refuses %j", (account) => {
    expect(() => accountServer({ account: JSON.parse(JSON.stringify(account)) })).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });

  it("counts requests by a limit of its own", async () => {
    const { harness } = accountServer({ rateLimits: { total: { account: { requests: 2, perSeconds: 60 } } } });
    const statuses = [];
    for (let sent = 0; sent < 3; sent += 1) statuses.push((await harness.get("/account")).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await harness.get("/authorize")).status).toBe(400);
  });
});

it("texts and language are the operator's", async () => {
  const { browser } = accountServer({
    consent: {
      brandName: "Acme",
      language: "de",
      texts: { accountTitle: "Was Sie erlaubt haben", accountEmpty: "Keine Anwendung darf {brand} verwenden." },
    },
  });
  const page = browser();
  await page.signIn();
  expect(page.text).toContain("Was Sie erlaubt haben");
  expect(page.text).toContain("Keine Anwendung darf Acme verwenden.");
});

it("dates are in the page's language", async () => {
  const clock = new ManualClock(Date.UTC(2026, 11, 24, 18, 5));
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const { allow, browser, register } = accountServer({
    clock: clock.read,
    repositories,
    upstream: new FakeUpstream(clock.read),
    consent: { language: "de" },
  });
  await allow(await register("Scribe"));
  const page = browser();
  await page.signIn();
  expect(page.text).toContain("24.12.2026, 18:05 UTC");
});
