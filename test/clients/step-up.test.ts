import { auth as authV1 } from "@modelcontextprotocol/sdk/client/auth.js";
import { describe, expect, it } from "vitest";
import type { PangeaOAuthProviderOptions } from "../../src/index.ts";
import { BrowserSession } from "../support/browser-session.ts";
import { jsonOf } from "../support/json-of.ts";
import {
  connectWithLogin,
  InMemoryOAuthClient,
  type McpClient,
  sdkV1Client,
  sdkV2Client,
} from "../support/mcp-client.ts";
import { initializeRequest } from "../support/mount-suite.ts";
import { pkce } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { ada, expectScopes, logInAfterRefusal, logInAgain, openStepUpScene } from "./step-up-scene.ts";

const emulator = useEmulator({ users: [{ username: "ada@example.com" }] });
const codesOnly = () => new InMemoryOAuthClient(undefined, ["authorization_code"]);

const open = (options: Partial<PangeaOAuthProviderOptions> = {}) => openStepUpScene(emulator.issuerUrl, options);

const scopesOf = (scope: string | null | undefined) => (scope ?? "").split(" ").sort();

const sdks: [string, (url: string) => McpClient][] = [
  ["v1, without refresh tokens", (url) => sdkV1Client(url, codesOnly())],
  ["v2, without refresh tokens", (url) => sdkV2Client(url, codesOnly())],
  ["v2, with refresh tokens", (url) => sdkV2Client(url)],
];

describe.each(sdks)("the SDK's client %s", (_, newClient) => {
  it("registers what the 401 names, gets more after a 403, and loses nothing", async () => {
    await using scene = await open();
    await using client = newClient(scene.server.mcpUrl);
    await connectWithLogin(client);
    expect(await client.whoami()).toBe("ada@example.com ptu_");
    await expectScopes(scene.server, client, ["user"]);
    const registered = client.oauth.clientInformation();

    scene.need("admin");
    const asked = await logInAfterRefusal(client);
    expect(scopesOf(asked.searchParams.get("scope"))).toEqual(expect.arrayContaining(["admin", "user"]));
    expect(await client.whoami()).toBe("ada@example.com ptu_");
    await expectScopes(scene.server, client, ["admin", "user"]);
    expect(client.oauth.clientInformation()?.client_id).toBe(registered?.client_id);

    scene.need("user");
    expect(await client.whoami()).toBe("ada@example.com ptu_");
  });

  it("needs no second login for what its scope implies", async () => {
    await using scene = await open({ scopeImplies: { admin: ["user"] } });
    await using client = newClient(scene.server.mcpUrl);
    scene.need("admin");
    await connectWithLogin(client);
    for (const needed of [["user"], ["user", "admin"]]) {
      scene.need(...needed);
      expect(await client.whoami()).toBe("ada@example.com ptu_");
    }
    expect(client.oauth.authorizationUrl).toBeUndefined();
  });
});

it("the SDK's client v2 keeps what it got through a refresh", async () => {
  await using scene = await open();
  await using client = sdkV2Client(scene.server.mcpUrl);
  await connectWithLogin(client);
  scene.need("admin");
  await logInAfterRefusal(client);
  expect(scopesOf(client.oauth.tokens()?.scope)).toEqual(["admin", "offline_access", "user"]);
  scene.server.advanceSeconds(3601);
  expect(await client.whoami()).toBe("ada@example.com ptu_");
  expect(scopesOf(client.oauth.tokens()?.scope)).toEqual(["admin", "offline_access", "user"]);
});

/**
 * This client refreshes before it asks for a login, and a refresh never widens. So it tells its application of the 403,
 * which begins the login with the SDK's own `auth`: see typescript-sdk issue 2255.
 */
