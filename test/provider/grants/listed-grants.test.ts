import { beforeEach, describe, expect, it } from "vitest";
import {
  ConfigurationError,
  createInMemoryRepositories,
  type ProviderRepositories,
  StorageUnavailableError,
  UnreadableRecordsError,
  UnsealableError,
} from "../../../src/index.ts";
import type { RecordedUser } from "../../../src/provider/grants/consent-revocations.ts";
import { type GrantFilter, listGrants, revokeGrants } from "../../../src/provider/grants/grant-directory.ts";
import type { Grants, RevocationEvidence } from "../../../src/provider/grants/grants.ts";
import type { AuthorizationCode } from "../../../src/records/authorization-code.ts";
import type { Grant } from "../../../src/records/grant.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";

type Parts = Parameters<typeof revokeGrants>[1];

const clock = new ManualClock();
const upstream = new FakeUpstream(clock.read);
const elsewhere = new URL("https://other.example/mcp");
const grant: Grant = { clientId: "app", subject: "ada", scopes: ["user"], createdAt: 1, expiresAt: 7e9 };
const code: AuthorizationCode = {
  clientId: "app",
  subject: "ada",
  scopes: ["user"],
  expiresAt: 7e9,
  codeChallenge: "",
  redirectUri: new URL("https://app.example/callback"),
};

let repositories: ProviderRepositories;
let met: string[];
let parts: Parts;
let revoked: [string, RevocationEvidence][];
/** Whose consent to which client is over, and how many grants were ended before. */
let forgotten: [RecordedUser, string | undefined, number][];
/** At which servers everybody's consent is over, and how many grants were ended before. */
let forgottenOfEverybody: [string, number][];
let grants: Pick<Grants, "forgetConsent" | "forgetConsentOfEverybody" | "revoke">;
beforeEach(() => {
  repositories = createInMemoryRepositories({ clock: clock.read });
  met = [];
  revoked = [];
  forgotten = [];
  forgottenOfEverybody = [];
  const meetForeignGrant = (resource: string) => void met.push(resource);
  const meetUnindexedGrants = () => void met.push("unindexed");
  parts = { ...configured({ upstream, repositories }, clock), meetForeignGrant, meetUnindexedGrants };
  grants = {
    forgetConsent: async (user, clientId) => void forgotten.push([user, clientId, revoked.length]),
    forgetConsentOfEverybody: async (server) => void forgottenOfEverybody.push([server, revoked.length]),
    revoke: async (grantId, evidence = {}) => {
      revoked.push([grantId, evidence]);
      return true;
    },
  };
});

/** What a listing gave, and how it failed after that. */
async function listed(filter: GrantFilter = {}, given = parts) {
  const ids: string[] = [];
  try {
    for await (const { grantId } of listGrants(given, filter)) ids.push(grantId);
  } catch (failure) {
    return { ids: ids.sort(), failure };
  }
  return { ids: ids.sort(), failure: undefined };
}

/** The repositories with another one of a kind: without indexes, and with a listing that the test says. */
const listing = <Kind extends "grants" | "authorizationCodes">(
  kind: Kind,
  entries: (() => AsyncIterable<[string, unknown]>) | undefined,
): Parts => {
  const plain = intercepted<string, unknown>(repositories[kind], (run) => run());
  return { ...parts, repositories: { ...repositories, [kind]: Object.assign(plain, entries && { entries }) } };
};

async function* of(...found: readonly (readonly [string, unknown])[]): AsyncGenerator<[string, unknown]> {
  for (const [key, record] of found) yield [key, record];
}

