import { Redis } from "ioredis";
import { Client, Pool } from "pg";
import { cacheRepositories, createInMemoryRepositories, KeyRing, type ProviderRepositories } from "../../src/index.ts";
import {
  createPostgresRepositories,
  createPostgresTables,
  PostgresInvalidation,
  postgresOptions,
} from "../../src/postgres.ts";
import { createRedisRepositories, RedisTrackingInvalidation, redisOptions } from "../../src/redis.ts";

const maxStaleness = 30_000;
const keys = KeyRing.from("what the records of the load benchmarks are sealed under");

/**
 * The repositories of a server under load, as docs/repositories.md recommends them for each store.
 *
 * @param store - `memory`, or the URL of a Redis or a Postgres.
 */
export async function openStore(store: string): Promise<ProviderRepositories> {
  if (store.startsWith("redis:")) {
    const redis = new Redis(store, redisOptions());
    const invalidation = new RedisTrackingInvalidation(redis);
    return cacheRepositories(createRedisRepositories(redis, { keys }), { maxStaleness, invalidation });
  }
  if (store.startsWith("postgres:")) {
    const pool = new Pool({ connectionString: store, ...postgresOptions() });
    await createPostgresTables(pool);
    const listener = () => new Client({ connectionString: store });
    const invalidation = new PostgresInvalidation(pool, { prefix: "pangea-grant", listener });
    const repositories = createPostgresRepositories(pool, { keys });
    return cacheRepositories(repositories, { maxStaleness, invalidation: { grants: invalidation } });
  }
  return createInMemoryRepositories();
}
