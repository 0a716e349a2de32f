import type { ClientAuthentication } from "../../records/authorization-code.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import { invalidClient, invalidRequest } from "../oauth-failure.ts";

/** What a caller of the token or revocation endpoint showed of itself. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly secret?: string;
  /** A signed statement of who it is (`private_key_jwt`, RFC 7523). */
  readonly assertion?: string;
}

/** The parameters of a form. */
interface ClientForm {
  get(name: "client_id" | "client_secret" | "client_assertion" | "client_assertion_type"): string | undefined;
}

/** The only kind of assertion that is understood (RFC 7523 section 2.2). */
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/**
 * Reads client credentials from the `Authorization` header (`client_secret_basic`) or the form (`client_secret_post`,
 * `private_key_jwt` or `none`), RFC 6749 section 2.3.1 and RFC 7523 section 2.2. What proves nothing is as if it were not
 * there: a header of another scheme, such as a client's token, the texts that scripts make of a secret that is not set, and
 * a `client_assertion_type` without an assertion.
 *
 * @throws {OAuthError} with `invalid_request` for two methods at once, `invalid_client` for none or malformed ones.
 */
export function readClientCredentials(header: string | null, form: ClientForm): ClientCredentials {
  const authorization = header !== null && /^\s*basic(?:\s|$)/i.test(header) ? header : null;
  const [clientId, givenSecret] = [form.get("client_id"), form.get("client_secret")];
  const postedSecret = givenSecret === "undefined" || givenSecret === "null" ? undefined : givenSecret;
  const [assertion, assertionType] = [form.get("client_assertion"), form.get("client_assertion_type")];
  if (assertion !== undefined) {
    if (authorization !== null || postedSecret !== undefined) {
      throw invalidRequest("Authenticate with a client_assertion or in another way, not in both.");
    }
    if (assertionType !== jwtBearer) {
      throw invalidClient(`A client_assertion needs the client_assertion_type ${jwtBearer}.`);
    }
    return { clientId: subjectOf(assertion, clientId), assertion };
  }
  if (authorization === null) {
    if (clientId === undefined) throw invalidClient("The request names no client_id.");
    return { clientId, ...(postedSecret !== undefined && { secret: postedSecret }) };
  }
  const basic = readBasic(authorization);
  // Some clients show the same secret twice, which is no more than once.
  if (postedSecret !== undefined && !isSameText(postedSecret, basic.secret ?? "")) {
    throw invalidRequest("Authenticate in the Authorization header or in the form, not in both.");
  }
  if (clientId !== undefined && clientId !== basic.clientId) {
    throw invalidRequest("The client_id in the form is not the one in the Authorization header.");
  }
  return basic;
}

/** The credentials of a `Basic` header, each of which is form-urlencoded (RFC 6749 section 2.3.1). */
function readBasic(authorization: string): ClientCredentials {
  const encoded = /^basic +(\S+)$/i.exec(authorization.trim())?.[1];
  if (encoded === undefined) throw invalidClient("The Authorization header must use the Basic scheme.");
  const [, id = "", password = ""] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString("utf8")) ?? [];
  const [clientId, secret] = [formDecode(id), formDecode(password)];
  if (clientId === undefined || clientId === "" || secret === undefined) {
    throw invalidClient("The Basic credentials must be form-urlencoded client_id:client_secret.");
  }
  return { clientId, ...(secret !== "" && { secret }) };
}

/** The client that an assertion names, so that `client_id` may be left out (RFC 7521 section 4.2). Not verified yet. */
function subjectOf(assertion: string, clientId: string | undefined): string {
  const subject = unverifiedSubject(assertion);
  if (subject === undefined || (clientId !== undefined && clientId !== subject)) {
    throw invalidClient("The client_assertion must be a JWT whose sub is the client_id.");
  }
  return subject;
}

function unverifiedSubject(assertion: string): string | undefined {
  try {
    const [, payload = ""] = assertion.split(".");
    const { sub: subject }: { readonly sub?: unknown } = Object(
      JSON.parse(Buffer.from(payload, "base64url").toString()),
    );
    return typeof subject === "string" ? subject : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 6749 appendix B; undefined for a broken percent escape. */
function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/**
 * The part of a client's record that decides how it authenticates. The secret's hash is a plain one: a registered client's
 * secret has 32 random bytes, which nobody finds by guessing.
 */
export function clientAuthenticationOf(client: OAuthClientInformation): ClientAuthentication {
  const { client_secret: secret, client_secret_expires_at: expiresAt, token_endpoint_auth_method: method } = client;
  const secretHash = client.client_secret_hash ?? (secret === undefined ? undefined : tokenKey(secret));
  const bySecret = method === "client_secret_basic" ? method : "client_secret_post";
  return {
    tokenEndpointAuthMethod: method === "private_key_jwt" ? method : secretHash === undefined ? "none" : bySecret,
    ...(secretHash !== undefined && { secretHash }),
    ...(expiresAt !== undefined && expiresAt !== 0 && { secretExpiresAt: expiresAt }),
    ...(client.expiresAt !== undefined && { registeredUntil: client.expiresAt }),
    grantTypes: client.grant_types ?? ["authorization_code"],
  };
}

/**
 * Checks the secret that a caller showed, or that it showed none where the client is public. Secrets are compared by
 * their hashes, in constant time. A client with a secret may send it in either of the two ways.
 *
 * @param nowSeconds - The time in epoch seconds.
 * @throws {OAuthError} with `invalid_client`.
 */
export function checkClientSecret(
  credentials: ClientCredentials,
  known: ClientAuthentication,
  nowSeconds: number,
): void {
  if (known.tokenEndpointAuthMethod === "none") {
    if (credentials.secret === undefined && credentials.assertion === undefined) return;
    throw invalidClient("This client is public and must send neither a secret nor an assertion.");
  }
  const isSame = isSameText(tokenKey(credentials.secret ?? ""), known.secretHash ?? "");
  if (credentials.secret === undefined || !isSame) {
    throw invalidClient("The client_id or client_secret is wrong.");
  }
  if (known.secretExpiresAt !== undefined && known.secretExpiresAt <= nowSeconds) {
    throw invalidClient("The client_secret has expired; register again.");
  }
}
