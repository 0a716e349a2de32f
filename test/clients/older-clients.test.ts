import { auth as authNewest } from "@modelcontextprotocol/sdk/client/auth.js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  auth110,
  auth112,
  auth117,
  Client110,
  Client112,
  Client117,
  Transport110,
  Transport112,
  Transport117,
} from "../older-mcp-sdks/older-mcp-sdks.ts";
import {
  clientOfSdkV1,
  connectWithLogin,
  InMemoryOAuthClient,
  type McpClient,
  sdkV1Client,
  sdkV2Client,
} from "../support/mcp-client.ts";
import { openUpstreamScene, otherUpstreams, upstreamKinds } from "../support/upstream-scene.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { expectScopes, logInAfterRefusal, logInAgain, openStepUpScene } from "./step-up-scene.ts";

const emulator = useEmulator({ users: [{ username: "ada@example.com" }] });
const information = { name: "test", version: "1.0.0" };

/** An official client, of some version. */
interface OfficialClient {
  readonly name: string;
  readonly open: (mcpUrl: string, oauth: InMemoryOAuthClient) => McpClient;
  /**
   * How an application gets more scopes with this version, which does not do it by itself after a 403 or, where it has a
   * refresh token, refreshes in its place. Undefined where the SDK asks for a login with the scopes of the 403.
   */
  readonly askForMore?: (oauth: InMemoryOAuthClient, serverUrl: string, scope: string) => Promise<unknown>;
}

/** Since 1.11 an application can ask the SDK for a login with other scopes. */
const byScopeOfAuth =
  (auth: (oauth: InMemoryOAuthClient, request: { serverUrl: string; scope: string }) => Promise<unknown>) =>
  (oauth: InMemoryOAuthClient, serverUrl: string, scope: string): Promise<unknown> => {
    oauth.invalidateCredentials("tokens");
    return auth(oauth, { serverUrl, scope });
  };

const officialClients: readonly OfficialClient[] = [
  {
    name: "v1 1.10.2",
    open: (mcpUrl, oauth) => {
      const client = new Client110(information);
      const newTransport = () => new Transport110(new URL(mcpUrl), { authProvider: oauth });
      // @ts-expect-error The types of this version do not count with exactOptionalPropertyTypes.
      return clientOfSdkV1(client, oauth, newTransport, (transport) => client.connect(transport));
    },
    // Its authorization request has no scope: what a client has registered is what it gets.
    askForMore: (oauth, serverUrl, scope) => {
      oauth.registerAgain(scope);
      return auth110(oauth, { serverUrl });
    },
  },
  {
    name: "v1 1.12.3",
    open: (mcpUrl, oauth) => {
      const client = new Client112(information);
      const newTransport = () => new Transport112(new URL(mcpUrl), { authProvider: oauth });
      // @ts-expect-error The types of this version do not count with exactOptionalPropertyTypes.
      return clientOfSdkV1(client, oauth, newTransport, (transport) => client.connect(transport));
    },
    askForMore: byScopeOfAuth(auth112),
  },
  {
    name: "v1 1.17.5",
    open: (mcpUrl, oauth) => {
      const client = new Client117(information);
      const newTransport = () => new Transport117(new URL(mcpUrl), { authProvider: oauth });
      // @ts-expect-error The types of this version do not count with exactOptionalPropertyTypes.
      return clientOfSdkV1(client, oauth, newTransport, (transport) => client.connect(transport));
    },
    askForMore: byScopeOfAuth(auth117),
  },
  { name: "v1, the newest", open: sdkV1Client, askForMore: byScopeOfAuth(authNewest) },
  { name: "v2, the newest", open: sdkV2Client },
];

// The SDKs tell the console of a refresh that was refused.
beforeAll(() => {
  for (const level of ["error", "warn"] as const) vi.spyOn(console, level).mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

describe.each(officialClients)("the official client $name", ({ open, askForMore }) => {
  it("gets in, and stays in without another login for as long as it refreshes", async () => {
    await using scene = await openStepUpScene(emulator.issuerUrl);
    await using client = open(scene.server.mcpUrl, new InMemoryOAuthClient());
    await connectWithLogin(client);
    expect(await client.whoami()).toBe("ada@example.com ptu_");
    const seen = new Set([client.oauth.tokens()?.refresh_token]);
    for (let turn = 0; turn < 3; turn += 1) {
      scene.server.advanceSeconds(3601);
      expect(await client.whoami()).toBe("ada@example.com ptu_");
      seen.add(client.oauth.tokens()?.refresh_token);
    }
    expect(seen.size).toBe(4);
    expect(client.oauth.authorizationUrl).toBeUndefined();
  });

  it.each(otherUpstreams)("gets in with %s as the upstream, and refreshes", async (kind) => {
    await using scene = await openUpstreamScene(kind);
    await using client = open(scene.mcpUrl, new InMemoryOAuthClient());
    await connectWithLogin(client);
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await client.whoami()).split(" ")[0]).toBe(upstreamKinds[kind]);
      scene.advanceSeconds(3601);
    }
  });

  it("asks for a login once its own was revoked, and goes on as the same client", async () => {
    await using scene = await openStepUpScene(emulator.issuerUrl);
    await using client = open(scene.server.mcpUrl, new InMemoryOAuthClient());
    await connectWithLogin(client);
    const registered = client.oauth.clientInformation()?.client_id;
    const { extra } = await scene.server.provider.verifyAccessToken(client.oauth.tokens()?.access_token ?? "");
    expect(await scene.server.provider.revokeGrant(String(extra.grantId))).toBe(true);
    await logInAfterRefusal(client);
    expect(await client.whoami()).toBe("ada@example.com ptu_");
    expect(client.oauth.clientInformation()?.client_id).toBe(registered);
  });

  it("gets more scopes after a 403, and keeps them through a refresh", async () => {
    // Clients that ask for no scope get the default ones, which are all unless the server says otherwise.
    const clientRegistration = { defaultScopes: ["user"] };
    await using scene = await openStepUpScene(emulator.issuerUrl, { clientRegistration });
    await using client = open(scene.server.mcpUrl, new InMemoryOAuthClient());
    await connectWithLogin(client);
    await expectScopes(scene.server, client, ["user"]);
    scene.need("admin");
    if (askForMore === undefined) {
      await logInAfterRefusal(client);
    } else {
      await expect(client.whoami()).rejects.toThrow();
      expect(await askForMore(client.oauth, scene.server.mcpUrl, "user admin")).toBe("REDIRECT");
      await logInAgain(client);
    }
    expect(await client.whoami()).toBe("ada@example.com ptu_");
    await expectScopes(scene.server, client, ["admin", "user"]);
    scene.server.advanceSeconds(3601);
    expect(await client.whoami()).toBe("ada@example.com ptu_");
    await expectScopes(scene.server, client, ["admin", "user"]);
  });
});
