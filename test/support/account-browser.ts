import type { McpOAuthProvider } from "../../src/index.ts";
import { logInAtFakeUpstream } from "./fake-upstream.ts";
import { type ClientHarness, joinCookies } from "./provider-harness.ts";

/** Comes back from the upstream after somebody has logged in there; gives the URL of the callback. */
export type LogInUpstream = (location: URL, user: string) => URL | Promise<URL>;

/** A browser at the account page of a provider: it keeps its cookies, and sends the forms that the page has. */
export class AccountBrowser {
  cookie = "";
  /** The page that the browser shows. */
  html = "";
  readonly #harness: ClientHarness<McpOAuthProvider>;
  readonly #logInUpstream: LogInUpstream;

  /** @param logInUpstream - Default: at the fake upstream. */
  constructor(harness: ClientHarness<McpOAuthProvider>, logInUpstream: LogInUpstream = logInAtFakeUpstream) {
    this.#harness = harness;
    this.#logInUpstream = logInUpstream;
  }

  /** The text of the page, without its markup. */
  get text(): string {
    return this.html
      .replace(/<style>.*<\/style>/s, "")
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\s+/g, " ");
  }

  /** What proves that a form is of this page. */
  get formToken(): string {
    return /name="form" value="([^"]+)"/.exec(this.html)?.[1] ?? "";
  }

  /** The values of a hidden field, in the order of the page. */
  hidden(name: string): string[] {
    return [...this.html.matchAll(new RegExp(`name="${name}" value="([^"]+)"`, "g"))].map(([, value = ""]) => value);
  }

  /** Opens the page. */
  async open(path = "/account"): Promise<Response> {
    return this.#keep(await this.#harness.get(path, { cookie: this.cookie }));
  }

  /** Sends a form of the page that is shown. Where it leads back to the page, the browser goes there. */
  async send(action: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) {
    const { origin } = new URL(this.#harness.baseUrl);
    const form = { form: this.formToken, action, ...fields };
    const response = await this.#harness.postForm("/account", form, { origin, cookie: this.cookie, ...headers });
    return this.#keep(response);
  }

  /** The same, and goes where the answer leads within this server. */
  async submit(action: string, fields: Record<string, string> = {}): Promise<Response> {
    return this.#follow(await this.send(action, fields));
  }

  /** Begins to sign in; gives back where the upstream is. */
  async beginSignIn(): Promise<URL> {
    await this.open();
    const response = await this.send("sign-in");
    const location = response.headers.get("location");
    if (location === null) throw new Error(`sign in: ${response.status} ${this.html}`);
    return new URL(location);
  }

  /** Signs in, and shows the page. */
  async signIn(user = "ada"): Promise<Response> {
    const callback = await this.#logInUpstream(await this.beginSignIn(), user);
    return this.#follow(await this.comeBack(callback));
  }

  /** Comes back from the upstream. */
  async comeBack(callback: URL): Promise<Response> {
    return this.#keep(await this.#harness.provider.fetch(new Request(callback, { headers: { cookie: this.cookie } })));
  }

  async #follow(response: Response): Promise<Response> {
    const location = response.headers.get("location");
    if (location === null) return response;
    const url = new URL(location);
    if (url.origin !== new URL(this.#harness.baseUrl).origin) return response;
    return this.open(location.slice(this.#harness.baseUrl.length));
  }

  async #keep(response: Response): Promise<Response> {
    this.cookie = joinCookies(this.cookie, response);
    const isPage = response.headers.get("content-type")?.startsWith("text/html") === true;
    if (isPage) this.html = await response.clone().text();
    return response;
  }
}
