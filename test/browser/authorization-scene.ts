import type { Browser, BrowserContext, Page } from "playwright-core";
import { type EmulatorUser, type PangeaEmulator, startPangeaEmulator } from "../../src/emulator.ts";
import type { PangeaOAuthProviderOptions } from "../../src/index.ts";
import { protectMcp } from "../../src/integrations/node.ts";
import { launchChromium } from "../support/chromium.ts";
import { onNodeServer, type ProtectedServer, startProtectedServer } from "../support/protected-server.ts";
import { serveWhoamiV1 } from "../support/whoami-server.ts";
import { startWebClient, type WebClient } from "./web-client.ts";

/** The people who can log in. */
export const ada: EmulatorUser = { username: "ada@example.com", password: "password of Ada" };
export const grace: EmulatorUser = { username: "grace@example.com", password: "password of Grace" };

type ClientSettings = Parameters<typeof startWebClient> extends [string, ...infer Settings] ? Settings : never;

/** A Chromium, an MCP server behind a provider, and an emulated Pangea AuthN: each a server of its own on the loopback. */
export interface AuthorizationScene extends AsyncDisposable {
  readonly browser: Browser;
  readonly server: ProtectedServer;
  readonly emulator: PangeaEmulator;
  /** Starts a client and registers it. It ends with the scene. */
  startClient(...settings: ClientSettings): Promise<WebClient>;
  /** The e-mail address of the Pangea user whom an access token stands for. */
  pangeaUser(accessToken: string): Promise<string | undefined>;
}

/** Opens a scene. */
export async function openAuthorizationScene(
  options: Partial<PangeaOAuthProviderOptions> = {},
): Promise<AuthorizationScene> {
  const parts = new AsyncDisposableStack();
  try {
    const emulator = parts.use(await startPangeaEmulator({ users: [ada, grace] }));
    const mount = onNodeServer((provider) =>
      protectMcp(provider, (request, response) => serveWhoamiV1(provider, request, response)),
    );
    const server = parts.use(await startProtectedServer(mount, emulator.issuerUrl, () => options));
    const browser = parts.adopt(await launchChromium(), (opened) => opened.close());
    const opened = parts.move();
    return {
      browser,
      server,
      emulator,
      startClient: async (...settings) => opened.use(await startWebClient(server.baseUrl, ...settings)),
      pangeaUser: async (token) => (await server.provider.pangeaToken({ token })).email,
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (failure) {
    await parts.disposeAsync();
    throw failure;
  }
}

/** Opens a page of a browser that has no cookies yet. */
export async function openPage(
  scene: AuthorizationScene,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<Page> {
  return (await openBrowser(scene, options)).newPage();
}

/** A browser without cookies, for several tabs. Whatever does not happen within ten seconds fails by its name. */
export async function openBrowser(
  scene: AuthorizationScene,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<BrowserContext> {
  const context = await scene.browser.newContext(options);
  context.setDefaultTimeout(10_000);
  return context;
}

/** The button with which a person allows a client. */
export const allowButton = (page: Page) => page.getByRole("button", { name: "Allow" });
/** The button with which a person turns a client away. */
export const denyButton = (page: Page) => page.getByRole("button", { name: "Deny" });
/** The button of Pangea AuthN's login form. */
export const signInButton = (page: Page) => page.getByRole("button", { name: "Sign in" });

/** Fills in Pangea AuthN's login form, and leaves the button to the test. */
export async function fillInLogin(page: Page, user: EmulatorUser = ada): Promise<void> {
  await page.getByLabel("Username or email").fill(user.username);
  await page.getByLabel("Password").fill(user.password ?? "");
}

/** Logs in with Pangea AuthN's form and waits until the client has the answer. */
export async function logIn(page: Page, client: WebClient, user: EmulatorUser = ada): Promise<void> {
  await fillInLogin(page, user);
  await signInButton(page).click();
  await page.waitForURL((url) => url.href.startsWith(`${client.redirectUri}?`));
}
