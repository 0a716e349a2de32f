import { randomBytes } from "node:crypto";
import { z } from "zod";
import { OAuthError, UpstreamRejectedError } from "../../errors.ts";
import { authorizationCodeKey, grantIdOf } from "../../records/keys.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { ShortNames } from "../../secrets/short-names.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { revokedConsent } from "../grants/consent-revocations.ts";
import { StepKey } from "../grants/grant-key.ts";
import { credentialCore, formatHandle, markCredential } from "../oauth/grant-credential.ts";
import { describeFailure } from "../reporting/failure-description.ts";
import { adviceOf } from "../reporting/reporter.ts";
import type { Upstream } from "../upstream/contract.ts";
import { type AuthorizationRequest, AuthorizationRequestSchema } from "./authorization-request.ts";
import {
  type Decision,
  DecisionSchema,
  decisionOf,
  type RememberedDecision,
  rememberedFor,
  standsAfter,
} from "./decision.ts";
import type { UpstreamWishes } from "./login-wishes.ts";
import {
  type BegunLogin,
  type CallbackParameters,
  type LoggedIn,
  UpstreamLogin,
  type UpstreamLoginParts,
  upstreamTransaction,
} from "./upstream-login.ts";

/** What a login for a client is about. */
const aboutSchema = z.object({
  request: AuthorizationRequestSchema,
  decisions: z.array(DecisionSchema),
  /** Whether no page may be shown to the person. */
  isSilent: z.boolean().exactOptional(),
});
type AboutLogin = z.output<typeof aboutSchema>;

/** What the members are called in the cookie. A name never changes its meaning: an instance of before may read it. */
const shortNames = new ShortNames({
  about: "a",
  request: "r",
  client_id: "c",
  client: "k",
  token_endpoint_auth_method: "m",
  secret_hash: "h",
  secret_expires_at: "x",
  registered_until: "u",
  grant_types: "g",
  redirect_uri: "t",
  state: "s",
  scopes: "p",
  offline_access: "f",
  code_challenge: "q",
  resource: "o",
  names_resource: "n",
  decisions: "d",
  subject: "b",
  decidedAt: "w",
  after: "y",
  isSilent: "l",
  upstream: "i",
  issuer: "j",
  upstreamVerifier: "v",
  expiresAt: "e",
});

type LoginSettings = Pick<
  ProviderConfiguration,
  "consent" | "instance" | "instanceClockTolerance" | "issuer" | "keys" | "repositories" | "resource"
> &
  UpstreamLoginParts;

/** The end of a login. */
export interface CompletedLogin {
  readonly request: AuthorizationRequest;
  /**
   * Where the browser goes: the client's redirect URI, with a code or with an error. Undefined where the person who has
   * logged in has not allowed the client, and has to be asked.
   */
  readonly location: URL | undefined;
  /** The upstream that the login was begun at. */
  readonly upstream: Upstream | undefined;
  /** Who has logged in, in the words of the upstream, where the person has to be asked. */
  readonly account?: string;
  /** The decision to remember; undefined where the login failed, or the upstream does not say who has logged in. */
  readonly decision?: RememberedDecision;
  /** The mark of the revocation for which the person has to be asked, where it is for that. */
  readonly after?: string;
}

/** A request, and the decision to allow it that counts for whoever has logged in. */
interface DecidedRequest {
  readonly request: AuthorizationRequest;
  readonly decision: Decision;
  readonly isSilent: boolean | undefined;
}

/** Told of a request once somebody has logged in who has allowed it. */
type OnLogin = (request: AuthorizationRequest) => Promise<void>;

/** Rejects where the client of a request is not there any more, or has another redirect URI by now. */
type RequireClient = (request: AuthorizationRequest) => Promise<void>;

/**
 * Logs a user in upstream on behalf of a client. Nothing is stored until the upstream has said yes, and whoever has logged
 * in has allowed the client.
 */
export class Login {
  readonly #configuration: LoginSettings;
  readonly #logins: UpstreamLogin<AboutLogin>;

