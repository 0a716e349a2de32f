import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  McpOAuthProvider,
  UpstreamRejectedError,
  UpstreamUnavailableError,
} from "../../../src/index.ts";
import { revokedConsent } from "../../../src/provider/grants/consent-revocations.ts";
import { GrantKey } from "../../../src/provider/grants/grant-key.ts";
import { Grants, isLive, isRevoked } from "../../../src/provider/grants/grants.ts";
import { readAccessToken } from "../../../src/provider/oauth/grant-credential.ts";
import type { Grant } from "../../../src/records/grant.ts";
import { grantIdOf, recordKey } from "../../../src/records/keys.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream, logInAtFakeUpstream } from "../../support/fake-upstream.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ClientHarness, pkce } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { upstreamRevocationsOf } from "../../support/upstream-revocations.ts";

const day = 24 * 60 * 60;

async function start() {
  const clock = new ManualClock();
  const upstream = new FakeUpstream(clock.read);
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const baseUrl = "https://mcp.example";
  const options = { secret: "a secret of this test, which is long enough", scopes: ["user"] };
  const harness = new ClientHarness(
    new McpOAuthProvider({ ...options, baseUrl, upstream, repositories, clock: clock.read }),
    baseUrl,
  );
  const { client_id: clientId } = await harness.register();
  const { verifier, challenge } = pkce();
  const { location, cookie } = await harness.beginLogin({ client_id: clientId, code_challenge: challenge });
  const answer = await harness.finishLogin(logInAtFakeUpstream(location, "ada"), cookie);
  const code = { clientId, verifier, code: answer.searchParams.get("code") ?? "" };
  return { clock, upstream, repositories, harness, code };
}

/** Grants by themselves. */
function parts(changes: Partial<ConstructorParameters<typeof Grants>[0]> = {}) {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const upstream = new FakeUpstream(clock.read);
  const configuration = configured({ upstream, repositories }, clock);
  const upstreamRevocations = upstreamRevocationsOf(configuration);
  const storedGrants = repositories.grants;
  const grants = new Grants({ ...configuration, storedGrants, upstreamRevocations, ...changes });
  return { clock, repositories, upstream, grants };
}

/** The events of a kind that something emits. */
async function toldOf(name: string, run: () => Promise<unknown>): Promise<unknown[]> {
  const told: unknown[] = [];
  const listen = (event: unknown) => void told.push(event);
  subscribe(`pangea-authn-fastmcp:${name}`, listen);
  try {
    await run();
  } finally {
    unsubscribe(`pangea-authn-fastmcp:${name}`, listen);
  }
  return told;
}

