import { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { RateLimitedRoute } from "../configuration/options.ts";
import { reportFailure } from "../oauth-failure.ts";
import type { AuthorizationEndpoint } from "./authorization-endpoint.ts";
import { authorizationServerMetadata, protectedResourceMetadata, wellKnownUrl } from "./metadata.ts";
import { RateLimits } from "./rate-limits.ts";
import type { RegistrationEndpoint } from "./registration-endpoint.ts";
import { jsonResponse, metadataResponse, oauthErrorResponse, preflightResponse } from "./responses.ts";
import type { TokenEndpoint } from "./token-endpoint.ts";

interface Route {
  readonly methods: readonly string[];
  /** Whether scripts of other origins may call it. Never the pages that a browser visits. */
  readonly crossOrigin: boolean;
  /** The rate limits that count here. */
  readonly limit?: RateLimitedRoute;
  readonly respond: (request: Request) => Promise<Response> | Response;
}

/** The authorization server's routes, by path. Which host a request names plays no part: the configuration decides. */
export class Router {
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #authorization: AuthorizationEndpoint;
  readonly #rateLimits: RateLimits;

  constructor(
    configuration: ProviderConfiguration,
    endpoints: {
      readonly authorization: AuthorizationEndpoint;
      readonly token: TokenEndpoint;
      readonly registration: RegistrationEndpoint;
    },
  ) {
    const { baseUrl, issuer, resource } = configuration;
    const { authorization, token, registration } = endpoints;
    const document = (content: Record<string, unknown>): Route => ({
      methods: ["GET"],
      crossOrigin: true,
      respond: () => metadataResponse(content),
    });
    const page = (methods: readonly string[], respond: Route["respond"]): Route => ({
      methods,
      crossOrigin: false,
      limit: "authorize",
      respond,
    });
    const api = (limit: RateLimitedRoute, respond: Route["respond"]): Route => ({
      methods: ["POST"],
      crossOrigin: true,
      limit,
      respond,
    });
    const serverMetadata = document(authorizationServerMetadata(configuration));
    const resourceMetadata = document(protectedResourceMetadata(configuration));
    const below = new URL(baseUrl).pathname.replace(/\/$/, "");
    const routes: [string, Route][] = [
      ...metadataPaths(issuer, baseUrl).map((path): [string, Route] => [path, serverMetadata]),
      [new URL(wellKnownUrl(baseUrl, "oauth-protected-resource")).pathname, resourceMetadata],
      [new URL(wellKnownUrl(resource, "oauth-protected-resource")).pathname, resourceMetadata],
      [`${below}/authorize`, page(["GET", "POST"], (request) => authorization.authorize(request))],
      [`${below}/consent`, page(["POST"], (request) => authorization.decide(request))],
      [`${below}/pangea/callback`, page(["GET"], (request) => authorization.callback(request))],
      [`${below}/token`, api("token", (request) => token.token(request))],
    ];
    if (configuration.registration.enabled) {
      routes.push([`${below}/register`, api("register", (request) => registration.register(request))]);
    }
    if (configuration.revocationEnabled) {
      routes.push([`${below}/revoke`, api("revoke", (request) => token.revoke(request))]);
    }
    this.#routes = new Map(routes);
    this.#authorization = authorization;
    this.#rateLimits = new RateLimits(configuration.rateLimits);
  }

  /** True for a path that this server answers. */
  serves(path: string): boolean {
    return this.#routes.has(path);
  }

  /** Answers a request: never rejects, and never with anything of what went wrong inside. */
  async respond(request: Request, caller: string | undefined): Promise<Response> {
    const route = this.#routes.get(new URL(request.url).pathname);
    if (route === undefined) return jsonResponse({ error: "not_found" }, { status: 404 });
    if (request.method === "OPTIONS" && route.crossOrigin) return preflightResponse(route.methods);
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (!route.methods.includes(method)) {
      const error = new OAuthError("method_not_allowed", `Use ${route.methods.join(" or ")}.`);
      const response = oauthErrorResponse(error, { allow: route.methods.join(", ") });
      if (!route.crossOrigin) response.headers.delete("access-control-allow-origin");
      return response;
    }
    try {
      if (route.limit !== undefined) await this.#rateLimits.count(route.limit, caller);
      return await route.respond(request);
    } catch (failure) {
      return route.crossOrigin ? oauthErrorResponse(reportFailure(failure)) : this.#authorization.showError(failure);
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
