import { createHash } from "node:crypto";

/** More logins than this at once in one browser: the oldest are given up, so that headers stay within limits. */
const maxConcurrentLogins = 4;

/**
 * The cookies that bind logins to the browser that began them: one for each login, named after its `state`, so that
 * several tabs do not disturb each other. Over https they have the `__Host-` prefix (RFC 6265bis): no other host of the
 * domain can plant one.
 */
export class LoginCookies {
  readonly #prefix: string;
  readonly #attributes: string;

  constructor(baseUrl: string) {
    const secure = baseUrl.startsWith("https:");
    this.#prefix = `${secure ? "__Host-" : ""}pangea_mcp_login_`;
    // Lax: the callback is a navigation that comes from Pangea's site.
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  }

  /** The `Set-Cookie` values that keep a login's transaction, and let go of the oldest beyond the limit. */
  keep(header: string | null, login: { state: string; transaction: string; maxAgeSeconds: number }): string[] {
    const others = this.#names(header);
    const abandoned = others.slice(0, Math.max(0, others.length - maxConcurrentLogins + 1));
    return [
      `${this.#name(login.state)}=${login.transaction}; ${this.#attributes}; Max-Age=${login.maxAgeSeconds}`,
      ...abandoned.map((name) => this.#expired(name)),
    ];
  }

  /** The transaction that the browser kept for a state. */
  find(header: string | null, state: string): string | undefined {
    const name = this.#name(state);
    return pairs(header).find((pair) => pair.name === name)?.value;
  }

  /** The `Set-Cookie` value that ends a login. */
  end(state: string): string {
    return this.#expired(this.#name(state));
  }

  #expired(name: string): string {
    return `${name}=; ${this.#attributes}; Max-Age=0`;
  }

  #names(header: string | null): string[] {
    return pairs(header)
      .map((pair) => pair.name)
      .filter((name) => name.startsWith(this.#prefix) && /^[\w-]+$/.test(name));
  }

  #name(state: string): string {
    return this.#prefix + createHash("sha256").update(state).digest("hex").slice(0, 16);
  }
}

function pairs(header: string | null): { name: string; value: string }[] {
  return (header ?? "").split(/; */).flatMap((pair) => {
    const equals = pair.indexOf("=");
    return equals < 0 ? [] : [{ name: pair.slice(0, equals).trim(), value: pair.slice(equals + 1).trim() }];
  });
}
