import { once } from "node:events";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import type { StorageError } from "../../../src/errors.ts";
import { RedisPubSubInvalidation, RedisTrackingInvalidation, redisOptions } from "../../../src/redis.ts";
import type { InvalidationChannel } from "../../../src/storage/cached/invalidation.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { connectRedis, usedClient } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";

interface Channel extends AsyncDisposable {
  readonly channel: InvalidationChannel;
}

type Open = (redis: Redis, heartbeat: number, onRefused: (error: StorageError) => void) => Channel;

const tracking: Open = (redis, heartbeat, onRefused) => {
  const invalidation = new RedisTrackingInvalidation(redis, { heartbeat, onRefused });
  return {
    channel: invalidation.forPrefix("token"),
    [Symbol.asyncDispose]: () => invalidation[Symbol.asyncDispose](),
  };
};
const pubSub: Open = (redis, heartbeat, onRefused) => {
  const channel = new RedisPubSubInvalidation(redis, { prefix: "token", heartbeat, onRefused });
  return { channel, [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose]() };
};

const keys = ["resetchannels", "~token:*"];
const keysAndCommands = [...keys, "+get", "+set", "+ping", "+publish", "+subscribe", "+info", "+client"];

describe.each<[string, Open, refused: readonly string[], granted: readonly string[]]>([
  ["tracking without its channel", tracking, keysAndCommands, [...keysAndCommands, "&__redis__:invalidate"]],
  [
    "tracking without CLIENT",
    tracking,
    [...keysAndCommands, "&__redis__:invalidate", "-client"],
    [...keysAndCommands, "&__redis__:invalidate"],
  ],
  [
    "tracking without CLIENT TRACKING",
    tracking,
    [...keysAndCommands, "&__redis__:invalidate", "-client|tracking"],
    [...keysAndCommands, "&__redis__:invalidate"],
  ],
  ["pub/sub without its channel", pubSub, keysAndCommands, [...keysAndCommands, "&pangea-invalidate:*"]],
])("%s", (_, open, refusedRules, grantedRules) => {
  let server: RedisServer;
  let administrator: Redis;
  let redis: Redis;
  const allow = (rules: readonly string[]) =>
    administrator.call("ACL", "SETUSER", "limited", "reset", "on", ">secret-of-the-test", ...rules);

  setUp("test", async (parts) => {
    server = parts.use(await startRedisServer());
    administrator = parts.use(await connectRedis(server));
    await allow(refusedRules);
    const login = { username: "limited", password: "secret-of-the-test" };
    const options = { ...redisOptions(), ...login, enableReadyCheck: false };
    redis = parts.use(usedClient(new Redis(server.port, server.host, options)));
    await once(redis, "ready");
  });

  test("is down, says why, and comes up once the user may", async () => {
    const refusals: StorageError[] = [];
    const subscriber = new RecordingSubscriber();
    await using opened = open(redis, 100, (error) => refusals.push(error));
    opened.channel.subscribe(subscriber);
    await until(() => refusals.length > 0);
    expect(refusals[0]).toMatchObject({ code: "ERR_STORAGE_UNAUTHORIZED" });
    expect(subscriber.connections).not.toContain("up");
    await allow(grantedRules);
    await subscriber.is("up");
  });

  test("does not connect again and again", async () => {
    const refusals: StorageError[] = [];
    await using opened = open(redis, 60_000, (error) => refusals.push(error));
    opened.channel.subscribe(new RecordingSubscriber());
    await until(() => refusals.length > 0);
    const connections = async () =>
      Number(/total_connections_received:(\d+)/.exec(await administrator.info("stats"))?.[1]);
    const before = await connections();
    for (let round = 0; round < 2_000; round += 1) await administrator.ping();
    expect(await connections()).toBe(before);
    expect(refusals).toHaveLength(1);
  });
});
