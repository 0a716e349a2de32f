import { hash, randomBytes } from "node:crypto";
import { boundedCache } from "../../storage/bounded-cache.ts";
import { pathBelow, paths } from "../oauth/paths.ts";
import { invalidRequest } from "../oauth-failure.ts";

/** What all cookies of this server may have together, names and separators included: some servers take no more. */
const maxLength = 4095;
/** How much longer than the decisions the browser keeps the secret that they are bound to, in seconds. */
const secretMarginSeconds = 24 * 60 * 60;

/** How the names of the cookies with the decisions that the browser remembers begin: each server has one of its own. */
const decisionNames = "consent_";
/** How the names of the cookies of logins begin: the server comes next, then the login. */
const loginNames = "login_";
/** The same of logins for the account page. */
const signInNames = "signin_";
/** How the names of the cookies with the id of an account session begin: each server has one of its own. */
const accountNames = "account_";
/** How long the id of an account session is. */
const accountIdLength = 43;
/** How long a browser's secret is, and what tells the cookies of several apart. Whatever is longer somebody else has planted. */
const secretLength = 22;
const secretIdLength = 8;
/** How the names of the cookies with the browser's secrets begin. */
const secretNames = "browser_";
/** The name of the secret of pages that were asked for by a form. */
const formSecretName = `${secretNames}post`;

/** A cookie. Its name is without the prefix that all of this server's cookies have. */
interface Cookie {
  readonly name: string;
  readonly value: string;
}

/** What a browser comes with. */
export interface VisitingBrowser {
  /** The method of its request. */
  readonly method: string;
  /** Reads a header of its request, by the name in lower case. */
  readonly header: (name: string) => string | null;
}

/** What a server's base URL says of its cookies. */
interface ServerCookies {
  /** Names this server in the names of cookies: servers below other paths of one host have the same browser's cookies. */
  readonly server: string;
  readonly decisionsName: string;
  readonly accountName: string;
  /** Where the account page is. */
  readonly accountPath: string;
}

/** By base URL. Every request of a browser needs it, and it never changes. */
const serverCookies = boundedCache<string, ServerCookies>(100);

function cookiesOfServer(baseUrl: string): ServerCookies {
  const known = serverCookies.get(baseUrl);
  if (known !== undefined) return known;
  const server = hashOf(baseUrl).slice(0, 8);
  const made = {
    server,
    decisionsName: `${decisionNames}${server}`,
    accountName: `${accountNames}${server}`,
    accountPath: pathBelow(baseUrl) + paths.account,
  };
  serverCookies.set(baseUrl, made);
  return made;
}

/** A login that begins. */
interface BegunLogin {
  readonly state: string;
  readonly transaction: string;
  readonly maxAgeSeconds: number;
}

/** What an answer changes in a browser's cookies. */
export interface CookieChanges {
  /** The secret of the page that is the answer. */
  readonly secret?: Cookie;
  /** The login that begins, for a client or for the account page. */
  readonly login?: BegunLogin & { readonly purpose?: "account" };
  /** The `state` of the login that is over. */
  readonly endedLogin?: string;
  /** The account session that begins; null where it ends. */
  readonly account?: { readonly id: string; readonly maxAgeSeconds: number } | null;
  /** The decisions to remember, in as many characters as there is room for. */
  readonly decisions: (room: number) => string;
}

/**
 * This server's cookies in one browser. They have the `__Host-` prefix (RFC 6265bis) where the browser keeps it: no other
 * host of the domain, and no page without https, can plant one; and cookies without the prefix are not read from such a
 * browser. Scripts cannot read the cookies, and no other site's form brings them along. Another port of this machine is
 * the same host, and can plant any: a decision needs more than a cookie.
 *
 * All of them together stay short enough for servers and proxies, those of other servers on this host included. Where they
 * would not, the oldest logins are given up, whosever they are, then the oldest decisions. There is no other limit to how many
 * logins may be under way. Requests that are under way at the same time do not see each other's cookies: the request
 * after them removes what is too much, whichever page it is for.
 */
export class BrowserCookies {
  readonly #prefix: string;
  readonly #server: string;
  readonly #isSecure: boolean;
  readonly #decisionsName: string;
  readonly #accountName: string;
  readonly #accountPath: string;
  readonly #rememberSeconds: number;
  readonly #isForm: boolean;
  readonly #received: readonly Cookie[];
  /** What this server cannot have set. It goes with the next answer. */
  readonly #planted: readonly Cookie[];
  /** The `state` that was asked about last, as names of cookies have it. */
  #hashedState: { readonly state: string; readonly hash: string } | undefined;