describe("a grant that was revoked", () => {
  it("leaves a tombstone with nothing in it but whose it was, a day longer than the grant would have lasted", async () => {
    const { clock, upstream, repositories, harness, code } = await start();
    const tokens = await jsonOf(await harness.redeem(code));
    const grantId = grantIdOf(readAccessToken(tokens.access_token)?.handle ?? "");
    const grant = await repositories.grants.get(grantId);
    expect(grant).toMatchObject({ clientId: code.clientId, subject: "ada", createdAt: clock.seconds() });
    const [createdAt, revokedAt] = [clock.seconds(), clock.seconds(60)];
    clock.advanceSeconds(60);
    await harness.postForm("/revoke", { client_id: code.clientId, token: tokens.refresh_token });
    const { sealedUpstream, ...tombstone } = (await repositories.grants.get(grantId)) ?? {};
    expect(tombstone).toEqual({
      clientId: code.clientId,
      subject: "ada",
      upstreamIssuer: upstream.issuer,
      resource: grant?.resource,
      scopes: [],
      createdAt,
      revokedAt,
      expiresAt: (grant?.expiresAt ?? 0) + day,
    });
    expect(upstream.revoked.map(({ token }) => token)).toEqual(["ada-1"]);
    // Whoever shows the login again ends nothing again, and leaves nothing to be opened.
    for (let times = 0; times < 2; times += 1) {
      expect((await harness.refresh({ ...code, ...tokens })).status).toBe(400);
      expect(await repositories.grants.get(grantId)).toEqual(tombstone);
    }
    expect(await recordsOf(repositories.upstreamSessions)).toEqual([]);
    expect(sealedUpstream).toBe(grant?.sealedUpstream);
  });

  it.each<[string, () => Promise<unknown>, boolean]>([
    ["has revoked them", async () => undefined, true],
    ["revokes nothing, so that they are good there", async () => false, false],
    ["is out, and will be told", () => Promise.reject(new UpstreamUnavailableError("out")), true],
    ["refuses this server", () => Promise.reject(new UpstreamRejectedError("invalid_client", "no")), true],
    ["refuses", () => Promise.reject(new UpstreamRejectedError("unsupported_token_type", "no")), false],
  ])(
    "keeps what opens tokens of an upstream, unless they are good there for ever: one that %s",
    async (_, revoke, isKept) => {
      const { clock, upstream, repositories, harness, code } = await start();
      const tokens = await jsonOf(await harness.redeem(code));
      clock.advanceSeconds(3_599);
      await harness.provider.upstreamToken({ token: tokens.access_token });
      expect(await recordsOf(repositories.upstreamSessions)).toHaveLength(1);
      upstream.revoke = revoke;
      await harness.postForm("/revoke", { client_id: code.clientId, token: tokens.refresh_token });
      const [[, tombstone] = []] = await recordsOf(repositories.grants);
      expect(tombstone?.revokedAt).toBe(clock.seconds());
      expect(tombstone?.sealedUpstream !== undefined).toBe(isKept);
      expect(await recordsOf(repositories.upstreamSessions)).toHaveLength(isKept ? 1 : 0);
    },
  );

  it("has no session upstream to be ended twice by an operator, and the operator is told so", async () => {
    const { repositories, harness, code, upstream } = await start();
    const tokens = await jsonOf(await harness.redeem(code));
    const grantId = grantIdOf(readAccessToken(tokens.access_token)?.handle ?? "");
    expect(await harness.provider.revokeGrant(grantId)).toBe(true);
    const whose = [harness.provider.resource, "ada", code.clientId, upstream.issuer];
    const revocation = recordKey("consent_revocation", ...whose);
    expect(await repositories.consentRevocations.get(revocation)).toBeDefined();
    await repositories.consentRevocations.delete(revocation);
    expect(await harness.provider.revokeGrant(grantId)).toBe(false);
    expect(await repositories.consentRevocations.get(revocation), "it was ended once").toBeUndefined();
  });

  it("is ended upstream by whoever opens its session, though an operator has ended it twice before", async () => {
    const { upstream, harness, code } = await start();
    const tokens = await jsonOf(await harness.redeem(code));
    const grantId = grantIdOf(readAccessToken(tokens.access_token)?.handle ?? "");
    for (const isThere of [true, false]) expect(await harness.provider.revokeGrant(grantId)).toBe(isThere);
    expect(upstream.revoked).toEqual([]);
    expect((await harness.refresh({ ...code, ...tokens })).status).toBe(400);
    expect(upstream.revoked.map(({ token }) => token)).toEqual(["ada-1"]);
  });

  it("is told of once, and one that never began is not", async () => {
    const { repositories, grants } = parts();
    await repositories.grants.set("grant", { clientId: "app", scopes: [], createdAt: 0, expiresAt: 7e9 });
    const told = await toldOf("grant-revoked", async () => {
      for (const id of ["grant", "grant", "nobody's"]) await grants.revoke(id);
    });
    expect(told).toEqual([{ clientId: "app", grantId: "grant", upstreamIssuer: "https://login.fake.example" }]);
  });

  it("keeps a session that its key does not open for whoever opens it, and an outage is told of", async () => {
    const { repositories, upstream, grants } = parts();
    const session = { tokens: { token: "ada-1" }, identity: { subject: "ada" } };
    const [key, wrong] = [new GrantKey("grant", new Uint8Array(32)), new GrantKey("grant", new Uint8Array(32).fill(1))];
    const tombstone = { clientId: "app", scopes: [], createdAt: 0, expiresAt: 7e9, revokedAt: 0 };
    const sealedUpstream = key.sealSession(session);
    await repositories.grants.set("grant", { ...tombstone, sealedUpstream });
    const told = await toldOf("outage", () => grants.revoke("grant", { key: wrong }));
    expect(told).toEqual([expect.objectContaining({ code: "ERR_UNSEALABLE" })]);
    expect(await repositories.grants.get("grant")).toEqual({ ...tombstone, sealedUpstream });
    expect(await toldOf("outage", () => grants.revoke("grant", { key }))).toEqual([]);
    expect(await repositories.grants.get("grant")).toEqual(tombstone);
    expect(upstream.revoked).toEqual([session.tokens]);
  });

  it("before it began is whose its code says, and ends that person's consent", async () => {
    const { clock, repositories, upstream, grants } = parts();
    const key = new GrantKey("grant", new Uint8Array(32));
    const session = { tokens: { token: "ada-1" }, identity: { subject: "ada" } };
    const code = {
      clientId: "app",
      scopes: ["user"],
      expiresAt: clock.seconds(60),
      codeChallenge: "",
      redirectUri: new URL("https://app.example/callback"),
      subject: "ada",
      sealedUpstream: key.sealSession(session),
    };
    expect(await grants.revoke("grant", { code, key })).toBe(false);
    expect(await repositories.grants.get("grant")).toEqual({
      clientId: "app",
      subject: "ada",
      sealedUpstream: code.sealedUpstream,
      scopes: [],
      createdAt: clock.seconds(),
      revokedAt: clock.seconds(),
      expiresAt: clock.seconds(90 * day + day),
    });
    const revocation = recordKey("consent_revocation", configured().resource, "ada", "app", upstream.issuer);
    expect(await repositories.consentRevocations.get(revocation)).toBeDefined();
    expect(upstream.revoked).toEqual([session.tokens]);
  });

  it("may be one that never began, whose tombstone stands in its place", async () => {
    const { clock, repositories, harness, code } = await start();
    const [[, { expiresAt }] = ["", { expiresAt: 0 }]] = await recordsOf(repositories.authorizationCodes);
    expect(expiresAt).toBeGreaterThan(clock.seconds());
    const grantId = grantIdOf("nobody's");
    expect(await harness.provider.revokeGrant(grantId)).toBe(false);
    expect(await repositories.grants.get(grantId)).toStrictEqual({
      clientId: "",
      scopes: [],
      createdAt: clock.seconds(),
      revokedAt: clock.seconds(),
      expiresAt: clock.seconds(90 * day + day),
    });
    expect(await recordsOf(repositories.consentRevocations)).toEqual([]);
    expect((await harness.redeem(code)).status).toBe(200);
  });
});

