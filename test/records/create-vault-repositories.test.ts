import { readFileSync } from "node:fs";
import { PangeaConfig, Vault, VaultService } from "pangea-node-sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { KeyRing, PangeaOAuthProvider, tokenKey } from "../../src/index.ts";
import { createVaultRepositories } from "../../src/vault.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator({ authn: false });
beforeEach(() => emulator.vault.clear());

const open = (options = {}) =>
  createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate, folder: "/shared", ...options });
const future = Math.floor(Date.now() / 1000) + 600;
const refreshToken = (expiresAt: number) => ({
  grantId: "g",
  scopes: [],
  issuedAt: 0,
  usableUntil: expiresAt,
  expiresAt,
  wrappedKey: "k",
});

describe("kinds of record in one folder", () => {
  it("do not see each other, even under the same key", async () => {
    const { accessTokens, refreshTokens } = open();
    await accessTokens.set("key", { clientId: "c", scopes: [], expiresAt: future });
    expect(await refreshTokens.get("key")).toBeUndefined();
    expect(await refreshTokens.take("key")).toBeUndefined();
    expect(await accessTokens.get("key")).toBeDefined();
  });

  it("need keys of their own, since Vault keeps the names of a folder unique, and say so", async () => {
    const { accessTokens, refreshTokens } = open();
    const record = { clientId: "c", scopes: [], expiresAt: future };
    await accessTokens.set("key", record);
    await expect(refreshTokens.set("key", refreshToken(future))).rejects.toMatchObject({
      code: "ERR_STORAGE_REJECTED",
      // The refusal of Vault is the cause of the one that says why.
      cause: expect.objectContaining({ code: "ERR_STORAGE_REJECTED" }),
    });
    expect(await accessTokens.get("key")).toBeDefined();
  });

  it("are swept of what has expired, and of nothing else", async () => {
    const clock = new ManualClock();
    const repositories = open({ clock: clock.read });
    const now = clock.seconds();
    const record = { clientId: "c", scopes: [] };
    await repositories.accessTokens.set("short", { ...record, expiresAt: now + 10 });
    await repositories.accessTokens.set("long", { ...record, expiresAt: now + 1000 });
    await repositories.refreshTokens.set("short too", refreshToken(now + 10));
    await repositories.clients.set("client", { client_id: "client", redirect_uris: [] });
    clock.advanceSeconds(11);

    expect(await repositories.sweep()).toBe(2);
    expect(emulator.vault.items().map((item) => item.name)).toEqual(["long", "client"]);
    expect(await repositories.sweep()).toBe(0);
  });

  it("are listed by themselves", async () => {
    const { accessTokens, grants } = open();
    for (let index = 0; index < 250; index += 1) {
      await accessTokens.set(`key ${index}`, { clientId: "c", scopes: [], expiresAt: future });
    }
    await grants.set("grant", { clientId: "c", scopes: [], createdAt: 0, expiresAt: future });
    let count = 0;
    for await (const [key] of accessTokens.entries()) if (key.startsWith("key ")) count += 1;
    expect(count).toBe(250);
  });
});

it("a sealed record opens under every spelling of its folder", async () => {
  const keys = KeyRing.from("s".repeat(32));
  await open({ folder: "/shared", keys }).clients.set("client", { client_id: "client", redirect_uris: [] });
  for (const folder of ["shared", "shared/", "//shared/"]) {
    expect(await open({ folder, keys }).clients.get("client")).toBeDefined();
  }
});

describe("a folder that a Python server filled", () => {
  async function plant(name: string, secret: string): Promise<void> {
    const sdk = new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate: emulator.baseUrlTemplate }));
    await sdk.secretStore({ type: Vault.ItemType.SECRET, name, folder: "/shared", secret });
  }

  it("is taken over: its tokens open the server, its clients can log in, its upstream copies open nothing", async () => {
    const token = `mcp_${"5f".repeat(32)}`;
    await plant(
      tokenKey(token),
      `{"token":"${token}","client_id":"c1","scopes":["user"],"expires_at":${future},"resource":null,"claims":{}}`,
    );
    await plant(
      tokenKey("ptu_abc"),
      '{"token":"ptu_abc","client_id":"c1","scopes":["user"],"expires_at":null,"resource":null,"claims":{}}',
    );
    const lines = readFileSync(new URL("./python-records.jsonl", import.meta.url), "utf8").split("\n");
    const client = JSON.parse(lines.find((line) => line.includes("OAuthClientInformationFull")) ?? "").stored;
    const clientId = JSON.parse(client).client_id;
    await plant(clientId, client);
    await plant(`client_to_authn_${clientId}`, '{"token":"ptu_abc"}');

    const options = { ...providerOptions("https://login.example"), repositories: open() };
    const provider = new PangeaOAuthProvider(options);
    const authenticate = async (bearer: string) => {
      const answer = await provider.authenticate({ headers: new Headers({ authorization: `Bearer ${bearer}` }) });
      return answer instanceof Response ? answer.status : 200;
    };
    expect(await authenticate(token)).toBe(200);
    expect(await authenticate("ptu_abc")).toBe(401);

    const harness = new ProviderHarness(options);
    const { location } = await harness.beginLogin({
      client_id: clientId,
      redirect_uri: "http://localhost:3000",
      code_challenge: pkce().challenge,
    });
    expect(location.origin).toBe("https://login.example");
    const basic = `Basic ${btoa(`${clientId}:aa`)}`;
    const refresh = { grant_type: "refresh_token", refresh_token: "x" };
    const known = await harness.postForm("/token", refresh, { authorization: basic });
    expect(known.status).toBe(400);
    const other = await harness.get(
      harness.authorizePath({ client_id: `client_to_authn_${clientId}`, code_challenge: pkce().challenge }),
    );
    expect(other.status).toBe(400);
  });
});
