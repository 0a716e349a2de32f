import { expect, test } from "vitest";
import { StorageFailure } from "../../src/errors.ts";
import { AccessTokenSchema } from "../../src/records/access-token.ts";
import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { startRedisServer } from "../support/redis-server.ts";

test("no operation answers absent or done while Redis is down", async () => {
  await using server = await startRedisServer();
  using redis = await connectRedis(server);
  const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token", timeout: 200 });
  await server.kill();
  for (let round = 0; round < 3; round++) {
    for (const outcome of await Promise.allSettled([
      repository.get("k"),
      repository.set("k", { clientId: "c", scopes: [] }),
      repository.delete("k"),
      repository.take("k"),
    ])) {
      expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StorageFailure) });
    }
  }
});
