import type { RequestListener } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { mcp } from "better-auth/plugins";
import { jsonOf } from "../../test/support/json-of.ts";
import {
  authorizationUrl,
  clientMetadata,
  listen,
  type MeasuredServer,
  redeem,
  refreshing,
  type Tokens,
} from "./measured-server.ts";
import { newPkce, send } from "./sent.ts";

/** Its store in memory is a list that is searched from its start: longer than this, the search would be measured. */
const mostRows = 100;

/**
 * better-auth with its MCP plugin and its store in memory. Its user has a session already, so a login is one request of the
 * browser, without a page and an upstream, and one for the tokens. An ID token is made for every code, asked for or not.
 * Refresh tokens do not rotate: a refresh adds another and leaves the old one.
 */
export async function betterAuthMcp(): Promise<MeasuredServer> {
  let listener: RequestListener = () => undefined;
  const { origin, close, agent } = await listen((request, response) => listener(request, response));
  const tables = ["user", "session", "account", "verification", "oauthApplication", "oauthAccessToken", "oauthConsent"];
  const store: Record<string, unknown[]> = Object.fromEntries(tables.map((table) => [table, []]));
  const auth = betterAuth({
    baseURL: origin,
    secret: "a secret of the flows' benchmark, of 32 characters or more",
    database: memoryAdapter(store),
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    plugins: [mcp({ loginPage: "/sign-in", oidcConfig: { loginPage: "/sign-in", scopes: ["user"] } })],
  });
  listener = toNodeHandler(auth);
  const base = `${origin}/api/auth`;
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(`${base}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin },
      body: JSON.stringify(body),
    });
  const signedUp = await post("/sign-up/email", {
    name: "Ada Lovelace",
    email: "ada@example.org",
    password: "a password of ada's",
  });
  const session = new Map(
    signedUp.headers.getSetCookie().map((line) => {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      return [name, value] as const;
    }),
  );
  const { client_id: clientId } = await jsonOf(await post("/mcp/register", clientMetadata));
  const tokenEndpoint = `${base}/mcp/token`;
  const client = { client_id: clientId };
  const scope = "user offline_access";
  const logIn = async (): Promise<Tokens> => {
    shorten(store);
    const { verifier, challenge } = newPkce();
    const authorized = await send(agent, authorizationUrl(`${base}/mcp/authorize`, clientId, challenge, scope), {
      cookies: session,
    });
    return redeem(agent, tokenEndpoint, client, authorized.location, verifier);
  };
  const { refresh } = refreshing(agent, tokenEndpoint, client, logIn);
  return {
    logIn,
    refresh: () => {
      shorten(store);
      return refresh();
    },
    [Symbol.asyncDispose]: close,
  };
}

function shorten(store: Record<string, unknown[]>): void {
  for (const rows of Object.values(store)) if (rows.length > mostRows) rows.splice(0, rows.length - mostRows / 2);
}
