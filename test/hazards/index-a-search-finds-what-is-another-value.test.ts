import { expect, it } from "vitest";
import { type SampleRecord, sampleIndexes, sampleSchema } from "../../src/conformance.ts";
import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { startRedisServer } from "../support/redis-server.ts";

const record = (name: string): SampleRecord => ({ name, list: [] });

it("an entry that a record has left behind leads to nobody else's record", async () => {
  await using server = await startRedisServer();
  const redis = await connectRedis(server);
  const repository = new RedisRepository(sampleSchema, redis, { prefix: "p", indexes: sampleIndexes });
  const found = async (name: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const [key] of repository.entriesBy("name", name)) keys.push(key);
    return keys;
  };
  await repository.set("key", record("ada"));
  expect(await found("ada")).toEqual(["key"]);
  // The entry under the earlier name is still there.
  await repository.set("key", record("bob"));
  expect(await redis.keys("p#name.*")).toHaveLength(2);
  expect([await found("ada"), await found("bob")]).toEqual([[], ["key"]]);
  redis.disconnect();
});
