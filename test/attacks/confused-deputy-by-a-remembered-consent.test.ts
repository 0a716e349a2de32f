import { beforeEach, expect, it } from "vitest";
import { type ClientScene, openClientScene } from "../clients/client-scene.ts";
import { BrowserSession, LoginStoppedError } from "../support/browser-session.ts";
import { jsonOf } from "../support/json-of.ts";
import { pkce } from "../support/provider-harness.ts";
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
