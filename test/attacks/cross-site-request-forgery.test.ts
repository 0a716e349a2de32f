import { describe, expect, it } from "vitest";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

async function start(mcpBaseUrl = "http://localhost:8000") {
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), mcpBaseUrl });
  const { client_id } = await harness.register();
  return { harness, request: { client_id, code_challenge: pkce().challenge } };
}

async function nothingHappened(response: Response): Promise<void> {
  expect(response.status).toBe(400);
  expect(response.headers.get("location")).toBeNull();
  expect(response.headers.getSetCookie()).toEqual([]);
}

describe("at authorize", () => {
  it.each(["GET", "POST"])(
    "a forged %s asks the person and does nothing else, also with a decision in it",
    async (method) => {
      const { harness, request } = await start();
      const path = harness.authorizePath({ ...request, decision: "allow", request: "x" });
      const [, query = ""] = path.split("?");
      const response =
        method === "GET"
          ? await harness.get(path)
          : await harness.postForm("/authorize", Object.fromEntries(new URLSearchParams(query)));
      expect(response.status).toBe(200);
      expect(response.headers.get("location")).toBeNull();
      expect(await response.text()).toContain('name="decision" value="allow"');
    },
  );

  it("scripts of other sites cannot read the page, and no site can frame it", async () => {
    const { harness, request } = await start();
    const response = await harness.get(harness.authorizePath(request), { origin: "https://evil.example" });
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });
});

describe("at consent", () => {
  it("another site's form is refused by its origin, though the browser sent the cookie", async () => {
    const { harness, request } = await start();
    const page = await harness.openConsentPage(request);
    await nothingHappened(await harness.decide(page, "allow", { origin: "https://evil.example" }));
    await nothingHappened(await harness.decide(page, "allow", { origin: "http://localhost:8000.evil.example" }));
    expect((await harness.decide(page, "allow", { origin: "http://localhost:8000" })).status).toBe(303);
  });

  it("a page that the attacker was given cannot be answered in the victim's browser", async () => {
    const { harness, request } = await start();
    const attackers = await harness.openConsentPage(request);
    const victims = await harness.openConsentPage(request);
    await nothingHappened(await harness.decide({ sealed: attackers.sealed, cookie: victims.cookie }, "allow"));
    await nothingHappened(await harness.decide({ sealed: victims.sealed, cookie: "" }, "allow"));
    expect((await harness.decide(victims, "allow")).status).toBe(303);
  });

  it.each(["text/plain", "application/json", "multipart/form-data; boundary=x"])(
    "a body of another kind, which a forged form can send, is refused: %s",
    async (type) => {
      const { harness, request } = await start();
      const page = await harness.openConsentPage(request);
      const body = String(new URLSearchParams({ request: page.sealed, decision: "allow" }));
      const headers = { "content-type": type, cookie: page.cookie, origin: harness.baseUrl };
      await nothingHappened(
        await harness.provider.fetch(new Request(`${harness.baseUrl}/consent`, { method: "POST", body, headers })),
      );
    },
  );

  it("a link cannot decide", async () => {
    const { harness, request } = await start();
    const { sealed, cookie } = await harness.openConsentPage(request);
    const response = await harness.get(`/consent?${new URLSearchParams({ request: sealed, decision: "allow" })}`, {
      cookie,
    });
    expect(response.status).toBe(405);
    expect(response.headers.getSetCookie()).toEqual([]);
  });
});

describe("at the callback", () => {
  it("an answer to a login that this browser did not begin is refused", async () => {
    const { harness, request } = await start();
    const { location, cookie } = await harness.beginLogin(request);
    const callback = await harness.logInUpstream(location);
    await nothingHappened(await harness.get(callback.pathname + callback.search));
    expect((await harness.finishLogin(callback, cookie)).searchParams.get("code")).toMatch(/^pmcp_ac_/);
  });

  it("the answer to one login is not taken for another's, though both were begun in this browser", async () => {
    const { harness, request } = await start();
    const one = await harness.beginLogin(request);
    const other = await harness.beginLogin({ ...request, code_challenge: pkce().challenge });
    const callback = await harness.logInUpstream(one.location);
    const crossed = new URL(callback);
    crossed.searchParams.set("state", other.location.searchParams.get("state") ?? "");
    const refusal = await harness.finishLogin(crossed, other.cookie);
    expect(refusal.searchParams.get("error"), "Pangea's code does not fit the other login's verifier").toBe(
      "access_denied",
    );
    expect(refusal.searchParams.get("code")).toBeNull();
  });
});

it("no cookie goes out with a request that another site makes", async () => {
  const { harness, request } = await start();
  const page = await harness.openConsentPage(request);
  const decided = await harness.decide(page, "allow");
  const callback = await harness.logInUpstream(new URL(decided.headers.get("location") ?? ""));
  const cookie = joinCookies(page.cookie, decided);
  const returned = await harness.get(callback.pathname + callback.search, { cookie });
  const cookies = [page.response, decided, returned].flatMap((response) => response.headers.getSetCookie());
  const names = cookies.map((line) => /^pangea_mcp_([a-z]+)/.exec(line)?.[1]);
  expect(names).toEqual(["browser", "login", "login", "consent"]);
  for (const line of cookies) expect(line).toMatch(/=[^;]*; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
});

it("over https no other host, and no page without https, can plant a cookie", async () => {
  const { harness, request } = await start("https://mcp.example");
  const page = await harness.openConsentPage(request);
  const decided = await harness.decide(page, "allow");
  const cookies = [page.response, decided].flatMap((response) => response.headers.getSetCookie());
  expect(cookies).toHaveLength(2);
  for (const line of cookies)
    expect(line).toMatch(/^__Host-[^;]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=\d+$/);

  const planted = page.cookie.replaceAll("__Host-", "");
  expect((await harness.decide({ ...page, cookie: planted }, "allow")).status).toBe(400);
});
