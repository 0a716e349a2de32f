import { UpstreamUnavailableError } from "../../errors.ts";
import { clockFinding } from "../../storage/clock-finding.ts";
import type { Finding } from "../../storage/finding.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { withoutLastSlashes } from "../oauth/paths.ts";
import { describeAnswer } from "./foreign-answer.ts";
import {
  type BegunLogin,
  beginLogin,
  believed,
  clockAhead,
  get,
  invented,
  inventedChallenge,
  isOAuthAnswer,
  isRefusal,
  type Probe,
  refusalOf,
  silence,
  unseen,
} from "./login-probe.ts";

/** What is to be looked at, and how. */
export interface PangeaSubject extends Probe {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  /** The names that the operator's configuration has for the options. */
  readonly names: Readonly<Record<"issuerUrl" | "clientId" | "clientSecret" | "scopes", string>>;
  /** Calls an endpoint of AuthN as this server's client does. */
  readonly post: (path: string, form: Record<string, string>) => Promise<unknown>;
}

/**
 * Looks at a project of Pangea AuthN from outside: whether it answers under its issuer, takes the client with its secret,
 * and would begin a login. Nobody logs in, and nothing is changed.
 */
export async function diagnosePangea(subject: PangeaSubject): Promise<Finding[]> {
  const metadata = await readMetadata(subject);
  if (metadata.isSilent) return [metadata.finding];
  const answers = await askAsClient(subject);
  if (metadata.isAbsent && !isOAuthAnswer(answers.redemption)) {
    const { redirectUri } = subject;
    const others = (["upstream-client", "redirect-uri"] as const).map((check) => unseen(check, name, redirectUri));
    return [noAuthorizationServer(subject, metadata.finding), ...others];
  }
  const credentials = credentialsFinding(subject, answers);
  const login = believed(await beginPangeaLogin(subject), answers.redemption);
  const isKnown = credentials.status === "ok";
  return [
    metadata.finding,
    ...(metadata.date === undefined ? [] : [clockFinding("upstream-clock", "Pangea AuthN", metadata.date)]),
    isKnown || login !== "refused" ? credentials : wrongClientId(subject, credentials),
    ...loginFindings(subject, login, isKnown),
  ];
}

const name = "Pangea AuthN";

/** Neither the metadata nor the token endpoint is there: another site answers. */
function noAuthorizationServer({ issuer, names }: PangeaSubject, { what }: Finding): Finding {
  return {
    check: "upstream-issuer",
    status: "error",
    what: `${what} Its token endpoint does not answer as one either.`,
    why: "Another site than AuthN answers there, or something in front of it: nobody can log in.",
    remedy: `Compare ${names.issuerUrl} with the Hosted Login URL on AuthN's overview in the Pangea console, and see what answers at ${issuer}, such as a proxy, a login page or a page of maintenance.`,
  };
}

interface ReadMetadata {
  readonly finding: Finding;
  /** Whether nothing answers, so that there is nothing else to ask. */
  readonly isSilent: boolean;
  /** Whether something answers, and publishes no metadata. */
  readonly isAbsent: boolean;
  /** How far the clock of here is ahead of theirs, in seconds. */
  readonly date: number | undefined;
}

