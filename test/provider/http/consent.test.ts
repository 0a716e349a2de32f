import { describe, expect, it } from "vitest";
import { ManualClock } from "../../support/manual-clock.ts";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions("https://login.example"), ...options });
const request = (client_id: string, changes = {}) => ({ client_id, code_challenge: pkce().challenge, ...changes });
/** What another site's form posts to the authorization endpoint. */
const authorizationForm = (client_id: string, redirect_uri: string) => ({
  response_type: "code",
  client_id,
  redirect_uri,
  code_challenge: pkce().challenge,
  code_challenge_method: "S256",
});

describe("the consent page", () => {
  it("says who asks, how sure that is, for what, and where the answer goes", async () => {
    const harness = start({
      consent: { brandName: "Acme Notes", scopeDescriptions: { user: "Read your notes" } },
    });
    const { client_id } = await harness.register({ client_name: "Scribe" });
    const { html } = await harness.openConsentPage(request(client_id));
    for (const text of [
      "Scribe",
      "Acme Notes",
      "Read your notes",
      "admin",
      "127.0.0.1:4999",
      "Nobody has checked it",
    ]) {
      expect(html).toContain(text);
    }
  });

  it("shows what is really given: no scope that nobody knows, and offline_access in words", async () => {
    const harness = start({ clientRegistration: { validScopes: ["user"] } });
    const { client_id } = await harness.register();
    const listed = async (scope: string, shown = harness) => {
      const { html } = await shown.openConsentPage(request(client_id, { scope }));
      return [...html.matchAll(/<li>(.*?)<\/li>/g)].map(
        ([, text = ""]) => /“<bdi>(.*)<\/bdi>”/.exec(text)?.[1] ?? text,
      );
    };
    expect(await listed("openid admin claudeai")).toEqual(["user"]);
    expect(await listed("openid user offline_access")).toEqual(["user", "Stay connected while you are away"]);
    const own = start({ consent: { scopeDescriptions: { offline_access: "Bleibt verbunden" } } });
    const other = await own.register();
    const page = await own.openConsentPage(request(other.client_id, { scope: "user offline_access" }));
    expect(page.html).toContain("<li>Bleibt verbunden</li>");
  });

  it("warns where the answer goes to a program on this computer, and only there", async () => {
    const harness = start();
    const local = await harness.register();
    const web = await harness.register({ redirect_uris: ["https://app.example/cb"] });
    const warning = 'role="note"';
    expect((await harness.openConsentPage(request(local.client_id))).html).toContain(warning);
    const page = await harness.openConsentPage(request(web.client_id, { redirect_uri: "https://app.example/cb" }));
    expect(page.html).not.toContain(warning);
    expect(page.html).toContain("app.example");
  });

  it.each([
    "http://LOCALHOST:3000/callback",
    "http://127.0.0.2:3000/callback",
    "http://127.1:3000/callback",
    "http://2130706433:3000/callback",
    "https://localhost:3000/callback",
    "https://127.0.0.1/callback",
    "https://app.localhost/callback",
    "https://0.0.0.0/callback",
    "https://[::ffff:127.0.0.1]/callback",
  ])("warns of this computer however it is written: %s", async (uri) => {
    const harness = start();
    const { client_id } = await harness.register({ redirect_uris: [uri] });
    const { html } = await harness.openConsentPage(request(client_id, { redirect_uri: uri }));
    expect(html).toContain('role="note"');
  });

  it.each(["\u3164\u3164", "\u2800", "\u200b", "\ufe0f"])(
    "says that a client gives no name where its name shows nothing",
    async (name) => {
      const harness = start();
      const { client_id } = await harness.register({ client_name: name });
      const { html } = await harness.openConsentPage(request(client_id));
      expect(html).toContain("An application that gives no name, from <bdi>127.0.0.1</bdi>,");
    },
  );

  it("shows a name as it is given where it holds what a replacement would read", async () => {
    const harness = start();
    const { client_id } = await harness.register({ client_name: "a$'b$&c" });
    expect((await harness.openConsentPage(request(client_id))).html).toContain("<title>Allow a$&#39;b$&amp;c?");
  });

  it("takes the decisions of two pages that a browser opened before it had a cookie", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const one = await harness.openConsentPage(request(client_id));
    const other = await harness.openConsentPage(request(client_id));
    const cookie = joinCookies(one.cookie, other.response);
    for (const { sealed } of [one, other]) {
      expect((await harness.decide({ sealed, cookie }, "allow")).status).toBe(303);
    }
  });

  it("takes the decision of an open page though another site's form has asked meanwhile", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const page = await harness.openConsentPage(request(client_id));
    let cookie = page.cookie;
    const form = authorizationForm(client_id, harness.redirectUri);
    for (let count = 0; count < 3; count += 1) cookie = joinCookies(cookie, await harness.postForm("/authorize", form));
    expect(cookie.split("; ")).toHaveLength(2);
    expect((await harness.decide({ sealed: page.sealed, cookie }, "allow")).status).toBe(303);
  });

  it("takes the decision of a page that was opened between two forms of another site", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const form = authorizationForm(client_id, harness.redirectUri);
    const before = joinCookies("", await harness.postForm("/authorize", form));
    const page = await harness.openConsentPage(request(client_id), before);
    const cookie = joinCookies(page.cookie, await harness.postForm("/authorize", form));
    expect((await harness.decide({ sealed: page.sealed, cookie }, "allow")).status).toBe(303);
    // A form of this site's own brings the cookies along, and joins the page that is there.
    const own = await harness.postForm("/authorize", form, { cookie });
    expect(joinCookies(cookie, own).split("; ")).toHaveLength(2);
  });

  it("cannot be framed, stored, or made to load or run anything", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const { response } = await harness.openConsentPage(request(client_id));
    expect(response.headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("shows a name with markup, line breaks and direction tricks as plain text", async () => {
    const harness = start();
    const { client_id } = await harness.register({
      client_name: '<script>alert(1)</script>"\u202egnp.\nVerified by Pangea',
    });
    const { html } = await harness.openConsentPage(request(client_id));
    expect(html).not.toContain("<script");
    expect(html).not.toContain("\u202e");
    expect(html).toContain("&lt;script&gt;");
  });

  it("sends access_denied to the client when the person says no, and remembers nothing", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const page = await harness.openConsentPage(request(client_id));
    const response = await harness.decide(page, "deny");
    const location = new URL(response.headers.get("location") ?? "");
    expect(location.origin + location.pathname).toBe(harness.redirectUri);
    expect(location.searchParams.get("error")).toBe("access_denied");
    expect(location.searchParams.get("state")).toBe("client-state");
    expect(location.searchParams.get("iss")).toBe("http://localhost:8000");
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it("counts anything but allow as a no", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const page = await harness.openConsentPage(request(client_id));
    expect((await harness.decide(page, "")).headers.get("location")).toContain("error=access_denied");
  });

  it("is answered in the browser that was asked, and in no other", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const page = await harness.openConsentPage(request(client_id));
    const other = await harness.openConsentPage(request(client_id));
    for (const cookie of ["", other.cookie]) {
      const response = await harness.decide({ sealed: page.sealed, cookie }, "allow");
      expect(response.status).toBe(400);
      expect(response.headers.get("location")).toBeNull();
    }
    const crossSite = await harness.decide(page, "allow", { origin: "https://evil.example" });
    expect(crossSite.status).toBe(400);
  });

  it("can be open in two tabs", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const one = await harness.openConsentPage(request(client_id));
    const two = await harness.openConsentPage(request(client_id), one.cookie);
    for (const { sealed } of [one, two]) {
      expect((await harness.decide({ sealed, cookie: two.cookie }, "allow")).status).toBe(303);
    }
  });

  it("is too old after half an hour", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read });
    const { client_id } = await harness.register();
    const page = await harness.openConsentPage(request(client_id));
    clock.advanceSeconds(1800);
    expect((await harness.decide(page, "allow")).status).toBe(400);
  });

  it("sets the cookie that binds the login only after the person has said yes", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const page = await harness.openConsentPage(request(client_id));
    expect(page.cookie).not.toContain("login_");
    expect(joinCookies(page.cookie, await harness.decide(page, "allow"))).toContain("login_");
  });
});

