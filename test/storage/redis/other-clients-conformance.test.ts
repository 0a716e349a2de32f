import type { Cluster, Redis } from "ioredis";
import { describe, it } from "vitest";
import { testRepository } from "../../../src/conformance.ts";
import { type OtherTestClient, otherMakes, useOtherClients } from "../../support/other-redis-clients.ts";
import { connectCluster, connectRedis } from "../../support/redis-clients.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { redisSubject } from "../../support/redis-subject.ts";
import { startRedisCluster, until } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

const runner = { describe, it };
const without = {
  holdRead: "one connection answers in the order in which it was asked",
  loseAnswer: "other-clients-outage.test.ts loses answers",
  plantUnopenable: "nothing is sealed",
  processes: "the runs with ioredis race processes",
};

useOtherClients();

/** How the test keeps a client from Redis, and lets it back. */
function breaksOf(proxies: () => readonly TcpProxy[], client: () => OtherTestClient) {
  return {
    breakStore: async () => {
      for (const proxy of proxies()) {
        proxy.refuse();
        proxy.reset();
      }
      await until(async () => !(await client().works()));
    },
    restoreStore: async () => {
      for (const proxy of proxies()) proxy.accept();
      await until(() => client().works());
    },
  };
}

describe.each(otherMakes)("$name on one server", ({ connect, name }) => {
  let proxy: TcpProxy;
  let one: OtherTestClient;
  let otherClient: Redis;
  setUp("file", async (parts) => {
    const server = parts.use(await startRedisServer());
    proxy = parts.use(await startTcpProxy(server.port));
    one = parts.use(await connect(proxy));
    otherClient = parts.use(await connectRedis(server));
  });
  const breaks = breaksOf(
    () => [proxy],
    () => one,
  );

  testRepository(
    `RedisRepository over ${name}`,
    () => redisSubject({ client: one.client, otherClient, codecOf: (schema) => schema, ...breaks }),
    { runner, without },
  );
});

describe.each(otherMakes)("$name on a Cluster", ({ connectCluster: connect, name }) => {
  let proxies: TcpProxy[];
  let one: OtherTestClient;
  let otherClient: Cluster;
  setUp("file", async (parts) => {
    const servers = parts.use(await startRedisCluster());
    proxies = await Promise.all(servers.nodes.map(async ({ port }) => parts.use(await startTcpProxy(port))));
    const throughProxies = servers.nodes.map(({ host, port }, index) => [
      `${host}:${port}`,
      { host, port: proxies[index]?.port ?? 0 },
    ]);
    one = parts.use(await connect(servers.nodes, Object.fromEntries(throughProxies)));
    otherClient = parts.use(await connectCluster(servers.nodes));
  });

  testRepository(
    `RedisRepository over ${name} on a Cluster`,
    () =>
      redisSubject({
        client: one.client,
        otherClient,
        codecOf: (schema) => schema,
        ...breaksOf(
          () => proxies,
          () => one,
        ),
      }),
    { runner, without },
  );
});
