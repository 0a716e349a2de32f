import { createHash } from "node:crypto";
import { registerHooks } from "node:module";

const redirectUri = "http://localhost:4000/callback";
const codeVerifier = "a-code-verifier-that-has-forty-three-characters-or-more";

/** The guard of `@cloudflare/workers-oauth-provider` in Node, with a Map in place of Workers KV, and a token of its. */
export async function workersOAuthProvider(
  origin: string,
  api: (request: Request) => Promise<Response>,
): Promise<{ readonly fetch: (request: Request) => Promise<Response>; readonly token: string }> {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers"
        ? { url: "data:text/javascript,export class WorkerEntrypoint {}", shortCircuit: true }
        : next(specifier, context),
  });
  const { OAuthProvider, getOAuthApi } = await import("@cloudflare/workers-oauth-provider");
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
  const env = { OAUTH_KV: new MapNamespace() };
  const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
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

/** Workers KV in a Map: what the provider calls of it. */
class MapNamespace {
  readonly #values = new Map<string, string>();

  async get(key: string, options?: { readonly type?: string }): Promise<unknown> {
    const value = this.#values.get(key);
    return value === undefined ? null : options?.type === "json" ? JSON.parse(value) : value;
  }

  async put(key: string, value: string): Promise<void> {
    this.#values.set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }

  async list({ prefix = "" } = {}) {
    const keys = [...this.#values.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name }));
    return { keys, list_complete: true };
  }
}
