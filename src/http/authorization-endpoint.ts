import { OAuthError } from "../errors.ts";
import {
  type AuthorizationRequest,
  checkAuthorizationRequest,
  trustRedirectUri,
} from "../provider/authorization-request.ts";
import type { ClientRegistry } from "../provider/client-registry.ts";
import type { ProviderConfiguration } from "../provider/configuration.ts";
import { authorizationResponse, type Login } from "../provider/login.ts";
import { toOAuthError } from "../provider/oauth-failure.ts";
import { errorPage } from "./error-page.ts";
import { LoginCookies } from "./login-cookie.ts";
import { Parameters, readForm } from "./request-body.ts";
import { redirectResponse } from "./responses.ts";

/** The authorization endpoint and the callback from Pangea AuthN: the pages that a browser visits. */
export class AuthorizationEndpoint {
  readonly #configuration: ProviderConfiguration;
  readonly #registry: ClientRegistry;
  readonly #login: Login;
  readonly #cookies: LoginCookies;

  constructor(configuration: ProviderConfiguration, registry: ClientRegistry, login: Login) {
    this.#configuration = configuration;
    this.#registry = registry;
    this.#login = login;
    this.#cookies = new LoginCookies(configuration.baseUrl);
  }

  /** `GET` or `POST /authorize` (RFC 6749 section 3.1). */
  async authorize(request: Request): Promise<Response> {
    try {
      const parameters =
        request.method === "POST" ? await readForm(request) : new Parameters(new URL(request.url).searchParams);
      const trusted = await trustRedirectUri(
        this.#registry,
        parameters.get("client_id"),
        parameters.get("redirect_uri"),
      );
      return await this.begin(request.headers.get("cookie"), trusted.redirectUri, readState(parameters), async () => {
        const checked = checkAuthorizationRequest(this.#configuration, trusted, {
          responseType: parameters.get("response_type"),
          responseMode: parameters.get("response_mode"),
          scope: parameters.get("scope"),
          state: parameters.get("state"),
          codeChallenge: parameters.get("code_challenge"),
          codeChallengeMethod: parameters.get("code_challenge_method"),
          resource: parameters.get("resource"),
        });
        await this.#registry.renew(trusted.client);
        return checked;
      });
    } catch (failure) {
      return errorPage(toOAuthError(failure));
    }
  }

  /** `GET /pangea/callback`: where Pangea AuthN sends the browser back to. */
  async callback(request: Request): Promise<Response> {
    try {
      const parameters = new Parameters(new URL(request.url).searchParams);
      const state = parameters.get("state");
      if (state === undefined) throw new OAuthError("invalid_request", "The login came back without its state.");
      const transaction = this.#cookies.find(request.headers.get("cookie"), state);
      const location = await this.#login.complete(
        {
          state,
          code: parameters.get("code"),
          error: parameters.get("error"),
          issuer: parameters.get("iss"),
        },
        transaction,
      );
      return redirectResponse(location, [this.#cookies.end(state)]);
    } catch (failure) {
      return errorPage(toOAuthError(failure));
    }
  }

  /**
   * Begins a login for a redirect URI that is trusted. Whatever `check` throws goes there as an OAuth error.
   *
   * @param check - Checks the rest of the request.
   */
  async begin(
    cookieHeader: string | null,
    redirectUri: string,
    state: string | undefined,
    check: () => Promise<AuthorizationRequest>,
  ): Promise<Response> {
    try {
      const login = this.#login.begin(await check());
      return redirectResponse(login.location, this.#cookies.keep(cookieHeader, login));
    } catch (failure) {
      const error = toOAuthError(failure);
      return redirectResponse(
        authorizationResponse(redirectUri, {
          error: error.error,
          error_description: error.message,
          ...(state !== undefined && { state }),
          iss: this.#configuration.issuer,
        }),
      );
    }
  }
}

/** A repeated `state` is an error of its own, and cannot be sent back. */
function readState(parameters: Parameters): string | undefined {
  try {
    return parameters.get("state");
  } catch {
    return undefined;
  }
}
