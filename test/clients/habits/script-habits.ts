import { expect } from "vitest";
import type { ProviderHarness } from "../../support/provider-harness.ts";
import type { Habit } from "./habit.ts";

/** A request to the MCP endpoint as a mount hands it over. */
async function guarded(harness: ProviderHarness, method: string, path = "/mcp", headers: Record<string, string> = {}) {
  const answer = await harness.provider.authenticate({ method, url: path, headers: new Headers(headers) });
  if (!(answer instanceof Response)) throw new TypeError("The request passed the guard");
  return answer;
}

const listed = (response: Response, name: string) => (response.headers.get(name) ?? "").toLowerCase().split(/ *, */);

/** What clients do that are scripts in a browser, and what any client does to find the metadata. */
export const scriptHabits: readonly Habit[] = [
  {
    client: "clients in a browser",
    habit: "send a preflight without a token",
    source: "https://github.com/IBM/mcp-context-forge/issues/2152",
    run: async ({ harness }) => {
      const wanted = { origin: "http://localhost:3000", "access-control-request-method": "POST" };
      const answer = await guarded(harness, "OPTIONS", "/mcp", wanted);
      expect(answer.status).toBe(204);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(harness.provider.serves("/mcp", "OPTIONS")).toBe(true);
      expect(harness.provider.serves("/mcp", "POST")).toBe(false);
    },
  },
  {
    client: "MCP Inspector",
    habit: "sends Mcp-Protocol-Version and Mcp-Session-Id after the handshake, and newer headers",
    source: "https://github.com/netdata/netdata/pull/22258",
    run: async ({ harness }) => {
      const wanted =
        "authorization,content-type,last-event-id,mcp-method,mcp-name,mcp-param-region,mcp-protocol-version";
      const asked = { "access-control-request-headers": wanted };
      for (const path of ["/mcp", "/token", "/.well-known/oauth-authorization-server"]) {
        const request = new Request(harness.baseUrl + path, { method: "OPTIONS", headers: asked });
        const answer = await harness.provider.fetch(request);
        expect(listed(answer, "access-control-allow-headers")).toEqual(wanted.split(","));
      }
    },
  },
  {
    client: "clients in a browser",
    habit: "read the challenge of a 401",
    source: "https://github.com/better-auth/better-auth/issues/10272",
    run: async ({ harness }) => {
      const answer = await guarded(harness, "POST");
      expect(answer.status).toBe(401);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(listed(answer, "access-control-expose-headers")).toContain("www-authenticate");
    },
  },
  {
    client: "MCP TypeScript SDK in a browser",
    habit: "reads Mcp-Session-Id, and has nothing to send back otherwise",
    source: "https://github.com/modelcontextprotocol/python-sdk/issues/1135",
    run: async ({ harness }) => {
      const answer = await guarded(harness, "POST");
      expect(listed(answer, "access-control-expose-headers")).toContain("mcp-session-id");
    },
  },
  {
    client: "clients that look for metadata",
    habit: "take a 401 below .well-known for a server that can never be entered",
    source: "https://github.com/markmhendrickson/neotoma/issues/2049",
    run: async ({ harness }) => {
      for (const path of ["/.well-known/mcp.json", "/mcp/.well-known/openid-configuration", "/.well-known/x?y=1"]) {
        expect((await guarded(harness, "GET", path)).status).toBe(404);
      }
      expect((await guarded(harness, "GET", "/mcp?x=/.well-known/y")).status).toBe(401);
    },
  },
  {
    client: "clients that look for metadata",
    habit: "ask at the path-inserted and the appended place",
    source: "https://github.com/akutishevsky/nutrition-mcp/issues/51",
    run: async ({ harness }) => {
      for (const path of ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]) {
        expect((await harness.get(path)).status).toBe(200);
      }
    },
  },
];
