import { expect, test } from "vitest";
import { openRedisClient } from "../../src/cli/open-redis-client.ts";
import { createRedisRepositories } from "../../src/redis.ts";
import { startRedisServer } from "../support/redis-server.ts";

const ioredis = () => import("ioredis");
const redis = () => import("redis");
const notThere = () => Promise.reject(Object.assign(new Error("Cannot find it"), { code: "ERR_MODULE_NOT_FOUND" }));
const missing = (name: string) => `npm install ${name}`;

test.each([
  ["ioredis", { ioredis, redis }],
  ["node-redis, where ioredis is not installed", { ioredis: notThere, redis }],
])("opens a client of %s", async (_, load) => {
  await using server = await startRedisServer();
  const { client, end } = await openRedisClient(server.url, missing, {}, load);
  await using repositories = createRedisRepositories(client);
  await repositories.check();
  await repositories.locks.set("k", { owner: "a", expiresAt: Date.now() / 1000 + 60 });
  expect(await repositories.locks.get("k")).toMatchObject({ owner: "a" });
  end();
  await expect(repositories.locks.get("k")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
});

test("where the server is away, the call that needs it says so", async () => {
  const { client, end } = await openRedisClient("redis://127.0.0.1:1", missing, {}, { ioredis: notThere, redis });
  await using repositories = createRedisRepositories(client);
  await expect(repositories.check()).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  end();
});

test("without either library it says what to install", async () => {
  const opening = openRedisClient("redis://127.0.0.1:1", missing, {}, { ioredis: notThere, redis: notThere });
  await expect(opening).rejects.toMatchObject({ code: "ERR_CONFIGURATION", message: "npm install ioredis" });
});
