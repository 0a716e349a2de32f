import type { MessageTransport } from "../cached/message-publisher.ts";
import { CommandSender } from "./command-sender.ts";
import type { RedisClient } from "./redis-like.ts";

/** A client that messages are published with. */
export interface PublishingClient extends RedisClient {
  publish(channel: string, message: string): Promise<unknown>;
}

/** Where messages go, and how long each may take. */
interface PublishSettings {
  readonly channel: string;
  /** What every message begins with: who says it. */
  readonly sender: string;
  /** How long publishing a message may take, in milliseconds. */
  readonly timeout: number;
}

/** Sends messages by PUBLISH, on one channel. */
export function publishTransport(
  redis: PublishingClient,
  { channel, sender, timeout }: PublishSettings,
): MessageTransport {
  const commands = new CommandSender(redis, timeout);
  return {
    get isReady() {
      return redis.status === "ready";
    },
    send: (message) =>
      commands.send({
        operation: "publish",
        redisKeys: [],
        send: () => redis.publish(channel, `${sender} ${message}`),
      }),
    onReady: (listener) => {
      redis.on("ready", listener);
      return () => redis.off("ready", listener);
    },
    close: () => commands.close(),
  };
}
