import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import {
  type AuthorizationScene,
  allowButton,
  fillInLogin,
  grace,
  logIn,
  openAuthorizationScene,
  openBrowser,
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

/** A browser in which ada has allowed the client, has logged in, and has gone. */
async function afterAda(): Promise<{ context: BrowserContext; page: Page; token: string }> {
  const context = await openBrowser(scene);
  const page = await context.newPage();
  await page.goto(client.authorizationUrl());
  await allowButton(page).click();
  await logIn(page, client);
  await logOutOfPangea(context);
  return { context, page, token: await client.redeem(client.answers[0]) };
}

/** Ends the session at Pangea AuthN only; this server's cookies stay. */
async function logOutOfPangea(context: BrowserContext): Promise<void> {
  await context.clearCookies({ name: /^(?!__Host-pangea_mcp_)/ });
}

it("another person in the same browser is asked, and comes to the client after allowing it", async () => {
  const { page } = await afterAda();
  await page.goto(client.authorizationUrl());
  // The browser remembers ada's decision, so the way to Pangea is open; who is there is known after the login only.
  await fillInLogin(page, grace);
  await signInButton(page).click();
  await page.getByRole("heading", { name: "Allow Scribe?" }).waitFor();
  expect(client.answers, "no code has gone to the client").toHaveLength(1);

  await allowButton(page).click();
  await page.waitForURL((url) => url.href.startsWith(`${client.redirectUri}?`));
  expect(await scene.pangeaUser(await client.redeem(client.answers[1]))).toBe(grace.username);
});

it("the same person is not asked twice, and is asked again once the grant was revoked", async () => {
  const { context, page, token } = await afterAda();
  await page.goto(client.authorizationUrl());
  await logIn(page, client);
  expect(client.answers).toHaveLength(2);

  const { extra } = await scene.server.provider.verifyAccessToken(token);
  expect(await scene.server.provider.revokeGrant(String(extra.grantId))).toBe(true);
  await logOutOfPangea(context);
  await page.goto(client.authorizationUrl());
  await fillInLogin(page);
  await signInButton(page).click();
  await page.getByRole("heading", { name: "Allow Scribe?" }).waitFor();
  expect(client.answers).toHaveLength(2);
});

it("Chromium keeps this server's cookies with the prefix without https on this machine, out of reach of scripts", async () => {
  const { context } = await afterAda();
  const cookies = (await context.cookies(scene.server.baseUrl)).filter(({ name }) => name.includes("pangea_mcp_"));
  expect(cookies.map(({ name }) => name.replace(/_[0-9a-f]+$/, "")).sort()).toEqual([
    "__Host-pangea_mcp_browser",
    "__Host-pangea_mcp_consent",
  ]);
  for (const cookie of cookies) expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Lax" });
});

it("a page of another server on this machine, with a planted cookie, decides nothing", async () => {
  const response = await fetch(client.authorizationUrl());
  const sealed = /name="request" value="([^"]+)"/.exec(await response.text())?.[1] ?? "";
  const planted = response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  expect(planted).toMatch(/^pangea_mcp_browser_/);
  const evil = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.setHeader("referrer-policy", "no-referrer");
    answer.setHeader("set-cookie", [`${planted}; Path=/`, `__Host-${planted}; Path=/; Secure`]);
    answer.end(`<form method="post" action="${scene.server.baseUrl}/consent">
      <input type="hidden" name="request" value="${sealed}"><button name="decision" value="allow">Win</button></form>`);
  });
  await new Promise<void>((resolve) => evil.listen(0, resolve));
  try {
    const { hostname } = new URL(scene.server.baseUrl);
    const { port } = evil.address() as AddressInfo;
    const page = await (await openBrowser(scene)).newPage();
    await page.goto(`http://${hostname}:${port}/`);
    const sent = page.waitForRequest(`${scene.server.baseUrl}/consent`);
    await page.getByRole("button", { name: "Win" }).click();
    expect(await (await sent).allHeaders()).toMatchObject({
      origin: "null",
      "sec-fetch-site": "same-site",
      cookie: expect.stringContaining(planted),
    });
    await page.getByText("not made on this server's page").waitFor();
    expect(new URL(page.url()).pathname).toBe("/consent");
  } finally {
    evil.close();
  }
});
