import { OAuthError, UnreadableRecordsError } from "../../errors.ts";
import type { Grant } from "../../records/grant.ts";
import type { ClientRegistry } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { revokeGrants } from "../grants/grant-directory.ts";
import { type Grants, isOfServer, isRevoked } from "../grants/grants.ts";
import type { KeyAnnouncements } from "../keys/key-announcements.ts";
import type { AccountLogin } from "../login/account-login.ts";
import { type AccountNotice, type AccountSession, AccountSessions } from "../login/account-sessions.ts";
import { allowedApplications, knownClient } from "../login/allowed-applications.ts";
import { Consent } from "../login/consent.ts";
import { paths } from "../oauth/paths.ts";
import { invalidRequest } from "../oauth-failure.ts";
import { describeFailure } from "../reporting/failure-description.ts";
import { isToldElsewhere } from "../reporting/reporter.ts";
import type { Upstream } from "../upstream/contract.ts";
import { isSameIssuer } from "../upstream/upstreams.ts";
import type { Answer } from "./answer.ts";
import { BrowserCookies, type CookieChanges, visitorOf } from "./cookies.ts";
import { requireOwnPage } from "./own-page.ts";
import type { AccountPageSettings, SignInReason } from "./pages/account-page.ts";
import { loadPages } from "./pages/load-pages.ts";
import { type OAuthParameters, readForm } from "./request-body.ts";
import { redirectAnswer } from "./responses.ts";
import { readUpstreamAnswer } from "./upstream-answer.ts";

/** How many applications the page shows. */
const maxApplications = 100;
/** How much longer than the session the browser keeps its cookie, so that the page can say that the session is over. */
const cookieMarginSeconds = 24 * 60 * 60;

type AccountSettings = AccountPageSettings &
  ConstructorParameters<typeof AccountSessions>[0] &
  ConstructorParameters<typeof Consent>[0] &
  Pick<
    ProviderConfiguration,
    "meetForeignGrant" | "meetUnindexedGrants" | "meetUnknownUpstream" | "reporter" | "requestTimeout"
  >;

/** What the account page works with. */
interface AccountParts {
  readonly announcements: Pick<KeyAnnouncements, "explainListing">;
  readonly grants: Grants;
  readonly login: AccountLogin;
  readonly registry: Pick<ClientRegistry, "find">;
}

/** Who somebody is: an issuer and a subject together. */
type AccountUser = Pick<AccountSession, "subject" | "upstreamIssuer">;

/** A browser whose person is signed in. */
interface SignedIn {
  readonly session: AccountSession;
  readonly cookies: BrowserCookies;
}

/**
 * `/account`: a person signs in upstream, sees which applications have access and to what, and ends one or all. Whoever is
 * signed in here has no token and gives none to anybody: what this page can do is end access, and nothing else.
 */
export class AccountEndpoint {
  readonly #settings: AccountSettings;
  readonly #parts: AccountParts;
  readonly #sessions: AccountSessions;
  readonly #consent: Consent;

  constructor(settings: AccountSettings, parts: AccountParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#sessions = new AccountSessions(settings);
    this.#consent = new Consent(settings);
  }

