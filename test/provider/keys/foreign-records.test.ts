import { randomUUID } from "node:crypto";
import { PGlite } from "@electric-sql/pglite";
import type { Redis } from "ioredis";
import { describe, expect, it, vi } from "vitest";
import {
  createInMemoryRepositories,
  type GrantFilter,
  type GrantSummary,
  KeyRing,
  type ProviderRepositories,
  StorageUnavailableError,
} from "../../../src/index.ts";
import { createPostgresRepositories, createPostgresTables } from "../../../src/postgres.ts";
import { assemble } from "../../../src/provider/assemble.ts";
import { revokeConsent, revokedConsent, revokeEveryConsent } from "../../../src/provider/grants/consent-revocations.ts";
import { UpstreamRevocations } from "../../../src/provider/grants/upstream-revocations.ts";
import { KeyAnnouncements } from "../../../src/provider/keys/key-announcements.ts";
import { createRedisRepositories } from "../../../src/redis.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { createVaultRepositories } from "../../../src/vault.ts";
import { configured } from "../../support/configured.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { type IssuedTokens, ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";
import { setUp } from "../../support/set-up.ts";
import { sqliteDirectory } from "../../support/sqlite-subject.ts";
import { useEmulator } from "../../support/use-emulator.ts";
import { useRedis } from "../../support/use-redis.ts";

const emulator = useEmulator();
let redis: Redis;
useRedis((started) => {
  redis = started.redis;
});
let postgres: PGlite;
let directory: Awaited<ReturnType<typeof sqliteDirectory>>;
setUp("file", async (parts) => {
  directory = parts.use(await sqliteDirectory());
  postgres = await PGlite.create();
  parts.defer(() => postgres.close());
  await createPostgresTables(postgres);
});

const secretOf = (server: string): string => `the secret of the server ${server}, which is long enough`;
const keysOf = (server: string): KeyRing => KeyRing.from(secretOf(server));

type Opened = (server: string) => ProviderRepositories;

/** Stores that two servers share by mistake: what each seals opens with its own keys alone. */
const stores: Record<string, () => Opened> = {
  "SQLite, as it is without options": () => {
    const file = directory.file();
    return () => createSqliteRepositories(file);
  },
  "SQLite with keys": () => {
    const file = directory.file();
    return (server) => createSqliteRepositories(file, { keys: keysOf(server) });
  },
  "Redis with keys": () => (server) => createRedisRepositories(redis, { keys: keysOf(server) }),
  "Postgres with keys": () => {
    const namespace = randomUUID();
    return (server) => createPostgresRepositories(postgres, { namespace, keys: keysOf(server) });
  },
  "Vault with keys": () => {
    const { baseUrlTemplate } = emulator;
    const folder = `/of-both-${randomUUID()}`;
    return (server) => createVaultRepositories("pts_demo", { baseUrlTemplate, folder, keys: keysOf(server) });
  },
};

interface Scene {
  readonly own: ProviderHarness;
  readonly other: ProviderHarness;
  readonly tokens: IssuedTokens;
  readonly grantId: string;
}

/** A login at one server, and another server that has begun to use the same store. */
async function sceneIn(open: Opened): Promise<Scene> {
  const server = (name: string, port: number) =>
    new ProviderHarness({
      ...providerOptions(emulator.issuerUrl),
      mcpBaseUrl: `http://localhost:${port}`,
      secret: secretOf(name),
      repositories: open(name),
    });
  const [own, other] = [server("one", 8000), server("two", 9000)];
  const tokens = await own.tokens();
  const [grantId = ""] = (await listed(own)).map((grant) => grant.grantId);
  await other.tokens();
  return { own, other, tokens, grantId };
}

async function listed(harness: ProviderHarness, filter: GrantFilter = {}): Promise<GrantSummary[]> {
  const grants: GrantSummary[] = [];
  for await (const grant of harness.provider.listGrants(filter)) grants.push(grant);
  return grants;
}