  constructor(
    { baseUrl, consent }: { readonly baseUrl: string; readonly consent: { readonly remember: number } },
    browser: VisitingBrowser,
  ) {
    const secure = baseUrl.startsWith("https:") || keepsSecureCookiesOfLoopback(browser);
    this.#prefix = `${secure ? "__Host-" : ""}pangea_mcp_`;
    this.#isSecure = secure;
    const { server, decisionsName, accountName, accountPath } = cookiesOfServer(baseUrl);
    this.#server = server;
    this.#decisionsName = decisionsName;
    this.#accountName = accountName;
    // `__Host-` is for the whole host; without it, the cookie goes to the one page that needs it.
    this.#accountPath = secure ? "/" : accountPath;
    this.#rememberSeconds = consent.remember;
    this.#isForm = browser.method === "POST";
    const received = pairs(browser.header("cookie"))
      .filter(({ name }) => name.startsWith(this.#prefix) && /^[\w-]+$/.test(name))
      .map(({ name, value }) => ({ name: name.slice(this.#prefix.length), value }));
    this.#received = received.filter((cookie) => !isTooLong(cookie));
    this.#planted = received.filter(isTooLong);
  }

  /** The browser's secrets: what is bound to one of them was made for this browser. The lasting one comes first. */
  get secrets(): string[] {
    return this.#secrets.map(({ value }) => value);
  }

  /** The decisions that the browser remembers. */
  get decisions(): string | undefined {
    return this.#received.find(({ name }) => name === this.#decisionsName)?.value;
  }

  /** What the browser keeps of the login with this `state`. */
  login(state: string): string | undefined {
    return this.#received.find(({ name }) => name === this.#loginName(loginNames, state))?.value;
  }

  /** What the browser keeps of the login for the account page with this `state`. */
  signIn(state: string): string | undefined {
    return this.#received.find(({ name }) => name === this.#loginName(signInNames, state))?.value;
  }

  /** The id of the browser's account session. */
  get account(): string | undefined {
    return this.#received.find(({ name }) => name === this.#accountName)?.value;
  }

  /** Whether a login of this server was begun in this browser that has not come back yet. */
  get hasBegunLogin(): boolean {
    const ofThisServer = `${loginNames}${this.#server}_`;
    return this.#received.some(({ name, value }) => name.startsWith(ofThisServer) && value !== "");
  }

  /**
   * The secret that a page is bound to: one that the browser sent, or a new one. Pages that a browser without cookies
   * opens at the same time get one each.
   *
   * A form on another site sends no cookies, though the browser may have some. So the cookie for such a form always has
   * the same name, which no other page uses: it replaces the cookie of the last such form, and no other.
   */
  pageSecret(): Cookie {
    const [known] = this.#secrets;
    if (known !== undefined && (this.#isForm || known.name !== formSecretName)) return known;
    const value = randomBytes(16).toString("base64url");
    return { name: this.#isForm ? formSecretName : `${secretNames}${hashOf(value).slice(0, secretIdLength)}`, value };
  }

  /** Whether the browser has more than it may have. */
  get areTooLong(): boolean {
    return [...this.#planted, ...this.#received].reduce((sum, cookie) => sum + this.#lengthOf(cookie), 0) > maxLength;
  }

  /**
   * The `Set-Cookie` values of an answer, with the removal of whatever there is no room for. A login has a cookie of its
   * own, named after its `state`, so that several tabs do not disturb each other.
   *
   * @throws {OAuthError} with `invalid_request` when a login is too long to be carried along.
   */
  change({ secret, login, endedLogin, account, decisions }: CookieChanges): string[] {
    const names = login?.purpose === "account" ? signInNames : loginNames;
    const begun = login && { name: this.#loginName(names, login.state), value: login.transaction };
    const [own = this.#formSecret] = secret === undefined ? this.#secrets : [secret];
    const session = account === undefined ? (this.account ?? this.#unseenAccount) : account?.id;
    // Another site's form can set its secret at any time, and brings no cookies from which the room could be told.
    const needed = [
      own,
      this.#formSecret,
      ...(begun === undefined ? [] : [begun]),
      ...(session === undefined ? [] : [{ name: this.#accountName, value: session }]),
    ];
    const kept = new Map(needed.map((cookie) => [cookie.name, cookie]));
    const room = () => maxLength - [...kept.values()].reduce((sum, cookie) => sum + this.#lengthOf(cookie), 0);
    if (room() < 0) throw invalidRequest("The request is too long; shorten the state or the redirect_uri.");

    const keepNewest = (cookies: readonly Cookie[]) => {
      for (const cookie of cookies.filter(({ name }) => !kept.has(name)).reverse()) {
        if (this.#lengthOf(cookie) > room()) return;
        kept.set(cookie.name, cookie);
      }
    };
    keepNewest(this.#secrets);
    const remembered = { name: this.#decisionsName, value: "" };
    const value = decisions(room() - this.#lengthOf(remembered));
    if (value !== "") kept.set(remembered.name, { ...remembered, value });
    const ended =
      endedLogin === undefined ? [] : [loginNames, signInNames].map((each) => this.#loginName(each, endedLogin));
    const isLogin = ({ name }: Cookie) => name.startsWith(loginNames) || name.startsWith(signInNames);
    const logins = this.#received.filter((cookie) => isLogin(cookie) && !ended.includes(cookie.name));
    keepNewest(logins);
    const ofThisServer = [this.#decisionsName, this.#accountName];
    const others = ({ name }: Cookie) =>
      (name.startsWith(decisionNames) || name.startsWith(accountNames)) && !ofThisServer.includes(name);
    keepNewest(this.#received.filter(others));

    const isGivenUp = ({ name }: Cookie) => !kept.has(name);
    return [
      ...(secret === undefined ? [] : [this.#keep(secret, this.#rememberSeconds + secretMarginSeconds)]),
      ...(login === undefined || begun === undefined ? [] : [this.#keep(begun, login.maxAgeSeconds)]),
      ...(account == null ? [] : [this.#keep({ name: this.#accountName, value: account.id }, account.maxAgeSeconds)]),
      ...[...this.#planted.filter(({ name }) => name !== secret?.name), ...this.#received.filter(isGivenUp)].map(
        ({ name }) => this.#keep({ name, value: "" }, 0),
      ),
      ...(value === "" || value === this.decisions
        ? []
        : [this.#keep({ ...remembered, value }, this.#rememberSeconds)]),
    ];
  }

  get #secrets(): Cookie[] {
    const secrets = this.#received.filter(({ name }) => name.startsWith(secretNames));
    const ofForms = ({ name }: Cookie) => name === formSecretName;
    return [...secrets.filter((secret) => !ofForms(secret)), ...secrets.filter(ofForms)];
  }

  /** The secret of pages that were asked for by a form, as the browser has it or could have it at any time. */
  get #formSecret(): Cookie {
    const known = this.#secrets.find(({ name }) => name === formSecretName);
    return known ?? { name: formSecretName, value: "x".repeat(secretLength) };
  }

  /** Without the prefix the account page alone gets the cookie of its session: no other page knows whether there is one. */
  get #unseenAccount(): string | undefined {
    return this.#isSecure ? undefined : "x".repeat(accountIdLength);
  }

  #loginName(names: string, state: string): string {
    if (this.#hashedState?.state !== state) this.#hashedState = { state, hash: hashOf(state) };
    return `${names}${this.#server}_${this.#hashedState.hash}`;
  }

  /** A cookie's part of the `Cookie` header. */
  #lengthOf({ name, value }: Cookie): number {
    return `${this.#prefix}${name}=${value}; `.length;
  }

  /** Lax: a person comes here by a link from the client, and the callback is a navigation from the upstream's site. */
  #keep({ name, value }: Cookie, maxAgeSeconds: number): string {
    const path = name === this.#accountName ? this.#accountPath : "/";
    const attributes = `Path=${path}; HttpOnly; SameSite=Lax${this.#isSecure ? "; Secure" : ""}`;
    return `${this.#prefix}${name}=${value}; ${attributes}; Max-Age=${Math.ceil(maxAgeSeconds)}`;
  }
}

/** Whether a cookie is longer than this server makes one of its name. */
function isTooLong({ name, value }: Cookie): boolean {
  if (name.startsWith(accountNames)) return value.length > accountIdLength;
  if (!name.startsWith(secretNames)) return false;
  return name.length > secretNames.length + secretIdLength || value.length > secretLength;
}

/**
 * Whether a browser keeps `Secure` cookies of a server on this machine without https. Chromium and Firefox do, and are
 * known by `Sec-Fetch-Site`, which they send where they trust the origin as much as https, and which no page can send in
 * their place. WebKit sends the header as well, but drops the cookies (https://bugs.webkit.org/show_bug.cgi?id=281149).
 */
function keepsSecureCookiesOfLoopback({ header }: VisitingBrowser): boolean {
  const agent = header("user-agent") ?? "";
  const isWebKit = agent.includes("AppleWebKit/") && !/Chrom(?:e|ium)\//.test(agent);
  return header("sec-fetch-site") !== null && !isWebKit;
}

/** The browser that makes a request. */
export function visitorOf({ method, headers }: Pick<Request, "method" | "headers">): VisitingBrowser {
  return { method, header: (name) => headers.get(name) };
}

function hashOf(text: string): string {
  return hash("sha256", text, "hex").slice(0, 16);
}

function pairs(header: string | null): Cookie[] {
  return (header ?? "").split(/; */).flatMap((pair) => {
    const equals = pair.indexOf("=");
    return equals < 0 ? [] : [{ name: pair.slice(0, equals).trim(), value: pair.slice(equals + 1).trim() }];
  });
}
