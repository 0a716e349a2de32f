import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import type { PangeaOAuthProviderOptions } from "../../src/index.ts";
import { BrowserSession } from "./browser-session.ts";
import { jsonOf } from "./json-of.ts";
import { connectWithLogin, InMemoryOAuthClient, type McpClient, sdkV1Client, sdkV2Client } from "./mcp-client.ts";
import { type OpenMount, type ProtectedServer, startProtectedServer } from "./protected-server.ts";
import { pkce } from "./provider-harness.ts";
import { openUpstreamScene, otherUpstreams, type UpstreamScene, upstreamKinds } from "./upstream-scene.ts";
import { useEmulator } from "./use-emulator.ts";

/** What a mount has of its own. */
export interface MountSuiteOptions {
  /** Options of every provider that is mounted. */
  readonly provider?: (baseUrl: string) => Partial<PangeaOAuthProviderOptions>;
}

/** Where the MCP Inspector's page is. */
const inspector = "http://localhost:6274";

const initialize = {
  method: "POST",
  headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
  body: JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1.0.0" } },
  }),
};

/** A request to an MCP endpoint without an SDK in between. */
export function initializeRequest(
  mcpUrl: string,
  token?: string,
  others: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const credential = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const headers = { ...initialize.headers, ...credential, ...others };
  return fetch(mcpUrl, { ...initialize, headers });
}

/** Registers a public client over HTTP and gets tokens of a scope for Ada. */
export async function obtainTokens(
  baseUrl: string,
  scope: string,
): Promise<{ readonly clientId: string; readonly accessToken: string; readonly refreshToken: string }> {
  const redirectUri = "http://127.0.0.1:33418/callback";
  const registration = await fetch(`${baseUrl}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
    }),
  });
  const clientId = (await jsonOf(registration)).client_id;
  const { verifier, challenge } = pkce();
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  const callback = await new BrowserSession().login(`${baseUrl}/authorize?${parameters}`, {
    username: "ada@example.com",
    password: "password",
  });
  const answer = await fetch(`${baseUrl}/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: clientId,
      code: callback.searchParams.get("code") ?? "",
      code_verifier: verifier,
      redirect_uri: redirectUri,
    }),
  });
  const { access_token: accessToken, refresh_token: refreshToken } = await jsonOf(answer);
  return { clientId, accessToken, refreshToken };
}

