import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { Habit } from "./habit.ts";
import { answered, authorize, issue, type Metadata, nativeClient, pull, register, rfc7591 } from "./registering.ts";

/** Registers these redirect URIs; looks at which were kept, and at whether the client may ask with each of those. */
const keeps =
  (redirect_uris: readonly string[], kept = redirect_uris, metadata: Metadata = nativeClient): Habit["run"] =>
  async (scene) => {
    const body = await register(scene, { ...metadata, redirect_uris });
    expect(body.redirect_uris).toEqual(kept);
    for (const uri of kept) expect((await authorize(scene, body.client_id, uri)).status, uri).toBe(200);
  };

const copilotStudio = "https://global.consent.azure-apim.net/redirect/cr938-5fzephyr-20mcp-5f43bcb8573bc3e84";
const wildcard = "http://localhost:*/callback";

/** Where clients want their answers, and what else belongs to that in a registration. */
export const redirectHabits: readonly Habit[] = [
  {
    client: "Copilot Studio",
    habit: "has a callback of its own for each tool, and asks for a secret",
    source: issue("SmartBear/smartbear-mcp", 463),
    run: keeps([copilotStudio], undefined, { client_name: "Zephyr MCP", grant_types: nativeClient.grant_types }),
  },
  {
    client: "The C# SDK",
    habit: "names its redirect URI twice",
    source: issue("modelcontextprotocol/csharp-sdk", 887),
    run: keeps(
      ["http://localhost:1179/callback", "http://localhost:1179/callback"],
      ["http://localhost:1179/callback"],
    ),
  },
  {
    client: "Codex",
    habit: "has a callback whose path is made of the server's URL, on a port of the moment",
    source: issue("openai/codex", 30_460),
    run: async (scene) => {
      const path = "/callback/6MFBM1In3Ey-";
      const { client_id } = await register(scene, {
        ...nativeClient,
        redirect_uris: [`http://127.0.0.1:63546${path}`],
      });
      expect((await authorize(scene, client_id, `http://127.0.0.1:1455${path}`)).status).toBe(200);
      expect((await authorize(scene, client_id, "http://127.0.0.1:63546/callback/other")).status).toBe(400);
    },
  },
  {
    client: "Claude desktop",
    habit: "takes the answer for its own sessions by claude://",
    source: issue("anthropics/claude-code", 93_671),
    run: keeps(["claude://claude.ai/mcp-auth-callback/sdk"]),
  },
  {
    client: "Grok Bot",
    habit: "registers grokbot:// and a callback of Cursor's site",
    source: pull("cursor/plugins", 461),
    run: keeps(["grokbot://mcp/oauth/callback", "https://www.cursor.com/bot/mcp/oauth/callback"]),
  },
  {
    client: "Antigravity, Claude.com, VS Code on the web",
    habit: "wait on sites of theirs",
    source: pull("makeplane/plane-mcp-server", 164),
    run: keeps([
      "https://antigravity.google/oauth-callback",
      "https://claude.com/api/mcp/auth_callback",
      "https://insiders.vscode.dev/redirect",
    ]),
  },
  {
    client: "Postman",
    habit: "waits on a page of its site, or on its newer one",
    source: pull("postmanlabs/postman-docs", 2892),
    run: keeps(["https://oauth.pstmn.io/v1/callback", "https://oauth.pstmn.io/v1/browser-callback"]),
  },
  {
    client: "VS Code",
    habit: "registers a loopback URI without a slash and comes with one, and the other way round",
    source: issue("zeptonow/mcp", 39),
    run: async (scene) => {
      for (const [registered, asked] of [
        ["http://127.0.0.1:33418", "http://127.0.0.1:33418/"],
        ["http://127.0.0.1:33418/", "http://127.0.0.1:33418"],
      ] as const) {
        const { client_id } = await register(scene, { ...nativeClient, redirect_uris: [registered] });
        expect((await authorize(scene, client_id, asked)).status, asked).toBe(200);
      }
    },
  },
  {
    client: "clients made for another server",
    habit: "write an asterisk for the port, beside a URI that is one",
    source: issue("anthropics/claude-code", 41_011),
    run: async (scene) => {
      await keeps([wildcard, "http://localhost/callback"], ["http://localhost/callback"])(scene);
      const alone = await scene.harness.postJson("/register", { ...nativeClient, redirect_uris: [wildcard] });
      expect((await jsonOf(alone)).error).toBe("invalid_redirect_uri");
    },
  },
  {
    client: "Cursor",
    habit: "is registered as a whole, though one of its URIs is on a network of the office",
    source: pull("we-promise/sure", 3431),
    run: keeps(
      [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "http://10.0.0.5:8787/callback",
        "http://localhost:8787/callback",
      ],
      ["cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost:8787/callback"],
    ),
  },
  {
    client: "older programs",
    habit: "name the page to copy a code from, beside a loopback URI",
    source: "https://www.rfc-editor.org/rfc/rfc8252#section-7.3",
    run: keeps(["urn:ietf:wg:oauth:2.0:oob", "http://localhost:1/callback"], ["http://localhost:1/callback"]),
  },
  {
    client: "Copilot CLI",
    habit: "registers without a scope, for refresh tokens",
    source: issue("dozigden/boardoil", 11),
    run: answered(
      { ...nativeClient, response_types: ["code"], application_type: "native" },
      { scope: "user admin", grant_types: nativeClient.grant_types, token_endpoint_auth_method: "none" },
    ),
  },
  {
    client: "clients of RFC 7591's defaults",
    habit: "register for codes alone",
    source: issue("PrefectHQ/fastmcp", 2460),
    run: answered({ grant_types: ["authorization_code"] }, { grant_types: ["authorization_code"] }),
  },
  {
    client: "Lobu",
    habit: "refuses an answer with another authentication method than it asked for",
    source: pull("lobu-ai/lobu", 2695),
    run: async (scene) => {
      for (const token_endpoint_auth_method of ["none", "client_secret_post", "client_secret_basic"]) {
        await answered({ token_endpoint_auth_method }, { token_endpoint_auth_method })(scene);
      }
    },
  },
  {
    client: "OpenAI",
    habit: "refuses an answer to a registration that does not say that it is JSON",
    source: pull("better-auth/better-auth", 4763),
    run: async ({ harness }) => {
      const answer = await harness.postJson("/register", { redirect_uris: [harness.redirectUri] });
      expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    },
  },
  {
    client: "scripts",
    habit: "send the registration without saying that it is JSON",
    source: rfc7591("3.1"),
    run: async ({ harness }) => {
      const body = JSON.stringify({ redirect_uris: [harness.redirectUri] });
      const types = [
        undefined,
        "text/plain;charset=UTF-8",
        "application/json; charset=utf-8",
        "application/vnd.api+json",
      ];
      for (const type of types) {
        const headers = type === undefined ? {} : { "content-type": type };
        const bytes = new TextEncoder().encode(body);
        const sent = new Request(`${harness.baseUrl}/register`, { method: "POST", headers, body: bytes });
        expect((await harness.provider.fetch(sent)).status, type).toBe(201);
      }
      const form = await harness.postForm("/register", { redirect_uris: harness.redirectUri });
      expect((await jsonOf(form)).error, "what is not JSON is none").toBe("invalid_client_metadata");
    },
  },
  {
    client: "OpenID Connect clients",
    habit: "register what they need of OpenID Connect",
    source: "https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata",
    run: answered(
      {
        ...nativeClient,
        subject_type: "pairwise",
        sector_identifier_uri: "not a URL",
        id_token_signed_response_alg: "HS256",
        default_max_age: -1,
        require_auth_time: "yes",
        request_uris: [],
        post_logout_redirect_uris: "x",
        "client_name#de": "Anwendung",
      },
      { subject_type: undefined, id_token_signed_response_alg: undefined, "client_name#de": undefined },
    ),
  },
];
