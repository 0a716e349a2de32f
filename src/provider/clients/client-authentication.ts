import type { ClientAuthentication } from "../../records/authorization-code.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import { isUnset } from "../oauth/unset-value.ts";
import { invalidClient, invalidRequest } from "../oauth-failure.ts";

/** What a caller of the token or revocation endpoint showed of itself. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly secret?: string;
  /**
   * The secret as it stands in a `Basic` header, where it is another one once it is decoded: many clients, the MCP SDK's
   * among them, send it as it is.
   */
  readonly undecodedSecret?: string;
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
 * there: a header of another scheme, such as a client's token, the texts that scripts make of an id or a secret that is not
 * set, and a `client_assertion_type` without an assertion.
 *
 * @throws {OAuthError} with `invalid_request` for two methods at once, `invalid_client` for none or malformed ones.
 */
export function readClientCredentials(header: string | null, form: ClientForm): ClientCredentials {
  const [clientId, postedSecret] = [form.get("client_id"), unlessUnset(form.get("client_secret"))];
  const authorization = showsCredentials(header) ? header : null;
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
  const { secret = "", undecodedSecret = secret } = basic;
  if (postedSecret !== undefined && ![secret, undecodedSecret].some((shown) => isSameText(postedSecret, shown))) {
    throw invalidRequest("Authenticate in the Authorization header or in the form, not in both.");
  }
  if (clientId !== undefined && clientId !== basic.clientId) {
    throw invalidRequest("The client_id in the form is not the one in the Authorization header.");
  }
  return basic;
}

/** Whether a header is a `Basic` one in which a script has set anything. */
function showsCredentials(header: string | null): header is string {
  if (header === null || !/^\s*basic(?:\s|$)/i.test(header)) return false;
  const [, id, password] = basicPair(header) ?? [];
  return id === undefined || password === undefined || !isUnset(id) || !isUnset(password);
}

/** What is before and behind the colon in a `Basic` header, not decoded any further; undefined for one of another form. */
function basicPair(header: string): RegExpExecArray | undefined {
  const encoded = /^basic +(\S+)$/i.exec(header.trim())?.[1];
  if (encoded === undefined) return undefined;
  return /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString("utf8")) ?? undefined;
}

function unlessUnset(text: string | undefined): string | undefined {
  return text === undefined || isUnset(text) ? undefined : text;
}

/** The credentials of a `Basic` header, each of which is form-urlencoded (RFC 6749 section 2.3.1). */
function readBasic(authorization: string): ClientCredentials {
  const [, id = "", password = ""] = basicPair(authorization) ?? [];
  const [clientId, shown] = [formDecode(id), unlessUnset(password)];
  if (clientId === undefined || clientId === "") {
    throw invalidClient("The Authorization header must be Basic, with form-urlencoded client_id:client_secret.");
  }
  if (shown === undefined) return { clientId };
  const secret = formDecode(shown) ?? shown;
  return { clientId, secret, ...(secret !== shown && { undecodedSecret: shown }) };
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
 * Checks the secret that a caller showed. Secrets are compared by their hashes, in constant time. A client with a secret may
 * send it in either of the two ways. A public client has none: what it shows all the same proves nothing, opens nothing and
 * is not looked at, since people are asked for a secret by applications that cannot do without.
 *
 * @param nowSeconds - The time in epoch seconds.
 * @throws {OAuthError} with `invalid_client`.
 */
export function checkClientSecret(
  credentials: ClientCredentials,
  known: ClientAuthentication,
  nowSeconds: number,
): void {
  if (known.tokenEndpointAuthMethod === "none") return;
  const { secret, undecodedSecret } = credentials;
  const shown = [secret ?? "", ...(undecodedSecret === undefined ? [] : [undecodedSecret])];
  const isSame = shown.map((text) => isSameText(tokenKey(text), known.secretHash ?? "")).includes(true);
  if (secret === undefined || !isSame) {
    throw invalidClient("The client_id or client_secret is wrong.");
  }
  if (known.secretExpiresAt !== undefined && known.secretExpiresAt <= nowSeconds) {
    throw invalidClient("The client_secret has expired; register again.");
  }
}
