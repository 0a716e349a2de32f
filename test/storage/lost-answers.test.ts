import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { seededRandom } from "../../src/emulator/faults/seeded-random.ts";
import { type Repository, retrying } from "../../src/index.ts";
import { createPostgresTables, PostgresRepository, postgresOptions } from "../../src/postgres.ts";
import { type RedisLike, RedisRepository } from "../../src/redis.ts";
import {
  callWithLostAnswers,
  changingCalls,
  forEachNumber,
  type Numbered,
  outcomeOf,
} from "../support/lost-answers.ts";
import { otherMakes, useGlide } from "../support/other-redis-clients.ts";
import { openPostgresPool } from "../support/postgres-pool.ts";
import { type PostgresServer, startPostgresServer } from "../support/postgres-server.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const schema = z.object({ n: z.number() });
/** How many calls of each kind. */
const count = 300;

type Numbers = Repository<string, Numbered>;

let redis: RedisServer;
let postgres: PostgresServer;
let proxies: Record<"redis" | "postgres", TcpProxy>;
let calm: Record<"redis" | "postgres", Numbers>;
const prefix = randomUUID();
useGlide();
setUp("file", async (parts) => {
  redis = parts.use(await startRedisServer());
  postgres = parts.use(await startPostgresServer());
  proxies = {
    redis: parts.use(await startTcpProxy(redis.port)),
    postgres: parts.use(await startTcpProxy(postgres.port)),
  };
  const pool = openPool(postgres.port);
  parts.defer(() => pool.end());
  await createPostgresTables(pool);
  calm = {
    redis: new RedisRepository(schema, parts.use(await connectRedis(redis)), { prefix }),
    postgres: new PostgresRepository(schema, pool, { prefix }),
  };
});

const openPool = (port: number) =>
  openPostgresPool({ host: "127.0.0.1", port, user: "postgres", database: "postgres", max: 4, ...postgresOptions() });

/** An instance behind a proxy, as its client has the recommended settings. */
type Open = (parts: AsyncDisposableStack) => Promise<Numbers>;

const onRedis = (client: RedisLike): Numbers => new RedisRepository(schema, client, { prefix });

const instances: Record<string, readonly ["redis" | "postgres", Open]> = {
  ioredis: ["redis", async (parts) => onRedis(parts.use(await connectRedis(proxies.redis)))],
  "ioredis, with calls that are tried again": [
    "redis",
    async (parts) => retrying(onRedis(parts.use(await connectRedis(proxies.redis))), { attempts: 3 }),
  ],
  ...Object.fromEntries(
    otherMakes.map(({ name, connect }): [string, readonly ["redis", Open]] => [
      name,
      [
        "redis",
        async (parts) => {
          const { client } = parts.use(await connect(proxies.redis));
          return new RedisRepository(schema, client, { prefix });
        },
      ],
    ]),
  ),
  "pg on Postgres": [
    "postgres",
    async (parts) => {
      const pool = openPool(proxies.postgres.port);
      parts.defer(() => pool.end());
      return new PostgresRepository(schema, pool, { prefix });
    },
  ],
};

describe.each(Object.entries(instances))("where one answer in five is lost with its connection, on %s", (name, way) => {
  const [server, open] = way;
  const lose = (seed: number) => {
    const random = seededRandom(seed);
    let lost = 0;
    proxies[server].loseReplies(() => {
      const isLost = random() < 0.2;
      if (isLost) lost += 1;
      return isLost;
    });
    return () => lost;
  };

  it.each(Object.entries(changingCalls))(
    "hundreds of %s: each has answered what it did, or says that nothing was done or that nobody knows",
    async (method, call) => {
      await using parts = new AsyncDisposableStack();
      const troubled = await open(parts);
      let lost = () => 0;
      const numbers = await callWithLostAnswers(call, {
        count,
        // What is under way on one connection at a time shares its fate.
        parallel: server === "redis" ? 2 : 8,
        prefix: `${name} ${method}`,
        troubled,
        calm: calm[server],
        begin: () => {
          lost = lose(method.length);
        },
        end: () => proxies[server].flow(),
      });
      // How many replies a connection carries, and so how many are lost, is for the client and the machine to say.
      expect(lost()).toBeGreaterThan(3);
      expect(numbers.unknown).toBeGreaterThan(3);
      expect(numbers.answered).toBeGreaterThan(3);
    },
    120_000,
  );

  it("of two takes at once one has the record, and it is gone only where somebody has it or nobody knows", async () => {
    await using parts = new AsyncDisposableStack();
    const both = [await open(parts), await open(parts)];
    const keyOf = (n: number) => `${name} race ${n}`;
    await forEachNumber(count, (n) => calm[server].set(keyOf(n), { n }), 8);
    lose(7);
    const all = await forEachNumber(count, (n) => Promise.all(both.map((one) => outcomeOf(one.take(keyOf(n))))), 2);
    proxies[server].flow();
    for (const [n, outcomes] of all.entries()) {
      const left = await calm[server].get(keyOf(n));
      const won = outcomes.filter((outcome) => "answer" in outcome && outcome.answer !== undefined);
      const isDoubtful = outcomes.some((outcome) => "effect" in outcome && outcome.effect === "unknown");
      expect(won.length).toBeLessThanOrEqual(1);
      if (won.length === 1) expect([n, left]).toEqual([n, undefined]);
      else if (!isDoubtful) expect([n, left]).toEqual([n, { n }]);
    }
  }, 120_000);
});
