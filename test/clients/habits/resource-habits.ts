import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { IssuedTokens, ProviderHarness } from "../../support/provider-harness.ts";
import type { Habit, HabitScene } from "./habit.ts";

/** The one resource of the tests' server. */
const own = "http://localhost:8000/mcp";

/** Sends a form whose parameters may be repeated. */
function postPairs(harness: ProviderHarness, path: string, pairs: readonly (readonly [string, string])[]) {
  const body = new URLSearchParams(pairs.map(([name, value]) => [name, value]));
  return harness.provider.fetch(new Request(harness.baseUrl + path, { method: "POST", body }));
}

/** Logs in, redeems and refreshes with these values of `resource`; the tokens are for the one resource, and say so. */
async function getsThrough({ harness }: HabitScene, ...resources: readonly string[]): Promise<IssuedTokens> {
  const named = resources.map((resource): [string, string] => ["resource", resource]);
  const { client_id: clientId } = await harness.register();
  const [resource = ""] = resources;
  const asked = new URLSearchParams(named).toString();
  const begun = await harness.get(
    `${harness.authorizePath({ client_id: clientId, code_challenge: "c".repeat(43) })}&${asked}`,
  );
  expect(await begun.text()).toContain("Test client");
  const { code, verifier } = await harness.codeFor(clientId, { resource });
  const redeemed = await postPairs(harness, "/token", [
    ["grant_type", "authorization_code"],
    ["client_id", clientId],
    ["code", code],
    ["code_verifier", verifier],
    ["redirect_uri", harness.redirectUri],
    ...named,
  ]);
  const first = { clientId, code, verifier, ...(await jsonOf(redeemed)) };
  expect(first).toMatchObject({ token_type: "Bearer", resource: own });
  expect(await harness.mcpStatus(first.access_token)).toBe(200);
  const refreshed = await postPairs(harness, "/token", [
    ["grant_type", "refresh_token"],
    ["client_id", clientId],
    ["refresh_token", first.refresh_token],
    ...named,
  ]);
  const second = { ...first, ...(await jsonOf(refreshed)) };
  expect(second.resource).toBe(own);
  expect(await harness.mcpStatus(second.access_token)).toBe(200);
  return second;
}

/** What the authorization endpoint tells the client that asks for this resource. */
async function refusedWith({ harness }: HabitScene, resource: string): Promise<string | null> {
  const { client_id } = await harness.register();
  const answer = await harness.get(harness.authorizePath({ client_id, resource, code_challenge: "c".repeat(43) }));
  return new URL(answer.headers.get("location") ?? "").searchParams.get("error");
}