async function readMetadata(subject: PangeaSubject): Promise<ReadMetadata> {
  const { issuer, names, clock } = subject;
  const check = "upstream-issuer";
  let answer = "";
  try {
    for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]) {
      const response = await get(subject, issuer + path);
      const date = clockAhead(response, clock);
      const body = parseJson(await response.text());
      answer ||= describeAnswer(response);
      if (!response.ok || typeof body !== "object" || body === null || !("issuer" in body)) continue;
      return { finding: compareIssuer(subject, body.issuer), isSilent: false, isAbsent: false, date };
    }
  } catch (failure) {
    const why = "People are sent there to log in, and this server redeems their logins there.";
    const remedy = `Set ${names.issuerUrl} to the Hosted Login URL on AuthN's overview in the Pangea console, and let this machine reach it.`;
    const finding = silence(check, issuer, failure, why, remedy);
    return { finding, isSilent: true, isAbsent: false, date: undefined };
  }
  const above = await issuerAbove(subject);
  if (above !== undefined)
    return { finding: compareIssuer(subject, above, true), isSilent: true, isAbsent: false, date: undefined };
  const finding: Finding = {
    check,
    status: "warning",
    what: `${issuer} answers (${answer}), and publishes no metadata of an authorization server.`,
    why: "It may be another site than AuthN, where nobody can log in.",
    remedy: `Compare ${names.issuerUrl} with the Hosted Login URL on AuthN's overview in the Pangea console.`,
  };
  return { finding, isSilent: false, isAbsent: true, date: undefined };
}

/** The issuer that the site of an issuer names which has a path too many; undefined where there is none. */
async function issuerAbove(subject: PangeaSubject): Promise<unknown> {
  const { origin } = new URL(subject.issuer);
  if (origin === subject.issuer) return undefined;
  try {
    const body = parseJson(await (await get(subject, `${origin}/.well-known/oauth-authorization-server`)).text());
    return typeof body === "object" && body !== null && "issuer" in body ? body.issuer : undefined;
  } catch {
    return undefined;
  }
}

function compareIssuer({ issuer, names }: PangeaSubject, named: unknown, isOfSite = false): Finding {
  const check = "upstream-issuer";
  const other = typeof named === "string" && URL.canParse(named) ? withoutLastSlashes(named) : "no URL";
  if (other === issuer) {
    return { check, status: "ok", what: `${issuer} answers, and its metadata names the same issuer.` };
  }
  return {
    check,
    status: "error",
    what: isOfSite
      ? `${issuer} has a path too many: the metadata of its site names the issuer ${other}.`
      : `${issuer} answers, and its metadata names another issuer: ${other}.`,
    why: "A login that comes back under another issuer's name is refused (RFC 9207).",
    remedy: `Set ${names.issuerUrl} to ${other}, if that is your project's Hosted Login URL.`,
  };
}

/** What the endpoints have answered to this server's client. */
interface ClientAnswers {
  /** What the redemption of an invented code fails with. */
  readonly redemption: unknown;
  /** What the introspection of an invented token fails with; undefined where it does not. */
  readonly introspection: unknown;
  /** Whether the introspection says of the token whether it is active. */
  readonly isIntrospected: boolean;
}

/** Asks about an invented token and an invented code: who is not the client reads `invalid_client`. */
async function askAsClient({ post, redirectUri: redirect_uri }: PangeaSubject): Promise<ClientAnswers> {
  const form = { grant_type: "authorization_code", code: invented, code_verifier: invented, redirect_uri };
  const redemption = await refusalOf(() => post("/v2/oauth/token", form));
  let body: unknown;
  const introspection = await refusalOf(async () => {
    body = await post("/v2/oauth/token/introspect", { token: invented });
  });
  return { redemption, introspection, isIntrospected: typeof Object(body).active === "boolean" };
}

function credentialsFinding({ names, redirectUri }: PangeaSubject, answers: ClientAnswers): Finding {
  const check = "upstream-client";
  const { redemption, introspection, isIntrospected } = answers;
  const outage = [redemption, introspection].find((failure) => failure instanceof UpstreamUnavailableError);
  if (outage !== undefined) {
    const why = "Whether it takes the client and its secret cannot be said.";
    return { check, status: "error", what: outage.message, why, remedy: "Try again later." };
  }
  if (isRefusal(redemption, "invalid_client")) {
    return {
      check,
      status: "error",
      what: "Pangea AuthN does not take the client's id with this secret.",
      why: "People can log in there, and every login fails here.",
      remedy: `Copy the secret of the client to ${names.clientSecret} once more, from OAuth Server → Clients in the Pangea console.`,
    };
  }
  if (introspection !== undefined) {
    return {
      check,
      status: "error",
      what: "Pangea AuthN takes the client and its secret, and does not let it introspect tokens.",
      why: "This server asks by introspection who has logged in, and logs nobody in whom Pangea AuthN does not name.",
      remedy: `Let the OAuth client of ${names.clientId} introspect tokens in the Pangea console.`,
    };
  }
  // What has not been seen is not good: whoever knows the client finds fault with the code.
  if (!isOAuthAnswer(redemption) || !isIntrospected) {
    return { ...unseen(check, name, redirectUri), status: "error", remedy: unknownEndpoint(names.issuerUrl) };
  }
  return { check, status: "ok", what: "Pangea AuthN takes the client's id and secret, and lets it introspect tokens." };
}

