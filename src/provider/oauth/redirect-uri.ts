import { OAuthError } from "../../errors.ts";
import { isLoopbackHost } from "../../option-checks.ts";
import { isAllowedScheme, isHarmfulScheme } from "./private-use-schemes.ts";

/** Leaves room for everything else that a login carries along in a cookie. */
const maxLength = 1024;

/** A loopback redirect URI in three parts: host, port, and what follows (RFC 8252 section 7.3, and `localhost`). */
const loopback = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?((?:[/?][^#]*)?)$/;

/** True for a redirect URI whose port may change between runs of its program. */
export function isLoopbackRedirectUri(uri: string): boolean {
  return loopback.test(uri);
}

/** True where a redirect URI leads to more than a callback. A record of another package may have such a one. */
export function isHarmfulRedirectUri(uri: string): boolean {
  return isHarmfulScheme(new URL(uri).protocol.slice(0, -1));
}

/** A redirect URI without the port that does not count when it is compared: of a loopback host (RFC 8252 section 7.3). */
export function withoutLoopbackPort(uri: string): string {
  const [, host, , rest = ""] = loopback.exec(uri) ?? [];
  return host === undefined ? uri : `http://${host}${rest}`;
}

/** True where an http or https redirect URI leads back to the user's own machine, in any of the ways to write that. */
export function leadsToThisMachine(uri: string): boolean {
  const { protocol, hostname } = new URL(uri);
  if (protocol !== "http:" && protocol !== "https:") return false;
  return isLoopbackHost(hostname) || /\.localhost$|^0\.0\.0\.0$|^\[(::|::ffff:(7f..:.+|0:0))\]$/.test(hostname);
}

/** Where a redirect URI leads, in as few characters as tell it: the host, or the scheme of an application. */
export function destinationOf(redirectUri: string): string {
  const url = new URL(redirectUri);
  return url.protocol === "http:" || url.protocol === "https:"
    ? url.host
    : `${url.protocol.slice(0, -1)} (an application)`;
}

/**
 * Checks a redirect URI that a client registers: as `assertUsableRedirectUri` does, and its scheme, where that is a
 * private-use one, has to be on the list.
 *
 * @param privateUseSchemes - Those of the configuration, beyond those that are known.
 * @throws {OAuthError} with `invalid_redirect_uri` when a rule is broken; the message says which.
 */
export function assertRegistrableRedirectUri(uri: string, privateUseSchemes: readonly string[] = []): void {
  assertUsableRedirectUri(uri);
  const scheme = new URL(uri).protocol.slice(0, -1);
  if (scheme === "http" || scheme === "https" || isAllowedScheme(scheme, privateUseSchemes)) return;
  refuse(`must not use the scheme ${scheme}; one that is made of a domain name may be used, such as com.example.app`);
}

/**
 * Checks a redirect URI that an operator names: https, or http on a loopback host, or a private-use scheme; no fragment,
 * no user information, no character that a parser might read in two ways (OAuth 2.1 section 2.3, RFC 8252).
 *
 * @throws {OAuthError} with `invalid_redirect_uri` when a rule is broken; the message says which.
 */
export function assertUsableRedirectUri(uri: string): void {
  if (uri.length > maxLength) refuse(`may have ${maxLength} characters at the most`);
  if (!/^[\x21-\x7e]+$/.test(uri)) refuse("must be made of visible ASCII characters; percent-encode the others");
  if (/[\\<>"{}|^`*]/.test(uri)) refuse('must not contain any of \\ < > " { } | ^ ` *');
  if (!URL.canParse(uri)) refuse("must be an absolute URI");
  const url = new URL(uri);
  if (uri.includes("#")) refuse("must not have a fragment");
  if (url.username !== "" || url.password !== "" || /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(uri)) {
    refuse("must not carry user information");
  }
  if (hasDotSegment(uri)) refuse("must not have . or .. as a path segment");
  if (/^https?:$/.test(url.protocol) && !/^https?:\/\/[^/]/i.test(uri)) refuse("must have two slashes after http(s):");
  if (isHarmfulScheme(url.protocol.slice(0, -1))) refuse(`must not use the scheme ${url.protocol.slice(0, -1)}`);
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) refuse("must use https, except on a loopback host");
  if ((url.protocol === "http:" || url.protocol === "https:") && url.hostname.endsWith(".")) {
    refuse("must not have a host name that ends in a dot");
  }
}

function refuse(rule: string): never {
  throw new OAuthError("invalid_redirect_uri", `A redirect URI ${rule}.`);
}

/**
 * Finds the registered redirect URI that the requested one is. Strings are compared to the letter, except for the port
 * of loopback hosts, which changes between runs of a native client (RFC 8252 section 7.3).
 *
 * @param normalised - The registered ones went through a URL parser before they were stored, as the Python package's
 * did (a slash on an empty path, no default port, lower-case host); the requested one is then compared as a URL.
 */
export function matchesRedirectUri(registered: readonly string[], requested: string, normalised: boolean): boolean {
  return registered.some(
    (candidate) =>
      candidate === requested ||
      isSameLoopback(candidate, requested) ||
      (normalised && isPlain(requested) && isSameUrl(candidate, requested)),
  );
}

function isSameLoopback(registered: string, requested: string): boolean {
  const one = loopback.exec(registered);
  const other = loopback.exec(requested);
  if (one === null || other === null || Number(other[2] ?? 80) > 65_535) return false;
  const path = (text: string | undefined): string => (text === undefined || text === "" ? "/" : text);
  return one[1] === other[1] && path(one[3]) === path(other[3]);
}

/** Without anything that a URL parser would rewrite beyond host case, default port and an empty path. */
function isPlain(uri: string): boolean {
  return /^[\x21-\x7e]+$/.test(uri) && !/[\\#@]/.test(uri) && !hasDotSegment(uri);
}

/** An application may read what stands in the place of the host as a part of the path, so it counts as one. */
function hasDotSegment(uri: string): boolean {
  const path = uri.replace(/[?#].*$/, "").replace(/^[a-z][a-z0-9+.-]*:/i, "");
  return path.split("/").some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));
}

function isSameUrl(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).href === new URL(other).href;
}
