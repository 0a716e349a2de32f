/** Where the authorization server answers, below its base URL. */
export const paths = {
  authorize: "/authorize",
  consent: "/consent",
  token: "/token",
  register: "/register",
  revoke: "/revoke",
  account: "/account",
  /** The server's public keys, of which there are none: nothing that clients get is signed. */
  keys: "/.well-known/jwks.json",
} as const;

/** Where an upstream sends the browser back to, below the base URL. */
export function callbackPath(upstreamId: string): string {
  return `/${upstreamId}/callback`;
}

/**
 * A text without the slashes at its end. An expression such as `/\/+$/` would be tried again at each slash, so that a caller
 * could keep the process busy with many of them.
 */
export function withoutLastSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === "/") end -= 1;
  return text.slice(0, end);
}

/** The path of a URL, without a slash at its end: what other paths are put below. */
export function pathBelow(url: string): string {
  return new URL(url).pathname.replace(/\/$/, "");
}

/** A URL with a well-known segment put between its host and its path (RFC 8414 section 3.1, RFC 9728 section 3.1). */
export function wellKnownUrl(url: string, suffix: string): string {
  return `${new URL(url).origin}/.well-known/${suffix}${pathBelow(url)}`;
}
