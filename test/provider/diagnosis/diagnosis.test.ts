import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import {
  cacheRepositories,
  createInMemoryRepositories,
  KeyRing,
  McpOAuthProvider,
  type ProviderRepositories,
  type Repository,
  retrying,
  wrapRepositories,
} from "../../../src/index.ts";
import { pangeaAuth } from "../../../src/integrations/node.ts";
import { keptInMemory } from "../../../src/records/kept-in-memory.ts";
import { createRedisRepositories, redisOptions } from "../../../src/redis.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { clockFinding } from "../../../src/storage/clock-finding.ts";
import type { Finding } from "../../../src/storage/finding.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { freePort } from "../../support/free-port.ts";
import { FailingRepositories } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { setUp } from "../../support/set-up.ts";
import { sqliteDirectory } from "../../support/sqlite-subject.ts";

let redis: RedisServer;
setUp("file", async (parts) => {
  redis = parts.use(await startRedisServer(["--maxmemory-policy", "allkeys-lru", "--appendonly", "yes"]));
});

const secret = "the secret of the instances of this test";

function providerOn(
  repositories: ProviderRepositories,
  { baseUrl = "http://localhost:9", ...others }: { baseUrl?: string; secret?: string; clock?: () => number } = {},
): McpOAuthProvider {
  const upstream = new FakeUpstream(Date.now);
  return new McpOAuthProvider({ baseUrl, scopes: ["user"], upstream, secret, repositories, logger: false, ...others });
}

const find = (findings: readonly Finding[], check: string) => findings.find((finding) => finding.check === check);