it("the SDK's client v1 with refresh tokens hands the 403 to its application, which logs in with its scopes", async () => {
  await using scene = await open();
  await using client = sdkV1Client(scene.server.mcpUrl);
  await connectWithLogin(client);
  scene.need("admin");
  await expect(client.whoami()).rejects.toMatchObject({ code: 403 });
  expect(client.oauth.authorizationUrl).toBeUndefined();
  await expectScopes(scene.server, client, ["user"]);

  const refusal = await initializeRequest(scene.server.mcpUrl, client.oauth.tokens()?.access_token);
  const scope = /scope="([^"]*)"/.exec(refusal.headers.get("www-authenticate") ?? "")?.[1] ?? "";
  expect(scope).toBe("user admin");
  client.oauth.invalidateCredentials("tokens");
  expect(await authV1(client.oauth, { serverUrl: scene.server.mcpUrl, scope })).toBe("REDIRECT");
  await logInAgain(client);
  expect(await client.whoami()).toBe("ada@example.com ptu_");
  await expectScopes(scene.server, client, ["admin", "user"]);
});

/** What `mcp` 2.3 of Python sends (`mcp/client/auth/oauth2.py`), in its order and with its parameters. */
it("the Python SDK's requests, replayed, get more after a 403", async () => {
  await using scene = await open();
  const { baseUrl, mcpUrl } = scene.server;
  const redirectUri = "http://localhost:3030/callback";
  const challengeOf = async (token?: string) => {
    const refusal = await initializeRequest(mcpUrl, token);
    return [refusal.status, /scope="([^"]*)"/.exec(refusal.headers.get("www-authenticate") ?? "")?.[1] ?? ""] as const;
  };
  const metadata = await jsonOf(await fetch(`${baseUrl}/.well-known/oauth-authorization-server`));
  const union = (...scopes: string[]) => [...new Set(scopes.join(" ").split(" "))].join(" ");

  const [unauthorized, first] = await challengeOf();
  expect([unauthorized, first]).toEqual([401, "user"]);
  // SEP-2207: the authorization server offers offline_access, and the client can use refresh tokens.
  expect(metadata.scopes_supported).toContain("offline_access");
  const scope = union(first, "offline_access");
  const registration = await fetch(metadata.registration_endpoint ?? "", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      response_types: ["code"],
      scope,
      client_name: "Simple Auth Client",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
    }),
  });
  expect(registration.status).toBe(201);
  const { client_id, client_secret, scope: kept } = await jsonOf(registration);
  expect(kept).toBe(scope);

  const logIn = async (asked: string) => {
    const { verifier, challenge } = pkce();
    const authorization = new URLSearchParams({
      response_type: "code",
      client_id,
      redirect_uri: redirectUri,
      state: "A".repeat(43),
      code_challenge: challenge,
      code_challenge_method: "S256",
      resource: mcpUrl,
      scope: asked,
      prompt: "consent",
    });
    const callback = await new BrowserSession().login(`${metadata.authorization_endpoint}?${authorization}`, ada);
    return token({
      grant_type: "authorization_code",
      code: callback.searchParams.get("code") ?? "",
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
  };
  const token = async (form: Record<string, string>) => {
    const basic = Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret ?? "")}`);
    const answer = await fetch(metadata.token_endpoint ?? "", {
      method: "POST",
      body: new URLSearchParams({ ...form, client_id, resource: mcpUrl }),
      headers: { authorization: `Basic ${basic.toString("base64")}` },
    });
    expect(answer.status).toBe(200);
    return jsonOf(answer);
  };

  const narrow = await logIn(scope);
  expect(narrow.scope).toBe("user offline_access");
  scene.need("admin");
  const [forbidden, challenged] = await challengeOf(narrow.access_token);
  expect([forbidden, challenged]).toEqual([403, "user admin"]);
  // SEP-2350: what was asked for, what was given, and what the 403 names.
  const broad = await logIn(union(scope, narrow.scope ?? "", challenged));
  expect(scopesOf(broad.scope)).toEqual(["admin", "offline_access", "user"]);
  const renewed = await token({ grant_type: "refresh_token", refresh_token: broad.refresh_token ?? "" });
  expect(scopesOf(renewed.scope)).toEqual(["admin", "offline_access", "user"]);
  for (const { access_token } of [broad, renewed]) {
    expect((await initializeRequest(mcpUrl, access_token)).status).toBe(200);
  }
});
