import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { OAuthTokensSchema } from "@modelcontextprotocol/sdk/shared/auth.js";
import { defaultEmulatorPassword, defaultEmulatorUser } from "../../emulator/authn/defaults.ts";
import { BrowserSession } from "../../emulator/browser/browser-session.ts";
import type { PangeaEmulator } from "../../emulator/pangea-emulator.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";
import { DemoOAuthClient } from "./demo-client.ts";
import { VaultWatch } from "./vault-changes.ts";

/** A step of the demo, as it went. */
export interface DemoStep {
  readonly title: string;
  readonly result: string;
  /** What appeared in and went from Vault, a line each. */
  readonly vault: readonly string[];
  readonly vaultCalls: number;
  readonly milliseconds: number;
}

/**
 * Drives the MCP SDK's own client, unchanged, through everything that a real one does: being refused, discovery,
 * registration, login, the tool, a refresh, a revocation.
 */
export async function walkThrough(
  emulator: PangeaEmulator,
  baseUrl: string,
  repositories: ProviderRepositories,
): Promise<DemoStep[]> {
  const steps: DemoStep[] = [];
  const watch = new VaultWatch(emulator, repositories);
  await watch.changes();
  const step = async <T>(title: string, act: () => Promise<T>, describe: (outcome: T) => string): Promise<T> => {
    const started = performance.now();
    const outcome = await act();
    const milliseconds = performance.now() - started;
    const { written, removed, calls } = await watch.changes();
    const vault = [...written.map((item) => `+ ${item}`), ...removed.map((item) => `- ${item}`)];
    steps.push({ title, result: describe(outcome), vault, vaultCalls: calls, milliseconds });
    return outcome;
  };

  const endpoint = new URL(`${baseUrl}/mcp`);
  const oauthClient = new DemoOAuthClient();
  const connect = async (): Promise<Client> => {
    const client = new Client({ name: "demo", version: "1.0.0" });
    await client.connect(new StreamableHTTPClientTransport(endpoint, { authProvider: oauthClient }));
    return client;
  };
  const whoami = async (client: Client): Promise<string> => {
    const { content } = await client.callTool({ name: "whoami" });
    const [part] = Array.isArray(content) ? content : [];
    if (part?.type !== "text") throw new Error("The tool gave no text.");
    return part.text;
  };

  await step(
    "A stranger asks for the tools",
    () => fetch(endpoint, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }),
    (response) => `refused: ${response.status} ${response.statusText}`,
  );
  await step(
    "An MCP client connects: it discovers\nthe login and registers itself",
    async () => {
      await connect().then(
        () => Promise.reject(new Error("The client got in without a login.")),
        (error: unknown) => (error instanceof UnauthorizedError ? undefined : Promise.reject(error)),
      );
      return expectUrl(oauthClient.authorizationUrl);
    },
    () => "asks for the user's browser",
  );
  const callback = await step(
    "The user allows the client on the consent\npage, and logs in at Pangea AuthN",
    () =>
      new BrowserSession().login(expectUrl(oauthClient.authorizationUrl), {
        username: defaultEmulatorUser.username,
        password: defaultEmulatorPassword,
      }),
    () => "back at the client with a code",
  );
  await step(
    "The client redeems the code",
    () =>
      new StreamableHTTPClientTransport(endpoint, { authProvider: oauthClient }).finishAuth(
        callback.searchParams.get("code") ?? "",
      ),
    () => "access and refresh token",
  );
  const client = await step(
    "The client connects again",
    () => connect(),
    () => "welcome",
  );
  await step(
    "It calls the tool whoami",
    () => whoami(client),
    (text) => text.replace(", ", ",\n"),
  );
  await step(
    "It refreshes its tokens",
    () => postToken(baseUrl, oauthClient),
    (tokens) => {
      oauthClient.saveTokens(tokens);
      return "new access and refresh token";
    },
  );
  await step(
    "It logs out: revokes its grant",
    () => revoke(baseUrl, oauthClient),
    () => "this login is gone",
  );
  await step(
    "The revoked token is tried once more",
    () => fetch(endpoint, { method: "POST", headers: bearer(oauthClient), body: "{}" }),
    (response) => `refused: ${response.status} ${response.statusText}`,
  );
  await client.close();
  return steps;
}

function bearer(client: DemoOAuthClient): Record<string, string> {
  return { "content-type": "application/json", authorization: `Bearer ${client.tokens()?.access_token}` };
}

async function postToken(baseUrl: string, client: DemoOAuthClient) {
  const response = await fetch(`${baseUrl}/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      client_id: client.clientInformation()?.client_id ?? "",
      refresh_token: client.tokens()?.refresh_token ?? "",
    }),
  });
  if (!response.ok) throw new Error(`The refresh was refused with status ${response.status}.`);
  return OAuthTokensSchema.parse(await response.json());
}

async function revoke(baseUrl: string, client: DemoOAuthClient): Promise<void> {
  const response = await fetch(`${baseUrl}/revoke`, {
    method: "POST",
    body: new URLSearchParams({
      client_id: client.clientInformation()?.client_id ?? "",
      token: client.tokens()?.refresh_token ?? "",
    }),
  });
  if (!response.ok) throw new Error(`The revocation was refused with status ${response.status}.`);
}

function expectUrl(url: URL | undefined): URL {
  if (url === undefined) throw new Error("The client did not ask for a login.");
  return url;
}
