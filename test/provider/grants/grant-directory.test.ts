import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  createInMemoryRepositories,
  type GrantSummary,
  isEnumerable,
  type ProviderRepositories,
  type Repository,
  UnreadableRecordsError,
} from "../../../src/index.ts";
import type { Grant } from "../../../src/records/grant.ts";
import { createRedisRepositories } from "../../../src/redis.ts";
import { hasIndexes } from "../../../src/storage/indexed.ts";
import { withResolvers } from "../../../src/storage/with-resolvers.ts";
import { createVaultRepositories } from "../../../src/vault.ts";
import { gated } from "../../support/gated-repository.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { recordsOf } from "../../support/records-of.ts";
import { connectRedis } from "../../support/redis-clients.ts";
import { findRedis } from "../../support/redis-server.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator({ users: [{ username: "ada@example.com" }, { username: "grace@example.com" }] });

it.each([{ subject: undefined }, { clientId: undefined }, { subject: null }, { subject: 5 }])(
  "a filter that names nobody, %j, is an error and ends no grant",
  async (filter) => {
    const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
    const tokens = await harness.tokens();
    const call = () => Reflect.apply(harness.provider.revokeGrants, harness.provider, [filter]);
    await expect(call()).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  },
);

async function listed(harness: ProviderHarness, filter = {}): Promise<GrantSummary[]> {
  const grants: GrantSummary[] = [];
  for await (const grant of harness.provider.listGrants(filter)) grants.push(grant);
  return grants.sort((one, other) => one.createdAt - other.createdAt);
}

async function walk(repositories: ProviderRepositories): Promise<void> {
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories });
  const logIn = async (clientId: string, username: string) => {
    const tokens = await harness.tokensFor(clientId, {}, { username });
    // What a refresh adds is no grant.
    return (await jsonOf(await harness.refresh(tokens))).access_token;
  };
  const [one, other] = [(await harness.register()).client_id, (await harness.register()).client_id];
  const tokens = [
    await logIn(one, "ada@example.com"),
    await logIn(one, "grace@example.com"),
    await logIn(other, "ada@example.com"),
  ];

  const all = await listed(harness);
  expect(all).toHaveLength(3);
  expect(JSON.stringify(all)).not.toMatch(/pmcp_|pt[ur]_|sealed|wrapped|v1\./);
  const [ada, grace] = all.map(({ subject }) => subject ?? "");
  expect(await listed(harness, { clientId: other })).toEqual([all[2]]);
  expect((await listed(harness, { subject: ada })).map(({ clientId }) => clientId)).toEqual([one, other]);

  expect(await harness.provider.revokeGrants({ subject: ada ?? "", clientId: one })).toBe(1);
  const alive = async () => Promise.all(tokens.map((token) => harness.mcpStatus(token)));
  expect(await alive()).toEqual([401, 200, 200]);
  expect(await harness.provider.revokeGrants({ subject: grace ?? "" })).toBe(1);
  expect(await harness.provider.revokeGrants({})).toBe(1);
  expect(await alive()).toEqual([401, 401, 401]);
  expect(await listed(harness)).toEqual([]);
}

