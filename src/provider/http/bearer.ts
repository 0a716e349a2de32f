import { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { wellKnownUrl } from "../oauth/paths.ts";
import { isScope, requireScopesAmong } from "../oauth/scopes.ts";
import { invalidRequest } from "../oauth-failure.ts";
import { describeFailure } from "../reporting/failure-description.ts";
import type { AccessTokenVerifier, AuthInfo } from "../tokens/access-token-verifier.ts";
import { toResponse } from "./answer.ts";
import type { MountWatch } from "./mount-watch.ts";
import { mcpMethods, notFoundAnswer, oauthErrorAnswer, preflightAnswer } from "./responses.ts";

type BearerSettings = Pick<
  ProviderConfiguration,
  "reporter" | "requiredScopes" | "resource" | "scopeHierarchy" | "scopes"
>;

type Watch = Pick<MountWatch, "challenged" | "isElsewhere">;

/** What the guard reads of a request. */
export interface GuardedRequest {
  readonly headers: { get(name: string): string | null };
  /** Default: anything but `OPTIONS`. */
  readonly method?: string | undefined;
  /** The URL or its path. */
  readonly url?: string | undefined;
  /** Whether the guard stands before everything that a server has, and nothing but the MCP endpoint needs a token. */
  readonly isOfWholeServer?: boolean | undefined;
}

/** Guards requests to the MCP endpoint with bearer tokens (RFC 6750, RFC 9728). */
export class BearerGuard {
  readonly #settings: BearerSettings;
  readonly #verifier: AccessTokenVerifier;
  readonly #watch: Watch;

  constructor(settings: BearerSettings, verifier: AccessTokenVerifier, watch: Watch) {
    this.#settings = settings;
    this.#verifier = verifier;
    this.#watch = watch;
  }

  /**
   * Answers who is calling, or with the response that refuses the request: 401 `invalid_token`, 403
   * `insufficient_scope`, 400 `invalid_request`, or 503 where the store cannot answer. A preflight needs no token, and a
   * document that is not there is not hidden behind one.
   */
  async authenticate(
    { headers, method, url, isOfWholeServer }: GuardedRequest,
    requiredScopes: readonly string[] = this.#settings.requiredScopes,
  ): Promise<AuthInfo | Response> {
    if (method === "OPTIONS")
      return toResponse(preflightAnswer(mcpMethods, headers.get("access-control-request-headers")));
    // A browser looks for /favicon.ico. It is no client that has come to the wrong place, so nobody is told.
    if (isVisit(method, headers) && this.#watch.isElsewhere(url)) {
      if (isOfWholeServer === true) return toResponse(notFoundAnswer());
      return this.#challenge(unauthenticated, requiredScopes);
    }
    const answer = await this.#authenticate(headers, requiredScopes, url);
    const isRefused = answer instanceof Response && answer.status === 401;
    return isRefused && /^[^?#]*\/\.well-known\//.test(url ?? "") ? toResponse(notFoundAnswer()) : answer;
  }

  async #authenticate(
    headers: GuardedRequest["headers"],
    requiredScopes: readonly string[],
    url: string | undefined,
  ): Promise<AuthInfo | Response> {
    try {
      const token = bearerToken(headers.get("authorization"));
      // RFC 6750 section 3.1: a request without credentials is told how to get them, not what is wrong with them.
      if (token === undefined) {
        this.#watch.challenged(url, headers.get("x-forwarded-host") ?? headers.get("host"));
        return this.#challenge(unauthenticated, requiredScopes);
      }
      const { scopeHierarchy } = this.#settings;
      const found = this.#verifier.verify(token);
      const verified = found instanceof Promise ? await found : found;
      const lacking = scopeHierarchy.lacking(requiredScopes, verified.scopes);
      if (lacking.length > 0) {
        this.#tellOfUnknown(lacking);
        throw new OAuthError("insufficient_scope", "The access token lacks a scope that this request needs.", {
          // With those that it has: a client asks for what it reads here, and must not lose any.
          scopes: [...new Set([...verified.ownScopes, ...lacking])],
        });
      }
      return this.#verifier.authInfo(token, verified);
    } catch (failure) {
      return this.refusal(failure, requiredScopes);
    }
  }

  /** The response that a failure of `authenticate`, or of a tool that needs more scopes, gets. */
  refusal(failure: unknown, requiredScopes: readonly string[] = this.#settings.requiredScopes): Response {
    const { reporter } = this.#settings;
    const error = reporter.failure(failure);
    if (error.status < 500) reporter.tell("denied", { error: error.error, failure: describeFailure(failure) });
    const isChallenged = ["invalid_token", "insufficient_scope", "invalid_request"].includes(error.error);
    return isChallenged ? this.#challenge(error, error.scopes ?? requiredScopes) : toResponse(oauthErrorAnswer(error));
  }

  /** A scope that the server does not know is a mistake of the mount's: nobody can ever get it, which the operator has to read. */
  #tellOfUnknown(lacking: readonly string[]): void {
    const { reporter, scopes } = this.#settings;
    try {
      requireScopesAmong(scopes, "requiredScopes", lacking);
    } catch (failure) {
      reporter.failure(failure);
    }
  }

  #challenge(error: OAuthError, requiredScopes: readonly string[]): Response {
    const scopes = (requiredScopes.length > 0 ? requiredScopes : this.#settings.scopes).filter(isScope);
    const parts = [
      `error="${error.error}"`,
      `error_description="${quotable(error.message)}"`,
      ...(scopes.length > 0 ? [`scope="${scopes.join(" ")}"`] : []),
      `resource_metadata="${wellKnownUrl(this.#settings.resource, "oauth-protected-resource")}"`,
    ];
    return toResponse(oauthErrorAnswer(error, { "www-authenticate": `Bearer ${parts.join(", ")}` }));
  }
}

/** What a request without a token gets. The MCP SDK's clients look for the code, though there is nothing to refuse. */
const unauthenticated = new OAuthError("invalid_token", "Authentication is required.");

/** Whether a request is a browser's or a crawler's: without a token, and not for the events of an MCP server. */
function isVisit(method: string | undefined, headers: GuardedRequest["headers"]): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && headers.get("authorization") === null && !/text\/event-stream/i.test(headers.get("accept") ?? "");
}

/** A message of a tool's own, without what RFC 6750 section 3 forbids in an `error_description`. */
function quotable(message: string): string {
  return message.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]+/g, " ");
}

/**
 * Reads the token of an `Authorization: Bearer` header; undefined where there is none: no header, one of another scheme, or
 * one with nothing behind the scheme. Clients that have no token yet send that, and begin a login by the 401.
 *
 * @throws {OAuthError} with `invalid_request` for a header of another form.
 */
function bearerToken(authorization: string | null): string | undefined {
  if (authorization === null) return undefined;
  const match = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization.trim());
  if (match?.[1] !== undefined) return match[1];
  if (!/^Bearer\b/i.test(authorization.trim()) || /^Bearer$/i.test(authorization.trim())) return undefined;
  throw invalidRequest("The Authorization header must be Bearer and one token.");
}
