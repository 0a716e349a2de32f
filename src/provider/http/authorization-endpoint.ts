import { OAuthError } from "../../errors.ts";
import type { ClientDocuments } from "../client-documents/client-documents.ts";
import type { ClientRegistry, KnownClient } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import {
  type AuthorizationRequest,
  checkAuthorizationRequest,
  type TrustedRedirect,
  trustRedirectUri,
} from "../login/authorization-request.ts";
import { Consent } from "../login/consent.ts";
import { ConsentRequests, pageLifetimeSeconds } from "../login/consent-requests.ts";
import { beginningOfName, type Decision } from "../login/decision.ts";
import { consentRequired, type Login } from "../login/login.ts";
import { readLoginWishes, type UpstreamWishes } from "../login/login-wishes.ts";
import { pathBelow, paths } from "../oauth/paths.ts";
import { leadsToThisMachine } from "../oauth/redirect-uri.ts";
import { invalidRequest } from "../oauth-failure.ts";
import type { Upstream } from "../upstream/contract.ts";
import type { Answer } from "./answer.ts";
import { BrowserCookies, type VisitingBrowser, visitorOf } from "./cookies.ts";
import type { ErrorAnswers } from "./error-answers.ts";
import { requireOwnPage } from "./own-page.ts";
import type { consentPage } from "./pages/consent-page.ts";
import { loadPages } from "./pages/load-pages.ts";
import { OAuthParameters, readForm } from "./request-body.ts";
import { redirectAnswer } from "./responses.ts";
import { readUpstreamAnswer } from "./upstream-answer.ts";

/** What the pages that a browser visits are made from. */
type Settings = Pick<ProviderConfiguration, "baseUrl" | "clockName" | "now" | "requestTimeout" | "upstreams"> &
  ConstructorParameters<typeof Consent>[0] &
  Parameters<typeof checkAuthorizationRequest>[0] &
  Parameters<typeof consentPage>[0];

/**
 * The pages that a browser visits: the authorization endpoint, the consent page, and the callback from the upstream. What
 * they throw is to be shown to the person, since there is no place that may be told of it.
 */
export class AuthorizationEndpoint {
  readonly #configuration: Settings;
  readonly #registry: ClientRegistry;
  readonly #consent: Consent;
  readonly #requests: ConsentRequests;
  readonly #login: Login;
  readonly #icons: Pick<ClientDocuments, "icon">;
  readonly #errors: ErrorAnswers;

  constructor(
    configuration: Settings,
    registry: ClientRegistry,
    login: Login,
    icons: Pick<ClientDocuments, "icon">,
    errors: ErrorAnswers,
  ) {
    this.#configuration = configuration;
    this.#registry = registry;
    this.#consent = new Consent(configuration);
    this.#requests = new ConsentRequests(configuration);
    this.#login = login;
    this.#icons = icons;
    this.#errors = errors;
  }

