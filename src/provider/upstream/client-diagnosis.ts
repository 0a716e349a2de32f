import { UpstreamRejectedError, UpstreamUnavailableError } from "../../errors.ts";
import type { Finding } from "../../storage/finding.ts";
import type { BegunLogin } from "./login-probe.ts";

/** Names what an operator has configured. */
interface Configured {
  /** The upstream's, such as `Google`. */
  readonly name: string;
  /** The function that takes the options, such as `openIdConnect`. */
  readonly owner: string;
  readonly redirectUri: string;
}

/**
 * What the answer of a token endpoint to an invented code says of the client: only whoever knows the client finds fault with
 * the code.
 */
export function clientFinding({ name, owner }: Configured, failure: unknown): Finding {
  const check = "upstream-client";
  if (failure instanceof UpstreamRejectedError) {
    if (failure.error === "invalid_grant")
      return { check, status: "ok", what: `${name} takes the client's id and secret or key.` };
    if (failure.error === "invalid_client" || failure.error === "unauthorized_client") {
      return {
        check,
        status: "error",
        what: `${name} does not take the client with its secret or key (${failure.error}).`,
        why: "People can log in there, and every login fails here.",
        remedy: `Compare clientId, clientSecret or privateKey, and clientAuthentication of ${owner}() with the client at ${name}.`,
      };
    }
  }
  const outage = failure instanceof UpstreamUnavailableError;
  return {
    check,
    status: outage ? "error" : "warning",
    what: outage ? failure.message : `${name} does not say whether it takes the client: ${sentenceOf(failure)}`,
    why: "Whether it takes the client and its secret cannot be said.",
    remedy: outage ? "Try again later." : "Log in once, and look at the log where that fails.",
  };
}

/**
 * What a login that was begun without a person says of the redirect URI and the scopes.
 *
 * @param client - What was found of the client: where it is not known, a refusal says nothing of its redirect URI.
 */
export function loginFindings(
  configured: Configured,
  login: BegunLogin,
  scopes: readonly string[],
  client: Pick<Finding, "status">,
): Finding[] {
  const { name, owner, redirectUri } = configured;
  const check = "redirect-uri";
  const remedy = `Register exactly this redirect URI for the client at ${name}: ${redirectUri}`;
  const why = `Without it people read an error at ${name} and never come back; this server hears nothing of it.`;
  if (login === "silent" || (login === "refused" && client.status === "error")) {
    const what = `Whether the redirect URI ${redirectUri} is registered could not be seen.`;
    return [{ check, status: "warning", what, why, remedy }];
  }
  if (login === "refused") {
    const what = `${name} does not begin a login that comes back to ${redirectUri}.`;
    return [{ check, status: "error", what, why, remedy }];
  }
  // Some providers begin a login and find fault with the redirect URI after the password.
  const begun: Finding = { check, status: "ok", what: `${name} begins a login that comes back to ${redirectUri}.` };
  if (login === "begins") return [begun];
  const error = /^[a-z_]{1,40}$/.test(login.error) ? login.error : "an error";
  // What an upstream answers that shows no page is no fault of the configuration.
  if (error === "login_required" || error === "interaction_required") return [begun];
  return [
    begun,
    {
      check: "upstream-scopes",
      status: "error",
      what: `${name} answers a login at once with ${error}; it was asked for the scopes ${scopes.join(" ")}.`,
      why: "Nobody can log in.",
      remedy: `Give the client these scopes at ${name}, or take other ones for scopes of ${owner}(); look at the client's grant types: authorization code.`,
    },
  ];
}

/** What an error of this package says of a failure; nothing of any other, which may quote a secret. */
function sentenceOf(failure: unknown): string {
  return failure instanceof UpstreamRejectedError ? failure.message : "its answer is none that OAuth has.";
}
