import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { IssuedTokens, ProviderHarness } from "../../support/provider-harness.ts";
import type { Habit, HabitScene } from "./habit.ts";

/** Registers with a scope; looks at which of it the answer says was kept. */
const registering =
  (scope: unknown, kept: string) =>
  async ({ harness }: HabitScene): Promise<void> => {
    expect(await registeredScope(harness, scope)).toBe(kept);
  };

/** Registers with a scope, and logs in without one or with the same; looks at what was given. */
const registeringAndAsking =
  (scope: string, asked: string | undefined, given: string) =>
  async ({ harness }: HabitScene): Promise<void> => {
    const { client_id } = await harness.register({ scope });
    await expectGiven(harness, await harness.tokensFor(client_id, asked === undefined ? {} : { scope: asked }), given);
  };

/** Asks for a scope at the authorization endpoint; looks at what was given. */
const asking =
  (scope: string, opened: string, answered = opened) =>
  async ({ harness }: HabitScene): Promise<void> => {
    const { client_id } = await harness.register();
    await expectGiven(harness, await harness.tokensFor(client_id, { scope }), opened, answered);
  };

/** What the guard says to a token where these scopes are needed: the status, and the scopes of the challenge. */
async function challengeOf({ provider }: ProviderHarness, { access_token }: IssuedTokens, requiredScopes: string[]) {
  const headers = new Headers({ authorization: `Bearer ${access_token}` });
  const answer = await provider.authenticate({ headers }, { requiredScopes });
  if (!(answer instanceof Response)) return [200, undefined];
  return [answer.status, /scope="([^"]*)"/.exec(answer.headers.get("www-authenticate") ?? "")?.[1]];
}

/** Logs in for one scope, and sends another when it refreshes; looks at what was given, then and at the next refresh. */
const refreshing =
  (login: string, scope: string, given: string) =>
  async ({ harness }: HabitScene): Promise<void> => {
    let tokens = await harness.tokens({ scope: login });
    for (let round = 0; round < 2; round += 1) {
      const answer = await harness.refresh(tokens, { scope });
      expect(answer.status).toBe(200);
      tokens = { ...tokens, ...(await jsonOf(answer)) };
      await expectGiven(harness, tokens, given);
    }
  };

async function registeredScope(harness: ProviderHarness, scope: unknown): Promise<unknown> {
  const answer = await harness.postJson("/register", { redirect_uris: [harness.redirectUri], scope });
  expect(answer.status).toBe(201);
  return (await jsonOf(answer)).scope;
}

/** The answer says what was given, and the token opens that and no more. */
async function expectGiven(harness: ProviderHarness, tokens: IssuedTokens, opened: string, answered = opened) {
  expect(tokens.scope).toBe(answered);
  expect((await harness.provider.verifyAccessToken(tokens.access_token)).scopes).toEqual(opened.split(" "));
}

const onlyUser = { clientRegistration: { validScopes: ["user"] } };

