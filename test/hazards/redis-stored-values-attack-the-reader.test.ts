import { inspect } from "node:util";
import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import { AccessTokenSchema } from "../../src/records/access-token.ts";
import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";

let server: RedisServer;
let redis: Redis;
setUp("file", async (parts) => {
  server = parts.use(await startRedisServer());
  redis = parts.use(await connectRedis(server));
});

const attacks: [name: string, stored: string | Buffer][] = [
  ["nothing", ""],
  ["half a record", '{"client_id":"secret-content"'],
  ["another type", "[]"],
  ["a member of the wrong type", '{"client_id":"secret-content","scopes":"all"}'],
  ["an own __proto__", '{"client_id":"secret-content","scopes":[],"__proto__":{"isAdmin":true}}'],
  ["20,000 levels", `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  ["bytes that are not UTF-8", Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28])],
  ["eight megabytes", `"${"x".repeat(8_000_000)}"`],
];

test.each(attacks)("%s is a corrupt record for get and take, and keeps out of the error", async (_, stored) => {
  const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token" });
  for (const operation of ["get", "take"] as const) {
    await redis.set("token:k", stored);
    const error = await repository[operation]("k").catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "ERR_CORRUPT_RECORD" });
    expect(inspect(error, { depth: 10 })).not.toContain("secret-content");
  }
});

test("one corrupt record fails only its own caller in a read of many", async () => {
  const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token" });
  await repository.set("good", { clientId: "c", scopes: [] });
  await redis.set("token:bad", "{");
  const [good, bad] = await Promise.allSettled([repository.get("good"), repository.get("bad")]);
  expect(good).toMatchObject({ status: "fulfilled", value: { clientId: "c" } });
  expect(bad).toMatchObject({ status: "rejected", reason: { code: "ERR_CORRUPT_RECORD" } });
});