describe("the grants of a listing", () => {
  it("are given before it has ended, a hundred together, each once", async () => {
    let drawn = 0;
    async function* entries(): AsyncGenerator<[string, unknown]> {
      for (; drawn < 250; drawn += 1) yield [`grant ${drawn}`, grant];
    }
    const seen: string[] = [];
    const drawnAt: number[] = [];
    for await (const { grantId } of listGrants(listing("grants", entries), {})) {
      seen.push(grantId);
      drawnAt.push(drawn);
    }
    expect(seen).toEqual(Array.from({ length: 250 }, (_, index) => `grant ${index}`));
    expect([drawnAt[0], drawnAt[99], drawnAt[100], drawnAt[249]]).toEqual([99, 99, 199, 250]);
  });

  it.each<[string, Partial<Grant>, GrantFilter, boolean]>([
    ["everybody", {}, {}, true],
    ["the user", {}, { subject: "ada" }, true],
    ["another user", {}, { subject: "grace" }, false],
    ["the client", {}, { clientId: "app" }, true],
    ["another client", {}, { clientId: "other" }, false],
    ["the user and another client", {}, { subject: "ada", clientId: "other" }, false],
    ["another user and the client", {}, { subject: "grace", clientId: "app" }, false],
    ["the upstream of old", {}, { upstreamIssuer: upstream.issuer }, true],
    ["the upstream", { upstreamIssuer: `${upstream.issuer}/` }, { upstreamIssuer: upstream.issuer }, true],
    ["another upstream", {}, { upstreamIssuer: "https://login.gone.example" }, false],
    ["the user, of an upstream that is gone", { upstreamIssuer: "https://gone.example" }, { subject: "ada" }, false],
    ["everybody, of a grant that was revoked", { revokedAt: 1 }, {}, false],
    ["everybody, of another server's grant", { resource: elsewhere }, {}, false],
  ])("are meant by %s where they are: %j, %j: %j", async (_, changes, filter, isMeant) => {
    const found = { ...grant, ...changes };
    const expected = { ids: isMeant ? ["id"] : [], failure: undefined };
    const all = listing("grants", () => of(["id", found]));
    expect(await listed(filter, all)).toEqual(expected);
    await repositories.grants.set("id", found);
    expect(await listed(filter)).toEqual(expected);
    const isForeign = changes.resource !== undefined;
    const isUnindexed = filter.subject !== undefined || filter.clientId !== undefined;
    expect(met).toEqual(isForeign ? [elsewhere.href, elsewhere.href] : isUnindexed ? ["unindexed"] : []);
  });

  it.each<[GrantFilter, readonly string[]]>([
    [{ subject: "ada" }, ["subject", "ada"]],
    [{ clientId: "app" }, ["client", "app"]],
    [{ subject: "ada", clientId: "app" }, ["subject", "ada"]],
    [{}, []],
  ])("are looked for by %j under %j alone", async (filter, asked) => {
    const calls: (readonly string[])[] = [];
    const indexed = {
      ...listing("grants", () => {
        calls.push([]);
        return of(["id", grant]);
      }).repositories.grants,
      indexNames: ["subject", "client"],
      entriesBy: (index: string, value: string) => {
        calls.push([index, value]);
        return of(["id", grant]);
      },
    };
    await listed(filter, { ...parts, repositories: { ...repositories, grants: Object.assign(indexed) } });
    expect(calls).toEqual([asked]);
    expect(met).toEqual([]);
  });

  it("are given though the listing could not read others, and that is told at its end", async () => {
    const failure = new UnreadableRecordsError("The test has read one of two.", { count: 1, keyIds: [] });
    async function* entries(): AsyncGenerator<[string, unknown]> {
      yield ["id", grant];
      throw failure;
    }
    expect(await listed({}, listing("grants", entries))).toEqual({ ids: ["id"], failure });
  });

  it("are not given by a store that fails, nor by one that cannot list", async () => {
    const failure = new StorageUnavailableError("The test says so.");
    async function* entries(): AsyncGenerator<[string, unknown]> {
      yield ["id", grant];
      throw failure;
    }
    expect(await listed({}, listing("grants", entries))).toEqual({ ids: [], failure });
    expect(await listed({}, listing("grants", undefined))).toMatchObject({ failure: { code: "ERR_CONFIGURATION" } });
  });

  it.each([
    [new UnsealableError("The test does not open it."), true],
    [new StorageUnavailableError("The test says so."), false],
  ])("are given though nobody can read their use, and not in an outage: %s", async (failure, isGiven) => {
    const grantUses = intercepted(repositories.grantUses, async () => {
      throw failure;
    });
    await repositories.grants.set("id", grant);
    const given = { ...parts, repositories: { ...repositories, grantUses } };
    expect(await listed({}, given)).toEqual(isGiven ? { ids: ["id"], failure: undefined } : { ids: [], failure });
  });

  it("are shown with the scope that allows refresh tokens, and without a resource where they have none", async () => {
    await repositories.grants.set("id", { ...grant, offlineAccess: true });
    for await (const summary of listGrants(parts, {})) {
      expect(summary).toMatchObject({ scopes: ["user", "offline_access"], resource: undefined });
    }
    expect((await listed()).ids).toEqual(["id"]);
  });

  it.each<[string, unknown]>([
    ["that is none", undefined],
    ["of another kind", "ada"],
    ["with a member that is not known", { user: "ada" }],
    ["with two of which one is not known", { subject: "ada", client: "app" }],
    ["whose member has no value", { subject: undefined }],
    ["whose member is no text", { clientId: 5 }],
  ])("are neither listed nor ended by a filter %s", async (_, filter) => {
    const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
    const listing = async () => Reflect.apply(listGrants, undefined, [parts, filter]).next();
    await expect(listing()).rejects.toEqual(refusal);
    await expect(Reflect.apply(revokeGrants, undefined, [grants, parts, filter])).rejects.toEqual(refusal);
    expect([revoked, forgotten]).toEqual([[], []]);
  });
});

