import { CookieJar } from "./cookie-jar.ts";
import { type HtmlForm, readForms, readText } from "./html-form.ts";

/** How a login goes. */
export interface LoginOptions {
  /** Default: empty. */
  readonly username?: string;
  /** Default: empty. */
  readonly password?: string;
  /** Press the login form's cancel button in place of signing in. Default: false. */
  readonly cancelLogin?: boolean;
  /** What to press on a consent page: the button named `decision` with this value. Default: `allow`. */
  readonly decision?: string;
  /** Where the client waits. Default: the `redirect_uri` of the authorize URL. */
  readonly redirectUri?: string | URL;
  /** Called with the target of each redirect before it is followed, the last one included. */
  readonly onRedirect?: (target: URL) => void;
  /** Called with each page before its form is filled in. */
  readonly onPage?: (page: BrowserPage) => void;
}

/** A page that the session has come to. */
export interface BrowserPage {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
  readonly text: string;
  readonly forms: readonly HtmlForm[];
}

/**
 * The login ended on a page in place of the client's redirect URI, or a form was refused.
 *
 * @example
 * ```ts
 * await browser.login(url, { password: "wrong" }).catch((error) => error.page.text); // what the page says
 * ```
 */
export class LoginStoppedError extends Error {
  /** The page that the login ended on. */
  readonly page: BrowserPage;

  constructor(reason: string, page: BrowserPage) {
    super(`${reason} (${page.status} at ${page.url.origin}${page.url.pathname}: "${page.text.slice(0, 300)}")`);
    this.name = "LoginStoppedError";
    this.page = page;
  }
}

const maximumSteps = 30;
const loopbackHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * A browser without a window: keeps cookies per origin, follows redirects by hand and fills in forms. It talks to
 * loopback only; any other host is an error.
 *
 * @example
 * ```ts
 * const browser = new BrowserSession();
 * const callback = await browser.login(authorizeUrl, { username: "ada@example.com", password: "password" });
 * callback.searchParams.get("code");
 * ```
 */
export class BrowserSession {
  readonly cookies = new CookieJar();

  /** Fetches one URL with this session's cookies. Redirects are returned, not followed. */
  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const target = new URL(url);
    if (!loopbackHosts.has(target.hostname)) throw new Error(`BrowserSession stays on loopback: ${target.hostname}`);
    const headers = new Headers(init.headers);
    const cookie = this.cookies.header(target);
    if (cookie !== undefined) headers.set("cookie", cookie);
    if (!headers.has("accept")) headers.set("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    const response = await fetch(target, { ...init, headers, redirect: "manual" });
    this.cookies.store(target, response.headers.getSetCookie());
    return response;
  }

  /**
   * Opens an authorize URL, signs in, consents, and gives back the URL that goes to the client's redirect URI, which is
   * not fetched.
   *
   * @throws {LoginStoppedError} when it ends on a page in place of that URL.
   */
  async login(authorizeUrl: string | URL, options: LoginOptions = {}): Promise<URL> {
    const start = new URL(authorizeUrl);
    const redirectUri = options.redirectUri ?? start.searchParams.get("redirect_uri");
    if (redirectUri === null) throw new Error("The authorize URL has no redirect_uri; give it in the options");
    const destination = new URL(redirectUri);

    const submitted = new Set<string>();
    let url = start;
    let response = await this.fetch(url);
    for (let step = 0; step < maximumSteps; step += 1) {
      const location = response.status >= 300 && response.status < 400 ? response.headers.get("location") : null;
      if (location !== null) {
        await response.body?.cancel();
        url = new URL(location, url);
        options.onRedirect?.(url);
        if (url.origin === destination.origin && url.pathname === destination.pathname) return url;
        response = await this.fetch(url);
        continue;
      }

      const page = await readPage(url, response);
      options.onPage?.(page);
      const submission = fillIn(page, options);
      if (submission === undefined) throw new LoginStoppedError("The login stopped on a page without a form", page);
      const kind = `${submission.kind} ${submission.action.href}`;
      if (submitted.has(kind)) throw new LoginStoppedError(`The ${submission.kind} form was refused`, page);
      submitted.add(kind);
      url = submission.action;
      response = await this.fetch(url, submission.init);
    }
    throw new Error(`The login did not end within ${maximumSteps} steps`);
  }
}

async function readPage(url: URL, response: Response): Promise<BrowserPage> {
  const html = await response.text();
  return { url, status: response.status, html, text: readText(html), forms: readForms(html, url) };
}

interface Submission {
  readonly kind: "login" | "consent" | "plain";
  readonly action: URL;
  readonly init: RequestInit;
}

function fillIn(page: BrowserPage, options: LoginOptions): Submission | undefined {
  const { username = "", password = "", cancelLogin = false, decision = "allow" } = options;
  const login = page.forms.find(({ fields }) => fields.has("username") && fields.has("password"));
  const pressed = cancelLogin ? "cancel" : undefined;
  if (login !== undefined) return submit(page, "login", login, pressed, { username, password });
  const consent = page.forms.find(({ buttons }) => buttons.some(({ name }) => name === "decision"));
  if (consent !== undefined) return submit(page, "consent", consent, decision);
  const [plain] = page.forms;
  return plain && submit(page, "plain", plain);
}

function submit(
  page: BrowserPage,
  kind: Submission["kind"],
  form: HtmlForm,
  wanted?: string,
  filled: Readonly<Record<string, string>> = {},
): Submission {
  const button = wanted === undefined ? form.buttons[0] : form.buttons.find(({ value }) => value === wanted);
  if (wanted !== undefined && button === undefined) {
    throw new LoginStoppedError(`The ${kind} form has no button with the value "${wanted}"`, page);
  }
  const body = new URLSearchParams([...new Map([...form.fields, ...Object.entries(filled)])]);
  if (button?.name !== undefined) body.append(button.name, button.value);
  if (form.method === "POST") {
    return { kind, action: form.action, init: { method: "POST", body, headers: { origin: page.url.origin } } };
  }
  const action = new URL(form.action);
  action.search = body.toString();
  return { kind, action, init: {} };
}
