import { beforeEach, describe, expect, it, vi } from "vitest";
import { gitHub, McpOAuthProvider, oAuth2, openIdConnect, pangeaAuthn, type Upstream } from "../../../src/index.ts";
import { AccountBrowser, type LogInUpstream } from "../../support/account-browser.ts";
import { BrowserSession } from "../../support/browser-session.ts";
import { jsonOf } from "../../support/json-of.ts";
import { startOpenIdProvider } from "../../support/openid-provider-server.ts";
import { ClientHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { serverClient } from "../../support/upstream-clients.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const baseUrl = "http://localhost:8000";
const emulator = useEmulator({ users: [{ username: "ada@example.com" }] });

beforeEach(() => {
  // oidc-provider remarks that it is not set up for production.
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockReturnValue();
});

/** A server in front of an upstream, with a person who has allowed a client there, and the page that the person sees. */
async function signedIn(upstream: Upstream, logInUpstream: LogInUpstream) {
  const secret = "a secret of this test, which is long enough";
  const provider = new McpOAuthProvider({ baseUrl, scopes: ["user"], upstream, secret, logger: false });
  const harness = new ClientHarness(provider, baseUrl);
  const { client_id: clientId } = await harness.register({ client_name: "Scribe" });
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const answer = await harness.finishLogin(await logInUpstream(location, "ada@example.com"), cookie);
  const code = answer.searchParams.get("code") ?? "";
  const { access_token: token } = await jsonOf(await harness.redeem({ clientId, code, verifier }));
  const page = new AccountBrowser(harness, logInUpstream);
  await page.signIn("ada@example.com");
  return { harness, page, clientId, token };
}

type SignedIn = Awaited<ReturnType<typeof signedIn>>;

/** What has to work with every upstream. */
async function seesAndEnds({ harness, page, clientId, token }: SignedIn): Promise<void> {
  expect(page.text).toContain("What you have allowed");
  expect(page.text).toContain("Scribe");
  // What the page has asked the upstream for is not what the client's tool asks it for.
  expect((await harness.provider.upstreamToken({ token })).token).toMatch(/./);
  await page.submit("end-client", { client: clientId });
  expect(page.text).toContain("Scribe has no access any more.");
  expect(await harness.mcpStatus(token)).toBe(401);
}

async function signOutUpstream({ page }: SignedIn): Promise<URL> {
  const response = await page.send("sign-out-upstream");
  return new URL(response.headers.get("location") ?? "");
}

describe("the account page", () => {
  it("in front of Pangea AuthN, whose logout page ends the session of the browser there", async () => {
    const options = providerOptions(emulator.issuerUrl);
    const upstream = pangeaAuthn({
      issuerUrl: emulator.issuerUrl,
      clientId: options.pangeaAuthnClientId,
      clientSecret: options.pangeaAuthnClientSecret,
      scopes: ["user"],
    });
    const browser = new BrowserSession();
    const pages: string[] = [];
    const login: LogInUpstream = (location, username) =>
      browser.login(location, { username, password: "password", onPage: ({ url }) => pages.push(url.pathname) });
    const scene = await signedIn(upstream, login);
    expect(pages, "the second login asked for nothing").toHaveLength(1);
    await seesAndEnds(scene);
    const location = await signOutUpstream(scene);
    expect(location.origin + location.pathname).toBe(`${emulator.issuerUrl}/logout`);
    const back = await browser.fetch(location);
    expect(new URL(back.headers.get("location") ?? "").pathname).toBe("/account");
    await scene.page.signIn("ada@example.com");
    expect(pages, "Pangea AuthN asks again").toHaveLength(2);
  });

  it("in front of an OpenID provider, with RP-initiated logout", async () => {
    await using server = await startOpenIdProvider(`${baseUrl}/oidc/callback`, {
      clients: [
        {
          client_id: serverClient.clientId,
          client_secret: serverClient.clientSecret,
          redirect_uris: [`${baseUrl}/oidc/callback`],
          post_logout_redirect_uris: [`${baseUrl}/account`],
          grant_types: ["authorization_code", "refresh_token"],
        },
      ],
    });
    const upstream = openIdConnect({ issuer: server.issuer, ...serverClient });
    const scene = await signedIn(upstream, (location) => server.followLogin(location));
    expect(scene.page.text).toContain("You are logged in as ada .");
    await seesAndEnds(scene);
    const location = await signOutUpstream(scene);
    expect(location.origin).toBe(server.issuer);
    expect(location.searchParams.get("post_logout_redirect_uri")).toBe(`${baseUrl}/account`);
    const page = await fetch(location);
    expect(page.status, await page.text()).toBe(200);
    const invented = new URL(location);
    invented.searchParams.set("id_token_hint", "invented");
    expect((await fetch(invented)).status, "the provider does look at the hint").toBe(400);
  });

  it("in front of a provider of OAuth 2.0, which has no page to sign out", async () => {
    const send = async (request: Request): Promise<Response> =>
      new URL(request.url).hostname === "api.github.com"
        ? Response.json({ id: 583_231, login: "octocat" })
        : Response.json({ access_token: "gho_1", token_type: "bearer", scope: "" });
    const client = { clientId: "Iv1.client", clientSecret: "a secret that has thirty-two characters" };
    const upstream = oAuth2(gitHub({ ...client, fetch: send }));
    const scene = await signedIn(upstream, ({ searchParams }) => {
      const answer = { code: "code", state: searchParams.get("state") ?? "" };
      return new URL(`${searchParams.get("redirect_uri")}?${new URLSearchParams(answer)}`);
    });
    expect(scene.page.text).toContain("You are logged in as octocat .");
    expect(scene.page.text).not.toContain("Sign out here and at");
    await seesAndEnds(scene);
    // A form that asks for it all the same signs out here.
    await scene.page.send("sign-out-upstream");
    expect(scene.page.text).toContain("You are signed out.");
  });
});