  constructor(configuration: LoginSettings) {
    this.#configuration = configuration;
    const transactions = new SealedJson(
      configuration.keys.derive("login transaction"),
      upstreamTransaction(aboutSchema),
      shortNames,
    );
    this.#logins = new UpstreamLogin(configuration, transactions);
  }

  /**
   * Begins a login.
   *
   * @param upstream - Where the person logs in.
   * @param decisions - Who of the upstream's users has allowed the request: it is known after the login whether it was one
   * of them.
   * @param wishes - What the upstream is to know of how the person wants to log in.
   * @throws {UpstreamUnavailableError} when the upstream has to be asked where to log in, and does not answer.
   */
  begin(
    upstream: Upstream,
    request: AuthorizationRequest,
    decisions: readonly Decision[],
    wishes: UpstreamWishes = {},
  ): Promise<BegunLogin> {
    const silence = wishes.prompt === "none" ? { isSilent: true } : {};
    return this.#logins.begin(upstream, { request, decisions: [...decisions], ...silence }, wishes);
  }

  /**
   * Finishes a login: redeems the upstream code, stores an authorization code and says where the browser goes. Where
   * another person has logged in than those who have allowed the request, or where the consent was revoked since, no code
   * is issued, and what the upstream has given is revoked.
   *
   * @param sealedTransaction - What the browser kept for this `state`, if anything.
   * @param onLogin - What else is to be done once somebody has logged in who has allowed the request. It goes on beside what
   * the login reads and writes, and must not reject.
   * @param requireClient - Looks at the client again, before anything else is done.
   * @throws {OAuthError} when the browser did not begin this login or took too long, or what `requireClient` throws: to be
   * shown, never redirected.
   */
  async complete(
    parameters: CallbackParameters,
    sealedTransaction: string | undefined,
    onLogin: OnLogin = async () => {},
    requireClient: RequireClient = async () => {},
  ): Promise<CompletedLogin> {
    const transaction = this.#logins.open(parameters.state, sealedTransaction);
    const { request } = transaction.about;
    await requireClient(request);
    const upstream = this.#configuration.upstreams.byId(transaction.upstream);
    try {
      return await this.#logins.finish(parameters, transaction, (loggedIn) =>
        this.#issueCode(loggedIn, transaction.about, onLogin),
      );
    } catch (failure) {
      const { error, message } =
        failure instanceof UpstreamRejectedError
          ? { error: failure.error, message: `${upstream?.name ?? "The identity provider"} refused the login.` }
          : this.#configuration.reporter.failure(failure);
      const event = { clientId: request.clientId, error, failure: describeFailure(failure), ...adviceOf(failure) };
      this.#configuration.reporter.tell("login-failed", event);
      return { request, upstream, location: this.#answer(request, { error, error_description: message }) };
    }
  }

