import { clockFinding } from "../../storage/clock-finding.ts";
import type { Finding } from "../../storage/finding.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { clientFinding, loginFindings } from "./client-diagnosis.ts";
import { describeAnswer } from "./foreign-answer.ts";
import {
  beginLogin,
  believed,
  clockAhead,
  get,
  type InventedLogin,
  type Probe,
  refusalOf,
  silence,
  unseen,
} from "./login-probe.ts";

/** What is to be looked at, and how. */
export interface OpenIdSubject extends Probe, InventedLogin {
  readonly name: string;
  readonly issuer: string;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  /** The signature algorithms of ID tokens that this server takes, of those that the metadata names. */
  readonly algorithmsOf: (metadata: object) => readonly string[];
}

const owner = "openIdConnect";
const issuerCheck = "upstream-issuer";

/**
 * Looks at an OpenID provider from outside: whether it answers under its issuer, publishes keys, takes the client, and would
 * begin a login. Nobody logs in, and nothing is changed.
 */
export async function diagnoseOpenId(subject: OpenIdSubject): Promise<Finding[]> {
  const { name, clock } = subject;
  const document = await readDiscovery(subject);
  if (document.metadata === undefined) return [document.finding, ...(document.unseen ?? [])];
  const { metadata, ahead } = document;
  const [keys, refusal, login] = await Promise.all([
    keysFinding(subject, metadata),
    refusalOf(subject.redeem),
    subject.loginUrl().then(
      (url) => beginLogin({ ...subject, clock }, url, subject.redirectUri),
      () => "silent" as const,
    ),
  ]);
  const client = clientFinding({ ...subject, owner }, refusal);
  return [
    document.finding,
    ...(ahead === undefined ? [] : [clockFinding("upstream-clock", name, ahead)]),
    keys,
    client,
    ...loginFindings({ ...subject, owner }, believed(login, refusal), subject.scopes, client),
    ...scopesFinding(subject, metadata),
  ];
}

interface Discovery {
  readonly finding: Finding;
  /** Undefined where there is nothing else to look at. */
  readonly metadata?: object;
  /** What would be looked at next, where something else answers than a provider. */
  readonly unseen?: readonly Finding[];
  /** How far the clock of here is ahead of theirs, in seconds. */
  readonly ahead?: number | undefined;
}

async function readDiscovery(subject: OpenIdSubject): Promise<Discovery> {
  const { issuer, name, clock, redirectUri } = subject;
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const why = "People are sent there to log in, and this server redeems their logins there.";
  const remedy = `Set issuer of ${owner}() to the issuer of ${name}, and let this machine reach it.`;
  let response: Response;
  let text: string;
  try {
    response = await get(subject, url);
    text = await response.text();
  } catch (failure) {
    return { finding: silence(issuerCheck, issuer, failure, why, remedy) };
  }
  const metadata: unknown = parseJson(text);
  if (!response.ok || typeof metadata !== "object" || metadata === null || !("issuer" in metadata)) {
    const what = `${url} is no discovery document (${describeAnswer(response)}).`;
    const others = (["upstream-client", "redirect-uri"] as const).map((check) => unseen(check, name, redirectUri));
    return { finding: { check: issuerCheck, status: "error", what, why, remedy }, unseen: others };
  }
  const named = typeof metadata.issuer === "string" && URL.canParse(metadata.issuer) ? metadata.issuer : "no URL";
  // A host alone has no path, so that a slash behind it says nothing.
  if (URL.canParse(named) && new URL(named).href === new URL(issuer).href) {
    const what = `${issuer} answers, and its discovery document names the same issuer.`;
    return { finding: { check: issuerCheck, status: "ok", what }, metadata, ahead: clockAhead(response, clock) };
  }
  return {
    finding: {
      check: issuerCheck,
      status: "error",
      what: `${issuer} answers, and its discovery document names another issuer: ${named}.`,
      why: "An issuer is compared letter by letter: nobody can log in.",
      remedy: named.includes("{")
        ? `Set issuer of ${owner}() to that of your own tenant: with this one anybody's could log in.`
        : `Set issuer of ${owner}() to ${named}, if that is yours.`,
    },
  };
}

async function keysFinding(subject: OpenIdSubject, metadata: object): Promise<Finding> {
  const { name } = subject;
  const check = "upstream-keys";
  const why = "ID tokens cannot be checked, so nobody can log in.";
  if (subject.algorithmsOf(metadata).length === 0) {
    const what = `${name} signs ID tokens by no algorithm that this server takes: RS…, PS…, ES… and Ed….`;
    return { check, status: "error", what, why, remedy: `Give the client another one at ${name}.` };
  }
  const keySet = "jwks_uri" in metadata && typeof metadata.jwks_uri === "string" ? metadata.jwks_uri : "";
  const remedy = `Let this machine reach the key set of ${name}.`;
  if (!URL.canParse(keySet)) {
    return { check, status: "error", what: `${name} does not publish the keys of its ID tokens.`, why, remedy };
  }
  try {
    const keys: unknown = parseJson(await (await get(subject, keySet)).text());
    const isSet = typeof keys === "object" && keys !== null && "keys" in keys && Array.isArray(keys.keys);
    if (isSet) return { check, status: "ok", what: `${name} publishes the keys of its ID tokens.` };
  } catch (failure) {
    return silence(check, keySet, failure, why, remedy);
  }
  return { check, status: "error", what: `${keySet} is no key set.`, why, remedy };
}

/** Many providers give no refresh token for a scope that they do not know, and say nothing. */
function scopesFinding({ name, scopes }: OpenIdSubject, metadata: object): Finding[] {
  const supported: unknown = "scopes_supported" in metadata ? metadata.scopes_supported : undefined;
  if (!Array.isArray(supported)) return [];
  const check = "upstream-scopes";
  const beyond = scopes.filter((scope) => !supported.includes(scope));
  const names = beyond.join(" ");
  if (beyond.length === 0) return [{ check, status: "ok", what: `${name} knows the scopes ${scopes.join(" ")}.` }];
  return [
    {
      check,
      status: "warning",
      what: `${name} does not list ${names} among the scopes that it knows.`,
      why: "It may refuse the login, or leave out what the scope is for: offline_access gives refresh tokens.",
      remedy: `Leave out ${names} of scopes of ${owner}(), unless ${name} takes it all the same.`,
    },
  ];
}
