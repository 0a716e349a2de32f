import { startPangeaEmulator } from "../../src/emulator.ts";
import type { PangeaOAuthProviderOptions } from "../../src/index.ts";
import { protectMcp } from "../../src/integrations/node.ts";
import { BrowserSession, type LoginOptions } from "../support/browser-session.ts";
import { onNodeServer, startProtectedServer } from "../support/protected-server.ts";
import type { UpstreamKind } from "../support/upstream-at.ts";
import { openUpstreamScene, type UpstreamScene } from "../support/upstream-scene.ts";
import { serveWhoamiV1 } from "../support/whoami-server.ts";

/** A protected MCP server with the tool `whoami`, and an upstream behind it. */
export interface ClientScene extends AsyncDisposable {
  readonly server: UpstreamScene;
  /** Opens an authorize URL as Ada would, allows the client, logs in; gives back what goes to the redirect URI. */
  logIn(authorizeUrl: string | URL, options?: LoginOptions): Promise<URL>;
  /** Logs in as well, and takes the answer to the client, which may not listen yet. */
  logInAndReturn(authorizeUrl: string | URL): Promise<void>;
}

/** Opens a scene with this kind of upstream. */
export async function openClientSceneWith(
  kind: UpstreamKind,
  changes?: Parameters<typeof openUpstreamScene>[1],
): Promise<ClientScene> {
  const server = await openUpstreamScene(kind, changes);
  return sceneOf(server, async () => server[Symbol.asyncDispose]());
}

/** Opens a scene with Pangea AuthN. */
export async function openClientScene(options: Partial<PangeaOAuthProviderOptions> = {}): Promise<ClientScene> {
  const emulator = await startPangeaEmulator({ users: [{ username: "ada@example.com" }] });
  const mount = onNodeServer((provider) =>
    protectMcp(provider, (request, response) => serveWhoamiV1(provider, request, response)),
  );
  const server = await startProtectedServer(mount, emulator.issuerUrl, () => options);
  return sceneOf(server, async () => {
    await server[Symbol.asyncDispose]();
    await emulator.close();
  });
}

function sceneOf(server: UpstreamScene, close: () => Promise<void>): ClientScene {
  const logIn = (authorizeUrl: string | URL, options: LoginOptions = {}): Promise<URL> =>
    new BrowserSession().login(authorizeUrl, { username: "ada@example.com", password: "password", ...options });
  return {
    server,
    logIn,
    async logInAndReturn(authorizeUrl) {
      const callback = await logIn(authorizeUrl);
      const response = await fetchPatiently(callback);
      if (!response.ok) throw new Error(`The client refused the answer: ${response.status} ${await response.text()}`);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Clients print the URL before they listen for its answer. */
async function fetchPatiently(url: URL): Promise<Response> {
  for (let left = 50; ; left -= 1) {
    try {
      return await fetch(url);
    } catch (failure) {
      if (left === 0) throw failure;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
