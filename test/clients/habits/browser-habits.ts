import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import { joinCookies, type ProviderHarness, pkce } from "../../support/provider-harness.ts";
import type { Habit } from "./habit.ts";

const ada = { username: "ada@example.com", password: "password" };
const claude = "https://claude.ai/api/mcp/auth_callback";
const cursor = "cursor://anysphere.cursor-mcp/oauth/callback";

/** Registers a client and gives back a request of it. */
async function requestOf(harness: ProviderHarness, redirect_uri: string, metadata: Record<string, unknown> = {}) {
  const { client_id } = await harness.register({ redirect_uris: [redirect_uri], ...metadata });
  return { client_id, redirect_uri, code_challenge: pkce().challenge };
}

/** A person allows a client and logs in; gives back what the browser keeps. */
async function allowedBy(harness: ProviderHarness, request: Record<string, string>): Promise<string> {
  const { location, cookie } = await harness.beginLogin(request);
  return (await harness.followCallback(await harness.logInUpstream(location, ada), cookie)).cookie;
}

const locationOf = (response: Response) => new URL(response.headers.get("location") ?? "");

/** Every redirect URI of a registration is kept. */
const keepsAll = (redirect_uris: readonly string[], metadata: Record<string, unknown> = {}): Habit["run"] => {
  return async ({ harness }) => {
    const response = await harness.postJson("/register", { redirect_uris, ...metadata });
    expect(response.status).toBe(201);
    expect(await jsonOf(response)).toMatchObject({ redirect_uris });
  };
};

