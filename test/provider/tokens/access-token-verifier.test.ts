import { beforeEach, describe, expect, it } from "vitest";
import { createInMemoryRepositories, type ProviderRepositories } from "../../../src/index.ts";
import { formatAccessToken, formatHandle } from "../../../src/provider/oauth/grant-credential.ts";
import { type VerifierParts, verifyAccessToken } from "../../../src/provider/tokens/access-token-verifier.ts";
import type { AccessToken } from "../../../src/records/access-token.ts";
import { accessTokenKey, grantIdOf } from "../../../src/records/keys.ts";
import { configured } from "../../support/configured.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const resource = "https://mcp.example/mcp";
const handle = formatHandle(new Uint8Array(16).fill(7));
const token = formatAccessToken(handle, new Uint8Array(32).fill(9));
const grantId = grantIdOf(handle);
const pythons = `mcp_${"0f".repeat(32)}`;
const refusal = { code: "ERR_OAUTH", error: "invalid_token" };

let clock: ManualClock;
let repositories: ProviderRepositories;
let parts: VerifierParts;
beforeEach(async () => {
  clock = new ManualClock(1_000_000);
  // The store's clock is an hour behind: it has what this server takes for expired.
  repositories = createInMemoryRepositories({ clock: () => clock.read() - 3_600_000 });
  parts = { ...configured(), repositories, resource, now: () => clock.seconds() };
  await repositories.grants.set(grantId, { clientId: "app", scopes: [], createdAt: 0, expiresAt: 5_000 });
});

const ours: AccessToken = {
  clientId: "app",
  scopes: ["user"],
  expiresAt: 1_100,
  resource: new URL(resource),
  subject: "ada",
  grantId,
};
const { resource: _, grantId: __, subject: ___, ...plain } = ours;
const store = (shown: string, record: AccessToken) => repositories.accessTokens.set(accessTokenKey(shown), record);

describe("an access token", () => {
  it("is told with everything that is known of it", async () => {
    await store(token, ours);
    expect(await verifyAccessToken(parts, token)).toEqual({
      token,
      clientId: "app",
      scopes: ["user"],
      expiresAt: 1_100,
      resource: new URL(resource),
      extra: { subject: "ada", upstreamIssuer: "https://login.fake.example", grantId },
    });
    const { subject: _, ...nobodys } = ours;
    await store(token, nobodys);
    expect(Object.keys((await verifyAccessToken(parts, token)).extra)).toEqual(["grantId"]);
  });

  it("is over by this server's clock, whatever the store's says", async () => {
    await store(token, ours);
    clock.advanceSeconds(99.9);
    expect((await verifyAccessToken(parts, token)).expiresAt).toBe(1_100);
    clock.advanceSeconds(0.1);
    await expect(verifyAccessToken(parts, token)).rejects.toMatchObject(refusal);
  });

  it.each<[string, Partial<AccessToken>]>([
    ["was revoked", { revokedAt: 0 }],
    ["is for another resource", { resource: new URL("https://mcp.example/other") }],
  ])("is refused where it %s", async (_, changes) => {
    await store(token, { ...ours, ...changes });
    await expect(verifyAccessToken(parts, token)).rejects.toMatchObject(refusal);
  });

  it("is refused where it is for no resource, or never expires, or has no live grant", async () => {
    const { resource: _, ...anywhere } = ours;
    const { expiresAt: __, ...forever } = ours;
    for (const record of [anywhere, forever]) {
      await store(token, record);
      await expect(verifyAccessToken(parts, token)).rejects.toMatchObject(refusal);
    }
    await store(token, ours);
    await repositories.grants.set(grantId, {
      clientId: "app",
      scopes: [],
      createdAt: 0,
      expiresAt: 5_000,
      revokedAt: 1,
    });
    await expect(verifyAccessToken(parts, token)).rejects.toMatchObject(refusal);
    await repositories.grants.delete(grantId);
    await expect(verifyAccessToken(parts, token)).rejects.toMatchObject(refusal);
  });
});

describe("an access token of the Python package", () => {
  it("stands for itself, with the claims that it has, for no resource or for this one", async () => {
    await store(pythons, { ...plain, claims: { iss: "python" } });
    expect((await verifyAccessToken(parts, pythons)).extra).toStrictEqual({ iss: "python" });
    await store(pythons, { ...plain, resource: new URL(resource) });
    expect((await verifyAccessToken(parts, pythons)).extra).toStrictEqual({});
    await store(pythons, { ...plain, resource: new URL("https://mcp.example/other") });
    await expect(verifyAccessToken(parts, pythons)).rejects.toMatchObject(refusal);
  });
});

it.each([undefined, null, 5, {}])("%j, which is no text, is no token", async (nothing) => {
  const call = () => Reflect.apply(verifyAccessToken, undefined, [parts, nothing]);
  await expect(call()).rejects.toMatchObject(refusal);
});
