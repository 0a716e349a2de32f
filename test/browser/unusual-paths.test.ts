import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type AuthorizationScene,
  ada,
  allowButton,
  fillInLogin,
  grace,
  logIn,
  openAuthorizationScene,
  openBrowser,
  openPage,
  signInButton,
} from "./authorization-scene.ts";
import type { WebClient } from "./web-client.ts";

let scene: AuthorizationScene;
let client: WebClient;
beforeAll(async () => {
  scene = await openAuthorizationScene();
});
afterAll(() => scene?.[Symbol.asyncDispose]());
beforeEach(async () => {
  client = await scene.startClient();
});

/** Opens the consent page of a new request in a new tab. */
async function openConsentPage(context: BrowserContext, of: WebClient = client): Promise<Page> {
  const page = await context.newPage();
  await page.goto(of.authorizationUrl());
  await allowButton(page).waitFor();
  return page;
}

const arrived = (page: Page, at: WebClient = client) =>
  page.waitForURL((url) => url.href.startsWith(`${at.redirectUri}?`));

describe("a person who double-clicks", () => {
  it("Allow comes to one login, and the client to one code", async () => {
    const page = await openConsentPage(await openBrowser(scene));
    await allowButton(page).dblclick();
    await logIn(page, client);
    expect(client.answers).toHaveLength(1);
    expect(await scene.pangeaUser(await client.redeem(client.answers[0]))).toBe(ada.username);
  });

  it("Sign in ends with a code that works", async () => {
    const page = await openConsentPage(await openBrowser(scene));
    await allowButton(page).click();
    await fillInLogin(page);
    await signInButton(page).dblclick();
    await arrived(page);
    expect(await scene.pangeaUser(await client.redeem(client.answers.at(-1)))).toBe(ada.username);
  });
});

describe("a person who goes back", () => {
  it("from Pangea's login to the question can answer it again", async () => {
    const page = await openConsentPage(await openBrowser(scene));
    await allowButton(page).click();
    await signInButton(page).waitFor();
    await page.goBack();
    await allowButton(page).click();
    await logIn(page, client);
    expect(await scene.pangeaUser(await client.redeem(client.answers[0]))).toBe(ada.username);
  });

  it("from the client gets another code, and the first one's tokens live on", async () => {
    const page = await openConsentPage(await openBrowser(scene));
    await allowButton(page).click();
    await logIn(page, client);
    const first = await client.redeem(client.answers[0]);
    await page.goBack();
    await page.getByText("Go back to the application").waitFor();
    // Before that login was this client's request, which was allowed in this browser and is not asked about again.
    await page.goBack();
    await arrived(page);
    const second = await client.redeem(client.answers[1]);
    expect(second).not.toBe(first);
    expect(await scene.pangeaUser(first)).toBe(ada.username);
    expect(await scene.pangeaUser(second)).toBe(ada.username);
  });

  it("to Pangea's answer, or reloads it, is told that the login is over, and the client's tokens live on", async () => {
    const page = await openConsentPage(await openBrowser(scene));
    const callbacks: string[] = [];
    page.on("request", (request) => {
      if (new URL(request.url()).pathname === "/pangea/callback") callbacks.push(request.url());
    });
    await allowButton(page).click();
    await logIn(page, client);
    const token = await client.redeem(client.answers[0]);
    await page.goto(callbacks[0] ?? "");
    await page.getByText("already over").waitFor();
    expect(client.answers).toHaveLength(1);
    expect(await scene.pangeaUser(token)).toBe(ada.username);
  });
});

describe("a person with two tabs", () => {
  it("can log in to one client in both, in any order", async () => {
    const context = await openBrowser(scene);
    const one = await openConsentPage(context);
    const other = await openConsentPage(context);
    await allowButton(one).click();
    await signInButton(one).waitFor();
    await allowButton(other).click();
    await logIn(other, client);
    await fillInLogin(one);
    await signInButton(one).click();
    await arrived(one);
    expect(client.answers).toHaveLength(2);
    for (const answer of client.answers) {
      expect(await scene.pangeaUser(await client.redeem(answer))).toBe(ada.username);
    }
  });

  it("can log in to two clients, each of which gets its own code", async () => {
    const context = await openBrowser(scene);
    const second = await scene.startClient("Second");
    const one = await openConsentPage(context);
    const other = await openConsentPage(context, second);
    await allowButton(other).click();
    await logIn(other, second);
    await allowButton(one).click();
    await arrived(one);
    expect(await scene.pangeaUser(await client.redeem(client.answers[0]))).toBe(ada.username);
    expect(await scene.pangeaUser(await second.redeem(second.answers[0]))).toBe(ada.username);
  });

  it("can allow in one and turn away in the other", async () => {
    const context = await openBrowser(scene);
    const one = await openConsentPage(context);
    const other = await openConsentPage(context);
    await other.getByRole("button", { name: "Deny" }).click();
    await arrived(other);
    await allowButton(one).click();
    await logIn(one, client);
    expect(client.answers).toMatchObject([{ error: "access_denied" }, { error: null }]);
  });
});

it("two people in one client, each in a browser of their own, stay two", async () => {
  const users = [ada, grace];
  const pages = await Promise.all(users.map(async () => openConsentPage(await openBrowser(scene))));
  const tokens: string[] = [];
  for (const [index, page] of pages.entries()) {
    await allowButton(page).click();
    await logIn(page, client, users[index]);
    tokens.push(await client.redeem(client.answers[index]));
  }
  expect(await Promise.all(tokens.map(scene.pangeaUser))).toEqual([ada.username, grace.username]);
});

it("two people who share a browser are told apart once the first has logged out at Pangea", async () => {
  const context = await openBrowser(scene);
  const page = await openConsentPage(context);
  await allowButton(page).click();
  await logIn(page, client);
  await context.clearCookies({ name: /^(?!__Host-pangea_mcp_)/ });
  await page.goto(client.authorizationUrl());
  await fillInLogin(page, grace);
  await signInButton(page).click();
  // It was the first one who allowed the client.
  await allowButton(page).click();
  await arrived(page);
  const tokens = [];
  for (const answer of client.answers) tokens.push(await client.redeem(answer));
  expect(await Promise.all(tokens.map(scene.pangeaUser))).toEqual([ada.username, grace.username]);
});

it("a person who comes back is not asked again, and not in another browser's name", async () => {
  const context = await openBrowser(scene);
  const page = await openConsentPage(context);
  await allowButton(page).click();
  await logIn(page, client);
  await page.goto(client.authorizationUrl());
  await arrived(page);
  expect(client.answers).toHaveLength(2);
  const stranger = await openPage(scene);
  await stranger.goto(client.authorizationUrl());
  await stranger.getByRole("heading", { name: "Allow Scribe?" }).waitFor();
});

it("a person whose browser keeps no cookies is told so", async () => {
  const context = await openBrowser(scene);
  const page = await openConsentPage(context);
  await context.clearCookies();
  await allowButton(page).click();
  await page.getByText("Allow cookies and retry").waitFor();
  expect(client.answers).toEqual([]);
});
