import { OAuthError } from "../../errors.ts";
import type { ClientRegistry } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import {
  type AuthorizationRequest,
  type AuthorizationRequestParameters,
  checkAuthorizationRequest,
  type TrustedRedirect,
  trustRedirectUri,
} from "../login/authorization-request.ts";
import { Consent } from "../login/consent.ts";
import { authorizationResponse, type Login } from "../login/login.ts";
import { invalidRequest, reportFailure } from "../oauth-failure.ts";
import { BrowserCookies, loginCookie, type VisitingBrowser } from "./cookies.ts";
import { consentPage } from "./pages/consent-page.ts";
import { errorPage } from "./pages/error-page.ts";
import { OAuthParameters, readForm } from "./request-body.ts";
import { redirectResponse } from "./responses.ts";

const consentCookie = "consent";
/** How long a browser keeps the secret that its consent pages are bound to, in seconds. */
const browserSecretLifetime = 24 * 60 * 60;

/** What the pages that a browser visits are made from. */
type Settings = Pick<ProviderConfiguration, "baseUrl" | "issuer" | "requestTimeout"> &
  ConstructorParameters<typeof Consent>[0] &
  Parameters<typeof checkAuthorizationRequest>[0] &
  Parameters<typeof consentPage>[0];

/**
 * The pages that a browser visits: the authorization endpoint, the consent page, and the callback from the upstream. What
 * they throw is to be shown to the person by `showError`, since there is no place that may be told of it.
 */
export class AuthorizationEndpoint {
  readonly #configuration: Settings;
  readonly #registry: ClientRegistry;
  readonly #consent: Consent;
  readonly #login: Login;
  readonly #cookies: BrowserCookies;

  constructor(configuration: Settings, registry: ClientRegistry, login: Login) {
    this.#configuration = configuration;
    this.#registry = registry;
    this.#consent = new Consent(configuration);
    this.#login = login;
    this.#cookies = new BrowserCookies(configuration.baseUrl);
  }

  /** `GET` or `POST /authorize` (RFC 6749 section 3.1). */
  async authorize(request: Request): Promise<Response> {
    const parameters =
      request.method === "POST"
        ? await readForm(request, this.#configuration.requestTimeout)
        : new OAuthParameters(new URL(request.url).searchParams);
    const trusted = await trustRedirectUri(this.#registry, parameters.get("client_id"), parameters.get("redirect_uri"));
    const browser = { cookie: request.headers.get("cookie"), method: request.method };
    return this.askOrContinue(browser, trusted, readState(parameters), () => ({
      responseType: parameters.get("response_type"),
      responseMode: parameters.get("response_mode"),
      scope: parameters.get("scope"),
      state: parameters.get("state"),
      codeChallenge: parameters.get("code_challenge"),
      codeChallengeMethod: parameters.get("code_challenge_method"),
      resource: parameters.get("resource"),
    }));
  }

  /**
   * Asks the person about a client whose redirect URI is trusted, or goes on where the answer was remembered. Whatever is
   * wrong with the rest of the request goes to the redirect URI as an OAuth error.
   */
  async askOrContinue(
    browser: VisitingBrowser,
    trusted: TrustedRedirect,
    state: string | undefined,
    parameters: () => AuthorizationRequestParameters,
  ): Promise<Response> {
    try {
      const checked = checkAuthorizationRequest(this.#configuration, trusted, parameters());
      if (this.#consent.isRemembered(checked, this.#cookies.read(browser.cookie, consentCookie))) {
        emit("consent", { clientId: checked.clientId, decision: "remembered", scopes: checked.scopes });
        return await this.#beginLogin(browser.cookie, checked);
      }
      const { name, value } = this.#cookies.pageCookie(browser);
      const sealed = this.#consent.sealRequest(checked, value);
      const page = consentPage(this.#configuration, trusted.client, checked, sealed);
      page.headers.append("set-cookie", this.#cookies.keep(name, value, browserSecretLifetime));
      return page;
    } catch (failure) {
      return this.#sendError(trusted.redirectUri, state, failure);
    }
  }

  /** `POST /consent`: the person's decision. */
  async decide(request: Request): Promise<Response> {
    const form = await readForm(request, this.#configuration.requestTimeout);
    const cookieHeader = request.headers.get("cookie");
    this.#assertOwnPage(request);
    const secrets = this.#cookies.pageSecrets(cookieHeader);
    if (secrets.length === 0) {
      throw invalidRequest("Your browser did not keep this page's cookie. Allow cookies and retry.");
    }
    const pending = this.#consent.openRequest(form.get("request") ?? "", secrets);
    const { clientId, scopes, redirectUri, state } = pending;
    const isAllowed = form.get("decision") === "allow";
    emit("consent", { clientId, decision: isAllowed ? "allowed" : "denied", scopes });
    try {
      if (!isAllowed) throw new OAuthError("access_denied", "The user did not allow the client.");
      return await this.#beginLogin(cookieHeader, pending);
    } catch (failure) {
      return this.#sendError(redirectUri, state, failure);
    }
  }

  /** The callback: where the upstream sends the browser back to. */
  async callback(request: Request): Promise<Response> {
    const parameters = new OAuthParameters(new URL(request.url).searchParams);
    const state = parameters.get("state");
    if (state === undefined) throw invalidRequest("The login came back without its state.");
    const cookieHeader = request.headers.get("cookie");
    const { location, allowed } = await this.#login.complete(
      { state, code: parameters.get("code"), error: parameters.get("error"), issuer: parameters.get("iss") },
      this.#cookies.read(cookieHeader, loginCookie(state)),
    );
    const remembered = allowed && this.#consent.remember(allowed, this.#cookies.read(cookieHeader, consentCookie));
    const { remember } = this.#configuration.consent;
    return redirectResponse(location, [
      this.#cookies.remove(loginCookie(state)),
      ...(remembered === undefined ? [] : [this.#cookies.keep(consentCookie, remembered, remember)]),
    ]);
  }

  /** Shows a failure to the person. */
  showError(failure: unknown): Response {
    return errorPage(this.#configuration.consent, reportFailure(failure));
  }

  async #beginLogin(cookieHeader: string | null, request: AuthorizationRequest): Promise<Response> {
    const login = await this.#login.begin(request);
    return redirectResponse(login.location, this.#cookies.keepLogin(cookieHeader, login));
  }

  /** Browsers say where a form was; `null` is what a page without referrer is called. */
  #assertOwnPage(request: Request): void {
    const origin = request.headers.get("origin");
    if (origin === null || origin === "null" || origin === new URL(this.#configuration.baseUrl).origin) return;
    throw invalidRequest("This decision was not made on this server's page.");
  }

  #sendError(redirectUri: string, state: string | undefined, failure: unknown): Response {
    const error = reportFailure(failure);
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

/** A repeated `state` is an error of its own, and cannot be sent back. */
function readState(parameters: OAuthParameters): string | undefined {
  try {
    return parameters.get("state");
  } catch {
    return undefined;
  }
}