describe("the grants that are ended together", () => {
  const ended = () => revoked.map(([grantId]) => grantId);

  it("are those that are listed, after the codes that may become one, by whoever says so", async () => {
    await repositories.grants.set("listed", grant);
    await repositories.grants.set("over", { ...grant, revokedAt: 1 });
    await repositories.grants.set("other", { ...grant, clientId: "other" });
    await repositories.authorizationCodes.set("code", { ...code, grantId: "begun" });
    await repositories.authorizationCodes.set("of old", code);
    await repositories.authorizationCodes.set("other's", { ...code, clientId: "other", grantId: "other's" });
    expect(await revokeGrants(grants, parts, { clientId: "app" })).toBe(2);
    expect(revoked).toEqual([
      ["begun", { code: { ...code, grantId: "begun" }, by: "operator" }],
      ["listed", { by: "operator" }],
    ]);
    revoked = [];
    await revokeGrants(grants, parts, { clientId: "app" }, "user");
    expect(revoked.map(([, { by }]) => by)).toEqual(["user", "user"]);
  });

  it.each(["grants", "authorizationCodes"] as const)("are none where %s cannot be listed", async (kind) => {
    await repositories.grants.set("listed", grant);
    await repositories.authorizationCodes.set("code", { ...code, grantId: "begun" });
    const servers = listing(kind, undefined);
    for (const given of [servers, { ...servers, resource: undefined, upstreams: undefined }]) {
      const refusal = { code: "ERR_CONFIGURATION", message: expect.stringContaining(`the ${kind} repository`) };
      await expect(revokeGrants(grants, given, {})).rejects.toMatchObject(refusal);
    }
    expect([revoked, forgotten]).toEqual([[], []]);
  });

  it("are one user's of the only upstream, whether or not their records name it", async () => {
    await repositories.grants.set("of old", grant);
    await repositories.grants.set("named", { ...grant, upstreamIssuer: upstream.issuer });
    expect(await revokeGrants(grants, parts, { subject: "ada" })).toBe(2);
  });

  it("are one user's of the store where the other user's were ended before", async () => {
    await repositories.grants.set("over", { ...grant, upstreamIssuer: "https://gone.example", revokedAt: 1 });
    await repositories.grants.set("named", { ...grant, upstreamIssuer: upstream.issuer });
    const anybodys = { ...parts, resource: undefined, upstreams: undefined };
    expect(await revokeGrants(grants, anybodys, { subject: "ada" })).toBe(1);
  });

  it("are all that can be read: what cannot be is told at the end, and an outage at once", async () => {
    for (const id of ["one", "two", "three"]) await repositories.grants.set(id, grant);
    const failing = (failure: Error) => ({
      ...grants,
      revoke: async (grantId: string) => {
        revoked.push([grantId, {}]);
        if (revoked.length === 2) throw failure;
        return true;
      },
    });
    const unreadable = failing(new UnsealableError("The test does not open it."));
    await expect(revokeGrants(unreadable, parts, {})).rejects.toMatchObject({
      code: "ERR_UNREADABLE_RECORDS",
      count: 1,
    });
    expect(ended()).toHaveLength(3);
    revoked = [];
    const outage = new StorageUnavailableError("The test says so.");
    await expect(revokeGrants(failing(outage), parts, {})).rejects.toBe(outage);
    expect(ended()).toHaveLength(2);
  });

  it("are counted by how many there were to end", async () => {
    for (const id of ["one", "two"]) await repositories.grants.set(id, grant);
    const overtaken = { ...grants, revoke: async (grantId: string) => grantId === "one" };
    expect(await revokeGrants(overtaken, parts, {})).toBe(1);
  });

  it.each<[GrantFilter, boolean, [string | undefined, string | undefined] | undefined]>([
    [{ subject: "ada" }, true, [upstream.issuer, undefined]],
    [{ subject: "ada", clientId: "app" }, true, [upstream.issuer, "app"]],
    [{ subject: "ada", upstreamIssuer: "https://login.gone.example" }, true, ["https://login.gone.example", undefined]],
    [{ subject: "ada" }, false, [undefined, undefined]],
    [{ clientId: "app" }, true, undefined],
    [{}, true, undefined],
  ])("by %j, of a server: %j, end the user's consent before any grant: %j", async (filter, isServers, meant) => {
    await repositories.grants.set("listed", grant);
    const given = isServers ? parts : { ...parts, resource: undefined, upstreams: undefined };
    await revokeGrants(grants, given, filter);
    const [upstreamIssuer, clientId] = meant ?? [];
    expect(forgotten).toEqual(meant === undefined ? [] : [[{ subject: "ada", upstreamIssuer }, clientId, 0]]);
  });

  it.each<[string, GrantFilter, boolean, readonly string[]]>([
    ["everybody", {}, true, ["https://mcp.example/mcp"]],
    ["everybody, by a tool that knows no server", {}, false, [elsewhere.href, "https://third.example/mcp"]],
    ["a client", { clientId: "app" }, true, []],
    ["an upstream", { upstreamIssuer: upstream.issuer }, true, []],
    ["a client, by a tool that knows no server", { clientId: "app" }, false, []],
  ])("by a filter that means %s end everybody's consent at the servers that are meant", async (_, ...given) => {
    const [filter, isServers, servers] = given;
    const third = new URL("https://third.example/mcp");
    await repositories.grants.set("elsewhere", { ...grant, resource: elsewhere });
    await repositories.grants.set("of old", grant);
    await repositories.authorizationCodes.set("code", { ...code, resource: third });
    await revokeGrants(grants, isServers ? parts : { ...parts, resource: undefined, upstreams: undefined }, filter);
    expect(forgottenOfEverybody.sort()).toEqual(servers.map((server) => [server, 0]).sort());
    expect(forgotten).toEqual([]);
  });

  it("are not ended where everybody's consent could not be", async () => {
    await repositories.grants.set("listed", grant);
    const outage = new StorageUnavailableError("The test says so.");
    const failing = { ...grants, forgetConsentOfEverybody: () => Promise.reject(outage) };
    await expect(revokeGrants(failing, parts, {})).rejects.toBe(outage);
    expect(revoked).toEqual([]);
  });

  it("are none where several users of the store may be meant, or the consent could not be ended", async () => {
    await repositories.grants.set("of one", { ...grant, upstreamIssuer: upstream.issuer });
    await repositories.grants.set("of another", { ...grant, upstreamIssuer: "https://login.gone.example" });
    const anybodys = { ...parts, resource: undefined, upstreams: undefined };
    await expect(revokeGrants(grants, anybodys, { subject: "ada" })).rejects.toThrow(ConfigurationError);
    const outage = new StorageUnavailableError("The test says so.");
    const failing = {
      ...grants,
      forgetConsent: async () => {
        throw outage;
      },
    };
    await expect(revokeGrants(failing, parts, { subject: "ada" })).rejects.toBe(outage);
    expect([revoked, forgotten]).toEqual([[], []]);
  });
});
