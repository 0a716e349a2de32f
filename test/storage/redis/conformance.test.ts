import type { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, it } from "vitest";
import { testRepository } from "../../../src/conformance.ts";
import { RedisTrackingInvalidation } from "../../../src/redis.ts";
import { KeyRing } from "../../../src/secrets/key-ring.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { sealed } from "../../../src/storage/codecs/sealed.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { connectCluster, connectRedis } from "../../support/redis-clients.ts";
import { findRedis, type TestRedis } from "../../support/redis-server.ts";
import { redisSubject, sharedRedisSubject } from "../../support/redis-subject.ts";
import { type RedisClusterServers, startRedisCluster, until } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

const runner = { describe, it };
const holdRead = "one connection answers in the order in which it was asked";
const anyValue = "the records of a provider are what they are";
const loseAnswer = "outage.test.ts and take.test.ts lose the answer of each command";
const plantUnopenable = "nothing is sealed";
const processes = "the runs on one server race processes";
const foreignKeys = KeyRing.from("a secret that the repository does not have");
const keys = KeyRing.from("a secret of the conformance test, long enough");

describe("on one server", () => {
  let server: TestRedis;
  let port: number;
  let proxy: TcpProxy;
  let client: Redis;
  let otherClient: Redis;
  setUp("file", async (parts) => {
    server = parts.use(await findRedis());
    const { hostname, port: portText } = new URL(server.url);
    port = Number(portText || 6379);
    proxy = parts.use(await startTcpProxy(port, hostname));
    const throughProxy = new URL(server.url);
    throughProxy.host = `127.0.0.1:${proxy.port}`;
    client = parts.use(await connectRedis({ url: throughProxy.href }));
    otherClient = parts.use(await connectRedis(server));
  });

  const setup = () => ({
    client,
    otherClient,
    breakStore: async () => {
      proxy.refuse();
      proxy.reset();
      await until(() => client.status !== "ready");
    },
    restoreStore: async () => {
      proxy.accept();
      await until(() => client.status === "ready");
    },
  });

  testRepository("RedisRepository", () => redisSubject({ ...setup(), port, codecOf: (schema) => schema }), {
    runner,
    without: { holdRead, loseAnswer, plantUnopenable },
  });

  testRepository(
    "RedisRepository with sealed records",
    () => redisSubject({ ...setup(), foreignKeys, codecOf: (schema) => sealed(schema, keys) }),
    { runner, without: { holdRead, loseAnswer, processes } },
  );

  testRepository("RedisRepository that shares its client", () => sharedRedisSubject(setup()), {
    runner,
    without: { holdRead, anyValue, loseAnswer, plantUnopenable, processes },
  });

  describe("with a cache that hears of changes by tracking", () => {
    let tracking: RedisTrackingInvalidation;
    beforeAll(() => {
      tracking = new RedisTrackingInvalidation(client);
    });
    afterAll(async () => {
      await tracking[Symbol.asyncDispose]();
    });

    testRepository(
      "CachedRepository over RedisRepository",
      async () => {
        const listeners: RecordingSubscriber[] = [];
        const subject = redisSubject({
          ...setup(),
          codecOf: (schema) => schema,
          wrap: (repository, prefix, clock) => {
            const invalidation = tracking.forPrefix(prefix);
            const listener = new RecordingSubscriber();
            listeners.push(listener);
            invalidation.subscribe(listener);
            return new CachedRepository(repository, { max: 1_000, maxStaleness: 60_000, clock, invalidation });
          },
        });
        // While the channel is down nothing is cached, and nothing of the cache would be tested.
        for (const listener of listeners) await listener.is("up");
        return subject;
      },
      {
        runner,
        without: {
          again: "another instance's change takes a moment to be heard",
          plant: "a copy in memory hides what is planted behind it",
          loseAnswer,
          plantUnopenable,
          processes,
        },
      },
    );
  });
});

describe("on a Cluster", () => {
  let servers: RedisClusterServers;
  let proxies: TcpProxy[];
  let client: Cluster;
  let otherClient: Cluster;
  setUp("file", async (parts) => {
    servers = parts.use(await startRedisCluster());
    proxies = await Promise.all(servers.nodes.map(async ({ port }) => parts.use(await startTcpProxy(port))));
    const throughProxies = servers.nodes.map(({ host, port }, index) => [
      `${host}:${port}`,
      { host, port: proxies[index]?.port ?? 0 },
    ]);
    client = parts.use(await connectCluster(servers.nodes, Object.fromEntries(throughProxies)));
    otherClient = parts.use(await connectCluster(servers.nodes));
  });

  const breaks = {
    breakStore: async () => {
      for (const proxy of proxies) {
        proxy.refuse();
        proxy.reset();
      }
      await until(() => client.status !== "ready");
    },
    restoreStore: async () => {
      for (const proxy of proxies) proxy.accept();
      await until(() => client.status === "ready");
    },
  };

  testRepository(
    "RedisRepository on a Cluster",
    () => redisSubject({ client, otherClient, codecOf: (schema) => schema, ...breaks }),
    { runner, without: { holdRead, loseAnswer, plantUnopenable, processes } },
  );

  testRepository(
    "RedisRepository that shares its client of a Cluster",
    () => sharedRedisSubject({ client, otherClient, ...breaks }),
    { runner, without: { holdRead, anyValue, loseAnswer, plantUnopenable, processes } },
  );
});