  /** `GET` shows, `POST` does what a form of the page asks for. */
  async respond(request: Request): Promise<Answer> {
    const cookies = new BrowserCookies(this.#settings, visitorOf(request));
    if (request.method === "POST") return this.#act(request, cookies);
    const session = await this.#sessions.find(cookies.account, cookies.secrets);
    if (session === undefined)
      return this.#askToSignIn(cookies, cookies.account === undefined ? "came" : "session-over");
    return this.#show({ session, cookies }, new URL(request.url).searchParams.get("done") ?? undefined);
  }

  /** Whether a browser that comes back from the upstream went there from this page. */
  hasBegun(request: Request): boolean {
    const state = new URL(request.url).searchParams.get("state");
    return state !== null && new BrowserCookies(this.#settings, visitorOf(request)).signIn(state) !== undefined;
  }

  /**
   * The callback: where an upstream sends a browser back to that went there from this page.
   *
   * @param upstreamId - Whose callback it is.
   */
  async callback(request: Request, upstreamId: string): Promise<Answer> {
    const answer = readUpstreamAnswer(request, upstreamId);
    const { state } = answer;
    const cookies = new BrowserCookies(this.#settings, visitorOf(request));
    const holder = await this.#parts.login.complete(answer, cookies.signIn(state));
    const before = await this.#sessions.find(cookies.account, cookies.secrets);
    if (before !== undefined) await this.#sessions.end(before);
    const secret = cookies.pageSecret();
    const { id } = await this.#sessions.begin(holder, secret.value);
    this.#settings.reporter.tell("account-signed-in", userOf(holder));
    const account = { id, maxAgeSeconds: this.#settings.account.session + cookieMarginSeconds };
    return this.#goBack(request, cookies, undefined, { secret, account, endedLogin: state });
  }

  /** Shows a failure to the person, and tells of it. */
  async showError(failure: unknown, user?: AccountUser): Promise<Answer> {
    const { reporter } = this.#settings;
    const error = reporter.failure(failure);
    if (!isToldElsewhere(error)) this.#tellRefused(error, failure, user);
    const { accountErrorPage } = await loadPages();
    return accountErrorPage(this.#settings, error);
  }

  #tellRefused({ error }: OAuthError, failure: unknown, user?: AccountUser): void {
    const { subject, upstreamIssuer } = user ?? {};
    const event = { error, subject, upstreamIssuer, failure: describeFailure(failure) };
    this.#settings.reporter.tell("account-refused", event);
  }

  async #act(request: Request, cookies: BrowserCookies): Promise<Answer> {
    const form = await readForm(request, this.#settings.requestTimeout);
    requireOwnPage(request, this.#settings.baseUrl);
    const action = form.get("action");
    const [verb, upstreamId] = action?.split(":") ?? [];
    if (verb === "sign-in") {
      const login = { ...(await this.#parts.login.begin(this.#upstreamOf(upstreamId))), purpose: "account" } as const;
      return redirectAnswer(request.method, login.location, cookies.change({ login, ...this.#sameDecisions(cookies) }));
    }
    const session = await this.#sessions.find(cookies.account, cookies.secrets);
    if (session === undefined) {
      if (action === "sign-out" || action === "sign-out-upstream") return this.#askToSignIn(cookies, "signed-out");
      const failure = new OAuthError("access_denied", "Nobody is signed in to the account page in this browser.");
      this.#tellRefused(failure, failure);
      return this.#askToSignIn(cookies, "session-over", 403);
    }
    try {
      if (!this.#sessions.isOwnForm(session, form.get("form"))) {
        throw invalidRequest("Somebody has signed in again since this page was opened.");
      }
      return await this.#do(request, { session, cookies }, action, form);
    } catch (failure) {
      return this.showError(failure, userOf(session));
    }
  }

  async #do(request: Request, signedIn: SignedIn, action: string | undefined, form: OAuthParameters): Promise<Answer> {
    const { session, cookies } = signedIn;
    switch (action) {
      case "end-client":
        return this.#goBack(request, cookies, await this.#endClient(session, form.require("client")), {}, session);
      case "end-login":
        return this.#goBack(request, cookies, await this.#endLogin(session, form.require("grant")), {}, session);
      case "end-all": {
        const notice = await this.#endAll(session);
        // This browser forgets by itself what it remembers of decisions, also of clients whose access is over.
        return this.#goBack(request, cookies, notice, { decisions: () => "" }, session);
      }
      case "sign-out":
      case "sign-out-upstream":
        return this.#signOut(request, signedIn, action === "sign-out-upstream");
      default:
        throw invalidRequest("The form asks for nothing that there is.");
    }
  }

  async #endClient(session: AccountSession, clientId: string): Promise<AccountNotice> {
    const user = userOf(session);
    const grants = await this.#revoke({ ...user, clientId });
    if (grants === 0) return { done: "nothing" };
    this.#settings.reporter.tell("account-access-ended", { ...user, clientId, grantId: undefined, grants });
    return this.#about("ended", clientId);
  }

  /** Ends one login. Of somebody else's no more is said than of one that there never was. */
  async #endLogin(session: AccountSession, grantId: string): Promise<AccountNotice> {
    const { grants } = this.#parts;
    const grant = await grants.get(grantId);
    const user = userOf(session);
    if (grant === undefined || !this.#isOf(grant, user) || !isOfServer(grant, this.#settings.resource)) {
      throw new OAuthError("access_denied", "There is no such login among yours.");
    }
    if (isRevoked(grant) || !(await grants.revoke(grantId, { grant, by: "user" }))) return { done: "nothing" };
    const { clientId } = grant;
    this.#settings.reporter.tell("account-access-ended", { ...user, clientId, grantId, grants: 1 });
    return this.#about("login-ended", clientId);
  }

  async #endAll(session: AccountSession): Promise<AccountNotice> {
    const user = userOf(session);
    const grants = await this.#revoke(user);
    this.#settings.reporter.tell("account-all-access-ended", { ...user, grants });
    return { done: "all-ended" };
  }

  /**
   * Ends what the filter means. A record of anybody's that cannot be read keeps nobody from ending what can be.
   *
   * @throws {OAuthError} with `temporarily_unavailable`, once the rest has ended, where another instance of this server can read
   * it: it may be a login of this user, which lives.
   */
  async #revoke(filter: AccountUser & { readonly clientId?: string }): Promise<number> {
    let ended = 0;
    const { grants } = this.#parts;
    const counting = {
      forgetConsent: (...whose: Parameters<Grants["forgetConsent"]>) => grants.forgetConsent(...whose),
      forgetConsentOfEverybody: (resource: string) => grants.forgetConsentOfEverybody(resource),
      revoke: async (...grant: Parameters<Grants["revoke"]>) => {
        const isEnded = await grants.revoke(...grant);
        if (isEnded) ended += 1;
        return isEnded;
      },
    };
    try {
      return await revokeGrants(counting, this.#settings, filter, "user");
    } catch (failure) {
      const said = "What could be ended is over. There may be more, which cannot be ended at the moment.";
      const hidden = await this.#hiddenHere(failure, said);
      if (hidden !== undefined) throw hidden;
      return ended;
    }
  }

  async #about(done: AccountNotice["done"], clientId: string): Promise<AccountNotice> {
    const { shownName } = await loadPages();
    return { done, client: shownName(await knownClient(this.#parts.registry, clientId), this.#settings.consent) };
  }

  async #signOut(request: Request, { session, cookies }: SignedIn, isUpstreamToo: boolean): Promise<Answer> {
    const { upstreamLogout } = session;
    await this.#sessions.end(session);
    const upstream = isUpstreamToo && upstreamLogout !== undefined;
    this.#settings.reporter.tell("account-signed-out", { ...userOf(session), upstream });
    if (!upstream) return this.#askToSignIn(cookies, "signed-out");
    const changes = cookies.change({ account: null, ...this.#sameDecisions(cookies) });
    return redirectAnswer(request.method, new URL(upstreamLogout), changes);
  }

  async #show({ session }: SignedIn, done: string | undefined): Promise<Answer> {
    const { registry } = this.#parts;
    let isWhole = true;
    const tell = async (failure: unknown) => {
      const hidden = await this.#hiddenHere(failure, "There may be more than the account page can show.");
      if (hidden === undefined) return;
      isWhole = false;
      this.#settings.reporter.failure(hidden);
    };
    const allowed = await allowedApplications(this.#settings, registry, userOf(session), maxApplications, tell);
    const formToken = this.#sessions.formToken(session);
    const { accountPage } = await loadPages();
    return accountPage(this.#settings, {
      ...allowed,
      isWhole,
      session,
      formToken,
      notice: this.#sessions.openNotice(session, done),
    });
  }

  /** Whether a grant is of this user: two upstreams may give one subject to two people. */
  #isOf({ subject, upstreamIssuer }: Pick<Grant, "subject" | "upstreamIssuer">, user: AccountUser): boolean {
    const issuer = this.#settings.upstreams.issuerOfRecord(upstreamIssuer);
    return subject === user.subject && issuer !== undefined && isSameIssuer(issuer, user.upstreamIssuer);
  }

  /** @throws {OAuthError} with `invalid_request` where there are several upstreams and none was chosen that there is. */
  #upstreamOf(id: string | undefined): Upstream {
    const { upstreams } = this.#settings;
    const upstream = id === undefined ? upstreams.only : upstreams.byId(id);
    if (upstream !== undefined) return upstream;
    throw invalidRequest("The page was answered without a way to log in that this server has.");
  }

  /**
   * What a listing could not read, which may be anybody's. What no instance of this server can read opens nothing: the operator
   * is told, and the page goes on.
   *
   * @returns The answer to come back, where another instance can read it; whoever takes that tells of it.
   */
  async #hiddenHere(failure: unknown, said: string): Promise<OAuthError | undefined> {
    if (!(failure instanceof UnreadableRecordsError)) throw failure;
    const hidden = await this.#parts.announcements.explainListing(failure, said);
    if (hidden === undefined) this.#settings.reporter.failure(failure);
    return hidden;
  }

  async #askToSignIn(cookies: BrowserCookies, reason: SignInReason, status = 200): Promise<Answer> {
    const { signInPage } = await loadPages();
    const page = signInPage(this.#settings, reason, status);
    const secret = cookies.pageSecret();
    return { ...page, cookies: cookies.change({ secret, account: null, ...this.#sameDecisions(cookies) }) };
  }

  /** Leads to the page, which says what was done. What follows a form is never sent again by a reload. */
  #goBack(
    { method }: Request,
    cookies: BrowserCookies,
    notice: AccountNotice | undefined,
    changes: Partial<CookieChanges>,
    session?: AccountSession,
  ): Answer {
    const location = new URL(this.#settings.baseUrl + paths.account);
    if (notice !== undefined && session !== undefined) {
      location.searchParams.set("done", this.#sessions.sealNotice(session, notice));
    }
    return redirectAnswer(method, location, cookies.change({ ...this.#sameDecisions(cookies), ...changes }));
  }

  /** What the browser remembers of decisions stays, as far as there is room. */
  #sameDecisions(cookies: BrowserCookies): Pick<CookieChanges, "decisions"> {
    return { decisions: (room) => this.#consent.shorten(cookies, room) };
  }
}

function userOf({ subject, upstreamIssuer }: AccountUser): AccountUser {
  return { subject, upstreamIssuer };
}