describe("check()", () => {
  it("names the redirect URI to register, of an upstream that cannot be looked at too", async () => {
    const { findings } = await providerOn(createInMemoryRepositories()).check();
    expect(find(findings, "redirect-uri")?.what).toContain("http://localhost:9/fake/callback");
  });

  it("leaves nothing in the store but the mark of whoever checked last", async () => {
    const repositories = createInMemoryRepositories();
    await providerOn(repositories).check();
    const left: string[] = [];
    for (const repository of Object.values(repositories)) {
      if ("entries" in repository && typeof repository.entries === "function") {
        for await (const [key] of repository.entries()) left.push(key);
      }
    }
    expect(left).toHaveLength(1);
  });

  it.each<readonly [string, (good: ProviderRepositories["keyAnnouncements"]) => object]>([
    ["forgets what it was given", () => ({ set: async () => {} })],
    ["adds where there is a record", (good) => ({ add: async () => true, set: good.set.bind(good) })],
    ["gives what it takes again", (good) => ({ take: good.get.bind(good) })],
    ["does not delete", () => ({ delete: async () => true })],
    ["says that there was nothing to delete", (good) => ({ delete: async (key: string) => !(await good.delete(key)) })],
  ])("finds a store that %s", async (_, wrong) => {
    const good = createInMemoryRepositories();
    const { keyAnnouncements: marks } = good;
    const methods = ["get", "set", "delete", "take", "add"] as const;
    const whole = Object.fromEntries(methods.map((name) => [name, marks[name].bind(marks)]));
    const keyAnnouncements = Object.assign(whole, wrong(marks));
    const repositories: ProviderRepositories = Object.assign({ ...good }, { keyAnnouncements });
    const { status, findings } = await providerOn(repositories).check();
    expect(status).toBe("error");
    expect(find(findings, "store")).toMatchObject({ status: "error", remedy: expect.stringContaining("conformance") });
  });

  it("tells once of a store that is out, and rejects for nothing that is thrown", async () => {
    const store = new FailingRepositories();
    for (const failure of [new StorageUnavailableError("Out."), new TypeError("canary"), undefined, null]) {
      store.failWith(() => failure);
      const { findings } = await providerOn(store.repositories).check();
      expect(findings.filter(({ status }) => status === "error").map(({ check }) => check)).toEqual(["store"]);
      expect(JSON.stringify(findings)).not.toContain("canary");
    }
  });

  it("finds an instance with other secrets, by its announcement or by the mark of its check", async () => {
    const all = createInMemoryRepositories();
    const marks = methodsOf(all.keyAnnouncements);
    for (const repositories of [all, { ...all, keyAnnouncements: marks }]) {
      await providerOn(repositories, { secret: "the secret of an instance that is not the same" }).check();
      const other = providerOn(repositories);
      if (repositories === all) await other.fetch(new Request("http://localhost:9/authorize"));
      const found = find((await other.check()).findings, "secrets");
      expect(found).toMatchObject({ status: "error", what: expect.stringContaining("key ids") });
    }
  });

  it.each([
    ["by its announcement", true],
    ["by the mark of its check", false],
  ])("finds an instance with other secrets, %s, in a store that each seals with its own", async (_, announces) => {
    using directory = await sqliteDirectory();
    const file = directory.file();
    await using first = createSqliteRepositories(file);
    await using second = createSqliteRepositories(file);
    const one = providerOn(first, { secret: "the secret of an instance that is not the same" });
    if (announces) {
      await one.fetch(new Request("http://localhost:9/authorize"));
      await one[Symbol.asyncDispose]();
    } else {
      await one.check();
    }
    const { findings } = await providerOn(second).check();
    expect(find(findings, "secrets")).toMatchObject({ status: "error", what: expect.stringContaining("key ids") });
    expect(findings.filter(({ check }) => check === "foreign-records")).toEqual([]);
  });

  it("takes the keys that records are sealed with for those of this instance, as it has announced them", async () => {
    const client = new Redis(redis.url, redisOptions());
    try {
      const keys = KeyRing.from("the secret of the store, which is not that of the provider");
      await using sealed = createRedisRepositories(client, { namespace: "sealed", keys });
      const wrapped = wrapRepositories(sealed, (repository) => repository);
      const cached = cacheRepositories(sealed, { maxStaleness: 1_000 });
      for (const repositories of [sealed, wrapped, cached]) {
        const provider = providerOn(repositories);
        await provider.fetch(new Request("http://localhost:9/authorize"));
        expect(find((await provider.check()).findings, "secrets")).toMatchObject({ status: "ok" });
      }
    } finally {
      client.disconnect();
    }
  });

  it("does not take the secrets of another server on the same store for those of an instance", async () => {
    const repositories = createInMemoryRepositories();
    const other = providerOn(repositories, { baseUrl: "http://localhost:10", secret: `${secret} of another server` });
    await other.fetch(new Request("http://localhost:10/authorize"));
    await other.check();
    const { findings } = await providerOn(repositories).check();
    expect(find(findings, "secrets")).toMatchObject({ status: "ok" });
    expect(find(findings, "foreign-records")).toMatchObject({ status: "warning" });
  });

  it.each([
    ["this server had once is no other server's", "http://localhost:9", undefined],
    ["another server had, which is down, is another server's", "http://localhost:8", "warning"],
  ])("finds that a key which %s", async (_, baseUrl, status) => {
    const clock = new ManualClock();
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const before = providerOn(repositories, { baseUrl, secret: "a secret that was replaced since", clock: clock.read });
    await before.fetch(new Request(`${baseUrl}/authorize`));
    await before[Symbol.asyncDispose]();
    clock.advanceSeconds(7 * 86_400);
    const { findings } = await providerOn(repositories, { clock: clock.read }).check();
    expect(find(findings, "secrets")).toMatchObject({ status: "ok" });
    expect(find(findings, "foreign-records")?.status).toBe(status);
  });

  it("agrees with instances while a secret is replaced", async () => {
    const repositories = createInMemoryRepositories();
    await providerOn(repositories).check();
    const upstream = new FakeUpstream(Date.now);
    const both = ["the next secret of the instances of this test", secret];
    const options = { baseUrl: "http://localhost:9", scopes: ["user"], upstream, repositories };
    const next = new McpOAuthProvider({ ...options, secret: both, logger: false });
    expect(find((await next.check()).findings, "secrets")).toMatchObject({ status: "ok" });
  });

  it.each<readonly [string, () => ProviderRepositories, string]>([
    ["all kinds", () => createInMemoryRepositories(), "memory."],
    [
      "all kinds behind a cache",
      () => cacheRepositories(createInMemoryRepositories(), { maxStaleness: 1_000 }),
      "memory.",
    ],
    ["all kinds behind a wrapper", () => wrapRepositories(createInMemoryRepositories(), observedHere), "memory."],
    ["a file that is none", () => createSqliteRepositories(":memory:"), "memory."],
    [
      "two kinds of others",
      () => {
        const others = createSqliteRepositories(":memory:", { keys: "none" });
        return Object.assign(
          { ...others },
          { [keptInMemory]: [] },
          pick(createInMemoryRepositories(), "clients", "locks"),
        );
      },
      "memory: clients, locks.",
    ],
  ])("says which kinds of records end with the process: %s", async (_, repositories, end) => {
    const { findings } = await providerOn(repositories()).check();
    expect(find(findings, "store-in-memory")?.what).toBe(`State is in this process's ${end}`);
  });

  it("sees the server by its public URL", async () => {
    const port = await freePort();
    const baseUrl = `http://127.0.0.1:${port}`;
    const provider = providerOn(createInMemoryRepositories(), { baseUrl });
    const server = createServer(pangeaAuth(provider, (_, response) => response.writeHead(404).end()));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    try {
      const { status, findings } = await provider.check();
      expect(status).toBe("ok");
      expect(findings.map(({ check }) => check)).toEqual(
        expect.arrayContaining(["public-url", "resource-metadata", "endpoints"]),
      );
      const stranger = providerOn(createInMemoryRepositories(), { baseUrl: baseUrl.replace("127.0.0.1", "localhost") });
      expect(find((await stranger.check()).findings, "public-url")).toMatchObject({
        status: expect.not.stringMatching("ok"),
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("asks Redis whether it evicts, what it keeps, and what time it is", async () => {
    const client = new Redis(redis.url, redisOptions());
    try {
      const clock = (): number => Date.now() + 90_000;
      await using fast = createRedisRepositories(client, { clock });
      const { findings } = await providerOn(fast, { clock }).check();
      const seen = findings.filter(({ check }) => check.startsWith("store-"));
      expect(seen.map(({ check, status }) => [check, status])).toEqual([
        ["store-database", "ok"],
        ["store-eviction", "error"],
        ["store-persistence", "ok"],
        ["store-clock", "error"],
      ]);
      expect(find(findings, "store-clock")?.what).toMatch(/(?:89|90) seconds ahead of that of Redis/);
    } finally {
      client.disconnect();
    }
  });
});

describe("a comparison of clocks", () => {
  it.each([
    [0, "ok"],
    [5, "ok"],
    [-6, "warning"],
    [60, "warning"],
    [61, "error"],
    [-3600, "error"],
  ])("%d seconds: %s", (ahead, status) => {
    expect(clockFinding("clock", "Redis", ahead).status).toBe(status);
  });
});

it("nothing of the diagnosis is loaded before it is asked for", () => {
  const root = new URL("../../../src/", import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const loads = /^import (?!type )[^;]*from "[^"]*(?:diagnosis\/|-diagnosis\.ts|\/diagnosis\.ts)[^"]*"/gm;
  const loading = files.filter(
    (file) =>
      !/^provider\/diagnosis\/|-diagnosis\.ts$/.test(file) && loads.test(readFileSync(new URL(file, root), "utf8")),
  );
  expect(loading).toEqual([]);
});

/** Some kinds of repositories. */
function pick(repositories: ProviderRepositories, ...kinds: (keyof ProviderRepositories)[]) {
  return Object.fromEntries(kinds.map((kind) => [kind, repositories[kind]]));
}

function observedHere<V>(repository: Repository<string, V>): Repository<string, V> {
  return retrying(repository, { attempts: 2 });
}

/** The five methods of a repository, and nothing beyond them. */
function methodsOf<R extends ProviderRepositories["keyAnnouncements"]>(repository: R) {
  return {
    get: repository.get.bind(repository),
    set: repository.set.bind(repository),
    delete: repository.delete.bind(repository),
    take: repository.take.bind(repository),
    add: repository.add.bind(repository),
  };
}
