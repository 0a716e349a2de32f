import { documentRefused } from "./document-failure.ts";

const maxLength = 2048;

/** True where a `client_id` names a metadata document, be it in a form that is refused later. */
export function isDocumentUrl(clientId: string): boolean {
  return /^https?:/i.test(clientId);
}

/**
 * Reads a Client Identifier URL (draft-ietf-oauth-client-id-metadata-document-02 section 3): https, a path, no fragment,
 * no user information, no dot segments. Only the form that a URL parser would write is taken, so that the host that is
 * checked, fetched and shown is the one in the string; a written-out `:443` is the one exception that the draft names.
 * A query is taken: the draft discourages clients from having one and does not forbid it.
 *
 * @param ports - The ports that may be asked.
 * @throws {OAuthError} with `invalid_client` when a rule is broken; the message says which.
 *
 * @example
 * ```ts
 * parseClientIdUrl("https://app.example/oauth/client.json", [443]).host; // "app.example"
 * ```
 */
export function parseClientIdUrl(clientId: string, ports: readonly number[]): URL {
  const refuse = (rule: string): never => {
    throw documentRefused(`cannot have this URL, which ${rule}`);
  };
  if (clientId.length > maxLength) refuse(`has more than ${maxLength} characters`);
  if (!/^[\x21-\x7e]+$/.test(clientId)) refuse("has other characters than visible ASCII");
  if (!URL.canParse(clientId)) refuse("is not valid");
  const url = new URL(clientId);
  if (url.protocol !== "https:") refuse("does not use https");
  if (clientId.includes("#")) refuse("has a fragment");
  if (url.username !== "" || url.password !== "" || /^[^/]*\/\/[^/?#]*@/.test(clientId)) {
    refuse("has user information");
  }
  if (url.href !== clientId.replace(/^(https:\/\/[^/?#]+):443(?=[/?#])/, "$1")) {
    refuse("is not in its normal form (lower-case scheme and host, no . or .. segments, no default port)");
  }
  if (url.pathname === "/") refuse("has no path");
  if (url.hostname.endsWith(".")) refuse("has a host name that ends in a dot");
  if (!ports.includes(Number(url.port || 443))) refuse("has a port that is not allowed here");
  return url;
}
