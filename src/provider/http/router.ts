import { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { RateLimitedRoute } from "../configuration/request-limit-options.ts";
import type { KeyAnnouncements } from "../keys/key-announcements.ts";
import { pathBelow, paths, wellKnownUrl } from "../oauth/paths.ts";
import type { Reporter, RequestRoute } from "../reporting/reporter.ts";
import type { AccountEndpoint } from "./account-endpoint.ts";
import type { Admission } from "./admission.ts";
import type { Answer } from "./answer.ts";
import type { AuthorizationEndpoint } from "./authorization-endpoint.ts";
import type { ErrorAnswers } from "./error-answers.ts";
import { authorizationServerMetadata, openIdMetadata, protectedResourceMetadata } from "./metadata.ts";
import type { MountWatch } from "./mount-watch.ts";
import type { RateLimits } from "./rate-limits.ts";
import {
  mcpMethods,
  metadataAnswer,
  notFoundAnswer,
  oauthErrorAnswer,
  plainAnswer,
  preflightAnswer,
} from "./responses.ts";
import type { TokenEndpoint } from "./token-endpoint.ts";

type Respond = (request: Request, caller: string | undefined) => Promise<Answer> | Answer;

interface Route {
  readonly methods: readonly string[];
  /** What events call it; undefined for documents. */
  readonly name?: RequestRoute;
  /** Whether scripts of other origins may call it. Never the pages that a browser visits. */
  readonly crossOrigin: boolean;
  /** The rate limits that count here. */
  readonly limit?: RateLimitedRoute;
  readonly respond: Respond;
  /** Shows a failure to a person, on a page that people visit. */
  readonly showError?: (request: Request, failure: unknown) => Answer | Promise<Answer>;
}

/** Where a login begins. The other requests are steps of one that has begun, or come from clients that have logged in. */
const beginners: readonly (RequestRoute | undefined)[] = ["authorize", "register"];

/** An endpoint that clients call. */
interface Api {
  readonly path: string;
  /** The name of its URL in the metadata (RFC 8414 section 2). */
  readonly name: `${string}_endpoint`;
  readonly limit: Exclude<RateLimitedRoute, "account" | "authorize" | "newClients">;
  readonly respond: Respond;
}

/** What the routes lead to. */
interface RouterParts {
  readonly authorization: AuthorizationEndpoint;
  /** What a browser gets where the authorization endpoint fails. */
  readonly errors: ErrorAnswers;
  /** Undefined where there is no account page. */
  readonly account: AccountEndpoint | undefined;
  readonly token: TokenEndpoint;
  readonly register: Respond;
  readonly announcements: KeyAnnouncements;
  readonly admission: Admission;
  readonly rateLimits: RateLimits;
  readonly reporter: Reporter;
  readonly watch: MountWatch;
  /** What is done beside the answers to requests. Never throws. */
  readonly background: () => void;
}

/** The authorization server's routes, by path. Which host a request names plays no part: the configuration decides. */
export class Router {
  readonly #routes: ReadonlyMap<string, Route>;
  /** The path of the MCP endpoint, whose preflights are answered here. */
  readonly #mcpPath: string;
  readonly #parts: RouterParts;

  constructor(configuration: ProviderConfiguration, parts: RouterParts) {
    const { baseUrl, issuer, registration, resource, revocationEnabled, upstreams } = configuration;
    const { account, authorization, errors, token, register } = parts;
    const document = (urls: readonly string[], content: Record<string, unknown>): [string, Route][] => {
      const respond = () => {
        parts.watch.found();
        return metadataAnswer(content);
      };
      // Clients put the path of the server at the end as they have it, with a slash where people have typed one.
      const places = urls.flatMap((url) => [new URL(url).pathname, `${new URL(url).pathname}/`]);
      return places.map((place) => [place, { methods: ["GET"], crossOrigin: true, respond }]);
    };
    // Requests that were under way at the same time have not seen each other's cookies, and together they may be too long.
    const trimmed = async (request: Request, answer: Answer | Promise<Answer>): Promise<Answer> => {
      const { cookies: changed = [], ...others } = await answer;
      const cookies = changed.length > 0 ? changed : authorization.trimmedCookies(request);
      return cookies.length === 0 ? others : { ...others, cookies };
    };
    const page = (
      name: "authorize" | "consent" | "callback",
      url: string,
      methods: readonly string[],
      respond: Respond,
    ): [string, Route] => {
      const showError = (request: Request, failure: unknown) =>
        trimmed(
          request,
          name === "callback" && account?.hasBegun(request)
            ? account.showError(failure)
            : errors.showFailure(name, failure),
        );
      const trimming: Respond = (request, caller) => trimmed(request, respond(request, caller));
      const common = { name, methods, crossOrigin: false, limit: "authorize" } as const;
      return [new URL(url).pathname, { ...common, respond: trimming, showError }];
    };
    const accountPage = (endpoint: AccountEndpoint): Route => ({
      name: "account",
      methods: ["GET", "POST"],
      crossOrigin: false,
      limit: "account",
      respond: (request) => trimmed(request, endpoint.respond(request)),
      showError: (request, failure) => trimmed(request, endpoint.showError(failure)),
    });
    const apis: Api[] = [
      { path: paths.token, name: "token_endpoint", limit: "token", respond: (request) => token.token(request) },
    ];
    if (registration.enabled) {
      apis.push({ path: paths.register, name: "registration_endpoint", limit: "register", respond: register });
    }
    if (revocationEnabled) {
      const respond = (request: Request) => token.revoke(request);
      apis.push({ path: paths.revoke, name: "revocation_endpoint", limit: "revoke", respond });
    }
    const announced = Object.fromEntries(apis.map(({ name, path }) => [name, baseUrl + path]));
    const metadata = authorizationServerMetadata(configuration, announced);
    this.#routes = new Map<string, Route>([
      ...document(metadataUrls([issuer, baseUrl], "oauth-authorization-server"), metadata),
      ...document(metadataUrls([issuer, baseUrl], "openid-configuration"), openIdMetadata(configuration, metadata)),
      ...document([baseUrl + paths.keys], { keys: [] }),
      ...document(
        [baseUrl, resource].map((url) => wellKnownUrl(url, "oauth-protected-resource")),
        protectedResourceMetadata(configuration),
      ),
      page("authorize", baseUrl + paths.authorize, ["GET", "POST"], (request) => authorization.authorize(request)),
      page("consent", baseUrl + paths.consent, ["POST"], (request) => authorization.decide(request)),
      ...upstreams.all.map((upstream) =>
        page("callback", upstreams.callbackUrl(upstream), ["GET"], (request) =>
          account?.hasBegun(request)
            ? account.callback(request, upstream.id)
            : authorization.callback(request, upstream.id),
        ),
      ),
      ...(account === undefined ? [] : ([[pathBelow(baseUrl) + paths.account, accountPage(account)]] as const)),
      ...apis.map(({ path, limit, respond }): [string, Route] => [
        pathBelow(baseUrl) + path,
        { name: limit, methods: ["POST"], crossOrigin: true, limit, respond },
      ]),
    ]);
    this.#mcpPath = new URL(resource).pathname;
    this.#parts = parts;
  }

  /** True for a path that this server answers. At the MCP endpoint that is a preflight and nothing else. */
  serves(path: string, method = "GET"): boolean {
    if (this.#routes.has(path)) return true;
    if (path === this.#mcpPath) {
      this.#parts.watch.mounted();
      return method === "OPTIONS";
    }
    if (typeof path === "string") this.#parts.watch.unserved(path);
    return false;
  }

  /** Answers a request: never rejects, and never with anything of what went wrong inside. */
  async respond(request: Request, caller: string | undefined): Promise<Answer> {
    try {
      return await this.#respond(request, caller);
    } catch (failure) {
      // Not even the page of an error could be shown: its file could not be read, or a hook of the options threw.
      return plainAnswer(this.#parts.reporter.failure(failure));
    }
  }

  async #respond(request: Request, caller: string | undefined): Promise<Answer> {
    const { admission, announcements, background, errors, rateLimits, reporter } = this.#parts;
    const path = new URL(request.url).pathname;
    const route = this.#routes.get(path);
    const preflight = (methods: readonly string[]) =>
      preflightAnswer(methods, request.headers.get("access-control-request-headers"));
    if (route === undefined) {
      return this.serves(path, request.method) ? preflight(mcpMethods) : notFoundAnswer();
    }
    if (request.method === "OPTIONS" && route.crossOrigin) return preflight(route.methods);
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (!route.methods.includes(method)) {
      const error = new OAuthError("method_not_allowed", `Use ${route.methods.join(" or ")}.`);
      const answer = oauthErrorAnswer(error, { allow: route.methods.join(", ") });
      if (route.crossOrigin) return answer;
      const { "access-control-allow-origin": _, ...headers } = answer.headers;
      return { ...answer, headers };
    }
    try {
      background();
      if (route.limit !== undefined) {
        await rateLimits.count(route.limit, caller);
        const refusal = await admission.enter(beginners.includes(route.name) ? "begins" : "continues");
        if (refusal !== undefined) return route.crossOrigin ? oauthErrorAnswer(refusal) : errors.show(refusal);
        await announcements.ready();
      }
      return await route.respond(request, caller);
    } catch (failure) {
      const { name = "authorize", showError } = route;
      if (showError === undefined) return oauthErrorAnswer(reporter.refusal(name, failure));
      // Where the store does not say who has the key, that failure is what there is to tell.
      const explained = announcements.explain(failure, "invalid_request").catch((other: unknown) => other);
      return showError(request, await explained);
    }
  }
}

/** Every place where a client may look for the metadata: RFC 8414 inserts the path, OpenID Connect appends it. */
function metadataUrls(urls: readonly string[], suffix: string): string[] {
  return urls.flatMap((url) => [wellKnownUrl(url, suffix), `${url.replace(/\/$/, "")}/.well-known/${suffix}`]);
}
