import { expect } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import type { Habit } from "./habit.ts";
import { answered, authorize, issue, nativeClient, pull, register, rfc7591 } from "./registering.ts";

/** What clients write into their registrations. */
export const registrationHabits: readonly Habit[] = [
  {
    client: "VS Code",
    habit: "registers four redirect URIs and the device grant",
    source: issue("modelcontextprotocol/python-sdk", 1379),
    run: answered(
      {
        ...nativeClient,
        grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        client_uri: "https://code.visualstudio.com",
        redirect_uris: ["https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", "http://127.0.0.1/"],
        application_type: "native",
      },
      {
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: ["https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", "http://127.0.0.1/"],
        client_uri: "https://code.visualstudio.com",
      },
    ),
  },
  {
    client: "Cursor",
    habit: "registers redirect URIs of which a server takes some",
    source: issue("soflyy/agent-connector-for-wp", 111),
    run: answered(
      {
        ...nativeClient,
        redirect_uris: [
          "http://192.168.1.9:8787/callback",
          "http://localhost:8787/callback",
          "https://www.cursor.com/cb",
        ],
        application_type: "web",
      },
      { redirect_uris: ["http://localhost:8787/callback", "https://www.cursor.com/cb"] },
    ),
  },
  {
    client: "any",
    habit: "registers a single redirect URI that would harm people: refused, with the reason",
    source: rfc7591("3.2.2"),
    run: async ({ harness }) => {
      const response = await harness.postJson("/register", { redirect_uris: ["javascript:alert(1)"] });
      expect([response.status, (await jsonOf(response)).error]).toEqual([400, "invalid_redirect_uri"]);
    },
  },
  {
    client: "Inspector",
    habit: "registers with an empty scope",
    source: pull("spring-projects/spring-security", 19_765),
    run: answered({ ...nativeClient, scope: "", application_type: "native" }, { scope: "user admin" }),
  },
  {
    client: "MITREid",
    habit: "registers with empty lists of grant types and response types",
    source: issue("mitreid-connect/OpenID-Connect-Java-Spring-Server", 1011),
    run: answered(
      { grant_types: [], response_types: [] },
      { grant_types: ["authorization_code"], response_types: ["code"] },
    ),
  },
  {
    client: "MITREid",
    habit: "writes nulls for everything that it does not have",
    source: issue("mitreid-connect/OpenID-Connect-Java-Spring-Server", 478),
    run: answered(
      { ...nativeClient, scope: null, client_name: null, client_uri: null, contacts: null, jwks: null, logo_uri: null },
      { client_name: undefined, client_uri: undefined, contacts: undefined, logo_uri: undefined, jwks: undefined },
    ),
  },
  {
    client: "LM Studio",
    habit: "names no grant types, and refuses an answer without them",
    source: issue("sigbit/mcp-auth-proxy", 173),
    run: answered(
      { client_name: "LM Studio" },
      {
        grant_types: ["authorization_code"],
        response_types: ["code"],
        token_endpoint_auth_method: "client_secret_basic",
      },
    ),
  },
  {
    client: "Cursor, mcp-remote",
    habit: "refuses an answer with contacts that are null or a client_uri that is empty",
    source: issue("ory/hydra", 4116),
    run: async (scene) => {
      const sent = { ...nativeClient, redirect_uris: [scene.harness.redirectUri], contacts: null, client_uri: "" };
      const body = await register(scene, sent);
      for (const member of ["contacts", "client_uri"]) expect(body).not.toHaveProperty(member);
    },
  },
  {
    client: "turnstone",
    habit: "puts members into a registration that are none",
    source: issue("turnstonelabs/turnstone", 1082),
    run: answered(
      { ...nativeClient, resource: "http://localhost:8000/mcp", unheard: { of: [1] } },
      { resource: undefined },
    ),
  },
  {
    client: "various",
    habit: "has a client_uri without a scheme, and a logo in a data URL",
    source: rfc7591("2"),
    run: answered(
      {
        ...nativeClient,
        client_uri: "app.example",
        logo_uri: "data:image/png;base64,AAAA",
        tos_uri: "/terms",
        policy_uri: 5,
      },
      { client_uri: undefined, logo_uri: undefined, tos_uri: undefined, policy_uri: undefined },
    ),
  },
  {
    client: "various",
    habit: "has an application_type of its own",
    source: pull("modelcontextprotocol/modelcontextprotocol", 837),
    run: answered({ ...nativeClient, application_type: "browser" }, { application_type: undefined }),
  },
  {
    client: "SDK clients",
    habit: "says web for a client with loopback redirect URIs",
    source: pull("modelcontextprotocol/typescript-sdk", 2355),
    run: answered({ ...nativeClient, application_type: "web" }, { application_type: "web" }),
  },
  {
    client: "various",
    habit: "writes contacts as a text or as objects",
    source: rfc7591("2"),
    run: async (scene) => {
      for (const contacts of ["ada@app.example", [{ email: "ada@app.example" }], [], [""], 5]) {
        await answered({ ...nativeClient, contacts }, { contacts: undefined })(scene);
      }
    },
  },
  {
    client: "various",
    habit: "writes a list of grant types as a text",
    source: rfc7591("3.2.1"),
    run: answered(
      { grant_types: "authorization_code refresh_token", response_types: "code" },
      { grant_types: nativeClient.grant_types },
    ),
  },
  {
    client: "Claude.ai",
    habit: "names a grant that this server does not have, beside those that it has",
    source: issue("better-auth/better-auth", 10_900),
    run: answered(
      { grant_types: [...nativeClient.grant_types, "urn:ietf:params:oauth:grant-type:jwt-bearer"] },
      { grant_types: nativeClient.grant_types },
    ),
  },
  {
    client: "any",
    habit: "wants nothing but grants that this server does not have: refused, and not told yes",
    source: issue("InsForge/insforge-mcp", 104),
    run: async ({ harness }) => {
      const grant_types = ["password", "urn:ietf:params:oauth:grant-type:device_code"];
      const response = await harness.postJson("/register", { redirect_uris: [harness.redirectUri], grant_types });
      expect([response.status, (await jsonOf(response)).error]).toEqual([400, "invalid_client_metadata"]);
    },
  },
  {
    client: "various",
    habit: "wants to authenticate in a way that this server does not have",
    source: rfc7591("3.2.1"),
    run: answered(
      { token_endpoint_auth_method: "client_secret_jwt" },
      { token_endpoint_auth_method: "client_secret_basic" },
    ),
  },
  {
    client: "VS Code",
    habit: "names no authentication method",
    source: issue("obot-platform/mcp-oauth-proxy", 52),
    run: answered({}, { token_endpoint_auth_method: "client_secret_basic", client_secret: expect.any(String) }),
  },
  {
    client: "go-authgate",
    habit: "registers private_key_jwt with its keys",
    source: pull("go-authgate/authgate", 163),
    run: async (scene) => {
      const key = { kty: "EC", crv: "P-256", x: "eA", y: "eQ", kid: "1" };
      const jwks = {
        keys: [
          { ...key, x5c: ["chain"] },
          { kty: "AKP", pub: "AAAA" },
        ],
      };
      const redirect_uris = [scene.harness.redirectUri];
      const body = await register(scene, { redirect_uris, token_endpoint_auth_method: "private_key_jwt", jwks });
      expect(body).toMatchObject({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key] } });
      expect(body).not.toHaveProperty("client_secret");
      const methods = "token_endpoint_auth_methods_supported";
      const metadata = await (await scene.harness.get("/.well-known/oauth-authorization-server")).json();
      expect(metadata).toMatchObject({ [methods]: expect.arrayContaining(["private_key_jwt"]) });
    },
  },
  {
    client: "any",
    habit: "registers private_key_jwt with a jwks_uri",
    source: issue("operately/operately", 5164),
    run: answered(
      { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://app.example/keys.json" },
      { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://app.example/keys.json" },
    ),
  },
  {
    client: "any",
    habit: "registers private_key_jwt without keys: refused, for it could never log in",
    source: issue("oauth-wg/draft-ietf-oauth-client-id-metadata-document", 100),
    run: async ({ harness }) => {
      const metadata = { redirect_uris: [harness.redirectUri], token_endpoint_auth_method: "private_key_jwt" };
      const response = await harness.postJson("/register", metadata);
      expect([response.status, (await jsonOf(response)).error]).toEqual([400, "invalid_client_metadata"]);
    },
  },
  {
    client: "various",
    habit: "has a very long name, and more members than fit into a record",
    source: rfc7591("3.2.1"),
    run: async (scene) => {
      const { harness } = scene;
      const show = { contacts: Array(10).fill("c".repeat(500)), logo_uri: `https://app.example/${"l".repeat(2000)}` };
      const redirect_uris = [
        harness.redirectUri,
        ...Array.from({ length: 30 }, (_, index) => `https://a.example/${index}/${"p".repeat(900)}`),
      ];
      const body = await register(scene, { ...nativeClient, ...show, redirect_uris, client_name: "n".repeat(500) });
      expect(body.client_name).toHaveLength(200);
      expect(body.redirect_uris).toContain(harness.redirectUri);
      expect((await authorize(scene, body.client_id)).status).toBe(200);
    },
  },
];