describe("an operator lists and ends grants, by user and by client", () => {
  it("in memory", () => walk(createInMemoryRepositories()));

  it("with what an operator may know of each", async () => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), clock: clock.read, repositories });
    const { access_token, clientId } = await harness.tokens({ scope: "user" });
    const { extra } = await harness.provider.verifyAccessToken(access_token);
    expect(await listed(harness)).toEqual([
      {
        grantId: extra.grantId,
        subject: extra.subject,
        upstreamIssuer: emulator.issuerUrl,
        clientId,
        clientName: "Test client",
        clientHost: "127.0.0.1",
        clientVerified: false,
        scopes: ["user"],
        resource: harness.provider.resource,
        createdAt: clock.seconds(),
        lastUsedAt: clock.seconds(),
        lastUsedFrom: undefined,
        expiresAt: clock.seconds(90 * 86_400),
      },
    ]);
  });

  it("with refresh tokens that a person has allowed by a scope, and without those of the registration", async () => {
    const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
    await harness.tokens({ scope: "user offline_access" });
    await harness.tokens({ scope: "user" });
    expect((await listed(harness)).map(({ scopes }) => scopes).sort()).toEqual([["user"], ["user", "offline_access"]]);
  });

  it("and is told how many there were to be ended, without those that somebody else ended meanwhile", async () => {
    const inner = createInMemoryRepositories();
    const { grants: stored } = inner;
    if (!isEnumerable(stored)) throw new TypeError("A repository in memory can list its records.");
    const grants = Object.assign(gated(stored), { entries: () => stored.entries() });
    const options = providerOptions(emulator.issuerUrl);
    const harness = new ProviderHarness({ ...options, repositories: { ...inner, grants } });
    const tokens = [await harness.tokens(), await harness.tokens()];
    const [{ grantId = "" } = {}] = await listed(harness);
    const gate = grants.hold("get");
    const ended = harness.provider.revokeGrants({});
    await gate.arrival();
    expect(await new ProviderHarness({ ...options, repositories: inner }).provider.revokeGrant(grantId)).toBe(true);
    await gate.answer();
    expect(await ended).toBe(1);
    for (const { access_token } of tokens) expect(await harness.mcpStatus(access_token)).toBe(401);
  });

  it("and is told at the end of what the store could not read, once everything else is done", async () => {
    const inner = createInMemoryRepositories();
    const withUnreadable = <R>(repository: Repository<string, R>, keyId: string): Repository<string, R> => {
      if (!isEnumerable(repository)) throw new TypeError("A repository in memory can list its records.");
      const listed = repository.entries.bind(repository);
      async function* entries(): AsyncGenerator<[string, R]> {
        yield* listed();
        throw new UnreadableRecordsError("2 records could not be read.", { count: 2, keyIds: [keyId] });
      }
      return Object.assign(copied(repository), { entries: () => entries() });
    };
    const copied = <R>(repository: Repository<string, R>): Repository<string, R> =>
      intercepted(repository, (run) => run());
    const repositories = {
      ...inner,
      grants: withUnreadable(inner.grants, "aaaaaaaa"),
      authorizationCodes: withUnreadable(inner.authorizationCodes, "bbbbbbbb"),
    };
    const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories });
    const { access_token } = await harness.tokens();
    const summaries: GrantSummary[] = [];
    const list = async () => {
      for await (const summary of harness.provider.listGrants()) summaries.push(summary);
    };
    await expect(list()).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 2, keyIds: ["aaaaaaaa"] });
    expect(summaries).toHaveLength(1);
    await expect(harness.provider.revokeGrants({})).rejects.toMatchObject({
      code: "ERR_UNREADABLE_RECORDS",
      count: 4,
      keyIds: ["aaaaaaaa", "bbbbbbbb"],
    });
    expect(await harness.mcpStatus(access_token)).toBe(401);
  });

  it("in Vault", async () => {
    await using repositories = createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate });
    await walk(repositories);
  });

  it("in Redis", async () => {
    await using server = await findRedis();
    using redis = await connectRedis(server);
    await using repositories = createRedisRepositories(redis, { namespace: `grants-${randomUUID().slice(0, 8)}` });
    await walk(repositories);
  });

  it("and is told where the repository cannot list", async () => {
    const { grants, ...others } = createInMemoryRepositories();
    const { get, set, delete: remove, take, add } = grants;
    const plain = {
      get: get.bind(grants),
      set: set.bind(grants),
      delete: remove.bind(grants),
      take: take.bind(grants),
      add: add.bind(grants),
    };
    const harness = new ProviderHarness({
      ...providerOptions(emulator.issuerUrl),
      repositories: { ...others, grants: plain },
    });
    await expect(listed(harness)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    await expect(harness.provider.revokeGrants({})).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  });
});

