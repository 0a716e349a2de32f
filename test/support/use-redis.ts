import type { Redis } from "ioredis";
import { beforeEach } from "vitest";
import { connectRedis } from "./redis-clients.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { setUp } from "./set-up.ts";

/** A Redis server for the tests of a file, and a client of it. Each test begins with an empty one. */
export function useRedis(begin: (started: { readonly server: RedisServer; readonly redis: Redis }) => void): void {
  let redis: Redis | undefined;
  setUp("file", async (parts) => {
    const server = parts.use(await startRedisServer());
    const client = parts.use(await connectRedis(server));
    redis = client;
    begin({ server, redis: client });
  });
  beforeEach(async () => {
    await redis?.flushall();
  });
}
