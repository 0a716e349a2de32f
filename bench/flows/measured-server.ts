import { once } from "node:events";
import { Agent, createServer, type RequestListener } from "node:http";
import { send } from "./sent.ts";

/** What a login ends with. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** An authorization server whose flows are measured. */
export interface MeasuredServer extends AsyncDisposable {
  /** A whole login: from the first request of the browser to the code's tokens. */
  logIn(): Promise<Tokens>;
  /** A refresh with the token of the one before. */
  refresh(): Promise<void>;
}

/** Where every client is called back. */
export const redirectUri = "http://127.0.0.1:4999/callback";

/** What a client registers with. */
export const clientMetadata = {
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: "none",
  client_name: "Client",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
};

/** A server of this process that listens, and an agent whose connections stay open. */
export async function listen(listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const agent = new Agent({ keepAlive: true });
  const close = async (): Promise<void> => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { origin: `http://127.0.0.1:${port}`, close, agent };
}

/** Where a client sends the browser to. */
export function authorizationUrl(endpoint: string, clientId: string, challenge: string, scope = "user"): URL {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "state",
  });
  return new URL(`${endpoint}?${query}`);
}

/** The tokens of the code that the browser has brought back. */
export async function redeem(
  agent: Agent,
  endpoint: string,
  client: Readonly<Record<string, string>>,
  location: string,
  verifier: string,
): Promise<Tokens> {
  const form = {
    grant_type: "authorization_code",
    ...client,
    code: new URL(location).searchParams.get("code") ?? "",
    redirect_uri: redirectUri,
    code_verifier: verifier,
  };
  return tokensOf(await send(agent, new URL(endpoint), { form }));
}

/** Logs in with the first refresh: oidc-provider's store keeps the thousand records that were used last. */
export function refreshing(
  agent: Agent,
  endpoint: string,
  client: Readonly<Record<string, string>>,
  logIn: () => Promise<Tokens>,
): Pick<MeasuredServer, "logIn" | "refresh"> {
  let token: string | undefined;
  const refresh = async (): Promise<void> => {
    token ??= (await logIn()).refresh_token;
    const form = { grant_type: "refresh_token", ...client, refresh_token: token };
    ({ refresh_token: token } = tokensOf(await send(agent, new URL(endpoint), { form })));
  };
  return { logIn, refresh };
}

/** The value of a hidden field of a page. */
export function fieldOf(page: string, name: string): string {
  const value = new RegExp(`name="${name}" value="([^"]+)"`).exec(page)?.[1];
  if (value === undefined) throw new Error(`A page with a field "${name}" was expected and this came: ${page}`);
  return value;
}

function tokensOf({ status, body }: { readonly status: number; readonly body: string }): Tokens {
  if (status !== 200) throw new Error(`Tokens were expected and this came: ${status} ${body}`);
  const tokens: Tokens = JSON.parse(body);
  if (typeof tokens.refresh_token !== "string") throw new Error("There is no refresh token.");
  return tokens;
}
