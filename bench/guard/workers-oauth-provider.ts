import { createHash } from "node:crypto";
import { importWorkersOAuthProvider, workerEnvironment } from "../workers-oauth-provider.ts";

const redirectUri = "http://localhost:4000/callback";
const codeVerifier = "a-code-verifier-that-has-forty-three-characters-or-more";

/** The guard of `@cloudflare/workers-oauth-provider` in Node, with a Map in place of Workers KV, and a token of its. */
export async function workersOAuthProvider(
  origin: string,
  api: (request: Request) => Promise<Response>,
): Promise<{ readonly fetch: (request: Request) => Promise<Response>; readonly token: string }> {
  const { OAuthProvider, getOAuthApi } = await importWorkersOAuthProvider();
  const options = {
    apiRoute: "/mcp",
    apiHandler: { fetch: api },
    defaultHandler: { fetch: async () => new Response("Not found", { status: 404 }) },
    authorizeEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    scopesSupported: ["user"],
    accessTokenTTL: 86_400,
    resourceMetadata: { resource: `${origin}/mcp` },
  };
  const provider = new OAuthProvider(options);
  const { env, context } = workerEnvironment();
  const fetch = (request: Request): Promise<Response> =>
    Reflect.apply(provider.fetch, provider, [request, env, context]);

  const helpers: ReturnType<typeof getOAuthApi> = Reflect.apply(getOAuthApi, undefined, [options, env]);
  const client = await helpers.createClient({ redirectUris: [redirectUri], tokenEndpointAuthMethod: "none" });
  const authorization = new URLSearchParams({
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scope: "user",
    state: "state",
    code_challenge: createHash("sha256").update(codeVerifier).digest("base64url"),
    code_challenge_method: "S256",
    resource: `${origin}/mcp`,
  });
  const request = await helpers.parseAuthRequest(new Request(`${origin}/authorize?${authorization}`));
  const { redirectTo } = await helpers.completeAuthorization({
    request,
    userId: "ada",
    metadata: {},
    scope: ["user"],
    props: { userId: "ada" },
  });
  const answer = await fetch(
    new Request(`${origin}/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: new URL(redirectTo).searchParams.get("code") ?? "",
        client_id: client.clientId,
        redirect_uri: redirectUri,
        code_verifier: codeVerifier,
        resource: `${origin}/mcp`,
      }),
    }),
  );
  const tokens: unknown = await answer.json();
  if (typeof tokens !== "object" || tokens === null || !("access_token" in tokens)) {
    throw new Error(`A token was expected and this came: ${JSON.stringify(tokens)}`);
  }
  return { fetch, token: String(tokens.access_token) };
}
