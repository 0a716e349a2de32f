import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type AuthorizationScene,
  allowButton,
  denyButton,
  logIn,
  openAuthorizationScene,
  openBrowser,
} from "./authorization-scene.ts";
import type { WebClient } from "./web-client.ts";

/** Where Claude's callback page sends the browser on to: the application on the person's computer. */
const application = "claude://claude.ai/settings/connectors";

let scene: AuthorizationScene;
let callback: Server;
let arrived: URL[];
let redirectUri: string;

beforeAll(async () => {
  scene = await openAuthorizationScene({ consent: { brandName: "Acme Notes" } });
  callback = createServer((request, response) => {
    const url = new URL(request.url ?? "/", redirectUri);
    if (url.pathname !== "/api/mcp/auth_callback") return response.writeHead(404).end();
    arrived.push(url);
    return response.writeHead(307, { location: `${application}${url.search}` }).end();
  });
  await new Promise<void>((resolve) => callback.listen(0, "127.0.0.1", resolve));
  const { port } = callback.address() as AddressInfo;
  redirectUri = `http://127.0.0.1:${port}/api/mcp/auth_callback`;
});
afterAll(async () => {
  callback?.close();
  await scene?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  arrived = [];
});

/** A browser whose person is logged in at Pangea already, so that Pangea asks for nothing on the way. */
async function loggedInBrowser(): Promise<BrowserContext> {
  const context = await openBrowser(scene);
  const client = await scene.startClient("Another");
  const page = await context.newPage();
  await page.goto(client.authorizationUrl());
  await allowButton(page).click();
  await logIn(page, client);
  return context;
}

/** What the browser does after a click: where it is sent at last, and what it complains of. */
async function followed(page: Page, click: () => Promise<void>): Promise<{ last: string; complaints: string[] }> {
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  const end = new Promise<string>((resolve) => {
    let last = "";
    network.on("Network.requestWillBeSent", ({ request }) => {
      last = request.url;
    });
    network.on("Network.loadingFailed", () => resolve(last));
  });
  await click();
  return { last: await end, complaints };
}

it("Allow reaches an application that has its own scheme for a redirect URI", async () => {
  const context = await loggedInBrowser();
  const uri = "cursor://anysphere.cursor-mcp/oauth/callback";
  const client: WebClient = await scene.startClient("Cursor", { redirect_uris: [uri] });
  const page = await context.newPage();
  await page.goto(client.authorizationUrl({ redirect_uri: uri }));
  const { last, complaints } = await followed(page, () => allowButton(page).click());
  expect(complaints).toEqual([]);
  expect(last).toMatch(/^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/);
});

describe.each([
  ["Allow", allowButton],
  ["Deny", denyButton],
] as const)("%s", (_, button) => {
  it("reaches an application behind the client's web page, though nothing stops the browser on the way", async () => {
    const context = await loggedInBrowser();
    const client: WebClient = await scene.startClient("Claude", { redirect_uris: [redirectUri] });
    const page = await context.newPage();
    await page.goto(client.authorizationUrl({ redirect_uri: redirectUri }));
    const { last, complaints } = await followed(page, () => button(page).click());
    expect(complaints).toEqual([]);
    expect(arrived).toHaveLength(1);
    expect(last).toBe(application + arrived[0]?.search);
  });
});