function unknownEndpoint(issuerUrl: string): string {
  return `See what answers at /v2/oauth/token and /v2/oauth/token/introspect of ${issuerUrl}: it is no reply of OAuth.`;
}

function wrongClientId({ names, clientId }: PangeaSubject, finding: Finding): Finding {
  if (finding.status !== "error" || finding.what.includes("introspect")) return finding;
  return {
    ...finding,
    what: "Pangea AuthN knows no client of this id, or does not take its secret or redirect URI.",
    why: "People read an error at Pangea AuthN and never come back.",
    remedy: `Compare ${names.clientId} (${shown(clientId)}) and ${names.clientSecret} with the client under OAuth Server → Clients in the Pangea console.`,
  };
}

/** Begins a login as a browser would, and goes no further. */
function beginPangeaLogin(subject: PangeaSubject): Promise<BegunLogin> {
  const { issuer, clientId, scopes, redirectUri } = subject;
  const url = new URL(`${issuer}/v2/oauth/authorize`);
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    state: invented,
    scope: scopes.join(" "),
    code_challenge: inventedChallenge,
    code_challenge_method: "S256",
  }).toString();
  return beginLogin(subject, url, redirectUri);
}

function loginFindings({ names, scopes, redirectUri }: PangeaSubject, login: BegunLogin, isKnown: boolean): Finding[] {
  const scopeList = scopes.join(" ");
  const register = `Register exactly this redirect URI for the client in the Pangea console: ${redirectUri}`;
  if (login === "silent" || (login === "refused" && !isKnown)) {
    const what = `Whether the redirect URI ${redirectUri} is registered could not be seen.`;
    const why = "Without it people read an error at Pangea AuthN and never come back.";
    return [{ check: "redirect-uri", status: "warning", what, why, remedy: register }];
  }
  if (login === "refused") {
    const what = `Pangea AuthN does not begin a login that comes back to ${redirectUri}.`;
    const why = "People read an error at Pangea AuthN and never come back; this server hears nothing of it.";
    return [{ check: "redirect-uri", status: "error", what, why, remedy: register }];
  }
  const registered: Finding = {
    check: "redirect-uri",
    status: "ok",
    what: `The redirect URI is ${redirectUri}, and is registered.`,
  };
  if (login === "begins") {
    const what = `A login begins, with the scopes ${scopeList}.`;
    return [registered, { check: "upstream-scopes", status: "ok", what }];
  }
  const error = /^[a-z_]{1,40}$/.test(login.error) ? login.error : "an error";
  const isScope = error === "invalid_scope";
  return [
    registered,
    {
      check: "upstream-scopes",
      status: "error",
      what: `Pangea AuthN answers a login at once with ${error}; it was asked for the scopes ${scopeList}.`,
      why: "Nobody can log in.",
      remedy: isScope
        ? `Give the client these scopes in the Pangea console, or take other ones for ${names.scopes}.`
        : "Look at the client's grant types and response types in the Pangea console: Authorization Code and Code.",
    },
  ];
}

/** The id of a client is no secret, but a secret may stand in its place. */
function shown(clientId: string): string {
  return `${clientId.slice(0, 8)}…`;
}