/** Runs what every mount must do, against a real server with the emulator as its upstream. */
export function describeMount(name: string, open: OpenMount, options: MountSuiteOptions = {}): void {
  describe(name, () => {
    const emulator = useEmulator({
      users: [{ username: "ada@example.com" }, { username: "grace@example.com" }],
    });

    const start = (overrides: Partial<PangeaOAuthProviderOptions> = {}): Promise<ProtectedServer> =>
      startProtectedServer(open, emulator.issuerUrl, (baseUrl) => ({ ...options.provider?.(baseUrl), ...overrides }));

    it("refuses a stranger with the address of the resource metadata", async () => {
      await using server = await start();
      const refusal = await initializeRequest(server.mcpUrl);
      expect(refusal.status).toBe(401);
      const challenge = refusal.headers.get("www-authenticate") ?? "";
      const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? "";
      const metadata = await jsonOf(await fetch(metadataUrl));
      expect(metadata.resource).toBe(server.mcpUrl);
      expect(challenge).toMatch(/^Bearer /);
      expect(challenge).toContain('scope="');
    });

    for (const [version, newClient] of Object.entries({ v1: sdkV1Client, v2: sdkV2Client })) {
      it(`gets the MCP SDK's ${version} client through login, tool call, refresh and revocation`, async () => {
        await using server = await start();
        await using client = newClient(server.mcpUrl);
        await expectLoginFlow(server, client, "ada@example.com ptu_");
      });
    }

    for (const kind of otherUpstreams) {
      it(`gets the MCP SDK's clients through login, tool call, refresh and revocation with ${kind} as the upstream`, async () => {
        await using server = await openUpstreamScene(kind, {}, open);
        for (const newClient of [sdkV1Client, sdkV2Client]) {
          await using client = newClient(server.mcpUrl);
          await expectLoginFlow(server, client, upstreamKinds[kind]);
        }
      });
    }

    for (const method of ["client_secret_basic", "client_secret_post"] as const) {
      it(`gets a client through that asks for ${method}`, async () => {
        await using server = await start();
        await using client = sdkV1Client(server.mcpUrl, new InMemoryOAuthClient(method));
        await connectWithLogin(client);
        expect(client.oauth.clientInformation()?.client_secret).toBeTypeOf("string");
        expect(await client.whoami()).toBe("ada@example.com ptu_");
      });
    }

    it("keeps the users of one client apart", async () => {
      await using server = await start();
      await using one = sdkV1Client(server.mcpUrl);
      await connectWithLogin(one);
      await using other = sdkV1Client(server.mcpUrl);
      const information = one.oauth.clientInformation();
      if (information !== undefined) other.oauth.saveClientInformation(information);
      await connectWithLogin(other, { username: "grace@example.com" });
      expect(other.oauth.clientInformation()?.client_id).toBe(information?.client_id);
      expect(await one.whoami()).toBe("ada@example.com ptu_");
      expect(await other.whoami()).toBe("grace@example.com ptu_");
      await revoke(server, other);
      expect(await one.whoami()).toBe("ada@example.com ptu_");
    });

    it("answers 503 with Retry-After while the store is out, and logs nobody out", async () => {
      await using server = await start();
      await using client = sdkV1Client(server.mcpUrl);
      await connectWithLogin(client);
      server.store.fail();
      const refusal = await initializeRequest(server.mcpUrl, client.oauth.tokens()?.access_token);
      expect(refusal.status).toBe(503);
      expect(Number(refusal.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(refusal.headers.get("www-authenticate")).toBeNull();
      await expect(client.whoami()).rejects.toThrow();
      expect(client.oauth.authorizationUrl).toBeUndefined();
      server.store.recover();
      expect(await client.whoami()).toBe("ada@example.com ptu_");
    });

    it("answers 403 with every scope that is needed to a token that has too few", async () => {
      await using server = await start({ requiredScopes: ["user", "admin"] });
      const { accessToken } = await obtainTokens(server.baseUrl, "user");
      const refusal = await initializeRequest(server.mcpUrl, accessToken);
      expect(refusal.status).toBe(403);
      expect(refusal.headers.get("www-authenticate")).toContain('error="insufficient_scope"');
      expect(refusal.headers.get("www-authenticate")).toContain('scope="user admin"');
    });

    it("answers the preflight of a browser, which sends no token", async () => {
      await using server = await start();
      const wanted = "authorization,content-type,mcp-protocol-version,mcp-session-id";
      const response = await fetch(server.mcpUrl, {
        method: "OPTIONS",
        headers: {
          origin: inspector,
          "access-control-request-method": "POST",
          "access-control-request-headers": wanted,
        },
      });
      expect(response.status).toBe(204);
      const { headers } = response;
      expect(["*", inspector]).toContain(headers.get("access-control-allow-origin"));
      const listed = (name: string) => (headers.get(name) ?? "").toLowerCase().split(/ *, */);
      expect(listed("access-control-allow-headers")).toEqual(expect.arrayContaining(wanted.split(",")));
      expect(listed("access-control-allow-methods")).toEqual(expect.arrayContaining(["get", "post"]));
    });

    it("lets a browser's script read the challenge, and the answer", async () => {
      await using server = await start();
      const { accessToken } = await obtainTokens(server.baseUrl, "user");
      const exposed = (response: Response) =>
        (response.headers.get("access-control-expose-headers") ?? "").toLowerCase().split(/ *, */);
      const refusal = await initializeRequest(server.mcpUrl, undefined, { origin: inspector });
      expect(refusal.headers.get("access-control-allow-origin")).toBe("*");
      expect(exposed(refusal)).toEqual(expect.arrayContaining(["www-authenticate", "mcp-session-id"]));
      const answer = await initializeRequest(server.mcpUrl, accessToken, { origin: inspector });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(exposed(answer)).toContain("mcp-session-id");
      await answer.body?.cancel();
    });

    it.each(["/.well-known/nothing-here", "/mcp/.well-known/openid-configuration"])(
      "answers 404, not 401, where there is no metadata: %s",
      async (path) => {
        await using server = await start();
        expect((await fetch(server.baseUrl + path)).status).toBe(404);
      },
    );

    it("lets several Set-Cookie headers through", async () => {
      await using server = await start();
      const { clientId } = await obtainTokens(server.baseUrl, "user");
      const parameters = new URLSearchParams({
        response_type: "code",
        client_id: clientId,
        code_challenge: pkce().challenge,
        code_challenge_method: "S256",
      });
      // More logins at once than there is room for: the oldest ones are ended with a cookie each.
      const large = "x".repeat(1500);
      const cookie = Array.from({ length: 6 }, (_, index) => `pangea_mcp_login_${index}=${large}`).join("; ");
      const page = await fetch(`${server.baseUrl}/authorize?${parameters}`, { headers: { cookie } });
      const browser = page.headers.getSetCookie()[0]?.split(";")[0];
      const sealed = /name="request" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
      const response = await fetch(`${server.baseUrl}/consent`, {
        method: "POST",
        body: new URLSearchParams({ request: sealed, decision: "allow" }),
        headers: { origin: server.baseUrl, cookie: `${cookie}; ${browser}` },
        redirect: "manual",
      });
      expect(response.status).toBe(303);
      const cookies = response.headers.getSetCookie();
      expect(cookies.filter((line) => line.includes("Max-Age=0"))).toHaveLength(4);
      expect(cookies.filter((line) => !line.includes("Max-Age=0"))).toHaveLength(1);
    });

    it("outlives a client that goes away in the middle of its request", async () => {
      await using server = await start();
      const { port } = new URL(server.baseUrl);
      const head = "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n";
      for (const path of ["/token", "/register", "/mcp"]) {
        const socket = connect(Number(port), "127.0.0.1");
        await once(socket, "connect");
        await new Promise((resolve) => socket.write(`POST ${path} HTTP/1.1\r\n${head}grant_type=`, resolve));
        socket.destroy();
        await once(socket, "close");
      }
      const metadata = await fetch(`${server.baseUrl}/.well-known/oauth-authorization-server`);
      expect(metadata.status).toBe(200);
    });

    it("counts requests by the address that they come from", async () => {
      await using server = await start({ rateLimits: { perCaller: { authorize: { requests: 1, perSeconds: 60 } } } });
      const statuses = [];
      for (let sent = 0; sent < 2; sent += 1) statuses.push((await fetch(`${server.baseUrl}/pangea/callback`)).status);
      expect(statuses).toEqual([400, 429]);
    });

    it("answers a body that is too large in place of cutting the connection", async () => {
      await using server = await start();
      const response = await fetch(`${server.baseUrl}/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ client_name: "x".repeat(200_000) }),
      });
      expect(response.status).toBe(413);
    });
  });
}

/** Walks a client from its first login to the end of it. What the tool says begins with who is logged in. */
async function expectLoginFlow(server: UpstreamScene, client: McpClient, who: string): Promise<void> {
  await connectWithLogin(client);
  expect(await client.whoami()).toMatch(new RegExp(`^${who}`));

  const first = client.oauth.tokens();
  server.advanceSeconds(3601);
  expect(await client.whoami()).toMatch(new RegExp(`^${who}`));
  const second = client.oauth.tokens();
  expect(second?.access_token).not.toBe(first?.access_token);
  expect(second?.refresh_token).not.toBe(first?.refresh_token);

  await revoke(server, client);
  await expect(client.whoami()).rejects.toThrow();
  expect(client.oauth.authorizationUrl, "the SDK asks for a new login").toBeInstanceOf(URL);
}

async function revoke(server: UpstreamScene, client: McpClient): Promise<void> {
  const metadata = await jsonOf(await fetch(`${server.baseUrl}/.well-known/oauth-authorization-server`));
  const { client_id, client_secret } = client.oauth.clientInformation() ?? { client_id: "" };
  const response = await fetch(metadata.revocation_endpoint ?? "", {
    method: "POST",
    body: new URLSearchParams({
      token: client.oauth.tokens()?.refresh_token ?? "",
      client_id,
      ...(client_secret !== undefined && { client_secret }),
    }),
  });
  expect(response.status).toBe(200);
}
