import type { Browser, Page } from "playwright-core";
import { ClientSite, clientId, documentWith } from "../provider/client-documents/client-site.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { logInAt, twoUpstreams } from "../support/two-upstreams.ts";
import { configuredClient, documentedClient, openAccountScene } from "./account-scene.ts";
import {
  type AuthorizationScene,
  allowButton,
  fillInLogin,
  grace,
  logIn,
  openAuthorizationScene,
  signInButton,
} from "./authorization-scene.ts";

/** The pages of somebody's account. */
const accountPageNames = [
  "sign-in",
  "allowed-nothing",
  "allowed",
  "allowed-logins",
  "allowed-end-all",
  "allowed-ended",
  "signed-out",
  "session-over",
  "account-error",
] as const;

type AccountPageName = (typeof accountPageNames)[number];

/** Every page that this server shows to people, by the name of its pictures. */
export const shownPageNames = [
  "consent",
  "unnamed",
  "address",
  "verified",
  "account",
  "leave",
  "unknown",
  "developers",
  "again",
  "wait",
  ...accountPageNames,
  "choice",
  "chosen",
  "where",
] as const;

export type ShownPageName = (typeof shownPageNames)[number];

/** Takes a browser without cookies to a page. */
type Way = (page: Page) => Promise<void>;

/** The pages of a server that is configured as an operator would. */
export interface ShownPages extends AsyncDisposable {
  readonly scene: AuthorizationScene;
  readonly show: Readonly<Record<ShownPageName, Way>>;
}

const consent = {
  brandName: "Acme Notes",
  scopeDescriptions: { user: "Read your notes" },
  upstreamScopeDescriptions: { user: "Your name and e-mail address" },
};
const distant = `https://app.example/integrations/mcp/oauth/callback?tenant=${"0a1b2c3d".repeat(4)}`;

