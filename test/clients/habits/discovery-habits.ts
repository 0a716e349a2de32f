import { OpenIdProviderDiscoveryMetadataSchema } from "@modelcontextprotocol/sdk/shared/auth.js";
import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { Habit } from "./habit.ts";
import { issue, pull } from "./registering.ts";

/** A request to the MCP endpoint with these headers, as a mount hands it over; the response that refuses it. */
async function refused({ harness }: Parameters<Habit["run"]>[0], headers: Record<string, string>): Promise<Response> {
  const answer = await harness.provider.authenticate({ method: "POST", url: "/mcp", headers: new Headers(headers) });
  if (!(answer instanceof Response)) throw new TypeError("The request passed the guard");
  return answer;
}

const prefixed = { mcpBaseUrl: "http://localhost:8000/dashboard" };

/** How clients find out that they have to log in, and where. */
export const discoveryHabits: readonly Habit[] = [
  {
    client: "Open WebUI, VS Code",
    habit: "send Bearer and nothing behind it before they have a token, and begin a login by the 401",
    source: pull("IBM/mcp-context-forge", 3993),
    run: async (scene) => {
      for (const authorization of ["Bearer ", "Bearer", "bearer"]) {
        const answer = await refused(scene, { authorization });
        expect(answer.status, authorization).toBe(401);
        expect(answer.headers.get("www-authenticate")).toContain("/.well-known/oauth-protected-resource/mcp");
      }
    },
  },
  {
    client: "scripts",
    habit: "put a word for nothing behind Bearer",
    source: pull("langgenius/dify", 29_516),
    run: async (scene) => {
      for (const token of ["undefined", "null", "None"]) {
        expect((await refused(scene, { authorization: `Bearer ${token}` })).status).toBe(401);
      }
    },
  },
  {
    client: "clients with an API key of another server",
    habit: "show it by another scheme",
    source: "https://www.rfc-editor.org/rfc/rfc9110#section-11.6.2",
    run: async (scene) => {
      for (const authorization of ["Token abc", "Basic eDp5", "ApiKey abc", "abc", ""]) {
        expect((await refused(scene, { authorization })).status, authorization).toBe(401);
      }
    },
  },
  {
    client: "Claude.ai",
    habit: "names its site as the origin of a request to the MCP endpoint",
    source: issue("actionhero/keryx", 498),
    run: async (scene) => {
      const answer = await refused(scene, { origin: "https://claude.ai" });
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([401, "*"]);
    },
  },
  {
    client: "Cursor",
    habit: "checks the metadata of OpenID Connect for what OpenID Connect requires",
    source: pull("elastic/docs-builder", 2806),
    run: async ({ harness }) => {
      const metadata = await jsonOf(await harness.get("/.well-known/openid-configuration"));
      expect(OpenIdProviderDiscoveryMetadataSchema.safeParse(metadata).success).toBe(true);
    },
  },
  {
    client: "MCP clients behind a proxy that knows one path",
    habit: "find the metadata at the appended place of OpenID Connect alone",
    source: pull("juspay/juspay-mcp", 122),
    options: prefixed,
    run: async ({ harness }) => {
      const at = (path: string) => harness.provider.fetch(new Request(`http://localhost:8000${path}`));
      const metadata = await jsonOf(await at("/dashboard/.well-known/openid-configuration"));
      const { jwks_uri } = OpenIdProviderDiscoveryMetadataSchema.parse(metadata);
      expect((await at(new URL(jwks_uri).pathname)).status).toBe(200);
    },
  },
  {
    client: "the MCP TypeScript SDK",
    habit: "takes S256 for missing where the metadata does not name it, in either document",
    source: issue("modelcontextprotocol/typescript-sdk", 832),
    run: async ({ harness }) => {
      for (const suffix of ["oauth-authorization-server", "openid-configuration"]) {
        const metadata = await jsonOf(await harness.get(`/.well-known/${suffix}`));
        expect(metadata, suffix).toMatchObject({ code_challenge_methods_supported: ["S256"] });
      }
    },
  },
  {
    client: "mcpo",
    habit: "puts a slash behind the server's URL, and so behind the URL of its metadata",
    source: issue("open-webui/mcpo", 209),
    run: async ({ harness }) => {
      for (const path of ["oauth-protected-resource/mcp/", "oauth-authorization-server/", "openid-configuration/"]) {
        expect((await harness.get(`/.well-known/${path}`)).status, path).toBe(200);
      }
    },
  },
  {
    client: "clients that look for metadata",
    habit: "ask at places of the MCP endpoint first, and at the root when those are not there",
    source: issue("akutishevsky/nutrition-mcp", 51),
    run: async ({ harness }) => {
      for (const path of [
        "/.well-known/oauth-authorization-server/mcp",
        "/mcp/.well-known/oauth-authorization-server",
      ]) {
        const answer = await harness.get(path);
        expect([answer.status, answer.headers.get("content-type")], path).toEqual([404, "application/json"]);
      }
      expect((await harness.get("/.well-known/oauth-authorization-server?x=1")).status).toBe(200);
    },
  },
  {
    client: "Cloudflare's portal",
    habit: "redeems codes from a page of its site",
    source: issue("getsentry/sentry-mcp", 999),
    run: async ({ harness }) => {
      const origin = "https://dash.cloudflare.com";
      const wanted = { "access-control-request-method": "POST", "access-control-request-headers": "content-type" };
      for (const path of ["/token", "/register", "/revoke"]) {
        const request = new Request(harness.baseUrl + path, { method: "OPTIONS", headers: { origin, ...wanted } });
        const preflight = await harness.provider.fetch(request);
        expect([preflight.status, preflight.headers.get("access-control-allow-origin")], path).toEqual([204, "*"]);
      }
      const refusal = await harness.postForm("/token", { grant_type: "authorization_code" }, { origin });
      expect(refusal.headers.get("access-control-allow-origin"), "and reads what was wrong").toBe("*");
    },
  },
  {
    client: "MCP clients in a browser",
    habit: "end their sessions by DELETE",
    source: issue("hauptsacheNet/typo3-mcp-server", 115),
    run: async ({ harness }) => {
      const headers = new Headers({ "access-control-request-method": "DELETE" });
      const answer = await harness.provider.authenticate({ method: "OPTIONS", url: "/mcp", headers });
      if (!(answer instanceof Response)) throw new TypeError("The preflight passed the guard");
      expect(answer.headers.get("access-control-allow-methods")).toContain("DELETE");
    },
  },
];
