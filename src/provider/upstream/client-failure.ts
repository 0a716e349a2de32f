import { UpstreamRejectedError, UpstreamUnavailableError } from "../../errors.ts";
import { tlsFaultOf } from "../../storage/tls-failure.ts";
import { describeAnswer, isRedirect } from "./foreign-answer.ts";

/** What an operator can change, by the code of an error of openid-client. */
const adviceByCode: Readonly<Record<string, string>> = {
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED:
    "The issuer is not the one that its own metadata names: take `issuer` from there, with or without the slash at its end.",
  OAUTH_JWT_TIMESTAMP_CHECK_FAILED:
    "The clock of this machine and that of the identity provider are too far apart: set them.",
  OAUTH_JWT_CLAIM_COMPARISON_FAILED: "The ID token is for another client or login, or from another issuer.",
  OAUTH_KEY_SELECTION_FAILED: "No key of the identity provider fits the ID token: give idTokenSigningAlgorithm.",
  OAUTH_MISSING_SERVER_METADATA: "The identity provider's metadata lacks an endpoint that is needed.",
  OAUTH_RESPONSE_IS_NOT_CONFORM:
    "The identity provider has nothing of that kind at this address: compare the address with its documentation.",
  OAUTH_INVALID_RESPONSE:
    "What the identity provider answers lacks what the standards require: see that the address is that of an OAuth or OpenID provider.",
  OAUTH_HTTP_REQUEST_FORBIDDEN: "The identity provider has to be reached over https.",
};

/**
 * Says what an error of openid-client means: an outage, or a refusal.
 *
 * @param name - The upstream's, for messages.
 * @param path - What was asked for, in words: "its token endpoint".
 */
export function clientFailure(error: unknown, name: string, path: string): Error {
  if (error instanceof UpstreamRejectedError || error instanceof UpstreamUnavailableError) return error;
  const cause = scrubbed(error);
  const status = statusOf(error);
  const refusal = refusalOf(error, path);
  if (status !== undefined && (status >= 500 || status === 429)) {
    const seconds = retryAfterOf(error);
    return new UpstreamUnavailableError(`${name} answered with status ${status} at ${path}; try again later.`, {
      cause,
      ...(seconds !== undefined && { retryAfterSeconds: seconds }),
    });
  }
  if (isNoReply(error)) {
    const response = responseOf(error);
    const answer = response === undefined ? "" : `: ${describeAnswer(response)}`;
    return new UpstreamUnavailableError(
      `${name} answered at ${path} with what is no reply of an identity provider${answer}. Compare its address, and see what answers in its place, such as a proxy, a login page or a page of maintenance.`,
      { cause },
    );
  }
  if (refusal !== undefined) {
    const advice = refusal === "invalid_client" ? "Check the client's id and its secret or key." : undefined;
    return new UpstreamRejectedError(refusal, `${name} refused the request at ${path} with ${refusal}.`, {
      cause,
      ...(advice !== undefined && { advice }),
    });
  }
  const fault = tlsFaultOf(error);
  if (fault !== undefined) {
    const words = `The connection to ${name} failed at ${path} (${fault.code}). ${fault.advice}`;
    return new UpstreamUnavailableError(words, { cause });
  }
  const code = codeOf(error);
  if (code !== undefined && /^(OAUTH_(?!TIMEOUT)|ERR_INVALID_ARG|ERR_J(?!WKS_TIMEOUT|OSE_GENERIC))/.test(code)) {
    const named = code === "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" ? namedIssuer(error) : undefined;
    const advice =
      named === undefined ? adviceByCode[code] : `Its metadata names the issuer ${named}: give that, if it is yours.`;
    return new UpstreamRejectedError("server_error", `${name} answered at ${path} with what cannot be accepted.`, {
      cause,
      ...(advice !== undefined && { advice }),
    });
  }
  return new UpstreamUnavailableError(`${name} did not answer at ${path}; check its address and the network.`, {
    cause,
  });
}

/** Whether something else has answered than an identity provider: a page, a redirect, or what is no JSON object. */
function isNoReply(error: unknown): boolean {
  const response = responseOf(error);
  if (response !== undefined && isRedirect(response)) return true;
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    // A challenge and a refusal are answers, of whatever type.
    if (codeOf(at) === "OAUTH_RESPONSE_IS_NOT_JSON") return response === undefined || response.ok;
    if (/^failed to parse "response" body|^"response" body must be a top level object/.test(at.message)) return true;
  }
  return false;
}

/** The issuer that a discovery document names which was asked for as another one. An address in it is no secret. */
function namedIssuer(error: unknown): string | undefined {
  for (let at: unknown = error; typeof at === "object" && at !== null; at = Reflect.get(at, "cause")) {
    const issuer: unknown = Object(Reflect.get(at, "body")).issuer;
    if (typeof issuer === "string" && URL.canParse(issuer)) return issuer;
  }
  return undefined;
}

function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/** Where this server shows its own credentials, and no token of a user. */
const clientEndpoints: readonly string[] = ["its token endpoint", "its revocation endpoint"];

/** The OAuth error code in the body of a refusal, or what a challenge means there. */
function refusalOf(error: unknown, path: string): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if ("error" in error && typeof error.error === "string") return wellFormed(error.error);
  if (codeOf(error) !== "OAUTH_WWW_AUTHENTICATE_CHALLENGE") return undefined;
  return clientEndpoints.includes(path) ? "invalid_client" : "invalid_token";
}

function wellFormed(error: string): string {
  return /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(error) ? error : "invalid_request";
}

function responseOf(error: unknown): Response | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if ("response" in error && error.response instanceof Response) return error.response;
  return "cause" in error && error.cause instanceof Response ? error.cause : undefined;
}

function statusOf(error: unknown): number | undefined {
  if (typeof error === "object" && error !== null && "status" in error && typeof error.status === "number") {
    return error.status;
  }
  return responseOf(error)?.status;
}

function retryAfterOf(error: unknown): number | undefined {
  const seconds = Number(responseOf(error)?.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

/** A stand-in for the error: openid-client hangs responses, ID tokens and claims on its own. */
function scrubbed(error: unknown): Error {
  if (!(error instanceof Error)) return new Error("The client threw something that is not an error.");
  const copy: Error & { code?: string } = new Error(error.message);
  copy.name = error.name;
  const code = codeOf(error) ?? codeOf(error.cause);
  if (code !== undefined) copy.code = code;
  return copy;
}