describe("a grant that a person has named", () => {
  const grant: Grant = { clientId: "app", scopes: [], createdAt: 0, expiresAt: 7e9 };
  const code = { ...grant, codeChallenge: "", redirectUri: new URL("https://app.example/callback") };

  it.each([
    ["grant", grant, undefined, true],
    ["grant", undefined, code, false],
    [grantIdOf("nobody's"), undefined, undefined, false],
    ["grant", undefined, undefined, "ERR_CONFIGURATION"],
  ])("by %j, which leads to the grant %j and the code %j", async (grantId, stored, begunBy, outcome) => {
    const { repositories, grants } = parts();
    if (stored !== undefined) await repositories.grants.set(grantId, stored);
    const revoked = grants.revoke(grantId, { code: begunBy, by: "operator" });
    if (typeof outcome === "string") await expect(revoked).rejects.toMatchObject({ code: outcome });
    else expect(await revoked).toBe(outcome);
    expect(await recordsOf(repositories.grants)).toHaveLength(typeof outcome === "string" ? 0 : 1);
  });

  it.each(["operator", undefined] as const)("and is another server's is left alone, by %s, and told of", async (by) => {
    const met: string[] = [];
    const { repositories, grants } = parts({ meetForeignGrant: (resource) => void met.push(resource) });
    const foreign = { ...grant, resource: new URL("https://other.example/mcp") };
    await repositories.grants.set("grant", foreign);
    expect(await grants.revoke("grant", by === undefined ? {} : { by })).toBe(false);
    expect(await repositories.grants.get("grant")).toEqual(foreign);
    expect(met).toEqual(["https://other.example/mcp"]);
  });

  it.each(["operator", undefined] as const)("is read by %s as who has decided has to see it", async (by) => {
    const failure = new Error("The test says that another server has sealed it.");
    const inner = createInMemoryRepositories();
    const storedGrants = intercepted(inner.grants, async () => {
      throw failure;
    });
    const revoked = parts({ storedGrants }).grants.revoke(grantIdOf("a"), by === undefined ? {} : { by });
    if (by === undefined) expect(await revoked).toBe(false);
    else await expect(revoked).rejects.toBe(failure);
  });
});

describe("the consent behind a grant that is revoked", () => {
  const [bare, withSlash] = ["https://mcp.example", "https://mcp.example/"];

  it.each([
    ["its server", bare, bare, bare],
    ["its server", withSlash, withSlash, bare],
    ["its server", undefined, bare, bare],
    ["whoever has the store", withSlash, undefined, bare],
    ["whoever has the store", `${bare}/mcp/`, undefined, `${bare}/mcp`],
    ["whoever has the store", `${bare}/mcp`, undefined, `${bare}/mcp`],
    ["whoever has the store", undefined, undefined, undefined],
  ])(
    "by %s, for %s, is ended under the one name of its server, however that writes it",
    async (_, granted, own, ended) => {
      const { repositories, upstream, grants } = parts({ resource: own });
      const owner = { clientId: "app", subject: "ada", upstreamIssuer: upstream.issuer };
      const resource = granted === undefined ? {} : { resource: new URL(granted) };
      await repositories.grants.set("grant", { ...owner, ...resource, scopes: [], createdAt: 0, expiresAt: 7e9 });
      expect(await grants.revoke("grant")).toBe(true);
      const keys = (await recordsOf(repositories.consentRevocations)).map(([key]) => key);
      const names = ended === undefined ? [] : [ended];
      expect(keys).toEqual(names.map((name) => recordKey("consent_revocation", name, "ada", "app", upstream.issuer)));
      for (const resource of names.flatMap((name) => [name, `${name}/`])) {
        expect(await revokedConsent({ now: () => 7e9, repositories, resource }, owner, "app"), resource).toBeDefined();
      }
    },
  );
});

it("a grant is good until it expires or is revoked", () => {
  const grant: Grant = { clientId: "app", scopes: [], createdAt: 0, expiresAt: 100 };
  expect([isLive(grant, 99.9), isLive(grant, 100), isLive(undefined, 0)]).toEqual([true, false, false]);
  expect([isRevoked(grant), isRevoked(undefined)]).toEqual([false, false]);
  const tombstone = { ...grant, revokedAt: 0 };
  expect([isLive(tombstone, 1), isRevoked(tombstone)]).toEqual([false, true]);
});