describe("an operator who ends all of a user's grants", () => {
  it("ends a code that is redeemed at that moment, and one that is redeemed later", async () => {
    const repositories = createInMemoryRepositories();
    const [arrived, opened] = [withResolvers<void>(), withResolvers<void>()];
    const grants = intercepted<string, Grant>(repositories.grants, async (run, { method }) => {
      if (method === "add") {
        arrived.resolve();
        await opened.promise;
      }
      return run();
    });
    const options = providerOptions(emulator.issuerUrl);
    const slow = new ProviderHarness({ ...options, repositories: { ...repositories, grants } });
    const operator = new ProviderHarness({ ...options, repositories });
    const { client_id } = await operator.register();
    const first = await operator.tokensFor(client_id, {}, { username: "ada@example.com" });
    const [{ subject } = { subject: undefined }] = await listed(operator);
    const [atThatMoment, later] = [await operator.codeFor(client_id), await operator.codeFor(client_id)];

    const redeemed = slow.redeem(atThatMoment);
    await arrived.promise;
    expect(await operator.provider.revokeGrants({ subject: subject ?? "" })).toBe(1);
    opened.resolve();

    expect((await redeemed).status).toBe(400);
    expect((await operator.redeem(later)).status).toBe(400);
    expect(await operator.mcpStatus(first.access_token)).toBe(401);
    expect(await listed(operator)).toEqual([]);
  });

  it.each(["subject", "clientId"] as const)(
    "ends a code that waits where the store finds records by an index and lists nothing else: by %s",
    async (member) => {
      const inner = createInMemoryRepositories();
      const indexedOnly = <R>(repository: Repository<string, R>): Repository<string, R> => {
        if (!hasIndexes(repository)) throw new TypeError("A repository in memory has indexes.");
        const { indexNames } = repository;
        const entriesBy = (index: string, value: string) => repository.entriesBy(index, value);
        return Object.assign(
          intercepted(repository, (run) => run()),
          { indexNames, entriesBy },
        );
      };
      const repositories = {
        ...inner,
        grants: indexedOnly(inner.grants),
        authorizationCodes: indexedOnly(inner.authorizationCodes),
      };
      const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories });
      const { client_id: clientId } = await harness.register();
      const waiting = await harness.codeFor(clientId);
      const [[, { subject = "" }] = ["", { subject: "" }]] = await recordsOf(inner.authorizationCodes);
      await harness.provider.revokeGrants(member === "subject" ? { subject } : { clientId });
      expect((await harness.redeem(waiting)).status).toBe(400);
    },
  );

  it("neither sees nor ends the grants of another server on the same store", async () => {
    const repositories = createInMemoryRepositories();
    const options = { ...providerOptions(emulator.issuerUrl), repositories };
    const own = new ProviderHarness(options);
    const other = new ProviderHarness({ ...options, mcpPath: "/other" });
    const tokens = await own.tokens();
    const code = await own.codeFor(tokens.clientId);
    const told = heard("foreign-grants");
    expect(await listed(other)).toEqual([]);
    expect(await other.provider.revokeGrants({})).toBe(0);
    const [[grantId = ""] = []] = await recordsOf(repositories.grants);
    expect(await other.provider.revokeGrant(grantId)).toBe(false);
    expect(await other.mcpStatus(tokens.access_token)).toBe(401);
    expect(told.stop(), "once").toEqual([{ resource: own.provider.resource }]);
    expect((await other.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token })).status).toBe(
      200,
    );
    expect(await own.mcpStatus(tokens.access_token)).toBe(200);
    expect((await own.redeem(code)).status).toBe(200);
    expect(await listed(own)).toHaveLength(2);
  });
});

describe("the grants of one user", () => {
  const told = (repositories: ProviderRepositories) =>
    new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories, logger: false });

  it("are read alone where the repository finds them by an index, and nothing is said of it", async () => {
    const inner = createInMemoryRepositories();
    const listsAll = <R>(repository: Repository<string, R>): Repository<string, R> =>
      Object.assign(repository, {
        entries: () => {
          throw new TypeError("The test lets nobody read everything.");
        },
      });
    listsAll(inner.grants);
    listsAll(inner.authorizationCodes);
    const events = heard("grants-unindexed");
    const harness = told(inner);
    const { access_token, clientId } = await harness.tokensFor(
      (await harness.register()).client_id,
      {},
      {
        username: "ada@example.com",
      },
    );
    const other = await harness.tokensFor((await harness.register()).client_id, {}, { username: "grace@example.com" });
    const [{ subject = "" } = {}, ...more] = await listed(harness, { clientId });
    expect(more).toEqual([]);
    expect(await listed(harness, { subject })).toHaveLength(1);
    expect(await harness.provider.revokeGrants({ subject })).toBe(1);
    expect(await harness.mcpStatus(access_token)).toBe(401);
    expect(await harness.mcpStatus(other.access_token)).toBe(200);
    expect(events.stop()).toEqual([]);
  });

  it("are found among all where there is no index, which is said once", async () => {
    const inner = createInMemoryRepositories();
    const unindexed = <R>(repository: Repository<string, R>): Repository<string, R> => {
      if (!isEnumerable(repository)) throw new TypeError("A repository in memory can list its records.");
      const plain = intercepted(repository, (run) => run());
      return Object.assign(plain, { entries: () => repository.entries(), entriesBy: undefined });
    };
    const repositories = {
      ...inner,
      grants: unindexed(inner.grants),
      authorizationCodes: unindexed(inner.authorizationCodes),
    };
    const events = heard("grants-unindexed");
    const harness = told(repositories);
    await harness.tokensFor((await harness.register()).client_id, {}, { username: "ada@example.com" });
    await harness.tokensFor((await harness.register()).client_id, {}, { username: "grace@example.com" });
    const [{ subject = "" } = {}] = await listed(harness);
    expect(await listed(harness, { subject })).toHaveLength(1);
    expect(await harness.provider.revokeGrants({ subject })).toBe(1);
    expect(events.stop(), "once").toEqual([{ issuer: harness.provider.issuer }]);
    expect(await listed(harness)).toHaveLength(1);
  });
});