describe("a decision that was remembered", () => {
  const emulator = useEmulator();

  const start = (options = {}) => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

  /** A browser in which a client was allowed, and then logged in for. */
  async function allowed(harness: ProviderHarness) {
    const { client_id } = await harness.register({
      redirect_uris: [harness.redirectUri, "http://127.0.0.1:4999/other"],
    });
    const { location, cookie } = await harness.beginLogin(request(client_id, { scope: "user" }));
    const callback = await harness.logInUpstream(location);
    return { client_id, before: cookie, cookie: (await harness.followCallback(callback, cookie)).cookie };
  }
  const asksAgain = async (harness: ProviderHarness, parameters: Record<string, string>, cookie: string) =>
    (await harness.get(harness.authorizePath(parameters), { cookie })).status === 200;

  it("spares the person the page for the same client, redirect URI and scopes, on any loopback port", async () => {
    const harness = start();
    const { client_id, cookie } = await allowed(harness);
    expect(await asksAgain(harness, request(client_id, { scope: "user" }), cookie)).toBe(false);
    const redirect_uri = "http://127.0.0.1:5001/callback";
    expect(await asksAgain(harness, request(client_id, { scope: "user", redirect_uri }), cookie)).toBe(false);
  });

  it("is not remembered before the login that it led to has ended well", async () => {
    const harness = start();
    const { client_id, before } = await allowed(harness);
    expect(await asksAgain(harness, request(client_id, { scope: "user" }), before)).toBe(true);

    const given = await harness.beginLogin(request(client_id, { scope: "user" }));
    const cancelled = await harness.logInUpstream(given.location, { cancelLogin: true });
    const { cookie } = await harness.followCallback(cancelled, given.cookie);
    expect(await asksAgain(harness, request(client_id, { scope: "user" }), cookie)).toBe(true);
  });

  it("is remembered for as long as configured after it was made, however often it is used", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read, consent: { rememberSeconds: 10 * 86_400 } });
    const { client_id, cookie } = await allowed(harness);
    clock.advanceSeconds(9 * 86_400);
    const again = await harness.get(harness.authorizePath(request(client_id, { scope: "user" })), { cookie });
    const callback = await harness.logInUpstream(new URL(again.headers.get("location") ?? ""));
    const later = await harness.followCallback(callback, joinCookies(cookie, again));
    clock.advanceSeconds(2 * 86_400);
    expect(await asksAgain(harness, request(client_id, { scope: "user" }), later.cookie)).toBe(true);
  });

  it("does not cover other scopes, another redirect URI, another client or another browser", async () => {
    const harness = start();
    const { client_id, cookie } = await allowed(harness);
    const other = await harness.register();
    expect(await asksAgain(harness, request(client_id, { scope: "user admin" }), cookie)).toBe(true);
    expect(await asksAgain(harness, request(client_id, { scope: "user offline_access" }), cookie)).toBe(true);
    const redirect_uri = "http://127.0.0.1:4999/other";
    expect(await asksAgain(harness, request(client_id, { scope: "user", redirect_uri }), cookie)).toBe(true);
    expect(await asksAgain(harness, request(other.client_id, { scope: "user" }), cookie)).toBe(true);
    expect(await asksAgain(harness, request(client_id, { scope: "user" }), "")).toBe(true);
  });

  it("holds on every instance with the same secret, ends in time, and cannot be forged", async () => {
    const clock = new ManualClock();
    const one = start({ clock: clock.read });
    const { client_id, cookie } = await allowed(one);
    expect(
      await asksAgain(one, request(client_id, { scope: "user" }), cookie.replace(/(consent_\w+=v2\.)/, "$1x")),
    ).toBe(true);
    clock.advanceSeconds(90 * 86_400 - 60);
    expect(await asksAgain(one, request(client_id, { scope: "user" }), cookie)).toBe(false);
  });

  it("is not kept where the configuration says so", async () => {
    const harness = start({ consent: { rememberSeconds: 0 } });
    const { client_id, cookie } = await allowed(harness);
    expect(await asksAgain(harness, request(client_id, { scope: "user" }), cookie)).toBe(true);
  });
});