/** Opens the servers that the pages are of. */
export async function openShownPages(): Promise<ShownPages> {
  const parts = new AsyncDisposableStack();
  try {
    const scene = parts.use(await openAuthorizationScene({ consent }));
    const { baseUrl } = scene.server;
    const client = await scene.startClient("Scribe");
    const unnamed = await scene.startClient("", { redirect_uris: [distant] });
    const unnamedUrl = (parameters: Record<string, string> = {}) =>
      unnamed.authorizationUrl({ redirect_uri: distant, ...parameters });
    const verified = parts.use(await openVerifiedClient(scene.browser));
    const account = parts.use(await openAccountPages());
    const goTo =
      (url: () => string): Way =>
      async (page) => {
        await page.goto(url());
      };
    const show: ShownPages["show"] = {
      consent: goTo(() => client.authorizationUrl()),
      unnamed: goTo(unnamedUrl),
      address: async (page) => {
        await page.goto(unnamedUrl());
        await page.locator("summary").click();
      },
      verified: verified.show,
      // Ada has allowed the client in this browser, and Grace logs in.
      account: async (page) => {
        await page.goto(client.authorizationUrl({ scope: "user offline_access" }));
        await allowButton(page).click();
        await logIn(page, client);
        await page.context().clearCookies({ name: /^(?!__Host-pangea_mcp_)/ });
        await page.goto(client.authorizationUrl({ scope: "user offline_access" }));
        await fillInLogin(page, grace);
        await signInButton(page).click();
        await page.getByText(grace.username).waitFor();
      },
      leave: goTo(() => unnamedUrl({ resource: "https://other.example/mcp" })),
      unknown: goTo(() => `${baseUrl}/authorize?client_id=nobody`),
      developers: async (page) => {
        await page.goto(`${baseUrl}/authorize?client_id=nobody`);
        await page.locator("summary").click();
      },
      again: goTo(() => `${baseUrl}/pangea/callback?code=code&state=${"a".repeat(43)}`),
      wait: async (page) => {
        scene.server.store.fail();
        await page.goto(client.authorizationUrl());
        scene.server.store.recover();
      },
      ...account.show,
      ...(await severalUpstreams()),
    };
    const opened = parts.move();
    return { scene, show, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (failure) {
    await parts.disposeAsync();
    throw failure;
  }
}

/** The account page of people who have allowed nothing, and several applications. */
async function openAccountPages(): Promise<
  AsyncDisposable & { readonly show: Readonly<Record<AccountPageName, Way>> }
> {
  const scene = await openAccountScene({ consent });
  const [many, few] = ["ada@example.com", "grace@example.com"];
  const scribe = await scene.register("Scribe");
  for (let login = 0; login < 3; login += 1) {
    await scene.allow(scribe, many, "user offline_access");
    scene.advanceSeconds(3 * 86_400);
  }
  await scene.allow(documentedClient, many, "user offline_access");
  scene.advanceSeconds(86_400);
  await scene.allow(configuredClient, many, "user admin");
  scene.advanceSeconds(7200);
  await scene.allow(await scene.register("", { redirect_uris: [distant, "http://127.0.0.1:4999/callback"] }), many);
  await scene.allow(scribe, few);
  const signIn =
    (user: string): Way =>
    (page) =>
      scene.signIn(page, user);
  return {
    show: {
      "sign-in": async (page) => {
        await page.goto(`${scene.baseUrl}/account`);
      },
      "allowed-nothing": signIn("nobody@example.com"),
      allowed: signIn(many),
      "allowed-logins": async (page) => {
        await signIn(many)(page);
        await page.locator("article summary").first().click();
      },
      "allowed-end-all": async (page) => {
        await signIn(few)(page);
        await page.locator("main > details summary").click();
      },
      // Whoever looks after that finds what was ended allowed again.
      "allowed-ended": async (page) => {
        await signIn(few)(page);
        await page.getByRole("button", { name: "End access Scribe" }).click();
        await page.getByRole("status").waitFor();
        await scene.allow(scribe, few);
      },
      "signed-out": async (page) => {
        await signIn(few)(page);
        await page.getByRole("button", { name: "Sign out", exact: true }).click();
        await page.getByRole("heading", { name: "You are signed out" }).waitFor();
      },
      "session-over": async (page) => {
        await signIn(few)(page);
        await page.context().clearCookies({ name: /browser_/ });
        await page.reload();
      },
      "account-error": async (page) => {
        await signIn(few)(page);
        // The page of an earlier session, in another tab.
        const later = await page.context().newPage();
        await later.goto(`${scene.baseUrl}/account`);
        await later.getByRole("button", { name: "Sign out", exact: true }).click();
        await later.getByRole("heading", { name: "You are signed out" }).waitFor();
        await scene.signIn(later, few);
        await later.close();
        await page.getByRole("button", { name: "End access Scribe" }).click();
        await page.getByRole("link", { name: "Open the page again" }).waitFor();
      },
    },
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  };
}

/** A client with a metadata document and an icon, whose site is on this machine and believes to be elsewhere. */
async function openVerifiedClient(browser: Browser): Promise<AsyncDisposable & { readonly show: Way }> {
  const icon = await drawIcon(browser);
  const site = await ClientSite.open();
  site.handler = (request, response) => {
    const isIcon = request.url === "/icon.png";
    response.writeHead(200, { "content-type": isIcon ? "image/png" : "application/json" });
    const metadata = { client_name: "Scribe", logo_uri: "https://client.example/icon.png" };
    response.end(isIcon ? icon : JSON.stringify(documentWith(metadata)));
  };
  const options = { ...providerOptions("https://login.example"), consent, clock: site.clock.read };
  const harness = new ProviderHarness(options, site.network);
  const request = { client_id: clientId, redirect_uri: "https://client.example/callback" };
  return {
    show: async (page) => {
      await page.route("**", async (route) => {
        const answer = await harness.provider.fetch(new Request(route.request().url()));
        const headers = Object.fromEntries(answer.headers);
        await route.fulfill({ status: answer.status, headers, body: await answer.text() });
      });
      await page.goto(harness.baseUrl + harness.authorizePath({ ...request, code_challenge: pkce().challenge }));
    },
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

/** The pages of a server with two upstreams: a choice with consent, a hinted one with the others unfolded, and a choice alone. */
async function severalUpstreams(): Promise<Pick<ShownPages["show"], "choice" | "chosen" | "where">> {
  const harness = twoUpstreams({ consent }).start();
  const { client_id } = await harness.register({ client_name: "Scribe" });
  const { cookie } = await logInAt(harness, { id: "red", clientId: client_id });
  const goTo = async (page: Page, parameters: Record<string, string>, cookies = "") => {
    await page.route("**", async (route) => {
      const answer = await harness.provider.fetch(new Request(route.request().url(), { headers: { cookie: cookies } }));
      const headers = Object.fromEntries(answer.headers);
      await route.fulfill({ status: answer.status, headers, body: await answer.text() });
    });
    const request = { client_id, code_challenge: pkce().challenge, scope: "user", ...parameters };
    await page.goto(harness.baseUrl + harness.authorizePath(request));
  };
  return {
    choice: (page) => goTo(page, {}),
    chosen: async (page) => {
      await goTo(page, { idp_hint: "blue" });
      await page.locator("summary").click();
    },
    where: (page) => goTo(page, { prompt: "select_account" }, cookie),
  };
}

async function drawIcon(browser: Browser): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: 96, height: 96 } });
  const style = "margin:0;display:grid;place-items:center;background:#0f766e;color:#ffffff;font:700 64px sans-serif";
  await page.setContent(`<body style="${style};height:100vh">S</body>`);
  const icon = await page.screenshot();
  await page.close();
  return icon;
}
