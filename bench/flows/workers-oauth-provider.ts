import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { importWorkersOAuthProvider, workerEnvironment } from "../workers-oauth-provider.ts";
import {
  authorizationUrl,
  listen,
  type MeasuredServer,
  redeem,
  redirectUri,
  refreshing,
  type Tokens,
} from "./measured-server.ts";
import { newPkce, send } from "./sent.ts";

/**
 * `@cloudflare/workers-oauth-provider` in Node.js, with a Map in place of Workers KV. The page that allows a client is the
 * application's there: here it says yes at once, so a login is one request of the browser, without a page and an upstream, and
 * one for the tokens. Refresh tokens rotate.
 */
export async function workersOAuthProvider(): Promise<MeasuredServer> {
  let listener: RequestListener = () => undefined;
  const { origin, close, agent } = await listen((request, response) => listener(request, response));
  const { OAuthProvider, getOAuthApi } = await importWorkersOAuthProvider();
  const { env, context } = workerEnvironment();
  const options = {
    apiRoute: "/mcp",
    apiHandler: { fetch: async () => new Response("pong") },
    defaultHandler: { fetch: allow },
    authorizeEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    scopesSupported: ["user"],
    accessTokenTTL: 3_600,
    refreshTokenTTL: 86_400,
    resourceMetadata: { resource: `${origin}/mcp` },
  };
  const provider = new OAuthProvider(options);
  const helpers: ReturnType<typeof getOAuthApi> = Reflect.apply(getOAuthApi, undefined, [options, env]);
  listener = getRequestListener((request) => Reflect.apply(provider.fetch, provider, [request, env, context]));

  async function allow(request: Request): Promise<Response> {
    const asked = await helpers.parseAuthRequest(request);
    const props = { userId: "ada" };
    const allowed = {
      request: asked,
      userId: "ada",
      metadata: {},
      scope: asked.scope,
      props,
      revokeExistingGrants: false,
    };
    const { redirectTo } = await helpers.completeAuthorization(allowed);
    return new Response(null, { status: 302, headers: { location: redirectTo } });
  }

  const { clientId } = await helpers.createClient({ redirectUris: [redirectUri], tokenEndpointAuthMethod: "none" });
  const tokenEndpoint = `${origin}/token`;
  const client = { client_id: clientId };
  const logIn = async (): Promise<Tokens> => {
    const { verifier, challenge } = newPkce();
    const authorized = await send(agent, authorizationUrl(`${origin}/authorize`, clientId, challenge));
    return redeem(agent, tokenEndpoint, client, authorized.location, verifier);
  };
  return { ...refreshing(agent, tokenEndpoint, client, logIn), [Symbol.asyncDispose]: close };
}
