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
    const sent = this.#sentTo(url).sort((left, right) => right.path.length - left.path.length);
    return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join("; ");
  }

  /** Takes what a response to a request for `url` sets. */
  store(url: URL, setCookies: readonly string[]): void {
    const cookies = this.#cookies.get(url.origin) ?? new Map<string, Cookie>();
    this.#cookies.set(url.origin, cookies);
    for (const setCookie of setCookies) {
      const [pair = "", ...attributeTexts] = setCookie.split(";");
      const [name, value] = splitPair(pair);
      const attributes = new Map(
        attributeTexts.map(splitPair).map(([attribute, text]) => [attribute.toLowerCase(), text ?? ""]),
      );
      const declaredPath = attributes.get("path") ?? "";
      const breaksHostRules =
        name.startsWith("__Host-") && (declaredPath !== "/" || attributes.has("domain") || !attributes.has("secure"));
      if (name === "" || value === undefined || breaksHostRules) continue;
      const path = declaredPath.startsWith("/") ? declaredPath : defaultPath(url.pathname);
      const key = `${name} ${path}`;
      if (isExpired(attributes)) cookies.delete(key);
      else cookies.set(key, { name, value, path });
    }
  }

  /** The value of a cookie that `url` would be sent, for assertions. */
  value(url: URL, name: string): string | undefined {
    return this.#sentTo(url).find((cookie) => cookie.name === name)?.value;
  }

  /** Forgets everything, or what one origin has set. */
  clear(origin?: string): void {
    if (origin === undefined) this.#cookies.clear();
    else this.#cookies.delete(origin);
  }

  #sentTo({ origin, pathname }: URL): Cookie[] {
    return [...(this.#cookies.get(origin)?.values() ?? [])].filter(({ path }) => pathMatches(pathname, path));
  }
}

/** `name=value`, with white space around both left out. The value is undefined where there is no `=`. */
function splitPair(text: string): readonly [name: string, value: string | undefined] {
  const [name = "", ...value] = text.split("=");
  return [name.trim(), value.length === 0 ? undefined : value.join("=").trim()];
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
