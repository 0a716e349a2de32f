import { UpstreamUnavailableError } from "../../errors.ts";
import { clockFinding } from "../../storage/clock-finding.ts";
import type { Finding } from "../../storage/finding.ts";
import { clientFinding, loginFindings } from "./client-diagnosis.ts";
import {
  beginLogin,
  clockAhead,
  get,
  type InventedLogin,
  isOAuthAnswer,
  type Probe,
  refusalOf,
  unseen,
} from "./login-probe.ts";

/** What is to be looked at, and how. */
export interface OAuth2Subject extends Probe, InventedLogin {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
}

const owner = "oAuth2";

/**
 * Looks at a provider of OAuth 2.0 from outside: whether it answers, takes the client, and would begin a login. It publishes
 * nothing of itself, so its endpoints are taken as they were given. Nobody logs in, and nothing is changed.
 */
export async function diagnoseOAuth2(subject: OAuth2Subject): Promise<Finding[]> {
  const { name, scopes, redirectUri, clock } = subject;
  const configured = { name, owner, redirectUri };
  const url = await subject.loginUrl();
  const [refusal, login, ahead] = await Promise.all([
    refusalOf(subject.redeem),
    beginLogin(subject, url, redirectUri),
    get(subject, url.origin)
      .then((response) => clockAhead(response, clock))
      .catch(() => undefined),
  ]);
  // A provider that publishes nothing of itself is known by its errors alone.
  const isSeen = isOAuthAnswer(refusal);
  const words = refusal instanceof UpstreamUnavailableError ? ` ${refusal.message}` : "";
  const issuer: Finding = !isSeen
    ? {
        check: "upstream-issuer",
        status: "error",
        what: `The token endpoint of ${name} does not answer as one.${words}`,
        why: "This server redeems people's logins there.",
        remedy: `Compare tokenEndpoint of ${owner}() with the documentation of ${name}, and let this machine reach it.`,
      }
    : { check: "upstream-issuer", status: "ok", what: `The token endpoint of ${name} answers.` };
  const client = clientFinding(configured, refusal);
  return [
    issuer,
    ...(ahead === undefined ? [] : [clockFinding("upstream-clock", name, ahead)]),
    ...(isSeen
      ? [client, ...loginFindings(configured, login, scopes, client)]
      : [unseen("upstream-client", name, redirectUri), unseen("redirect-uri", name, redirectUri)]),
  ];
}
