import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, McpOAuthProvider, type McpOAuthProviderOptions } from "../../../src/index.ts";
import { AccountBrowser } from "../../support/account-browser.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { ClientHarness, type IssuedTokens, pkce } from "../../support/provider-harness.ts";

const baseUrl = "https://mcp.example/notes";

/** A server, its clients, and what is logged. */
function start(options: Partial<McpOAuthProviderOptions> = {}) {
  const clock = new ManualClock();
  const upstream = new FakeUpstream(clock.read);
  const lines: string[] = [];
  const write = (text: unknown) => void lines.push(String(text));
  const provider = new McpOAuthProvider({
    baseUrl,
    scopes: ["user", "admin"],
    upstream,
    secret: "a secret of this test, which is long enough",
    repositories: createInMemoryRepositories({ clock: clock.read }),
    clock: clock.read,
    consent: { brandName: "Acme Notes", scopeDescriptions: { user: "Read your notes" } },
    logger: { debug() {}, info: write, warn: write, error: write },
    ...options,
  });
  const harness = new ClientHarness(provider, String(options.baseUrl ?? baseUrl));
  /** Logs a person in for a client. */
  const allow = async (clientId: string, user = "ada", scope = "user"): Promise<IssuedTokens> => {
    const { verifier, challenge } = pkce();
    const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge, scope });
    const redirect = await harness.finishLogin(logInAtFakeUpstream(location, user), cookie);
    const issued = { clientId, code: redirect.searchParams.get("code") ?? "", verifier };
    return { ...issued, ...(await jsonOf(await harness.redeem(issued))) };
  };
  const register = async (client_name: string, metadata = {}) =>
    (await harness.register({ client_name, ...metadata })).client_id;
  return { clock, upstream, provider, harness, lines, allow, register, browser: () => new AccountBrowser(harness) };
}

type Scene = ReturnType<typeof start>;

describe("somebody who is not signed in", () => {
  it("is told what the page is for, and goes upstream by a button", async () => {
    const { browser } = start();
    const page = browser();
    const response = await page.open();
    expect(response.status).toBe(200);
    expect(page.text).toContain("Sign in to see which applications may use Acme Notes in your name.");
    const upstream = await page.beginSignIn();
    expect(upstream.origin).toBe("https://login.fake.example");
    expect(upstream.searchParams.get("redirectUri")).toBe(`${baseUrl}/fake/callback`);
  });
});

describe("somebody who is signed in", () => {
  it("sees which applications have access, to what and since when", async () => {
    const { browser, allow, register, clock } = start();
    const scribe = await register("Scribe");
    await allow(scribe);
    clock.advanceSeconds(3600);
    await allow(await register("", { redirect_uris: ["https://app.example/cb", "http://127.0.0.1:4999/callback"] }));
    const page = browser();
    await page.signIn();
    expect(page.text).toContain("These applications may use Acme Notes in your name.");
    expect(page.text).toContain(`${baseUrl}/mcp`);
    expect(page.text).toContain("Scribe");
  });
});
void beforeEach;
void heard;
type _ = Scene;
