/**
 * Whether a cache ever goes on answering with what another instance has changed, whatever breaks: three instances over one
 * store, each behind a proxy of its own, change records at random while connections are killed, reset, half open, refused or
 * lose their answers. When all is well again, every instance has to answer with the last value within the heartbeats; copies
 * are good for ten minutes, so nothing else would end an old one. A flood of changes is more than a channel keeps.
 *
 *     npx node bench/invalidation-outages.ts [--rounds 40] [--seed 1] [--channel ioredis]
 */
import { parseArgs } from "node:util";
import { Client } from "pg";
import { z } from "zod";
import { installOnce } from "../.ci/install-once.ts";
import { seededRandom } from "../src/emulator/faults/seeded-random.ts";
import { createPostgresTables, PostgresInvalidation, postgresOptions } from "../src/postgres.ts";
import {
  type OtherRedisClient,
  RedisPubSubInvalidation,
  RedisRepository,
  RedisTrackingInvalidation,
} from "../src/redis.ts";
import { CachedRepository } from "../src/storage/cached/cached-repository.ts";
import type { InvalidationChannel } from "../src/storage/cached/invalidation.ts";
import type { Repository } from "../src/storage/contract.ts";
import { InMemoryRepository } from "../src/storage/in-memory.ts";
import { glide, otherMakes } from "../test/support/other-redis-clients.ts";
import { openPostgresPool } from "../test/support/postgres-pool.ts";
import { type PostgresServer, startPostgresServer } from "../test/support/postgres-server.ts";
import { connectRedis } from "../test/support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../test/support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../test/support/tcp-proxy.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "40" },
    seed: { type: "string", default: "1" },
    channel: { type: "string" },
    heartbeat: { type: "string", default: "1000" },
  },
});
const rounds = Number(values.rounds);
const heartbeat = Number(values.heartbeat);
/** A flood is more than this. */
const maxUnsent = 8;
const patience = 30_000;

interface Version {
  readonly version: number;
}
const schema = z.object({ version: z.number() });
type Versions = Repository<string, Version>;

/** An instance: its channel, its store, and the proxy that it reaches the server by. */
interface Instance {
  readonly proxy: TcpProxy;
  readonly cache: CachedRepository<string, Version>;
}

/** The servers of the probe, and what kills connections there. */
interface Servers {
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
}

type Make = (
  parts: AsyncDisposableStack,
  proxy: TcpProxy,
  shared: Versions,
) => Promise<readonly [Versions, InvalidationChannel]>;
interface Way {
  readonly port: (servers: Servers) => number;
  readonly make: Make;
  readonly kill: (servers: Servers, whose: "publishers" | "subscribers") => Promise<unknown>;
}

