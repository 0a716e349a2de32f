import { UpstreamRejectedError, UpstreamUnavailableError } from "../../errors.ts";
import type { Finding } from "../../storage/finding.ts";
import { tlsFaultOf } from "../../storage/tls-failure.ts";
import { codesOf, describeFailure } from "../reporting/failure-description.ts";
import type { Upstream } from "./contract.ts";
import { isRedirect } from "./foreign-answer.ts";

/** How an identity provider is asked from outside. */
export interface Probe {
  readonly send: (request: Request) => Promise<Response>;
  /** The deadline of one call, in milliseconds. */
  readonly timeout: number;
  /** The time in milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A `state`, a code and a verifier that nobody has made: what is asked with them has no effect. */
export const invented = "pangea-authn-fastmcp-doctor-asks-with-an-invented-value";

/** The example of {@link https://www.rfc-editor.org/rfc/rfc7636#appendix-B RFC 7636 appendix B}. */
export const inventedChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/** A login that nobody has begun, and what an upstream is asked for it. */
export interface InventedLogin {
  /** Where a browser would go to log in. */
  readonly loginUrl: () => Promise<URL>;
  /** Redeems the code as this server's client. */
  readonly redeem: () => Promise<unknown>;
}

/** Asks an upstream with invented values. */
export function inventedLogin(upstream: Upstream, redirectUri: string): InventedLogin {
  const { issuer } = upstream;
  return {
    loginUrl: async () => upstream.authorizationUrl({ state: invented, codeChallenge: inventedChallenge, redirectUri }),
    redeem: () => upstream.exchange({ code: invented, codeVerifier: invented, redirectUri, issuer }),
  };
}

/**
 * What a login that begins now leads to: the error that comes back, or one of these. What is no page and no way to one is
 * `silent`: nothing was seen.
 */
export type BegunLogin = "begins" | "refused" | "silent" | { readonly error: string };

/** Begins a login as a browser would, and goes no further. */
export async function beginLogin(probe: Probe, url: URL, redirectUri: string): Promise<BegunLogin> {
  try {
    const response = await get(probe, url.href);
    const { status, headers } = response;
    const location = new URL(headers.get("location") ?? url.origin, url.origin);
    const error = location.href.startsWith(redirectUri) ? location.searchParams.get("error") : null;
    if (error !== null) return { error };
    if (status >= 400) return status < 500 ? "refused" : "silent";
    if (isRedirect(response)) return headers.has("location") ? "begins" : "silent";
    return isPage(headers) && (await response.text()).trim() !== "" ? "begins" : "silent";
  } catch {
    return "silent";
  }
}

/** Some providers show their login page at once. */
function isPage(headers: Headers): boolean {
  return /^(?:text\/html|application\/xhtml\+xml)\b/i.test(headers.get("content-type") ?? "");
}

/** Whether a token endpoint has answered as one: with an error of OAuth's own, which names what is wrong. */
export function isOAuthAnswer(refusal: unknown): boolean {
  return refusal instanceof UpstreamRejectedError && refusal.error !== "server_error";
}

/**
 * What a login leads to, where the token endpoint of the provider has answered as one. Elsewhere a page or a redirect may be
 * anything's: of maintenance, or to a login of the network.
 *
 * @param refusal - What the redemption of an invented code fails with.
 */
export function believed(login: BegunLogin, refusal: unknown): BegunLogin {
  return login === "begins" && !isOAuthAnswer(refusal) ? "silent" : login;
}

/** The finding of what an answer could have shown that did not come from an identity provider. */
export function unseen(check: "upstream-client" | "redirect-uri", name: string, redirectUri: string): Finding {
  const remedy = "Mend what is said of upstream-issuer, then run this again.";
  return check === "upstream-client"
    ? {
        check,
        status: "warning",
        what: `Whether ${name} takes the client and its secret could not be seen.`,
        why: "Where it does not, every login fails.",
        remedy,
      }
    : {
        check,
        status: "warning",
        what: `Whether the redirect URI ${redirectUri} is registered could not be seen.`,
        why: `Without it people read an error at ${name} and never come back.`,
        remedy,
      };
}

/** Asks for a URL, and follows it nowhere. */
export function get({ send, timeout }: Pick<Probe, "send" | "timeout">, url: string): Promise<Response> {
  return send(new Request(url, { redirect: "manual", signal: AbortSignal.timeout(timeout) }));
}

/** How far this machine's clock is ahead of the one behind an answer, in seconds; undefined where that does not say. */
export function clockAhead({ headers }: Response, clock: () => number): number | undefined {
  const theirs = Date.parse(headers.get("date") ?? "");
  // The header has whole seconds, and the answer took a while.
  return Number.isNaN(theirs) ? undefined : Math.trunc((clock() - theirs) / 1000);
}

/** What a call fails with; undefined where it does not. */
export async function refusalOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (failure) {
    return failure;
  }
}

export function isRefusal(failure: unknown, error: string): boolean {
  return failure instanceof UpstreamRejectedError && failure.error === error;
}

/** The finding that nothing answers at an address. */
export function silence(check: string, address: string, failure: unknown, why: string, remedy: string): Finding {
  const { causes } = describeFailure(new UpstreamUnavailableError("", { cause: failure }));
  const codes = codesOf({ code: "ERR_UNEXPECTED", message: "", causes });
  // The codes of what has failed, in brackets: the system's say why nothing answers.
  const details = codes.length > 0 ? ` (${codes.join(", ")})` : "";
  const fault = tlsFaultOf(failure, address);
  if (fault !== undefined) {
    const what = `The connection to ${address} failed${details}.`;
    return { check, status: "error", what, why, remedy: fault.advice };
  }
  return { check, status: "error", what: `${address} does not answer${details}.`, why, remedy };
}
