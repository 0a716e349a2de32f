import { Agent } from "node:http";
import { FastMCP } from "fastmcp";
import { OAuthProvider } from "fastmcp/auth";
import { jsonOf } from "../../test/support/json-of.ts";
import {
  authorizationUrl,
  clientMetadata,
  fieldOf,
  listen,
  type MeasuredServer,
  redeem,
  redirectUri,
  refreshing,
  type Tokens,
} from "./measured-server.ts";
import { newPkce, send } from "./sent.ts";

/** It would write a line for every request. */
const silent = { debug: ignore, error: ignore, info: ignore, log: ignore, warn: ignore };

function ignore(): void {}

/**
 * FastMCP's OAuthProxy on FastMCP's own server, with its state in memory and its consent page. The upstream answers in this
 * process, and what it is asked by `fetch` is stubbed. A refresh goes upstream each time: its stub's part is a few
 * microseconds.
 */
export async function fastmcpProxy(): Promise<MeasuredServer> {
  // FastMCP does not say which port it was given.
  const free = await listen(ignore);
  const { origin } = free;
  await free.close();
  const upstream = "https://login.example.org";
  const auth = new OAuthProvider({
    baseUrl: origin,
    clientId: "app",
    clientSecret: "secret",
    authorizationEndpoint: `${upstream}/authorize`,
    tokenEndpoint: `${upstream}/token`,
    scopes: ["user"],
    allowedRedirectUriPatterns: [redirectUri],
  });
  const server = new FastMCP({ name: "flows", version: "1.0.0", logger: silent, auth });
  const port = Number(new URL(origin).port);
  await server.start({ transportType: "httpStream", httpStream: { host: "127.0.0.1", port, stateless: true } });
  const agent = new Agent({ keepAlive: true });
  const stub = stubFetch(`${upstream}/token`);
  const registered = await fetch(`${origin}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(clientMetadata),
  });
  const { client_id, client_secret } = await jsonOf(registered);
  const client = { client_id, ...(typeof client_secret === "string" && { client_secret }) };
  const tokenEndpoint = `${origin}/oauth/token`;
  const logIn = async (): Promise<Tokens> => {
    const { verifier, challenge } = newPkce();
    const page = await send(agent, authorizationUrl(`${origin}/oauth/authorize`, client_id, challenge));
    const decided = await send(agent, new URL(`${origin}/oauth/consent`), {
      form: { transaction_id: fieldOf(page.body, "transaction_id"), action: "approve" },
      cookies: page.cookies,
    });
    const state = new URL(decided.location).searchParams.get("state") ?? "";
    const callback = new URL(`${origin}/oauth/callback?${new URLSearchParams({ code: "code", state })}`);
    const returned = await send(agent, callback, { cookies: decided.cookies });
    return redeem(agent, tokenEndpoint, client, returned.location, verifier);
  };
  return {
    ...refreshing(agent, tokenEndpoint, client, logIn),
    [Symbol.asyncDispose]: async () => {
      stub[Symbol.dispose]();
      agent.destroy();
      await server.stop();
    },
  };
}

/** Answers what is sent to the upstream's token endpoint; everything else goes where it is sent to. */
function stubFetch(tokenEndpoint: string): Disposable {
  const network = globalThis.fetch;
  const tokens = { access_token: "upstream", refresh_token: "upstream", expires_in: 86_400, token_type: "Bearer" };
  globalThis.fetch = async (input, init) =>
    String(input instanceof Request ? input.url : input) === tokenEndpoint
      ? Response.json(tokens)
      : network(input, init);
  return {
    [Symbol.dispose]: () => {
      globalThis.fetch = network;
    },
  };
}