  /** `GET` or `POST /authorize` (RFC 6749 section 3.1). */
  async authorize(request: Request): Promise<Answer> {
    const parameters =
      request.method === "POST"
        ? await readForm(request, this.#configuration.requestTimeout)
        : new OAuthParameters(new URL(request.url).searchParams);
    const trusted = await trustRedirectUri(this.#registry, parameters.get("client_id"), parameters.get("redirect_uri"));
    return this.#askOrContinue(visitorOf(request), trusted, readState(parameters), parameters);
  }

  /**
   * Asks the person about a client whose redirect URI is trusted, or goes on where the answer was remembered. Whatever is
   * wrong with the rest of the request goes to the redirect URI as an OAuth error, if need be by a link.
   */
  async #askOrContinue(
    browser: VisitingBrowser,
    trusted: TrustedRedirect,
    state: string | undefined,
    parameters: OAuthParameters,
  ): Promise<Answer> {
    const cookies = new BrowserCookies(this.#configuration, browser);
    try {
      const checked = checkAuthorizationRequest(this.#configuration, trusted, parameters);
      const { asksConsent, isSilent, asksForAccount, hints, upstream: wishes } = readLoginWishes(parameters);
      const { upstreams } = this.#configuration;
      const chosen = upstreams.hinted(hints) ?? upstreams.only;
      const remembered = asksConsent ? [] : this.#recall(checked, chosen, cookies);
      const [first, ...others] = remembered;
      if (first === undefined) {
        if (isSilent) throw consentRequired();
        return await this.#ask(cookies, trusted.client, checked, { wishes, chosen });
      }
      if (isSilent && others.length > 0) throw accountSelectionRequired();
      // Whoever has begun a login and is here again may have gone back to log in elsewhere.
      const mayDiffer = others.length > 0 || asksForAccount || (cookies.hasBegunLogin && !isSilent);
      if (chosen === undefined && mayDiffer) return await this.#choose(parameters);
      const { upstream, decisions } = first;
      emit("consent", { clientId: checked.clientId, decision: "remembered", scopes: checked.scopes });
      await this.#registry.keepForLogin(checked.clientId, checked.client);
      return await this.#beginLogin(browser, cookies, upstream, checked, decisions, wishes);
    } catch (failure) {
      const to = { redirectUri: trusted.redirectUri, state };
      if (this.#maySendUnasked(trusted, cookies)) return this.#errors.sendFailure("authorize", browser, to, failure);
      return this.#errors.showLink("authorize", to, failure);
    }
  }

  /** The upstreams whose users have allowed the request in this browser: of those that may still be meant. */
  #recall(request: AuthorizationRequest, chosen: Upstream | undefined, cookies: BrowserCookies) {
    const meant = chosen === undefined ? this.#configuration.upstreams.all : [chosen];
    return meant
      .map((upstream) => ({ upstream, decisions: this.#consent.recall(request, upstream, cookies) }))
      .filter(({ decisions }) => decisions.length > 0);
  }

  /** Asks where the person wants to log in, and nothing else. Each choice is the same request with a hint. */
  async #choose(parameters: OAuthParameters): Promise<Answer> {
    const { baseUrl, consent, upstreams } = this.#configuration;
    const choices = upstreams.all.map(({ id, name }) => ({
      name,
      href: `${pathBelow(baseUrl)}${paths.authorize}?${parameters.queryWith("idp_hint", id)}`,
    }));
    const { upstreamChoicePage } = await loadPages();
    return upstreamChoicePage(consent, choices);
  }

  /**
   * Whether an error may lead the browser to a client before the person was asked about it. Anybody can register a client,
   * and make a request of it that fails: a link to this server would lead wherever the link's author likes (RFC 9700 section
   * 4.11.2). A program on the person's own computer, a client of the configuration, and a client that was allowed in this
   * browser are no such places; all others the person sees named, with a link.
   */
  #maySendUnasked({ client, redirectUri }: TrustedRedirect, cookies: BrowserCookies): boolean {
    const { client_id: clientId } = client.information;
    return (
      client.source === "configured" ||
      leadsToThisMachine(redirectUri) ||
      this.#consent.knows({ clientId, redirectUri }, cookies)
    );
  }

  /** `POST /consent`: the person's decision. */
  async decide(request: Request): Promise<Answer> {
    const form = await readForm(request, this.#configuration.requestTimeout);
    requireOwnPage(request, this.#configuration.baseUrl);
    const browser = visitorOf(request);
    const cookies = new BrowserCookies(this.#configuration, browser);
    if (cookies.secrets.length === 0) {
      throw invalidRequest("Your browser did not keep this page's cookie. Allow cookies and retry.");
    }
    const {
      request: asked,
      wishes,
      registration,
      after,
    } = this.#requests.open(form.get("request") ?? "", cookies.secrets);
    const { clientId, scopes } = asked;
    const [answer, ...chosen] = (form.get("decision") ?? "").split(":");
    const upstreamId = chosen.length === 0 ? undefined : chosen.join(":");
    const isAllowed = answer === "allow";
    await this.#requireClient(asked);
    emit("consent", { clientId, decision: isAllowed ? "allowed" : "denied", scopes });
    if (!isAllowed) return this.#errors.send(browser, asked, denied);
    try {
      const upstream = this.#upstreamOf(upstreamId);
      await this.#registry.keepForLogin(clientId, asked.client, registration);
      const { clockName, now } = this.#configuration;
      const decidedBy = beginningOfName(clockName());
      const decisions = [{ decidedAt: now(), decidedBy, ...(after !== undefined && { after }) }];
      return await this.#beginLogin(browser, cookies, upstream, asked, decisions, wishes);
    } catch (failure) {
      return this.#errors.sendFailure("consent", browser, asked, failure);
    }
  }

  /**
   * Looks at a client again whose request was checked some time ago: it may have withdrawn its redirect URI since. A registration
   * never loses one, and is kept until its login has ended, so it is not read again.
   *
   * @throws {OAuthError} when the client or its redirect URI is not there any more: to be shown, never redirected.
   */
  async #requireClient({ client, clientId, redirectUri }: AuthorizationRequest): Promise<void> {
    if (client.registeredUntil === undefined) await trustRedirectUri(this.#registry, clientId, redirectUri);
  }

  /** @throws {OAuthError} with `invalid_request` where there are several upstreams and none was chosen that there is. */
  #upstreamOf(id: string | undefined): Upstream {
    const { upstreams } = this.#configuration;
    const upstream = id === undefined ? upstreams.only : upstreams.byId(id);
    if (upstream !== undefined) return upstream;
    throw invalidRequest("The page was answered without a way to log in that this server has; start again.");
  }

  /**
   * The callback of an upstream: where it sends the browser back to.
   *
   * @param upstreamId - Whose callback it is.
   */
  async callback(request: Request, upstreamId: string): Promise<Answer> {
    const answer = readUpstreamAnswer(request, upstreamId);
    const { state } = answer;
    const browser = visitorOf(request);
    const cookies = new BrowserCookies(this.#configuration, browser);
    const completed = await this.#login.complete(
      answer,
      cookies.login(state),
      ({ clientId, client }) => this.#registry.renewAtLogin(clientId, client),
      (request) => this.#requireClient(request),
    );
    const { request: asked, location, decision, account, after, upstream } = completed;
    if (location === undefined) {
      return this.#askAgain(browser, cookies, asked, { endedLogin: state, account, after, chosen: upstream });
    }
    const decisions = (room: number) =>
      decision === undefined || upstream === undefined
        ? this.#consent.shorten(cookies, room)
        : this.#consent.remember(asked, upstream, decision, cookies, room);
    return redirectAnswer(browser.method, location, cookies.change({ endedLogin: state, decisions }));
  }

  /** The removal of what a browser has too much of, for an answer that changes none of its cookies. */
  trimmedCookies(request: Request): string[] {
    const cookies = new BrowserCookies(this.#configuration, visitorOf(request));
    if (!cookies.areTooLong) return [];
    return cookies.change({ decisions: (room) => this.#consent.shorten(cookies, room) });
  }

  /** Asks about the request of a login that has ended: whoever has logged in has not allowed it. */
  async #askAgain(
    browser: VisitingBrowser,
    cookies: BrowserCookies,
    request: AuthorizationRequest,
    after: {
      readonly endedLogin: string;
      readonly account: string | undefined;
      readonly after: string | undefined;
      readonly chosen: Upstream | undefined;
    },
  ): Promise<Answer> {
    const { client } = await trustRedirectUri(this.#registry, request.clientId, request.redirectUri);
    try {
      return await this.#ask(cookies, client, request, after);
    } catch (failure) {
      return this.#errors.sendFailure("callback", browser, request, failure);
    }
  }

  async #ask(
    cookies: BrowserCookies,
    client: KnownClient,
    request: AuthorizationRequest,
    {
      wishes,
      endedLogin,
      account,
      after,
      chosen,
    }: {
      readonly wishes?: UpstreamWishes;
      readonly endedLogin?: string;
      readonly account?: string | undefined;
      readonly after?: string | undefined;
      readonly chosen: Upstream | undefined;
    },
  ): Promise<Answer> {
    const secret = cookies.pageSecret();
    const registration = this.#registry.endingSoon(client, pageLifetimeSeconds);
    const known = { ...(registration !== undefined && { registration }), ...(after !== undefined && { after }) };
    const sealedRequest = this.#requests.seal(request, secret.value, wishes, known);
    // What anybody can register is no reason to ask a site, or to show its picture beside a name.
    const icon = client.source === "document" ? await this.#icons.icon(client.information) : undefined;
    const pages = await loadPages();
    const page = pages.consentPage(this.#configuration, { client, request, sealedRequest, account, icon, chosen });
    const decisions = (room: number) => this.#consent.shorten(cookies, room);
    const changes = { secret, decisions, ...(endedLogin !== undefined && { endedLogin }) };
    return { ...page, cookies: cookies.change(changes) };
  }

  async #beginLogin(
    { method }: VisitingBrowser,
    cookies: BrowserCookies,
    upstream: Upstream,
    request: AuthorizationRequest,
    allowed: readonly Decision[],
    wishes: UpstreamWishes,
  ): Promise<Answer> {
    const login = await this.#login.begin(upstream, request, allowed, wishes);
    const decisions = (room: number) => this.#consent.shorten(cookies, room);
    return redirectAnswer(method, login.location, cookies.change({ login, decisions }));
  }
}

/** The error for a client that wants no page to be shown, where people of several upstreams have allowed it. */
function accountSelectionRequired(): OAuthError {
  return new OAuthError(
    "account_selection_required",
    "The user has to choose where to log in; ask again without prompt=none, or with idp_hint.",
  );
}

/** What a client reads whom the person does not allow. */
const denied = new OAuthError("access_denied", "The user did not allow the client.");

/** A repeated `state` is an error of its own, and cannot be sent back. */
function readState(parameters: OAuthParameters): string | undefined {
  try {
    return parameters.get("state");
  } catch {
    return undefined;
  }
}
