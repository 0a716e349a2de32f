import { expect } from "vitest";
import type { PangeaOAuthProviderOptions } from "../../src/index.ts";
import { protectMcp } from "../../src/integrations/node.ts";
import { BrowserSession } from "../support/browser-session.ts";
import type { McpClient } from "../support/mcp-client.ts";
import { onNodeServer, type ProtectedServer, startProtectedServer } from "../support/protected-server.ts";
import { serveWhoamiV1 } from "../support/whoami-server.ts";

/** Who logs in. */
export const ada = { username: "ada@example.com", password: "password" };

/** A server that asks for the scope `user`, and for other scopes once a test says so. */
export interface StepUpScene extends AsyncDisposable {
  readonly server: ProtectedServer;
  /** From now on the server asks for these scopes. */
  need(...scopes: string[]): void;
}

/** Opens a scene in front of this Pangea AuthN. */
export async function openStepUpScene(
  issuerUrl: string,
  options: Partial<PangeaOAuthProviderOptions> = {},
): Promise<StepUpScene> {
  let needed = ["user"];
  const mount = onNodeServer(
    (provider) => (request, response) =>
      protectMcp(provider, (authenticated, answer) => serveWhoamiV1(provider, authenticated, answer), {
        requiredScopes: needed,
      })(request, response),
  );
  const server = await startProtectedServer(mount, issuerUrl, () => options);
  return {
    server,
    need: (...scopes) => {
      needed = scopes;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The person logs in where the SDK has asked for it, and the client is told. Gives back where the SDK sent the browser. */
export async function logInAgain(client: McpClient): Promise<URL> {
  const authorizationUrl = client.oauth.takeAuthorizationUrl();
  if (authorizationUrl === undefined) throw new Error("The SDK did not ask for a login.");
  await client.finishAuth(await new BrowserSession().login(authorizationUrl, ada));
  return authorizationUrl;
}

/** What the SDK does by itself after a refusal: it asks for a login. The person logs in, and the client is told. */
export async function logInAfterRefusal(client: McpClient): Promise<URL> {
  await expect(client.whoami()).rejects.toThrow();
  return logInAgain(client);
}

/** Expects what the token of a client may do at the server. */
export async function expectScopes(
  { provider }: ProtectedServer,
  client: McpClient,
  scopes: readonly string[],
): Promise<void> {
  const { access_token = "" } = client.oauth.tokens() ?? {};
  expect((await provider.verifyAccessToken(access_token)).scopes.toSorted()).toEqual(scopes);
}