/** What clients do with scopes. */
export const scopeHabits: readonly Habit[] = [
  {
    client: "Claude.ai",
    habit: "sends a scope with a space in front",
    source: "https://github.com/anthropics/claude-ai-mcp/issues/453",
    run: asking(" user", "user"),
  },
  {
    client: "Claude.ai (2025)",
    habit: "registers the scope claudeai",
    source: "https://github.com/modelcontextprotocol/modelcontextprotocol/issues/653",
    run: registering("claudeai", "user admin"),
  },
  {
    client: "Claude.ai (2025)",
    habit: "registers and asks for the scope claudeai",
    source: "https://github.com/modelcontextprotocol/modelcontextprotocol/issues/653",
    run: registeringAndAsking("claudeai", "claudeai", "user admin"),
  },
  {
    client: "Claude Code",
    habit: "registers without a scope and asks for those of the resource's metadata later",
    source: "https://github.com/appstrate/appstrate/issues/1267",
    run: asking("user admin", "user admin"),
  },
  {
    client: "Claude Code",
    habit: "asks for scopes of some other identity provider",
    source: "https://github.com/anthropics/claude-code/issues/83679",
    run: asking("openid profile email uaa.offline_token user_attributes", "user admin"),
  },
  {
    client: "ChatGPT",
    habit: "sends an empty scope",
    source: "https://github.com/PrefectHQ/fastmcp/issues/1794",
    run: asking("", "user admin"),
  },
  {
    client: "Cline 3.57",
    habit: "asks for openid and nothing else",
    source: "https://github.com/cline/cline/issues/9218",
    run: asking("openid", "user admin"),
  },
  {
    client: "Letta Code",
    habit: "asks for openid beside the scopes that there are",
    source: "https://github.com/letta-ai/letta-code/pull/4018",
    run: asking("openid user", "user"),
  },
  {
    client: "mcp-remote",
    habit: "registers and asks for openid email profile where nothing else is said",
    source: "https://github.com/punkpeye/mcp-remote/issues/216",
    run: registeringAndAsking("openid email profile", "openid email profile", "user admin"),
  },
  {
    client: "mcp-remote, in Claude desktop",
    habit: "asks for openid email profile at the authorization endpoint",
    source: "https://github.com/cloudflare/mcp-server-cloudflare/issues/457",
    run: asking("openid email profile", "user admin"),
  },
  {
    client: "mcporter",
    habit: "registers the scope mcp:tools, whatever the server has",
    source: "https://github.com/openclaw/mcporter/issues/85",
    run: registeringAndAsking("mcp:tools", "mcp:tools", "user admin"),
  },
  {
    client: "Codex",
    habit: "asks for scopes of the identity provider, some of which no client may have",
    source: "https://github.com/ChronoAIProject/NyxID/issues/434",
    options: onlyUser,
    run: asking("openid profile email user admin", "user"),
  },
  {
    client: "Kiro",
    habit: "sends scope= with nothing behind it, in spite of its configuration",
    source: "https://github.com/kirodotdev/Kiro/issues/8760",
    run: registeringAndAsking("user", "", "user"),
  },
  {
    client: "VS Code",
    habit: "asks for every scope of the metadata, though clients may not have all of them",
    source: "https://github.com/microsoft/vscode/issues/316235",
    options: onlyUser,
    run: registeringAndAsking("user admin", "user admin", "user"),
  },
  {
    client: "Copilot Studio",
    habit: "asks for the scope of the registration's answer",
    source: "https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1",
    run: async ({ harness }) => {
      const kept = String(await registeredScope(harness, "openid user"));
      const { client_id } = await harness.register({ scope: "openid user" });
      await expectGiven(harness, await harness.tokensFor(client_id, { scope: kept }), "user");
    },
  },
  {
    client: "a client that sends null and lists",
    habit: "registers a scope that is no text",
    source: "https://www.rfc-editor.org/rfc/rfc7591#section-2",
    run: async ({ harness }) => {
      for (const scope of [null, [], 5, {}]) expect(await registeredScope(harness, scope)).toBe("user admin");
      expect(await registeredScope(harness, ["user", "openid"])).toBe("user");
    },
  },
  {
    client: "a client with a typing error in its settings",
    habit: "sends values that are no scopes, quotation marks and all",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-3.3",
    run: asking('"openid" user', "user"),
  },
  {
    client: "SDK clients",
    habit: "registers the scope of the 401 and asks for more after a 403",
    source: "https://github.com/modelcontextprotocol/python-sdk/pull/2676",
    run: registeringAndAsking("user", "user admin", "user admin"),
  },
  {
    client: "TypeScript SDK v2",
    habit: "asks for what a 403 names beside what it has, and for offline_access",
    source: "https://github.com/anthropics/claude-code/issues/92518",
    run: async ({ harness }) => {
      const { client_id } = await harness.register({ scope: "user offline_access" });
      const narrow = await harness.tokensFor(client_id, { scope: "user offline_access" });
      expect(await challengeOf(harness, narrow, ["admin"])).toEqual([403, "user admin"]);
      const broad = await harness.tokensFor(client_id, { scope: "user admin offline_access" });
      expect(broad.scope).toBe("user admin offline_access");
      expect(await challengeOf(harness, broad, ["user", "admin"])).toEqual([200, undefined]);
    },
  },
  {
    client: "TypeScript SDK v1",
    habit: "refreshes after a 403, without a scope: nothing is widened and nothing is lost",
    source: "https://github.com/modelcontextprotocol/typescript-sdk/issues/2255",
    run: async ({ harness }) => {
      const tokens = await harness.tokens({ scope: "user" });
      expect(await challengeOf(harness, tokens, ["admin"])).toEqual([403, "user admin"]);
      const renewed = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
      expect(await challengeOf(harness, renewed, ["admin"])).toEqual([403, "user admin"]);
      const broad = await harness.tokensFor(tokens.clientId, { scope: "user admin" });
      expect(await challengeOf(harness, broad, ["admin"])).toEqual([200, undefined]);
      expect(await challengeOf(harness, renewed, ["user"]), "the first login lives on").toEqual([200, undefined]);
    },
  },
  {
    client: "a client that asks for the scope of the 403 and nothing else",
    habit: "has the broad scope of a hierarchy where a narrow one is needed",
    source: "https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization",
    options: { scopeImplies: { admin: ["user"] } },
    run: async ({ harness }) => {
      const tokens = await harness.tokens({ scope: "admin" });
      expect(tokens.scope).toBe("admin");
      expect(await challengeOf(harness, tokens, ["user"])).toEqual([200, undefined]);
      expect(await challengeOf(harness, tokens, ["user", "other"])).toEqual([403, "admin other"]);
      const narrow = await jsonOf(await harness.refresh(tokens, { scope: "user" }));
      expect(narrow.scope).toBe("user");
    },
  },
  {
    client: "Codex",
    habit: "asks for scopes of the authorization server's metadata, offline_access among them",
    source: "https://github.com/openai/codex/issues/35253",
    run: asking("openid user admin offline_access", "user admin", "user admin offline_access"),
  },
  {
    client: "Gemini CLI",
    habit: "leaves the scope out",
    source: "https://github.com/google-gemini/gemini-cli/issues/10937",
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      await expectGiven(harness, await harness.tokensFor(client_id), "user admin");
    },
  },
  {
    client: "SDK clients",
    habit: "asks for no scope after it has registered one",
    source: "https://www.rfc-editor.org/rfc/rfc7591#section-2",
    run: registeringAndAsking("user", undefined, "user"),
  },
  {
    client: "mcp-remote",
    habit: "repeats the scope that it asked for when it refreshes, the unknown ones too",
    source: "https://github.com/punkpeye/mcp-remote/pull/357",
    run: refreshing("user", "openid email profile user", "user"),
  },
  {
    client: "mcp-remote",
    habit: "repeats at a refresh what it asked for and was not given",
    source: "https://github.com/punkpeye/mcp-remote/pull/357",
    options: onlyUser,
    run: refreshing("user admin", "user admin", "user"),
  },
  {
    client: "Copilot CLI",
    habit: "replays the scope of the token answer when it refreshes",
    source: "https://github.com/github/copilot-cli/issues/4464",
    run: refreshing("user admin", "user admin", "user admin"),
  },
  {
    client: "LibreChat",
    habit: "sends a scope of its settings when it refreshes",
    source: "https://github.com/danny-avila/LibreChat/pull/13412",
    run: refreshing("user", "openid profile", "user"),
  },
  {
    client: "Claude Code",
    habit: "refreshes without a scope and needs what the login gave",
    source: "https://github.com/anthropics/claude-code/issues/89862",
    run: refreshing("user admin", "", "user admin"),
  },
];
