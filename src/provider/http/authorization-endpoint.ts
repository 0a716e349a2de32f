import { OAuthError } from "../../errors.ts";
import type { ClientRegistry, KnownClient } from "../clients/client-registry.ts";
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
import { ConsentRequests } from "../login/consent-requests.ts";
import type { Decision } from "../login/decision.ts";
import { authorizationResponse, type Login } from "../login/login.ts";
import { UnknownClientError } from "../login/unknown-client.ts";
import { invalidRequest, reportFailure } from "../oauth-failure.ts";
import { BrowserCookies, type VisitingBrowser } from "./cookies.ts";
import { consentPage } from "./pages/consent-page.ts";
import { errorPage } from "./pages/error-page.ts";
import { unknownClientPage } from "./pages/unknown-client-page.ts";
import { OAuthParameters, readForm } from "./request-body.ts";
import { redirectResponse } from "./responses.ts";

/** What the pages that a browser visits are made from. */
type Settings = Pick<ProviderConfiguration, "baseUrl" | "issuer" | "now" | "requestTimeout"> &
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
  readonly #requests: ConsentRequests;
  readonly #login: Login;

  constructor(configuration: Settings, registry: ClientRegistry, login: Login) {
    this.#configuration = configuration;
    this.#registry = registry;
    this.#consent = new Consent(configuration);
    this.#requests = new ConsentRequests(configuration);
    this.#login = login;
  }

  /** `GET` or `POST /authorize` (RFC 6749 section 3.1). */
  async authorize(request: Request): Promise<Response> {
    const parameters =
      request.method === "POST"
        ? await readForm(request, this.#configuration.requestTimeout)
        : new OAuthParameters(new URL(request.url).searchParams);
    const trusted = await trustRedirectUri(this.#registry, parameters.get("client_id"), parameters.get("redirect_uri"));
    return this.askOrContinue(visitorOf(request), trusted, readState(parameters), parameters);
  }

  /**
   * Asks the person about a client whose redirect URI is trusted, or goes on where the answer was remembered. Whatever is
   * wrong with the rest of the request goes to the redirect URI as an OAuth error.
   */
  async askOrContinue(
    browser: VisitingBrowser,
    trusted: TrustedRedirect,
    state: string | undefined,
    parameters: AuthorizationRequestParameters,
  ): Promise<Response> {
    try {
      const checked = checkAuthorizationRequest(this.#configuration, trusted, parameters);
      const cookies = new BrowserCookies(this.#configuration, browser);
      const decisions = this.#consent.recall(checked, cookies);
      if (decisions.length === 0) return this.#ask(cookies, trusted.client, checked);
      emit("consent", { clientId: checked.clientId, decision: "remembered", scopes: checked.scopes });
      return await this.#beginLogin(cookies, checked, decisions);
    } catch (failure) {
      return this.#sendError(trusted.redirectUri, state, failure);
    }
  }

  /** `POST /consent`: the person's decision. */
  async decide(request: Request): Promise<Response> {
    const form = await readForm(request, this.#configuration.requestTimeout);
    this.#assertOwnPage(request);
    const cookies = new BrowserCookies(this.#configuration, visitorOf(request));
    if (cookies.secrets.length === 0) {
      throw invalidRequest("Your browser did not keep this page's cookie. Allow cookies and retry.");
    }
    const pending = this.#requests.open(form.get("request") ?? "", cookies.secrets);
    const { clientId, scopes, redirectUri, state } = pending;
    const isAllowed = form.get("decision") === "allow";
    emit("consent", { clientId, decision: isAllowed ? "allowed" : "denied", scopes });
    try {
      if (!isAllowed) throw new OAuthError("access_denied", "The user did not allow the client.");
      return await this.#beginLogin(cookies, pending, [{ decidedAt: this.#configuration.now() }]);
    } catch (failure) {
      return this.#sendError(redirectUri, state, failure);
    }
  }

  /** The callback: where the upstream sends the browser back to. */
  async callback(request: Request): Promise<Response> {
    const parameters = new OAuthParameters(new URL(request.url).searchParams);
    const state = parameters.get("state");
    if (state === undefined) throw invalidRequest("The login came back without its state.");
    const cookies = new BrowserCookies(this.#configuration, visitorOf(request));
    const answer = {
      state,
      code: parameters.get("code"),
      error: parameters.get("error"),
      issuer: parameters.get("iss"),
    };
    const { request: asked, location, decision } = await this.#login.complete(answer, cookies.login(state));
    if (location === undefined) return this.#askAgain(cookies, asked, state);
    const decisions = (room: number) =>
      decision === undefined
        ? this.#consent.shorten(cookies, room)
        : this.#consent.remember(asked, decision, cookies, room);
    return redirectResponse(location, cookies.change({ endedLogin: state, decisions }));
  }

  /** Shows a failure to the person. */
  showError(failure: unknown): Response {
    if (failure instanceof UnknownClientError) return unknownClientPage(this.#configuration.consent, failure);
    return errorPage(this.#configuration.consent, reportFailure(failure));
  }

  /** Asks about the request of a login that has ended: whoever has logged in has not allowed it. */
  async #askAgain(cookies: BrowserCookies, request: AuthorizationRequest, endedLogin: string): Promise<Response> {
    const { clientId, redirectUri, state } = request;
    try {
      const { client } = await trustRedirectUri(this.#registry, clientId, redirectUri);
      return this.#ask(cookies, client, request, endedLogin);
    } catch (failure) {
      return this.#sendError(redirectUri, state, failure);
    }
  }

  #ask(cookies: BrowserCookies, client: KnownClient, request: AuthorizationRequest, endedLogin?: string): Response {
    const secret = cookies.pageSecret();
    const page = consentPage(this.#configuration, client, request, this.#requests.seal(request, secret.value));
    const decisions = (room: number) => this.#consent.shorten(cookies, room);
    const changes = { secret, decisions, ...(endedLogin !== undefined && { endedLogin }) };
    for (const cookie of cookies.change(changes)) page.headers.append("set-cookie", cookie);
    return page;
  }

  async #beginLogin(
    cookies: BrowserCookies,
    request: AuthorizationRequest,
    allowed: readonly Decision[],
  ): Promise<Response> {
    const login = await this.#login.begin(request, allowed);
    const decisions = (room: number) => this.#consent.shorten(cookies, room);
    return redirectResponse(login.location, cookies.change({ login, decisions }));
  }

  /**
   * A decision counts when it was made on this server's own page. `Sec-Fetch-Site` says so in every browser of today, and
   * no page can send it in the browser's place. Where it is missing the origin has to be this server's: `null`, and none
   * at all, could be any page's in an old browser. A proxy that takes `Origin` away does no harm to browsers of today.
   */
  #assertOwnPage({ headers }: Request): void {
    const [site, origin] = [headers.get("sec-fetch-site"), headers.get("origin")];
    const isOurs = origin === new URL(this.#configuration.baseUrl).origin;
    if (site === null ? isOurs : site === "same-origin" && (isOurs || origin === null || origin === "null")) return;
    throw invalidRequest("This decision was not made on this server's page.");
  }

  #sendError(redirectUri: string, state: string | undefined, failure: unknown): Response {
    const error = reportFailure(failure);
    const answer = { error: error.error, error_description: error.message };
    return redirectResponse(authorizationResponse(this.#configuration.issuer, { redirectUri, state }, answer));
  }
}

function visitorOf({ method, headers }: Request): VisitingBrowser {
  return { method, header: (name) => headers.get(name) };
}

/** A repeated `state` is an error of its own, and cannot be sent back. */
function readState(parameters: OAuthParameters): string | undefined {
  try {
    return parameters.get("state");
  } catch {
    return undefined;
  }
}
