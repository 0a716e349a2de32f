import { decodeJwt } from "jose";
import { OAuthError } from "../../errors.ts";
import type { ClientAuthentication } from "../../records/authorization-code.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { tokenKey } from "../../secrets/storage-key.ts";

/** What a caller of the token or revocation endpoint showed of itself. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly secret?: string;
  /** A signed statement of who it is (`private_key_jwt`, RFC 7523). */
  readonly assertion?: string;
  /** Whether the secret came in the `Authorization` header, so that a refusal answers with `WWW-Authenticate`. */
  readonly basic: boolean;
}

/** What a form says of the client that sends it. */
export interface ClientForm {
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly client_assertion?: string | undefined;
  readonly client_assertion_type?: string | undefined;
}

/** The only kind of assertion that is understood (RFC 7523 section 2.2). */
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/**
 * Reads client credentials from the `Authorization` header (`client_secret_basic`) or the form (`client_secret_post`,
 * `private_key_jwt` or `none`), RFC 6749 section 2.3.1 and RFC 7523 section 2.2.
 *
 * @throws `OAuthError` with `invalid_request` for two methods at once, `invalid_client` for none or malformed ones.
 */
export function readClientCredentials(authorization: string | null, form: ClientForm): ClientCredentials {
  const postedSecret = form.client_secret === "" ? undefined : form.client_secret;
  if (form.client_assertion !== undefined || form.client_assertion_type !== undefined) {
    if (authorization !== null || postedSecret !== undefined) {
      throw new OAuthError("invalid_request", "Authenticate with a client_assertion or in another way, not in both.");
    }
    return readAssertion(form);
  }
  if (authorization === null) {
    if (form.client_id === undefined) throw new OAuthError("invalid_client", "The request names no client_id.");
    return { clientId: form.client_id, ...(postedSecret !== undefined && { secret: postedSecret }), basic: false };
  }
  const [scheme, encoded, ...rest] = authorization.trim().split(/ +/);
  if (scheme?.toLowerCase() !== "basic" || encoded === undefined || rest.length > 0) {
    throw new OAuthError("invalid_client", "The Authorization header must use the Basic scheme.");
  }
  if (postedSecret !== undefined) {
    throw new OAuthError("invalid_request", "Authenticate in the Authorization header or in the form, not in both.");
  }
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  const clientId = colon < 0 ? undefined : formDecode(decoded.slice(0, colon));
  const secret = colon < 0 ? undefined : formDecode(decoded.slice(colon + 1));
  if (clientId === undefined || clientId === "" || secret === undefined) {
    throw new OAuthError("invalid_client", "The Basic credentials must be form-urlencoded client_id:client_secret.");
  }
  if (form.client_id !== undefined && form.client_id !== clientId) {
    throw new OAuthError("invalid_request", "The client_id in the form is not the one in the Authorization header.");
  }
  return { clientId, ...(secret !== "" && { secret }), basic: true };
}

/** The `client_id` may be left out: the assertion names it (RFC 7521 section 4.2). It is not verified yet. */
function readAssertion(form: ClientForm): ClientCredentials {
  const { client_assertion: assertion, client_assertion_type: type } = form;
  if (type !== jwtBearer || assertion === undefined) {
    throw new OAuthError("invalid_client", `A client_assertion needs the client_assertion_type ${jwtBearer}.`);
  }
  const subject = unverifiedSubject(assertion);
  if (subject === undefined || (form.client_id !== undefined && form.client_id !== subject)) {
    throw new OAuthError("invalid_client", "The client_assertion must be a JWT whose sub is the client_id.");
  }
  return { clientId: subject, assertion, basic: false };
}

function unverifiedSubject(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).sub;
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

/** The part of a client's record that decides how it authenticates. */
export function clientAuthenticationOf(client: OAuthClientInformation): ClientAuthentication {
  const secretHash =
    client.client_secret_hash ?? (client.client_secret === undefined ? undefined : tokenKey(client.client_secret));
  const expiresAt = client.client_secret_expires_at;
  return {
    tokenEndpointAuthMethod:
      client.token_endpoint_auth_method === "private_key_jwt"
        ? "private_key_jwt"
        : secretHash === undefined
          ? "none"
          : client.token_endpoint_auth_method === "client_secret_basic"
            ? "client_secret_basic"
            : "client_secret_post",
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
 * @throws `OAuthError` with `invalid_client`.
 */
export function checkClientSecret(
  credentials: ClientCredentials,
  known: ClientAuthentication,
  nowSeconds: number,
): void {
  if (known.secretHash === undefined) {
    if (credentials.secret === undefined && credentials.assertion === undefined) return;
    throw new OAuthError("invalid_client", "This client is public and must send neither a secret nor an assertion.");
  }
  const isSame = isSameText(tokenKey(credentials.secret ?? ""), known.secretHash);
  if (credentials.secret === undefined || !isSame) {
    throw new OAuthError("invalid_client", "The client_id or client_secret is wrong.");
  }
  if (known.secretExpiresAt !== undefined && known.secretExpiresAt <= nowSeconds) {
    throw new OAuthError("invalid_client", "The client_secret has expired; register again.");
  }
}
