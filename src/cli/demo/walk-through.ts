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
  const step = async <T>(title: string, act: () => Promise<T>, result: string | ((outcome: T) => string)) => {
    const started = performance.now();
    const outcome = await act();
    const milliseconds = performance.now() - started;
    const { made, rewritten, removed, calls } = await watch.changes();
    const marked = (mark: string, items: readonly string[]) => items.map((item) => `${mark} ${item}`);
    const vault = [...marked("+", made), ...marked("~", rewritten), ...marked("-", removed)];
    const described = typeof result === "string" ? result : result(outcome);
    steps.push({ title, result: described, vault, vaultCalls: calls, milliseconds });
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

  const post = (headers: Record<string, string>) =>
    fetch(endpoint, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: "{}" });
  const refusal = ({ status, statusText }: Response) => `refused: ${status} ${statusText}`;

  await step("A stranger asks for the tools", () => post({}), refusal);
  await step(
    "An MCP client connects: it discovers the login and registers itself",
    async () => {
      await connect().then(
        () => Promise.reject(new Error("The client got in without a login.")),
        (error: unknown) => (error instanceof UnauthorizedError ? undefined : Promise.reject(error)),
      );
    },
    "asks for the user's browser",
  );
  const callback = await step(
    "The user allows the client on the consent page, and logs in at Pangea AuthN",
    () => {
      const { username, password = defaultEmulatorPassword } = defaultEmulatorUser;
      const { authorizationUrl } = oauthClient;
      if (authorizationUrl === undefined) throw new Error("The client did not ask for a login.");
      return new BrowserSession().login(authorizationUrl, { username, password });
    },
    "back at the client with a code",
  );
  await step(
    "The client redeems the code",
    () => {
      const transport = new StreamableHTTPClientTransport(endpoint, { authProvider: oauthClient });
      return transport.finishAuth(callback.searchParams.get("code") ?? "");
    },
    "access and refresh token",
  );
  const client = await step("The client connects again", connect, "welcome");
  await step(
    "It calls the tool whoami",
    () => whoami(client),
    (text) => text,
  );
  await step("It refreshes its tokens", () => refresh(baseUrl, oauthClient), "new access and refresh token");
  await step("It logs out: revokes its grant", () => revoke(baseUrl, oauthClient), "this login is gone");
  const revoked = { authorization: `Bearer ${oauthClient.tokens()?.access_token}` };
  await step("The revoked token is tried once more", () => post(revoked), refusal);
  await client.close();
  return steps;
}

async function refresh(baseUrl: string, client: DemoOAuthClient): Promise<void> {
  const refreshToken = client.tokens()?.refresh_token ?? "";
  const reply = await postForm(`${baseUrl}/token`, client, {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
  });
  client.saveTokens(OAuthTokensSchema.parse(await reply.json()));
}

async function revoke(baseUrl: string, client: DemoOAuthClient): Promise<void> {
  await postForm(`${baseUrl}/revoke`, client, { token: client.tokens()?.refresh_token ?? "" });
}

async function postForm(url: string, client: DemoOAuthClient, fields: Record<string, string>): Promise<Response> {
  const body = new URLSearchParams({ client_id: client.clientInformation()?.client_id ?? "", ...fields });
  const response = await fetch(url, { method: "POST", body });
  if (!response.ok) throw new Error(`${new URL(url).pathname} was refused with status ${response.status}.`);
  return response;
}