const killOnRedis: Way["kill"] = async ({ redis }, whose) => {
  using killer = await connectRedis(redis);
  const type = whose === "publishers" ? "normal" : "pubsub";
  await killer.call("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes");
};
const killOnPostgres: Way["kill"] = async ({ postgres }, whose) => {
  const killer = new Client({ connectionString: postgres.url });
  await killer.connect();
  const isListening = whose === "publishers" ? "NOT LIKE" : "LIKE";
  await killer.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND query ${isListening} 'LISTEN%'`,
  );
  await killer.end();
};

const onRedis = (make: Make): Way => ({ port: ({ redis }) => redis.port, make, kill: killOnRedis });
const pubSub = (
  connect: (
    parts: AsyncDisposableStack,
    proxy: TcpProxy,
  ) => Promise<ConstructorParameters<typeof RedisPubSubInvalidation>[0]>,
): Way =>
  onRedis(async (parts, proxy, shared) => {
    const client = await connect(parts, proxy);
    return [shared, parts.use(new RedisPubSubInvalidation(client, { heartbeat, maxUnsent }))];
  });
const otherClient =
  (name: string) =>
  async (parts: AsyncDisposableStack, proxy: TcpProxy): Promise<OtherRedisClient> => {
    const make = otherMakes.find((one) => one.name === name);
    if (make === undefined) throw new Error(`There is no make ${name}.`);
    return parts.use(await make.connect(proxy)).client;
  };

const ways: Readonly<Record<string, Way>> = {
  ioredis: pubSub(async (parts, proxy) => parts.use(await connectRedis(proxy))),
  "node-redis": pubSub(otherClient("node-redis")),
  "Valkey GLIDE": pubSub(otherClient("Valkey GLIDE")),
  "tracking by ioredis": onRedis(async (parts, proxy) => {
    const client = parts.use(await connectRedis(proxy));
    const repository = new RedisRepository(schema, client, { prefix: "versions" });
    return [repository, parts.use(new RedisTrackingInvalidation(client, { heartbeat })).forRepository(repository)];
  }),
  "tracking by node-redis": onRedis(async (parts, proxy) => {
    const client = await otherClient("node-redis")(parts, proxy);
    const repository = new RedisRepository(schema, client, { prefix: "versions" });
    return [repository, parts.use(new RedisTrackingInvalidation(client, { heartbeat })).forRepository(repository)];
  }),
  Postgres: {
    port: ({ postgres }) => postgres.port,
    kill: killOnPostgres,
    make: async (parts, proxy, shared) => {
      const address = { host: "127.0.0.1", port: proxy.port, user: "postgres", database: "postgres" };
      const pool = openPostgresPool({ ...address, max: 3, ...postgresOptions() });
      parts.defer(() => pool.end());
      const listener = () => {
        const client = new Client(address);
        client.on("error", () => undefined);
        return client;
      };
      return [
        shared,
        parts.use(new PostgresInvalidation(pool, { prefix: "versions", listener, heartbeat, maxUnsent })),
      ];
    },
  },
};

/** What breaks, for whom it breaks, and what makes it good. */
type Fault = (scene: {
  readonly way: Way;
  readonly instance: Instance;
  readonly random: () => number;
}) => Promise<unknown> | unknown;
const faults = (servers: Servers): Readonly<Record<string, Fault>> => ({
  "nothing breaks": () => undefined,
  "the publishers are killed": ({ way }) => way.kill(servers, "publishers"),
  "the subscribers are killed": ({ way }) => way.kill(servers, "subscribers"),
  "both are killed": async ({ way }) => {
    await way.kill(servers, "publishers");
    await way.kill(servers, "subscribers");
  },
  "an instance's connections are reset": ({ instance }) => instance.proxy.reset(),
  "an instance's connections are closed": ({ instance }) => instance.proxy.cut(),
  "an instance is cut off": ({ instance }) => {
    instance.proxy.refuse();
    instance.proxy.reset();
  },
  "an instance's answers are withheld": ({ instance }) => instance.proxy.withholdReplies(),
  "an instance's connections are half open": ({ instance }) => instance.proxy.stall(),
  "an instance's answers are lost": ({ instance, random }) => instance.proxy.loseReplies(() => random() < 0.3),
});

const pause = (milliseconds: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A write that failed is made again: what the probe is about is what others know of it. */
async function write(cache: Versions, key: string, version: number): Promise<void> {
  for (;;) {
    try {
      if (version % 3 === 0) await cache.delete(key);
      else await cache.set(key, { version });
      return;
    } catch {
      await pause(20);
    }
  }
}

async function probe(name: string, way: Way, servers: Servers): Promise<number> {
  const random = seededRandom(Number(values.seed));
  const draw = <T>(from: readonly T[]): T => {
    const drawn = from[Math.floor(random() * from.length)];
    if (drawn === undefined) throw new Error("There is nothing to draw from.");
    return drawn;
  };
  await using parts = new AsyncDisposableStack();
  const shared = new InMemoryRepository<string, Version>();
  const instances: Instance[] = [];
  for (let index = 0; index < 3; index += 1) {
    const proxy = parts.use(await startTcpProxy(way.port(servers)));
    const [backend, invalidation] = await way.make(parts, proxy, shared);
    const options = { max: 1_000, maxStaleness: 600_000, invalidation, onPublishFailure: () => undefined };
    instances.push({ proxy, cache: parts.use(new CachedRepository(backend, options)) });
  }
  const all = faults(servers);
  let failures = 0;
  let served = 0;
  let [longestOld, longestOut] = [0, 0];
  for (let round = 0; round < rounds; round += 1) {
    const keys = Array.from({ length: draw([1, 3, 40]) }, (_, index) => `key ${round % 4} ${index}`);
    const versions = new Map<string, number>();
    for (const key of keys) await write(draw(instances).cache, key, 1);
    const read = async () => {
      await Promise.allSettled(instances.flatMap(({ cache }) => keys.map((key) => cache.get(key))));
    };
    await read();
    const isCopied = () => instances.every(({ cache }) => keys.every((key) => cache.copyAge(key) !== undefined));
    // Half of the rounds begin where every instance answers from memory.
    for (let waited = 0; round % 2 === 0 && !isCopied() && waited < 5_000; waited += 20) {
      await pause(20);
      await read();
    }
    served += isCopied() ? 1 : 0;
    const [title, fault] = draw(Object.entries(all));
    const hit = draw(instances);
    const breaking = pause(random() * 30).then(() => fault({ way, instance: hit, random }));
    const writing = keys.map(async (key) => {
      await pause(random() * 60);
      for (let version = 2; version < 2 + draw([1, 2]); version += 1) {
        const writer = draw(instances).cache;
        versions.set(key, version);
        await write(writer, key, version);
      }
    });
    const healing = pause(draw([40, 200, 900])).then(() => {
      hit.proxy.accept();
      hit.proxy.flow();
    });
    await Promise.all([breaking, healing]);
    hit.proxy.accept();
    hit.proxy.flow();
    await Promise.all(writing);
    const healed = performance.now();
    const wrong = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const [index, { cache }] of instances.entries()) {
        for (const key of keys) {
          const version = versions.get(key) ?? 1;
          const expected = version % 3 === 0 ? undefined : version;
          const answer = await cache.get(key).then(
            (value) => value?.version,
            () => "failed",
          );
          if (answer === expected) continue;
          found.push(`instance ${index}: ${key} is ${answer} and not ${expected}`);
          const since = performance.now() - healed;
          if (answer === "failed") longestOut = Math.max(longestOut, since);
          else longestOld = Math.max(longestOld, since);
        }
      }
      return found;
    };
    let left = await wrong();
    while (left.length > 0 && performance.now() - healed < patience) {
      await pause(25);
      left = await wrong();
    }
    if (left.length === 0) continue;
    failures += 1;
    console.log(`${name}, round ${round}, ${title}, ${keys.length} keys: ${left.slice(0, 5).join("; ")}`);
  }
  console.log(
    `${name}: ${rounds} rounds, ${served} of them from memory throughout; ${failures} ended with an old answer; after all was well, an old one was seen for ${Math.round(longestOld)} ms, and reads failed for ${Math.round(longestOut)} ms`,
  );
  return failures;
}

await installOnce("test/redis-clients");
glide().Logger.init("off");
await using redis = await startRedisServer();
await using postgres = await startPostgresServer();
const setup = openPostgresPool({ connectionString: postgres.url, ...postgresOptions() });
await createPostgresTables(setup);
await setup.end();
let failures = 0;
for (const [name, way] of Object.entries(ways)) {
  if (values.channel === undefined || values.channel === name) failures += await probe(name, way, { redis, postgres });
}
process.exitCode = failures === 0 ? 0 : 1;