/** What clients, and browsers on the way to them, do with pages, redirects and scripts. */
export const browserHabits: readonly Habit[] = [
  {
    client: "clients that build a URL upon a URL",
    habit: "repeat scope, prompt and login_hint in an authorization request",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
    run: async ({ harness }) => {
      const path = harness.authorizePath({ ...(await requestOf(harness, harness.redirectUri)), scope: "user" });
      const repeated = "&scope=user&prompt=consent&prompt=consent&login_hint=ada&login_hint=bob";
      expect((await harness.get(path + repeated)).status).toBe(200);
      const refused = locationOf(await harness.get(`${path}&scope=admin`));
      expect(refused.searchParams.get("error")).toBe("invalid_request");
    },
  },
  {
    client: "Claude desktop",
    habit: "leads on from its https callback to claude://, which Chromium holds form-action to",
    source: "https://github.com/PrefectHQ/fastmcp/issues/3369",
    run: async ({ harness }) => {
      const { response } = await harness.openConsentPage(await requestOf(harness, claude));
      expect(response.headers.get("content-security-policy")).not.toContain("form-action");
    },
  },
  {
    client: "Claude.ai",
    habit: "gets its answer by the redirect that follows the consent form",
    source: "https://github.com/Umbrella-IT-Group/metamcp/pull/170",
    run: async ({ harness }) => {
      const page = await harness.openConsentPage(await requestOf(harness, claude));
      const denied = await harness.decide(page, "deny");
      expect(denied.status).toBe(303);
      expect(locationOf(denied).href).toMatch(/^https:\/\/claude\.ai\/api\/mcp\/auth_callback\?error=access_denied/);
    },
  },
  {
    client: "Cursor",
    habit: "waits at cursor:// for a person whom the upstream knows already",
    source: "https://github.com/PrefectHQ/fastmcp/issues/2302",
    run: async ({ harness }) => {
      const request = await requestOf(harness, cursor);
      const { location, cookie } = await harness.beginLogin(request);
      const answer = await harness.finishLogin(await harness.logInUpstream(location, ada), cookie);
      expect(answer.href).toMatch(/^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/);
    },
  },
  {
    client: "MCP TypeScript SDK",
    habit: "sends prompt=consent with offline_access",
    source: "https://github.com/modelcontextprotocol/typescript-sdk/pull/681",
    run: async ({ harness }) => {
      const request = await requestOf(harness, harness.redirectUri);
      const cookie = await allowedBy(harness, request);
      expect((await harness.get(harness.authorizePath(request), { cookie })).status).toBe(302);
      const asked = await harness.openConsentPage({ ...request, prompt: "consent" }, cookie);
      expect(asked.response.status).toBe(200);
    },
  },
  {
    client: "Claude Code",
    habit: "sends prompt=consent to upstreams whose users may not consent",
    source: "https://github.com/anthropics/claude-code/issues/64013",
    run: async ({ harness }) => {
      const request = { ...(await requestOf(harness, harness.redirectUri)), prompt: "consent" };
      expect((await harness.beginLogin(request)).location.searchParams.has("prompt")).toBe(false);
    },
  },
  {
    client: "Claude Code",
    habit: "sends a prompt that other servers call unsupported",
    source: "https://github.com/heroku/heroku-mcp-server/issues/226",
    run: async ({ harness }) => {
      for (const prompt of ["consent", "select_account", "login consent", "create", "something new"]) {
        const request = { ...(await requestOf(harness, harness.redirectUri)), prompt };
        expect((await harness.openConsentPage(request)).response.status).toBe(200);
      }
    },
  },
  {
    client: "oh-my-pi",
    habit: "asks for the login before the consent",
    source: "https://github.com/can1357/oh-my-pi/pull/3818",
    run: async ({ harness }) => {
      const request = { ...(await requestOf(harness, harness.redirectUri)), prompt: "login consent" };
      expect((await harness.beginLogin(request)).location.searchParams.get("prompt")).toBe("login");
    },
  },
  {
    client: "people with two accounts",
    habit: "choose one by prompt=select_account",
    source: "https://github.com/pydantic/logfire/issues/2463",
    run: async ({ harness }) => {
      const request = { ...(await requestOf(harness, harness.redirectUri)), prompt: "select_account" };
      expect((await harness.beginLogin(request)).location.searchParams.get("prompt")).toBe("select_account");
    },
  },
  {
    client: "people with two accounts",
    habit: "are told apart by login_hint",
    source: "https://github.com/taylorwilsdon/google_workspace_mcp/issues/693",
    run: async ({ harness }) => {
      const request = { ...(await requestOf(harness, harness.redirectUri)), login_hint: "work@business.example" };
      expect((await harness.beginLogin(request)).location.searchParams.get("login_hint")).toBe("work@business.example");
    },
  },
  {
    client: "OpenID Connect clients",
    habit: "try prompt=none first, and want to hear why not",
    source: "https://openid.net/specs/openid-connect-core-1_0.html#AuthError",
    run: async ({ harness }) => {
      const request = { ...(await requestOf(harness, harness.redirectUri)), prompt: "none" };
      const answer = locationOf(await harness.get(harness.authorizePath(request)));
      expect(answer.searchParams.get("error")).toBe("consent_required");
    },
  },
  {
    client: "OpenID Connect clients",
    habit: "post the authorization request, with parameters that nobody here uses",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
    run: async ({ harness }) => {
      const others = {
        nonce: "n",
        display: "popup",
        ui_locales: "de",
        claims: "{}",
        max_age: "60",
        id_token_hint: "x",
      };
      const path = harness.authorizePath({ ...(await requestOf(harness, harness.redirectUri)), ...others });
      const form = Object.fromEntries(new URL(path, harness.baseUrl).searchParams);
      expect((await harness.postForm("/authorize", form)).status).toBe(200);
    },
  },
  {
    client: "Cursor",
    habit: "registers cursor://, its web callback and a loopback one at once",
    source: "https://github.com/erp-mafia/accounted/pull/2225",
    run: keepsAll([cursor, "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"]),
  },
  {
    client: "Cursor",
    habit: "registers cursor:// as an application of the web",
    source: "https://github.com/better-auth/better-auth/issues/10946",
    run: keepsAll([cursor], { application_type: "web", token_endpoint_auth_method: "none" }),
  },
  {
    client: "Cline",
    habit: "registers a vscode:// URI that ends in a hash of the server's URL",
    source: "https://github.com/ascending-llc/jarvis-registry/pull/430",
    run: keepsAll(["vscode://saoudrizwan.claude-dev/mcp-auth/callback/0a1b2c3d"]),
  },
  {
    client: "VS Code's builds",
    habit: "take the answer by the scheme of the build",
    source: "https://github.com/Mermaid-Chart/vscode-mermaid-chart/issues/7",
    run: keepsAll([
      "vscode-insiders://vscode.github-authentication/did-authenticate",
      "vscodium://mermaidchart.vscode-mermaid-chart",
      "windsurf://codeium.windsurf/callback",
    ]),
  },
  {
    client: "native applications",
    habit: "have a scheme that is made of their domain name",
    source: "https://www.rfc-editor.org/rfc/rfc8252#section-7.1",
    run: keepsAll(["com.example.app:/oauth2redirect/example-provider", "com.raycast:/oauth?package_name=Extension"]),
  },
  {
    client: "phishers",
    habit: "register a scheme that does more than call back",
    source: "https://github.com/mindset-ai/memex-ai/pull/146",
    run: async ({ harness }) => {
      for (const uri of ["ms-msdt:/id", "intent://x/", "ms-appinstaller:?source=https://evil.example", "evil://x"]) {
        const response = await harness.postJson("/register", { redirect_uris: [uri] });
        expect((await jsonOf(response)).error).toBe("invalid_redirect_uri");
      }
    },
  },
  {
    client: "phishers",
    habit: "link to a request that fails, for the redirect to a site of theirs",
    source: "https://www.rfc-editor.org/rfc/rfc9700#section-4.11.2",
    run: async ({ harness }) => {
      const request = await requestOf(harness, "https://evil.example/phish");
      for (const changes of [{ response_type: "token" }, { prompt: "none" }, { code_challenge: "" }]) {
        const response = await harness.get(harness.authorizePath({ ...request, ...changes }));
        expect(response.headers.get("location")).toBeNull();
        expect(await response.text()).toContain("<bdi>evil.example</bdi>");
      }
    },
  },
  {
    client: "Claude.ai",
    habit: "has a request that fails after it was allowed in this browser, and hears of it at once",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1",
    run: async ({ harness }) => {
      const request = await requestOf(harness, claude);
      const cookie = await allowedBy(harness, request);
      const failing = harness.authorizePath({ ...request, resource: "https://other.example/mcp" });
      const answer = locationOf(await harness.get(failing, { cookie }));
      expect(answer.searchParams.get("error")).toBe("invalid_target");
      expect(answer.searchParams.get("state")).toBe("client-state");
    },
  },
  {
    client: "native applications",
    habit: "listen on the loopback, and hear of an error at once",
    source: "https://www.rfc-editor.org/rfc/rfc8252#section-7.3",
    run: async ({ harness }) => {
      const request = await requestOf(harness, harness.redirectUri);
      const moved = { ...request, redirect_uri: "http://127.0.0.1:61000/callback", response_type: "token" };
      const answer = locationOf(await harness.get(harness.authorizePath(moved)));
      expect(answer.host).toBe("127.0.0.1:61000");
      expect(answer.searchParams.get("error")).toBe("unsupported_response_type");
    },
  },
  {
    client: "Claude.ai",
    habit: "has connectors that look alike on a consent page that says too little",
    source: "https://github.com/samanhappy/mcphub/issues/821",
    options: { consent: { brandName: "Acme Notes", scopeDescriptions: { user: "Read your notes" } } },
    run: async ({ harness }) => {
      const { html } = await harness.openConsentPage(await requestOf(harness, claude, { client_name: "Claude" }));
      for (const text of ["Claude", "Acme Notes", "Read your notes", claude, "Unverified"])
        expect(html).toContain(text);
    },
  },
  {
    client: "clients without a name",
    habit: "show up as nothing, or as a random id",
    source: "https://github.com/GluuFederation/oxAuth/issues/553",
    run: async ({ harness }) => {
      const request = await requestOf(harness, harness.redirectUri, { client_name: null });
      const { html } = await harness.openConsentPage(request);
      expect(html).toContain("An application that gives no name, from <bdi>127.0.0.1</bdi>");
      expect(html).not.toContain(request.client_id);
    },
  },
  {
    client: "people",
    habit: "are logged in with another account than they think",
    source: "https://github.com/pydantic/logfire/issues/2463",
    run: async ({ harness }) => {
      const request = await requestOf(harness, harness.redirectUri);
      const cookie = await allowedBy(harness, request);
      const again = await harness.get(harness.authorizePath(request), { cookie });
      const grace = { username: "grace@example.com", password: "password" };
      const callback = await harness.logInUpstream(locationOf(again), grace);
      const asked = await harness.get(callback.pathname + callback.search, { cookie: joinCookies(cookie, again) });
      expect(await asked.text()).toContain("You are logged in as <bdi>grace@example.com</bdi>");
    },
  },
];
