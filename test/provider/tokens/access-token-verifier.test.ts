import { beforeEach, describe, expect, it } from "vitest";
import {
  cacheRepositories,
  createInMemoryRepositories,
  observed,
  type ProviderRepositories,
  type Repository,
  type RepositoryCall,
} from "../../../src/index.ts";
import { formatAccessToken, formatHandle } from "../../../src/provider/oauth/grant-credential.ts";
import { ScopeHierarchy } from "../../../src/provider/oauth/scope-hierarchy.ts";
import { AccessTokenVerifier, type VerifierParts } from "../../../src/provider/tokens/access-token-verifier.ts";
import type { AccessToken } from "../../../src/records/access-token.ts";
import { accessTokenKey, grantIdOf } from "../../../src/records/keys.ts";
import { configured } from "../../support/configured.ts";
import { gated } from "../../support/gated-repository.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const resource = "https://mcp.example/mcp";
const handle = formatHandle(new Uint8Array(16).fill(7));
const token = formatAccessToken(handle, new Uint8Array(32).fill(9));
const grantId = grantIdOf(handle);
const pythons = `mcp_${"0f".repeat(32)}`;
const scopeHierarchy = ScopeHierarchy.of(["user", "admin"], "scopeImplies", { admin: ["user"] });
const refusal = { code: "ERR_OAUTH", error: "invalid_token" };

