import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import { joinCookies, pkce } from "../../support/provider-harness.ts";
import type { Habit, HabitScene } from "./habit.ts";
import { issue, register } from "./registering.ts";

const own = "http://localhost:8000/mcp";

/** Opens the authorization endpoint of a new client, with these parameters and more behind them; the answer and its text. */
async function asks({ harness }: HabitScene, parameters: Record<string, string>, more = "") {
  const { client_id } = await harness.register();
  const challenge = { code_challenge: pkce().challenge };
  const answer = await harness.get(harness.authorizePath({ client_id, ...challenge, ...parameters }) + more);
  const text = await answer.text();
  const location = answer.headers.get("location");
  return { status: answer.status, text, location: location === null ? undefined : new URL(location) };
}

/** The person is asked, whatever the request carries. */
const isAsked =
  (parameters: Record<string, string>, more = ""): Habit["run"] =>
  async (scene) => {
    expect(await asks(scene, parameters, more)).toMatchObject({ status: 200, location: undefined });
  };

/** A client logs in with this state, and gets it back. */
const bringsBack =
  (state: string): Habit["run"] =>
  async ({ harness }) => {
    const { client_id } = await harness.register();
    const answer = await harness.logIn({ client_id, code_challenge: pkce().challenge, state });
    expect(answer.searchParams.get("state")).toBe(state);
    expect(answer.searchParams.get("code")).not.toBeNull();
  };

/** What clients write into their authorization requests. */
export const askingHabits: readonly Habit[] = [
  {
    client: "ChatGPT",
    habit: "says in which language the person reads",
    source: issue("1f916-ai/1f916", 159),
    run: isAsked({ ui_locales: "zh-CN" }),
  },
  {
    client: "ChatGPT",
    habit: "opens the page where the browser calls its own origin null when the form is sent",
    source: issue("1f916-ai/1f916", 159),
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      const path = harness.authorizePath({ client_id, code_challenge: pkce().challenge });
      const shown = await harness.get(path, { "sec-fetch-site": "cross-site" });
      const sealed = /name="request" value="([^"]+)"/.exec(await shown.text())?.[1] ?? "";
      const page = { sealed, cookie: joinCookies("", shown) };
      const decided = await harness.decide(page, "allow", { origin: "null", "sec-fetch-site": "same-origin" });
      expect(decided.status).toBe(303);
      const foreign = await harness.decide(page, "allow", { origin: "null", "sec-fetch-site": "cross-site" });
      expect(foreign.status, "and another site's form stays out").toBe(400);
    },
  },
  {
    client: "Claude Code",
    habit: "adds a prompt to a URL that has another one already: both are wishes of one list",
    source: issue("anthropics/claude-code", 23_560),
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      const path = harness.authorizePath({ client_id, code_challenge: pkce().challenge, prompt: "select_account" });
      const answer = await harness.get(`${path}&prompt=consent`);
      expect(answer.status).toBe(200);
      const none = await harness.get(`${path}&prompt=none`);
      expect(new URL(none.headers.get("location") ?? "").searchParams.get("error")).toBe("invalid_request");
    },
  },
  {
    client: "clients that build a URL upon a URL",
    habit: "repeat everything with the same value",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
    run: async (scene) => {
      const { harness } = scene;
      const { client_id } = await harness.register();
      const path = harness.authorizePath({ client_id, code_challenge: pkce().challenge });
      const [, query = ""] = path.split("?");
      expect((await harness.get(`${path}&${query}`)).status).toBe(200);
      expect((await harness.get(`${path}&redirect_uri=https%3A%2F%2Fevil.example`)).status).toBe(400);
    },
  },
  {
    client: "VS Code",
    habit: "has a state of a few characters",
    source: issue("giantswarm/mcp-oauth", 225),
    run: bringsBack("x7"),
  },
  {
    client: "mcpc",
    habit: "has no state",
    source: issue("apify/mcpc", 214),
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      const answer = await harness.logIn({ client_id, code_challenge: pkce().challenge, state: "" });
      expect([...answer.searchParams.keys()].sort()).toEqual(["code", "iss"]);
    },
  },
  {
    client: "clients that keep what they know in the state",
    habit: "send a state of nearly two thousand characters",
    source: issue("doorkeeper-gem/doorkeeper", 1554),
    run: bringsBack("s".repeat(1_900)),
  },
  {
    client: "clients that keep what they know in the state",
    habit: "send a state that no cookie holds: told at once how long it may be",
    source: issue("oauth-wg/oauth-v2-1", 254),
    run: async (scene) => {
      const { location } = await asks(scene, { state: "s".repeat(3_000) });
      expect(location?.searchParams.get("error")).toBe("invalid_request");
      expect(location?.searchParams.get("error_description")).toMatch(/state may have \d+ characters/);
    },
  },
  {
    client: "Codex",
    habit: "names the resource twice, as it found it and as it is configured",
    source: issue("openai/codex", 34_467),
    run: isAsked({ resource: own }, `&resource=${encodeURIComponent(own)}`),
  },
  {
    client: "Codex",
    habit: "names the resource of another identity provider beside this one: refused, for the token would go there",
    source: issue("openai/codex", 28_830),
    run: async (scene) => {
      const { location } = await asks(scene, { resource: own }, "&resource=api%3A%2F%2Fclient");
      expect(location?.searchParams.get("error")).toBe("invalid_target");
    },
  },
  {
    client: "mcp-remote",
    habit: "names a server whose URL has a key in its query",
    source: issue("punkpeye/mcp-remote", 244),
    run: isAsked({ resource: `${own}?key=abc123` }),
  },
  {
    client: "scripts",
    habit: "write a word for nothing in the place of a resource, at every endpoint",
    source: "https://www.rfc-editor.org/rfc/rfc8707#section-2",
    run: async ({ harness }) => {
      for (const resource of ["undefined", "null", "None"]) {
        const tokens = await harness.tokens({ resource });
        expect(tokens).not.toHaveProperty("resource");
        expect((await harness.refresh(tokens, { resource })).status, resource).toBe(200);
        const issued = await harness.codeFor((await harness.register()).client_id);
        expect((await harness.redeem(issued, { resource })).status, resource).toBe(200);
      }
    },
  },
  {
    client: "HopperAI",
    habit: "has a scheme that nobody knows: refused with the reason, and taken where the operator names it",
    source: issue("jsdelivr/globalping-mcp-server", 12),
    options: { privateUseSchemes: ["hopperai"] },
    run: async (scene) => {
      const sent = { redirect_uris: ["hopperai://oauth"], token_endpoint_auth_method: "none" };
      const { client_id, redirect_uris } = await register(scene, { ...sent, code_challenge_method: "S256" });
      expect(redirect_uris).toEqual(["hopperai://oauth"]);
      const { harness } = scene;
      const path = { client_id, redirect_uri: "hopperai://oauth", code_challenge: pkce().challenge };
      expect((await harness.get(harness.authorizePath(path))).status).toBe(200);
      const stranger = await harness.postJson("/register", { ...sent, redirect_uris: ["systemprompt://oauth"] });
      expect((await jsonOf(stranger)).error).toBe("invalid_redirect_uri");
    },
  },
];