  /** Issues a code for whoever has logged in, unless the person has to be asked. */
  async #issueCode(
    loggedIn: LoggedIn,
    { request, decisions, isSilent }: AboutLogin,
    onLogin: OnLogin,
  ): Promise<CompletedLogin> {
    const { subject } = loggedIn.session.identity;
    const decision = decisionOf(
      subject,
      decisions.filter((each) => this.#isRemembered(each)),
    );
    if (decision === undefined) return undecided(request, loggedIn, isSilent);
    const beside = onLogin(request);
    try {
      return await this.#issueCodeTo(loggedIn, { request, decision, isSilent });
    } finally {
      await beside;
    }
  }

  /** Issues a code for a person who has allowed the request, unless the consent was revoked since. */
  async #issueCodeTo(loggedIn: LoggedIn, { request, decision, isSilent }: DecidedRequest): Promise<CompletedLogin> {
    const { instanceClockTolerance, repositories } = this.#configuration;
    const { session, upstream, keep } = loggedIn;
    const { subject } = session.identity;
    const { issuer: upstreamIssuer } = upstream;
    const drawn = randomBytes(48);
    const handle = formatHandle(drawn.subarray(0, 16));
    // The code first: whoever revokes meanwhile finds the code, or is found here.
    const code = await this.#storeCode({ handle, secret: drawn.subarray(16) }, request, session);
    const revoked =
      subject === undefined
        ? undefined
        : await revokedConsent(this.#configuration, { subject, upstreamIssuer }, request.clientId);
    if (!standsAfter(revoked, decision, instanceClockTolerance)) {
      await repositories.authorizationCodes.delete(authorizationCodeKey(handle));
      return { ...undecided(request, loggedIn, isSilent), ...(revoked !== undefined && { after: revoked.mark }) };
    }
    keep();
    emit("login", { clientId: request.clientId, subject, upstreamIssuer });
    const location = this.#answer(request, { code });
    if (subject === undefined) return { request, upstream, location };
    return { request, upstream, location, decision: rememberedFor(subject, decision) };
  }

  /** False for a decision that was remembered for long enough, by the option as it is now. */
  #isRemembered({ subject, decidedAt }: Decision): boolean {
    const { consent, now } = this.#configuration;
    return subject === undefined || now() < decidedAt + consent.remember;
  }

  async #storeCode(
    { handle, secret }: { readonly handle: string; readonly secret: Uint8Array },
    request: AuthorizationRequest,
    session: LoggedIn["session"],
  ): Promise<string> {
    const { instance, instanceClockTolerance, keys, lifetimes, now, repositories } = this.#configuration;
    const { subject } = session.identity;
    const core = credentialCore("authorization_code", { handle, generation: 0 }, secret);
    const grantId = grantIdOf(handle);
    const key = StepKey.create(grantId);
    const endsAt = now() + lifetimes.authorizationCode;
    await repositories.authorizationCodes.set(authorizationCodeKey(handle), {
      clientId: request.clientId,
      scopes: [...request.scopes],
      expiresAt: endsAt + instanceClockTolerance,
      endsAt,
      issuedBy: instance,
      codeChallenge: request.codeChallenge,
      redirectUri: new URL(request.redirectUri),
      resource: new URL(request.resource),
      ...(request.namesResource === true && { namesResource: true }),
      client: request.client,
      ...(request.offlineAccess && { offlineAccess: true }),
      grantId,
      sealedUpstream: key.grantKey.sealSession(session),
      wrappedKey: key.wrap(keys, core),
      ...(subject !== undefined && { subject }),
      upstreamIssuer: session.issuer,
    });
    return markCredential(keys.derive("credential mark"), core);
  }

  #answer(request: AuthorizationRequest, parameters: Record<string, string>): URL {
    return authorizationResponse(this.#configuration.issuer, request, parameters);
  }
}

/**
 * The end of a login of somebody who has not allowed the client: the person has to be asked.
 *
 * @throws {OAuthError} with `consent_required` when the person may not be asked.
 */
function undecided(
  request: AuthorizationRequest,
  { upstream, session }: LoggedIn,
  isSilent: boolean | undefined,
): CompletedLogin {
  if (isSilent) throw consentRequired();
  const { username, email } = session.identity;
  const account = username ?? email;
  return { request, upstream, location: undefined, ...(account !== undefined && { account }) };
}

/** The error for a client that wants no page to be shown, where the person has yet to allow it. */
export function consentRequired(): OAuthError {
  return new OAuthError("consent_required", "The user has not allowed this client yet; ask again without prompt=none.");
}

/**
 * An authorization response (RFC 6749 section 4.1.2, RFC 9207): the redirect URI with parameters added to its query, which
 * stays as it was registered, without what would pass for one of them.
 */
export function authorizationResponse(
  issuer: string,
  { redirectUri, state }: { readonly redirectUri: string; readonly state?: string | undefined },
  answer: Readonly<Record<string, string>>,
): URL {
  const parameters = { ...answer, ...(state !== undefined && { state }), iss: issuer };
  const url = new URL(redirectUri);
  const kept = url.search
    .slice(1)
    .split("&")
    .filter(
      (pair) => pair !== "" && ![...new URLSearchParams(pair).keys()].some((name) => Object.hasOwn(parameters, name)),
    );
  url.search = [...kept, new URLSearchParams(parameters).toString()].join("&");
  return url;
}