/** What an operator or a stranger may do at the other server, and what comes of it. */
const deeds: Record<string, (scene: Scene) => Promise<void>> = {
  "lists the grants": async ({ own, other }) => {
    expect(await listed(own)).toHaveLength(1);
    expect(await listed(other)).toHaveLength(1);
  },
  "lists the grants of the client": async ({ other, tokens }) => {
    expect(await listed(other, { clientId: tokens.clientId })).toEqual([]);
  },
  "ends all grants": async ({ other }) => {
    expect(await other.provider.revokeGrants({})).toBe(1);
  },
  "ends the grants of the client": async ({ other, tokens }) => {
    expect(await other.provider.revokeGrants({ clientId: tokens.clientId })).toBe(0);
  },
  "ends the grant by its id": async ({ other, grantId }) => {
    await expect(other.provider.revokeGrant(grantId)).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
  },
  "tells the upstream what it could not be told": async ({ other }) => {
    expect(await other.provider.retryUpstreamRevocations()).toBe(0);
  },
  "is shown the access token": async ({ other, tokens }) => {
    expect(await other.mcpStatus(tokens.access_token)).toBe(401);
  },
  "is asked to refresh and to revoke": async ({ other, tokens }) => {
    expect((await other.refresh(tokens)).status).toBeLessThan(500);
    await other.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
    await other.postForm("/revoke", { client_id: tokens.clientId, token: tokens.access_token });
  },
  "is asked to log in the client": async ({ other, tokens }) => {
    const path = other.authorizePath({ client_id: tokens.clientId, code_challenge: pkce().challenge });
    expect((await other.get(path)).status).toBe(400);
  },
  "is checked": async ({ other }) => {
    const { findings } = await other.provider.check();
    expect(findings.find(({ check }) => check === "secrets")).toMatchObject({ status: "ok" });
    expect(findings.find(({ check }) => check === "foreign-records")).toMatchObject({
      status: "warning",
      remedy: expect.stringContaining("namespace"),
    });
  },
};

describe.each(Object.entries(stores))("two servers in one store without a namespace: %s", (_, open) => {
  it.each(Object.entries(deeds))("the login of the one goes on where the other %s", async (_deed, act) => {
    const told = heard("foreign-records");
    const [lost, outages] = [heard("key-lost"), heard("outage")];
    const scene = await sceneIn(open());
    await act(scene);
    expect(outages.stop(), "nothing is out").toEqual([]);
    expect(lost.stop(), "nothing is lost").toEqual([]);
    const keyIds = told.stop().map((event) => Object(event).keyId);
    expect(new Set(keyIds).size, "each key is told of once").toBe(keyIds.length);
    expect(await scene.own.mcpStatus(scene.tokens.access_token)).toBe(200);
    expect((await scene.own.refresh(scene.tokens)).status).toBe(200);
    expect(await listed(scene.own)).toHaveLength(1);
  });

  it("the other is warned, once", async () => {
    const { other } = await sceneIn(open());
    const told = heard("foreign-records");
    await listed(other);
    await listed(other);
    expect(told.stop()).toEqual([{ keyId: expect.stringMatching(/^[\w-]{8}$/) }]);
  });
});

describe.each(Object.entries(stores))("the end of a consent in a store of two servers: %s", (_, open) => {
  it("is there for the other at each read, until the other has one of its own", async () => {
    const opened = open();
    const server = async (name: string) => {
      const options = { repositories: opened(name), secret: secretOf(name), issuerUrl: `https://${name}.example` };
      const provider = assemble(configured(options));
      await provider.announcements.ready();
      return provider.configuration;
    };
    const [own, other] = [await server("one"), await server("two")];
    const user = { subject: randomUUID(), upstreamIssuer: "https://login.example" };
    const known = () => revokedConsent(other, user, "app");
    expect(await known()).toBeUndefined();
    await revokeEveryConsent({ ...own, resource: undefined }, user);
    const everywhere = await known();
    expect(everywhere?.revokedAt).toBeGreaterThan(own.now() + 10 * 365 * 86_400);
    expect(await known()).toEqual(everywhere);
    await revokeConsent(own, user, "app");
    const both = await known();
    expect(both?.mark).not.toBe(everywhere?.mark);
    expect(await known()).toEqual(both);
    await revokeEveryConsent({ ...other, resource: undefined }, user);
    const last = await known();
    expect(last?.revokedAt).toBeLessThanOrEqual(other.now());
    expect(await known()).toEqual(last);
    expect((await revokedConsent(own, user, "app"))?.revokedAt, "which the first server finds").toBeGreaterThan(
      own.now(),
    );
  });
});