let clock: ManualClock;
let repositories: ProviderRepositories;
let parts: VerifierParts;
beforeEach(async () => {
  clock = new ManualClock(1_000_000);
  // The store's clock is an hour behind: it has what this server takes for expired.
  repositories = createInMemoryRepositories({ clock: () => clock.read() - 3_600_000 });
  parts = { ...configured(), repositories, resource, now: () => clock.seconds(), scopeHierarchy };
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
const verifyAccessToken = async (given: VerifierParts, shown: string) => {
  const verifier = new AccessTokenVerifier(given);
  return verifier.authInfo(shown, await verifier.verify(shown));
};
const store = (shown: string, record: AccessToken, at = repositories) =>
  at.accessTokens.set(accessTokenKey(shown), record);

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

describe("an access token that this server cannot answer for", () => {
  let met: (string | undefined)[];
  beforeEach(() => {
    met = [];
    const meet = (what: string | undefined) => void met.push(what);
    parts = { ...parts, meetForeignGrant: meet, meetUnknownUpstream: meet };
  });

  it.each<[string, string, AccessToken, readonly string[]]>([
    [
      "is another server's",
      token,
      { ...ours, resource: new URL("https://other.example/mcp") },
      ["https://other.example/mcp"],
    ],
    [
      "is another server's, of Python",
      pythons,
      { ...plain, resource: new URL("https://other.example/mcp") },
      ["https://other.example/mcp"],
    ],
    ["is for no resource", token, { ...plain, grantId }, []],
    ["has expired", token, { ...ours, expiresAt: 1_000 }, []],
  ])(
    "is refused where it %s, and the operator is told of other servers on the store",
    async (_, shown, record, told) => {
      await store(shown, record);
      await expect(verifyAccessToken(parts, shown)).rejects.toMatchObject(refusal);
      expect(met).toEqual(told);
    },
  );

  it("is refused where its user logged in at an upstream that is not configured any more", async () => {
    await store(token, ours);
    const grant = { clientId: "app", scopes: [], createdAt: 0, expiresAt: 5_000 };
    await repositories.grants.set(grantId, { ...grant, upstreamIssuer: "https://login.fake.example" });
    expect((await verifyAccessToken(parts, token)).extra.upstreamIssuer).toBe("https://login.fake.example");
    await repositories.grants.set(grantId, { ...grant, upstreamIssuer: "https://login.gone.example" });
    await expect(verifyAccessToken(parts, token)).rejects.toMatchObject(refusal);
    expect(met).toEqual(["https://login.gone.example"]);
  });

  it.each([
    ["nothing", ""],
    ["an invented one", "pmcp_at_invented"],
    ["one with something behind it", `${token}x`],
    ["one without its beginning", token.slice(1)],
    ["one of Python's that is too long", `mcp_${"0f".repeat(65)}`],
    ["a long text", "x".repeat(10_000)],
  ])("costs no read where it is none of ours: %s", async (_, shown) => {
    const calls: string[] = [];
    const record = <V>(repository: Repository<string, V>) =>
      intercepted(repository, (run, { method, key }) => {
        calls.push(`${method} ${key}`);
        return run();
      });
    const { accessTokens, grants } = repositories;
    const recorded = { ...repositories, accessTokens: record(accessTokens), grants: record(grants) };
    await expect(verifyAccessToken({ ...parts, repositories: recorded }, shown)).rejects.toMatchObject(refusal);
    expect(calls).toEqual([]);
  });
});

describe("an access token of the Python package", () => {
  it("is refused where it is for another resource, though nobody wants to be told of that", async () => {
    const { meetForeignGrant: _, ...untold } = parts;
    await store(pythons, { ...plain, resource: new URL("https://mcp.example/other") });
    await expect(verifyAccessToken(untold, pythons)).rejects.toMatchObject(refusal);
  });

  it("stands for itself, with the claims that it has, for no resource or for this one", async () => {
    await store(pythons, { ...plain, claims: { iss: "python" } });
    expect((await verifyAccessToken(parts, pythons)).extra).toStrictEqual({ iss: "python" });
    await store(pythons, { ...plain, resource: new URL(resource) });
    expect((await verifyAccessToken(parts, pythons)).extra).toStrictEqual({});
    await store(pythons, { ...plain, resource: new URL("https://mcp.example/other") });
    await expect(verifyAccessToken(parts, pythons)).rejects.toMatchObject(refusal);
  });
});

describe.each(["a store", "a cache"])("what is no text, before %s", (before) => {
  it.each([undefined, null, 5, {}])("%j is no token", async (nothing) => {
    const given =
      before === "a store"
        ? parts
        : { ...parts, repositories: cacheRepositories(repositories, { maxStaleness: 60_000 }) };
    const call = () => Reflect.apply(verifyAccessToken, undefined, [given, nothing]);
    await expect(call()).rejects.toMatchObject(refusal);
  });
});

describe("a token that a cache has", () => {
  const grant = { clientId: "app", scopes: [], createdAt: 0, expiresAt: 5_000 };
  const maxStaleness = 60_000;
  let verifier: AccessTokenVerifier;
  beforeEach(async () => {
    const backend = createInMemoryRepositories({ clock: () => clock.read() - 3_600_000 });
    await backend.grants.set(grantId, grant);
    await backend.accessTokens.set(accessTokenKey(token), { ...ours, scopes: ["admin"] });
    // So has the cache.
    repositories = cacheRepositories(backend, { maxStaleness, clock: () => clock.read() - 3_600_000 });
    parts = { ...parts, repositories };
    verifier = new AccessTokenVerifier(parts);
    await verifier.verify(token);
  });
  /** Asks for the token, and says whether the answer came without a promise. */
  const isNoted = async (shown = token) => {
    const verified = verifier.verify(shown);
    await Promise.allSettled([verified]);
    return !(verified instanceof Promise);
  };

  it("is verified without a promise, and each request is told in objects of its own", async () => {
    const verified = verifier.verify(token);
    if (verified instanceof Promise) throw new Error("The token is not noted.");
    const [one, other] = [verifier.authInfo(token, verified), verifier.authInfo(token, verified)];
    one.scopes.push("root");
    one.extra.subject = "eve";
    expect(other).toEqual({
      token,
      clientId: "app",
      scopes: ["admin", "user"],
      expiresAt: 1_100,
      resource: new URL(resource),
      extra: { subject: "ada", upstreamIssuer: "https://login.fake.example", grantId },
    });
    expect(() => {
      one.resource.host = "eve.example";
    }).toThrow(TypeError);
    expect(other.resource.href).toBe(resource);
  });

  it("is refused at once when its grant ends here, and when it was revoked itself", async () => {
    await repositories.grants.set(grantId, { ...grant, revokedAt: 1_000 });
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal);
    await repositories.grants.set(grantId, grant);
    await verifier.verify(token);
    expect(await isNoted()).toBe(true);
    await store(token, { ...ours, revokedAt: 1_000 });
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal);
    await repositories.accessTokens.delete(accessTokenKey(token));
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal);
  });

  it("is asked for again when token or grant could have changed elsewhere", async () => {
    expect(await isNoted()).toBe(true);
    clock.advance(maxStaleness);
    expect(await isNoted()).toBe(false);
    await verifier.verify(token);
    expect(await isNoted()).toBe(true);
    await repositories.grants.delete(grantId);
    expect(await isNoted()).toBe(false);
  });

  it.each(["token", "grant"])("is asked for again when only its %s could have changed elsewhere", async (older) => {
    await store(token, { ...ours, expiresAt: 2_000 });
    clock.advance(maxStaleness);
    if (older === "token") await repositories.accessTokens.get(accessTokenKey(token));
    else await repositories.grants.get(grantId);
    clock.advance(maxStaleness / 2);
    await verifier.verify(token);
    expect(await isNoted()).toBe(true);
    clock.advance(maxStaleness / 2 - 1);
    expect(await isNoted()).toBe(true);
    clock.advance(1);
    expect(await isNoted()).toBe(false);
  });

  it("is noted where the Python package issued it, which has no grant, be it as long as any", async () => {
    const longest = `mcp_${"0f".repeat(64)}`;
    await store(longest, { ...plain, claims: { iss: "python" } });
    expect(await isNoted(longest)).toBe(false);
    expect(await isNoted(longest)).toBe(true);
    expect((await verifyAccessToken(parts, longest)).extra).toStrictEqual({ iss: "python" });
    clock.advanceSeconds(100);
    await expect(verifyAccessToken(parts, longest)).rejects.toMatchObject(refusal);
  });

  it.each(["accessTokens", "grants"] as const)(
    "is read as from a store where only the %s have a cache",
    async (kind) => {
      const uncached = createInMemoryRepositories({ clock: () => clock.read() - 3_600_000 });
      verifier = new AccessTokenVerifier({ ...parts, repositories: { ...uncached, [kind]: repositories[kind] } });
      await uncached.grants.set(grantId, grant);
      await store(token, ours, uncached);
      for (let times = 0; times < 2; times += 1) expect(await isNoted()).toBe(false);
      await expect(verifier.verify(token)).resolves.toMatchObject({ clientId: "app" });
    },
  );

  it("is over with the first of token and grant, by this server's clock", async () => {
    clock.advanceSeconds(99.9);
    await verifier.verify(token);
    expect(await isNoted()).toBe(true);
    clock.advanceSeconds(0.1);
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal);
    clock.advanceSeconds(-100);
    await repositories.grants.set(grantId, { ...grant, expiresAt: 1_050 });
    await verifier.verify(token);
    clock.advanceSeconds(49.9);
    expect(await isNoted()).toBe(true);
    clock.advanceSeconds(0.1);
    await expect(verifier.verify(token)).rejects.toMatchObject(refusal);
  });

  it.each(["token", "grant"])(
    "is not noted where its %s was revoked while the other record was read",
    async (revoked) => {
      const backend = createInMemoryRepositories({ clock: () => clock.read() - 3_600_000 });
      await backend.grants.set(grantId, grant);
      await store(token, ours, backend);
      const [accessTokens, grants] = [gated(backend.accessTokens), gated(backend.grants)];
      const held = revoked === "token" ? grants : accessTokens;
      repositories = cacheRepositories(
        { ...backend, accessTokens, grants },
        { maxStaleness, clock: () => clock.read() },
      );
      verifier = new AccessTokenVerifier({ ...parts, repositories });
      const gate = held.hold("get");
      const verifying = verifier.verify(token);
      await gate.arrival();
      await gate.apply();
      if (revoked === "token") await store(token, { ...ours, revokedAt: 1_000 }, repositories);
      else await repositories.grants.set(grantId, { ...grant, revokedAt: 1_000 });
      await gate.answer();
      await Promise.allSettled([verifying]);
      await expect(verifier.verify(token)).rejects.toMatchObject(refusal);
    },
  );

  it("is nothing to another server that shares the cache", async () => {
    const other = new AccessTokenVerifier({ ...parts, resource: "https://mcp.example/other" });
    await expect(other.verify(token)).rejects.toMatchObject(refusal);
    expect(await isNoted()).toBe(true);
  });

  it("is told of by observed() to whoever listens", async () => {
    const calls: RepositoryCall[] = [];
    let hasSubscribers = false;
    const sink = {
      get hasSubscribers() {
        return hasSubscribers;
      },
      publish: (call: RepositoryCall) => calls.push(call),
    };
    const grants = observed(repositories.grants, sink);
    verifier = new AccessTokenVerifier({ ...parts, repositories: { ...repositories, grants } });
    await verifier.verify(token);
    expect(await isNoted()).toBe(true);
    hasSubscribers = true;
    await verifier.verify(token);
    await verifier.verify(token);
    expect(calls).toMatchObject([
      { method: "get", outcome: "found", staleness: 0 },
      { method: "get", outcome: "found" },
    ]);
  });
});
