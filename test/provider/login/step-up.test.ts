import { describe, expect, it } from "vitest";
import { OAuthError, type PangeaOAuthProviderOptions } from "../../../src/index.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = () =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), mcpScopes: ["read", "write", "admin"] });
const scopesOf = (response: Response) => /scope="([^"]*)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1];

async function guard(harness: ProviderHarness, token: string, requiredScopes: string[]): Promise<Response> {
  const headers = new Headers({ authorization: `Bearer ${token}` });
  const answer = await harness.provider.authenticate({ headers }, { requiredScopes });
  return answer instanceof Response ? answer : new Response();
}

it("a client that asks again for what a 403 names gets a token that has everything, and loses nothing", async () => {
  const harness = start();
  const first = await harness.tokens({ scope: "read" });
  expect(first.scope).toBe("read");

  const refusal = await guard(harness, first.access_token, ["write"]);
  expect(refusal.status).toBe(403);
  const wanted = scopesOf(refusal) ?? "";
  expect(wanted).toBe("read write");

  const second = await harness.tokensFor(first.clientId, { scope: wanted });
  expect(second.scope).toBe("read write");
  expect((await guard(harness, second.access_token, ["write"])).status).toBe(200);
  expect((await guard(harness, second.access_token, ["read"])).status).toBe(200);
  // What the first token may do is not changed by it.
  expect((await guard(harness, first.access_token, ["write"])).status).toBe(403);
  expect((await guard(harness, first.access_token, ["read"])).status).toBe(200);
});

it("the person is asked anew for the scopes that are added, and only for them to count once allowed", async () => {
  const harness = start();
  const { clientId } = await harness.tokens({ scope: "read" });
  const page = await harness.openConsentPage({
    client_id: clientId,
    code_challenge: "c".repeat(43),
    scope: "read write",
  });
  expect(page.html).toContain("write");
  const denied = await harness.decide(page, "deny");
  expect(new URL(denied.headers.get("location") ?? "").searchParams.get("error")).toBe("access_denied");
});

describe("a broad scope", () => {
  const start = (options: Partial<PangeaOAuthProviderOptions> = {}) =>
    new ProviderHarness({
      ...providerOptions(emulator.issuerUrl),
      mcpScopes: ["read", "write", "admin", "audit"],
      scopeImplies: { admin: ["write"], write: ["read"] },
      ...options,
    });

  it("counts where a narrow one is needed, and the reverse does not", async () => {
    const harness = start();
    const { access_token: broad, scope } = await harness.tokens({ scope: "admin" });
    expect(scope, "the answer says what was given").toBe("admin");
    for (const needed of [["admin"], ["write"], ["read"], ["read", "write"]]) {
      expect((await guard(harness, broad, needed)).status).toBe(200);
    }
    const { access_token: narrow } = await harness.tokens({ scope: "write" });
    expect((await guard(harness, narrow, ["read"])).status).toBe(200);
    expect((await guard(harness, narrow, ["read", "admin"])).status).toBe(403);
  });

  it("is told to handlers and to the SDK's own guard with all that it implies", async () => {
    const harness = start();
    const { access_token } = await harness.tokens({ scope: "admin" });
    const implied = ["admin", "write", "read"];
    expect((await harness.provider.verifyAccessToken(access_token)).scopes).toEqual(implied);
    const headers = new Headers({ authorization: `Bearer ${access_token}` });
    expect(await harness.provider.authenticate({ headers })).toMatchObject({ scopes: implied });
  });

  it("keeps a 403 from naming what it implies, and is kept by the token that follows", async () => {
    const harness = start();
    const first = await harness.tokens({ scope: "write" });
    const refusal = await guard(harness, first.access_token, ["read", "audit"]);
    expect([refusal.status, scopesOf(refusal)]).toEqual([403, "write audit"]);
    const second = await harness.tokensFor(first.clientId, { scope: "write audit" });
    expect((await guard(harness, second.access_token, ["read", "write", "audit"])).status).toBe(200);
  });

  it("lets its client ask for what it implies: where clients may have no more, and at a refresh", async () => {
    const harness = start({ clientRegistration: { validScopes: ["write"] } });
    const tokens = await harness.tokens({ scope: "read" });
    expect(tokens.scope).toBe("read");
    expect((await harness.tokens({ scope: "admin" })).scope, "nothing above it").toBe("write read");
    expect((await jsonOf(await harness.refresh(tokens, { scope: "write" }))).scope).toBe("read");
    const broad = await harness.tokens({ scope: "write" });
    expect((await jsonOf(await harness.refresh(broad, { scope: "read" }))).scope).toBe("read");

    const client = { client_id: "own", redirect_uris: ["http://127.0.0.1:4999/callback"], scope: "write" };
    const own = start({ clients: [client] });
    expect((await own.tokensFor("own", { scope: "read" })).scope).toBe("read");
    expect((await own.tokensFor("own", { scope: "admin" })).scope).toBe("write");
  });

  it("is shown to the person with what it implies, and once allowed spares the page for that", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const asked = (scope: string) => ({ client_id, code_challenge: "c".repeat(43), scope });
    const page = await harness.openConsentPage(asked("write"));
    const scopes = [...page.html.matchAll(/<li>.*?“<bdi>(.*?)<\/bdi>”.*?<\/li>/g)].map(([, scope]) => scope);
    expect(scopes).toEqual(["write", "read"]);
    const { location, cookie } = await harness.beginLogin(asked("write"));
    const { cookie: kept } = await harness.followCallback(await harness.logInUpstream(location), cookie);
    const status = async (scope: string) =>
      (await harness.get(harness.authorizePath(asked(scope)), { cookie: kept })).status;
    for (const covered of ["write", "read", "write read", "read write"])
      expect(await status(covered), covered).toBe(302);
    for (const more of ["admin", "write admin", "write audit", "audit", "read offline_access"]) {
      expect(await status(more), more).toBe(200);
    }
  });
});

it("a tool can ask for more scopes than the guard", async () => {
  const response = start().provider.refusal(
    new OAuthError("insufficient_scope", "This tool needs more.", { scopes: ["read", "admin"] }),
  );
  expect(response.status).toBe(403);
  expect(scopesOf(response)).toBe("read admin");
  expect(response.headers.get("www-authenticate")).toContain("resource_metadata=");
});