describe("a sweep of the Vault that two servers share without a namespace", () => {
  /** How a server opens the Vault, and what it has of its own there: something that goes on, and something that is over. */
  async function servers() {
    const clock = new ManualClock();
    const folder = `/swept-${randomUUID()}`;
    const open = (name: string) => {
      const { baseUrlTemplate } = emulator;
      return createVaultRepositories("pts_demo", { baseUrlTemplate, folder, keys: keysOf(name), clock: clock.read });
    };
    const server = async (name: string, baseUrl: string) => {
      const repositories = open(name);
      const configuration = configured({ repositories, baseUrl, secret: secretOf(name) }, clock);
      const provider = assemble(configuration);
      await provider.announcements.ready();
      for (const [key, seconds] of [
        ["over", 10],
        ["good", 10_000],
      ] as const) {
        await repositories.locks.set(`${name} ${key}`, { owner: name, expiresAt: clock.seconds(seconds) });
      }
      return { repositories, provider };
    };
    const [one, two] = [await server("one", "https://one.example"), await server("two", "https://two.example")];
    clock.advanceSeconds(11);
    const left = () =>
      emulator.vault.items().filter((item) => item.metadata.kind === "lock" && item.folder === `${folder}/`);
    return {
      clock,
      open,
      one,
      two,
      left: () =>
        left()
          .map(({ name }) => name)
          .sort(),
    };
  }

  it.each([
    ["at once", 0],
    ["while the other has been down for weeks", 30 * 86_400],
  ])("leaves the other's records alone, ends its own, and says so once: %s", async (_, later) => {
    const { clock, two, left } = await servers();
    clock.advanceSeconds(later);
    const told = heard("foreign-records");
    const gone = later === 0 ? ["two over"] : ["two good", "two over"];
    const { sweep } = two.repositories;
    expect(await sweep()).toBeGreaterThanOrEqual(gone.length);
    expect(await sweep()).toBe(0);
    expect(left()).toEqual(["one good", "one over", ...(later === 0 ? ["two good"] : [])]);
    const keyIds = [...keysOf("one").ids];
    expect(told.stop()).toEqual(keyIds.map((keyId) => ({ keyId })));
  });

  it("tells of what is not another server's as before", async () => {
    const { clock, two, open } = await servers();
    await open("forgotten").locks.set("lost", { owner: "somebody", expiresAt: clock.seconds(10) });
    await expect(two.repositories.sweep()).rejects.toMatchObject({
      code: "ERR_UNREADABLE_RECORDS",
      count: 1,
      keyIds: keysOf("forgotten").ids,
    });
  });

  it("by a program that has no provider, warns once of what somebody else has announced", async () => {
    const { open, left } = await servers();
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const swept = open("two");
    expect(await swept.sweep()).toBe(1);
    expect(await swept.sweep()).toBe(0);
    expect(left()).toEqual(["one good", "one over", "two good"]);
    expect(warn.mock.calls.map(([, options]) => options)).toEqual([{ code: "PANGEA_FOREIGN_RECORDS" }]);
    warn.mockRestore();
  });

  it("by a program with keys that nobody has announced, says that it can read nothing", async () => {
    const { open, left } = await servers();
    const sealedBy = [...keysOf("one").ids, ...keysOf("two").ids].sort();
    await expect(open("a typing error").sweep()).rejects.toMatchObject({
      code: "ERR_UNREADABLE_RECORDS",
      keyIds: sealedBy,
    });
    expect(left()).toHaveLength(4);
  });
});

describe("two servers in one store whose records are not sealed", () => {
  it("what the one could not tell its upstream stays for it, and wakes nobody at the other", async () => {
    const repositories = createInMemoryRepositories();
    const upstream = new FakeUpstream(Date.now);
    const server = async (baseUrl: string) => {
      const configuration = configured({ repositories, upstream, baseUrl, clock: Date.now });
      const announcements = new KeyAnnouncements(configuration);
      await announcements.ready();
      return new UpstreamRevocations({ ...configuration, announcements });
    };
    const [own, other] = [await server("https://one.example"), await server("https://two.example")];
    const tokens = { token: "a token", expiresAt: Date.now() / 1_000 + 600 };
    const revoke = vi.spyOn(upstream, "revoke").mockRejectedValueOnce(new StorageUnavailableError("The test says so."));
    await own.end("a grant", { tokens, issuer: upstream.issuer }, tokens.expiresAt);
    const [outages, told] = [heard("outage"), heard("foreign-records")];
    expect(await other.retryAll()).toBe(0);
    expect(revoke).toHaveBeenCalledTimes(1);
    expect(outages.stop()).toEqual([]);
    expect(told.stop()).toHaveLength(1);
    expect(await own.retryAll()).toBe(1);
    expect(upstream.revoked).toEqual([tokens]);
  });
});
