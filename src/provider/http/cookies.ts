import { createHash, randomBytes } from "node:crypto";

/** More logins than this at once in one browser: the oldest are given up, so that headers stay within limits. */
const maxConcurrentLogins = 4;
/** The characters of all their cookies. Node.js takes 16 KiB of headers, proxies often 8. */
const maxLoginsLength = 6000;
/** How the names of the cookies begin that consent pages are bound to. */
const pageCookies = "browser";
/** The name of the cookie of pages that were asked for by a form. */
const formCookie = `${pageCookies}_post`;

interface Cookie {
  readonly name: string;
  readonly value: string;
}

/**
 * This server's cookies. Over https they have the `__Host-` prefix (RFC 6265bis): no other host of the domain can plant
 * one. Scripts cannot read them, and no other site's form brings them along.
 */
export class BrowserCookies {
  readonly #prefix: string;
  readonly #attributes: string;

  constructor(baseUrl: string) {
    const secure = baseUrl.startsWith("https:");
    this.#prefix = `${secure ? "__Host-" : ""}pangea_mcp_`;
    // Lax: a person comes here by a link from the client, and the callback is a navigation from the upstream's site.
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  }

  /** The value of one of this server's cookies. */
  read(header: string | null, name: string): string | undefined {
    const full = this.#prefix + name;
    return pairs(header).find((pair) => pair.name === full)?.value;
  }

  /** The `Set-Cookie` value that keeps a value for a number of seconds. */
  keep(name: string, value: string, maxAgeSeconds: number): string {
    return `${this.#prefix}${name}=${value}; ${this.#attributes}; Max-Age=${Math.ceil(maxAgeSeconds)}`;
  }

  /** The `Set-Cookie` value that removes a cookie. */
  remove(name: string): string {
    return this.keep(name, "", 0);
  }

  /**
   * The `Set-Cookie` values that bind a login to this browser: one cookie a login, named after its `state`, so that
   * several tabs do not disturb each other, and the removal of the oldest beyond the limit.
   */
  keepLogin(header: string | null, login: { state: string; transaction: string; maxAgeSeconds: number }): string[] {
    let length = login.transaction.length;
    const abandoned: string[] = [];
    for (const [newer, { name, value }] of this.#readAll(header, "login_").reverse().entries()) {
      length += value.length;
      if (newer + 2 > maxConcurrentLogins || length > maxLoginsLength) abandoned.push(name);
    }
    return [
      this.keep(loginCookie(login.state), login.transaction, login.maxAgeSeconds),
      ...abandoned.map((name) => this.remove(name)),
    ];
  }

  /**
   * The cookie that a consent page is bound to: the one that the browser sent, or a new one. Pages that a browser without
   * cookies opens at the same time get one each.
   *
   * A form on another site sends no cookies, though the browser may have some. So the cookie for such a form always has
   * the same name, which no other page uses: it replaces the cookie of the last such form, and no other.
   */
  pageCookie(browser: VisitingBrowser): Cookie {
    const isForm = browser.method === "POST";
    const known = this.#readAll(browser.cookie, pageCookies);
    const own = known.find(({ name }) => name !== formCookie) ?? (isForm ? known[0] : undefined);
    if (own !== undefined) return own;
    const value = randomBytes(32).toString("base64url");
    return { name: isForm ? formCookie : `${pageCookies}_${hashOf(value)}`, value };
  }

  /** The secrets that a consent page of this browser may be bound to. */
  pageSecrets(header: string | null): string[] {
    return this.#readAll(header, pageCookies).map(({ value }) => value);
  }

  /** Those of this server's cookies whose names begin so. */
  #readAll(header: string | null, beginning: string): Cookie[] {
    const full = this.#prefix + beginning;
    return pairs(header)
      .filter(({ name }) => name.startsWith(full) && /^[\w-]+$/.test(name))
      .map(({ name, value }) => ({ name: name.slice(this.#prefix.length), value }));
  }
}

/** The name of the cookie of the login with this `state`. */
export function loginCookie(state: string): string {
  return `login_${hashOf(state)}`;
}

/** What a browser comes with. */
export interface VisitingBrowser {
  /** Its `Cookie` header. */
  readonly cookie: string | null;
  /** The method of its request. */
  readonly method: string;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function pairs(header: string | null): Cookie[] {
  return (header ?? "").split(/; */).flatMap((pair) => {
    const equals = pair.indexOf("=");
    return equals < 0 ? [] : [{ name: pair.slice(0, equals).trim(), value: pair.slice(equals + 1).trim() }];
  });
}