/** What clients do with the resource that they want a token for. */
export const resourceHabits: readonly Habit[] = [
  {
    client: "Claude Code",
    habit: "sends the origin with a slash in place of the resource",
    source: "https://github.com/anthropics/claude-code/issues/52871",
    run: async (scene) => void (await getsThrough(scene, "http://localhost:8000/")),
  },
  {
    client: "The Python SDK under FastMCP",
    habit: "drops the path of the resource and sends the bare origin",
    source: "https://github.com/PrefectHQ/fastmcp/issues/2419",
    run: async (scene) => void (await getsThrough(scene, "http://localhost:8000")),
  },
  {
    client: "Gemini CLI before its pull request 4981",
    habit: "names the authorization server in place of the resource",
    source: "https://github.com/google-gemini/gemini-cli/pull/4981",
    run: async (scene) => void (await getsThrough(scene, scene.harness.provider.issuer)),
  },
  {
    client: "Clients with metadata of before in their cache",
    habit: "send the base URL of a server below a path",
    source: "https://github.com/getsentry/sentry-mcp/pull/837",
    options: { mcpBaseUrl: "http://localhost:8000/tenants/a" },
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      const issued = await harness.codeFor(client_id, { resource: "http://localhost:8000/tenants/a" });
      const answer = await jsonOf(await harness.redeem(issued, { resource: "http://localhost:8000/tenants/a/" }));
      expect(answer.resource).toBe("http://localhost:8000/tenants/a/mcp");
      expect(await harness.mcpStatus(answer.access_token)).toBe(200);
    },
  },
  {
    client: "The Vercel AI SDK",
    habit: "adds a slash to a resource without a path",
    source: "https://github.com/vercel/ai/issues/13988",
    options: { mcpPath: "/" },
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      const issued = await harness.codeFor(client_id, { resource: "http://localhost:8000/" });
      const answer = await jsonOf(await harness.redeem(issued, { resource: "http://localhost:8000/" }));
      expect(answer.resource).toBe("http://localhost:8000");
      expect(await harness.mcpStatus(answer.access_token)).toBe(200);
    },
  },
  {
    client: "VS Code",
    habit: "connects to the endpoint with a slash at its end and names it so",
    source: "https://github.com/microsoft/vscode/issues/259251",
    run: async (scene) => void (await getsThrough(scene, `${own}/`)),
  },
  {
    client: "ChatGPT",
    habit: "names the URL that it connects to with its query",
    source: "https://github.com/PrefectHQ/fastmcp/issues/2966",
    run: async (scene) => void (await getsThrough(scene, `${own}?kb_name=notes`)),
  },
  {
    client: "Clients of RFC 8707",
    habit: "repeat the resource with the same value",
    source: "https://www.rfc-editor.org/rfc/rfc8707#section-2",
    run: async (scene) => void (await getsThrough(scene, own, own)),
  },
  {
    client: "Clients of RFC 8707",
    habit: "name the resource and the origin of it together",
    source: "https://www.rfc-editor.org/rfc/rfc8707#section-2",
    run: async (scene) => void (await getsThrough(scene, own, "http://localhost:8000/", own)),
  },
  {
    client: "Clients that do not normalise",
    habit: "write the host in capitals",
    source: "https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2.1",
    run: async (scene) => void (await getsThrough(scene, "HTTP://LocalHost:8000/mcp")),
  },
  {
    client: "Claude Code 2.1.251",
    habit: "sends no resource",
    source: "https://github.com/anthropics/claude-code/issues/90497",
    run: async ({ harness }) => {
      const tokens = await harness.tokens();
      expect(tokens).not.toHaveProperty("resource");
      expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
    },
  },
  {
    client: "Clients of earlier revisions",
    habit: "send an empty resource",
    source: "https://www.rfc-editor.org/rfc/rfc6749#section-3.1",
    run: async ({ harness }) => {
      const tokens = await harness.tokens({ resource: "" });
      expect(tokens).not.toHaveProperty("resource");
      expect((await harness.refresh(tokens, { resource: "" })).status).toBe(200);
    },
  },
  {
    client: "mcp-go before its pull request 823",
    habit: "names the resource at one of the two endpoints only",
    source: "https://github.com/mark3labs/mcp-go/pull/823",
    run: async ({ harness }) => {
      expect(await harness.tokens({ resource: own })).toMatchObject({ resource: own });
      const { client_id } = await harness.register();
      const redeemed = await jsonOf(await harness.redeem(await harness.codeFor(client_id), { resource: own }));
      expect(redeemed.resource).toBe(own);
    },
  },
  {
    client: "The Python SDK",
    habit: "leaves the resource out of a refresh after it was refused elsewhere",
    source: "https://github.com/modelcontextprotocol/python-sdk/pull/2853",
    run: async ({ harness }) => {
      const tokens = await harness.tokens({ resource: own });
      const answer = await jsonOf(await harness.refresh(tokens));
      expect(await harness.mcpStatus(answer.access_token)).toBe(200);
    },
  },
  {
    client: "Any client",
    habit: "tries again with the right resource after a wrong one",
    source: "https://www.rfc-editor.org/rfc/rfc8707#section-2.2",
    run: async ({ harness }) => {
      const { client_id } = await harness.register();
      const issued = await harness.codeFor(client_id);
      expect((await jsonOf(await harness.redeem(issued, { resource: "https://other.example/mcp" }))).error).toBe(
        "invalid_target",
      );
      expect((await harness.redeem(issued, { resource: own })).status).toBe(200);
    },
  },
  {
    client: "Gemini CLI",
    habit: "refuses metadata whose resource is not the endpoint that it connects to",
    source: "https://github.com/sigbit/mcp-auth-proxy/issues/177",
    run: async ({ harness }) => {
      for (const path of ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]) {
        expect((await jsonOf(await harness.get(path))).resource).toBe(own);
      }
    },
  },
  {
    client: "Clients that show people what they connect to",
    habit: "read the name of the resource",
    source: "https://www.rfc-editor.org/rfc/rfc9728#section-2",
    options: { consent: { brandName: "Example Notes" } },
    run: async ({ harness }) => {
      const metadata = await jsonOf(await harness.get("/.well-known/oauth-protected-resource/mcp"));
      expect(metadata.resource_name).toBe("Example Notes");
    },
  },
  {
    client: "A client whom a foreign server has sent here",
    habit: "asks for a token for that server, and is refused: it would send the token there",
    source: "https://www.rfc-editor.org/rfc/rfc8707#section-3",
    run: async (scene) => {
      for (const resource of ["https://evil.example/mcp", "http://localhost:8000/other", `${own}/deeper`]) {
        expect(await refusedWith(scene, resource), resource).toBe("invalid_target");
      }
    },
  },
];
