import { timingSafeEqual } from "node:crypto";
import type { ClientAuthentication } from "../codecs/authorization-code.ts";
import type { OAuthClientInformation } from "../codecs/oauth-client-information.ts";
import { OAuthError } from "../errors.ts";
import { tokenKey } from "../secrets/token-key.ts";

/** What a caller of the token or revocation endpoint showed of itself. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly secret?: string;
  /** Whether the secret came in the `Authorization` header, so that a refusal answers with `WWW-Authenticate`. */
  readonly basic: boolean;
}

/**
 * Reads client credentials from the `Authorization` header (`client_secret_basic`) or the form (`client_secret_post`
 * or `none`), RFC 6749 section 2.3.1.
 *
 * @throws `OAuthError` with `invalid_request` for two methods at once, `invalid_client` for none or malformed ones.
 */
export function readClientCredentials(
  authorization: string | null,
  form: { readonly client_id?: string | undefined; readonly client_secret?: string | undefined },
): ClientCredentials {
  const postedSecret = form.client_secret === "" ? undefined : form.client_secret;
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
      secretHash === undefined
        ? "none"
        : client.token_endpoint_auth_method === "client_secret_basic"
          ? "client_secret_basic"
          : "client_secret_post",
    ...(secretHash !== undefined && { secretHash }),
    ...(expiresAt !== undefined && expiresAt !== 0 && { secretExpiresAt: expiresAt }),
    grantTypes: client.grant_types ?? ["authorization_code"],
  };
}

/**
 * Checks what a caller showed against what is known of the client. Secrets are compared by their hashes, in constant
 * time. A client with a secret may send it in either of the two ways.
 *
 * @param nowSeconds - The time in epoch seconds.
 * @throws `OAuthError` with `invalid_client`.
 */
export function authenticateClient(
  credentials: ClientCredentials,
  known: ClientAuthentication,
  nowSeconds: number,
): void {
  if (known.secretHash === undefined) {
    if (credentials.secret === undefined) return;
    throw new OAuthError("invalid_client", "This client is public and must not send a client_secret.");
  }
  const shown = Buffer.from(tokenKey(credentials.secret ?? ""));
  const expected = Buffer.from(known.secretHash);
  const same = shown.length === expected.length && timingSafeEqual(shown, expected);
  if (credentials.secret === undefined || !same) {
    throw new OAuthError("invalid_client", "The client_id or client_secret is wrong.");
  }
  if (known.secretExpiresAt !== undefined && known.secretExpiresAt <= nowSeconds) {
    throw new OAuthError("invalid_client", "The client_secret has expired; register again.");
  }
}
