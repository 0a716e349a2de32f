import { OAuthError } from "../errors.ts";
import type { ClientRegistry } from "../provider/client-registry.ts";
import type { ProviderConfiguration } from "../provider/configuration.ts";
import { toOAuthError } from "../provider/oauth-failure.ts";
import type { AuthorizationEndpoint } from "./authorization-endpoint.ts";
import { authorizationServerMetadata, protectedResourceMetadata, wellKnownUrl } from "./metadata.ts";
import { readJson } from "./request-body.ts";
import { jsonResponse, metadataResponse, oauthErrorResponse, preflightResponse } from "./responses.ts";
import type { TokenEndpoint } from "./token-endpoint.ts";

interface Route {
  readonly methods: readonly string[];
  /** Whether scripts of other origins may call it. Never the pages that a browser visits. */
  readonly crossOrigin: boolean;
  readonly respond: (request: Request) => Promise<Response> | Response;
}

/** The authorization server's routes, by path. Which host a request names plays no part: the configuration decides. */
export class Router {
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(
    configuration: ProviderConfiguration,
    registry: ClientRegistry,
    authorization: AuthorizationEndpoint,
    token: TokenEndpoint,
  ) {
    const { baseUrl, issuer, resource } = configuration;
    const get = (respond: Route["respond"]): Route => ({ methods: ["GET"], crossOrigin: true, respond });
    const post = (respond: Route["respond"]): Route => ({ methods: ["POST"], crossOrigin: true, respond });
    const serverMetadata = get(() => metadataResponse(authorizationServerMetadata(configuration)));
    const resourceMetadata = get(() => metadataResponse(protectedResourceMetadata(configuration)));
    const below = new URL(baseUrl).pathname.replace(/\/$/, "");
    const routes: [string, Route][] = [
      ...metadataPaths(issuer, baseUrl).map((path): [string, Route] => [path, serverMetadata]),
      [new URL(wellKnownUrl(baseUrl, "oauth-protected-resource")).pathname, resourceMetadata],
      [new URL(wellKnownUrl(resource, "oauth-protected-resource")).pathname, resourceMetadata],
      [
        `${below}/authorize`,
        { methods: ["GET", "POST"], crossOrigin: false, respond: (request) => authorization.authorize(request) },
      ],
      [
        `${below}/pangea/callback`,
        { methods: ["GET"], crossOrigin: false, respond: (request) => authorization.callback(request) },
      ],
      [
        `${below}/consent`,
        { methods: ["POST"], crossOrigin: false, respond: (request) => authorization.decide(request) },
      ],
      [`${below}/token`, post((request) => token.token(request))],
    ];
    if (configuration.registration.enabled) {
      routes.push([`${below}/register`, post((request) => register(registry, request))]);
    }
    if (configuration.revocationEnabled) routes.push([`${below}/revoke`, post((request) => token.revoke(request))]);
    this.#routes = new Map(routes);
  }

  /** True for a path that this server answers. */
  serves(path: string): boolean {
    return this.#routes.has(path);
  }

  /** Answers a request: never rejects, and never with anything of what went wrong inside. */
  async respond(request: Request): Promise<Response> {
    try {
      const route = this.#routes.get(new URL(request.url).pathname);
      if (route === undefined) return jsonResponse({ error: "not_found" }, { status: 404 });
      if (request.method === "OPTIONS" && route.crossOrigin) return preflightResponse(route.methods);
      const method = request.method === "HEAD" ? "GET" : request.method;
      if (!route.methods.includes(method)) {
        const error = new OAuthError("method_not_allowed", `Use ${route.methods.join(" or ")}.`);
        return oauthErrorResponse(error, { allow: route.methods.join(", ") });
      }
      return await route.respond(request);
    } catch (failure) {
      return oauthErrorResponse(toOAuthError(failure));
    }
  }
}

/** Every place where a client may look for the metadata: RFC 8414 inserts the path, OpenID Connect appends it. */
function metadataPaths(issuer: string, baseUrl: string): string[] {
  const suffixes = ["oauth-authorization-server", "openid-configuration"];
  return [...new Set([issuer, baseUrl])].flatMap((url) =>
    suffixes.flatMap((suffix) => [
      new URL(wellKnownUrl(url, suffix)).pathname,
      `${new URL(url).pathname.replace(/\/$/, "")}/.well-known/${suffix}`,
    ]),
  );
}

/** `POST /register` (RFC 7591). */
async function register(registry: ClientRegistry, request: Request): Promise<Response> {
  try {
    return jsonResponse(await registry.register(await readJson(request)), { status: 201 });
  } catch (failure) {
    const error = toOAuthError(failure);
    // RFC 7591 section 3.2.2 has its own name for a request that it cannot take.
    if (error.error !== "invalid_request") return oauthErrorResponse(error);
    return oauthErrorResponse(new OAuthError("invalid_client_metadata", error.message, { status: error.status }));
  }
}
