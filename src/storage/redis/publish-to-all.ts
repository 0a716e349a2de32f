import { randomUUID } from "node:crypto";
import { sha256Name } from "../cached/invalidation.ts";
import { everything } from "../cached/unsent-messages.ts";
import { CommandSender } from "./command-sender.ts";
import { channelStart } from "./invalidation-pubsub.ts";
import { type PublishingClient, publishTransport } from "./publish-transport.ts";
import type { RedisLike } from "./redis-like.ts";
import { listenablePort, type OtherRedisClient } from "./redis-port.ts";
import type { RedisCallable } from "./subscriber-connection.ts";

/**
 * Tells every `RedisPubSubInvalidation` that listens at a Redis of a change: for a program that has the store of a server
 * and not its channel, whose prefix only the server knows.
 *
 * @param client - Of one server.
 * @param key - The record's key; undefined where everything may have changed.
 * @param timeout - How long each question may take, in milliseconds.
 * @returns On how many channels it was told: those that somebody listens to.
 * @throws {StorageFailure} when Redis does not answer, or its user may not see or use the channels.
 */
export async function publishToAll(
  client: RedisLike | OtherRedisClient,
  key: string | undefined,
  timeout: number,
): Promise<number> {
  if ("status" in client && !isListenable(client)) return 0;
  const redis = listenablePort(client);
  if (!("call" in redis)) return 0;
  const commands = new CommandSender(redis, timeout);
  const name = key === undefined ? everything : sha256Name(key);
  try {
    const send = () => redis.call("PUBSUB", "CHANNELS", `${channelStart}*`);
    const found = await commands.send({ operation: "subscribe", redisKeys: [], send });
    const channels = Array.isArray(found) ? found.map(String) : [];
    const transports = channels.map((channel) => publishTransport(redis, { channel, sender: randomUUID(), timeout }));
    await Promise.all(transports.map((transport) => transport.send(name)));
    return channels.length;
  } finally {
    await commands.close();
  }
}

/** True for a client of ioredis, as it is. */
function isListenable(client: RedisLike): client is RedisLike & PublishingClient & RedisCallable {
  return ["publish", "duplicate", "call"].every((name) => typeof Reflect.get(client, name) === "function");
}
