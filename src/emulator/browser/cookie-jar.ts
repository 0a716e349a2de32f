interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

/**
 * The cookies of a headless browser, kept per origin and matched by path as in RFC 6265. A `__Host-` cookie that breaks
 * its own rules (RFC 6265bis, section 4.1.3.2) is dropped, as a browser does. Unlike a browser it lets `Secure` cookies
 * pass over plain http, because everything here is loopback.
 */
export class CookieJar {
  readonly #cookies = new Map<string, Map<string, Cookie>>();

  /** The `Cookie` header for `url`, or undefined when there is nothing to send. */
  header(url: URL): string | undefined {
    const matching = [...(this.#cookies.get(url.origin)?.values() ?? [])].filter((cookie) =>
      pathMatches(url.pathname, cookie.path),
    );
    if (matching.length === 0) return undefined;
    return matching
      .sort((a, b) => b.path.length - a.path.length)
      .map((cookie) => `${cookie.name}=${cookie.value}`)
      .join("; ");
  }

  /** Takes what a response to a request for `url` sets. */
  store(url: URL, setCookies: readonly string[]): void {
    for (const setCookie of setCookies) {
      const [pair = "", ...attributeTexts] = setCookie.split(";");
      const separator = pair.indexOf("=");
      if (separator < 1) continue;
      const name = pair.slice(0, separator).trim();
      const value = pair.slice(separator + 1).trim();
      const attributes = new Map(
        attributeTexts.map((text) => {
          const [key = "", ...rest] = text.split("=");
          return [key.trim().toLowerCase(), rest.join("=").trim()];
        }),
      );
      if (
        name.startsWith("__Host-") &&
        (attributes.get("path") !== "/" || attributes.has("domain") || !attributes.has("secure"))
      ) {
        continue;
      }
      const declaredPath = attributes.get("path");
      const path = declaredPath?.startsWith("/") ? declaredPath : defaultPath(url.pathname);
      const origin = this.#cookies.get(url.origin) ?? new Map<string, Cookie>();
      this.#cookies.set(url.origin, origin);
      const key = `${name} ${path}`;
      if (isExpired(attributes)) origin.delete(key);
      else origin.set(key, { name, value, path });
    }
  }

  /** The value of a cookie that `url` would be sent, for assertions. */
  value(url: URL, name: string): string | undefined {
    for (const cookie of this.#cookies.get(url.origin)?.values() ?? []) {
      if (cookie.name === name && pathMatches(url.pathname, cookie.path)) return cookie.value;
    }
    return undefined;
  }

  /** Forgets everything, or what one origin has set. */
  clear(origin?: string): void {
    if (origin === undefined) this.#cookies.clear();
    else this.#cookies.delete(origin);
  }
}

function pathMatches(requestPath: string, cookiePath: string): boolean {
  if (requestPath === cookiePath) return true;
  return requestPath.startsWith(cookiePath.endsWith("/") ? cookiePath : `${cookiePath}/`);
}

function defaultPath(requestPath: string): string {
  const lastSlash = requestPath.lastIndexOf("/");
  return lastSlash <= 0 ? "/" : requestPath.slice(0, lastSlash);
}

function isExpired(attributes: ReadonlyMap<string, string>): boolean {
  const maxAge = attributes.get("max-age");
  if (maxAge !== undefined) return Number(maxAge) <= 0;
  const expires = attributes.get("expires");
  return expires !== undefined && Date.parse(expires) <= Date.now();
}
