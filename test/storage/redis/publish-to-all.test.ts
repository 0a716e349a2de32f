import { createCluster } from "redis";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { nodeRedisClusterOptions } from "../../../src/redis.ts";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { publishToAll } from "../../../src/storage/redis/publish-to-all.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedCluster, ScriptedRedis } from "../../support/scripted-redis.ts";

/** A client that knows the channels that somebody listens to, and keeps what is published. */
class PublishingRedis extends ScriptedRedis {
  channels: unknown = [];
  readonly asked: string[] = [];
  readonly published: { readonly channel: string; readonly sender: string; readonly name: string }[] = [];
  failure: Error | undefined;

  async call(...command: readonly (string | number)[]): Promise<unknown> {
    this.asked.push(command.join(" "));
    if (this.failure !== undefined) throw this.failure;
    return this.channels;
  }

  async publish(channel: string, message: string): Promise<number> {
    const [sender = "", name = ""] = message.split(" ");
    this.published.push({ channel, sender, name });
    if (channel.endsWith("refused")) throw errorReply("NOPERM no permission");
    return 1;
  }

  duplicate(): never {
    throw new Error("Nothing is listened to.");
  }
}

let redis: PublishingRedis;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"] });
  redis = new PublishingRedis();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a change that is told on every channel", () => {
  test.each([
    ["a key's hash", "the key", sha256Name("the key")],
    ["that everything may have changed", undefined, "*"],
  ])("says %s, on each channel that is listened to", async (_, key, name) => {
    redis.channels = ["pangea-invalidate:pangea", Buffer.from("pangea-invalidate:other")];
    expect(await publishToAll(redis, key, 1_000)).toBe(2);
    expect(redis.asked).toEqual(["PUBSUB CHANNELS pangea-invalidate:*"]);
    const sender = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(redis.published).toEqual([
      { channel: "pangea-invalidate:pangea", sender, name },
      { channel: "pangea-invalidate:other", sender, name },
    ]);
  });

  test.each([[[]], [null], ["pangea-invalidate:pangea"]])(
    "is told to nobody where %j is the list",
    async (channels) => {
      redis.channels = channels;
      expect(await publishToAll(redis, "k", 1_000)).toBe(0);
      expect(redis.published).toEqual([]);
    },
  );

  test("leaves no timer and no listener behind", async () => {
    redis.channels = ["pangea-invalidate:pangea"];
    redis.on("error", () => undefined);
    await publishToAll(redis, "k", 1_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(redis.eventNames()).toEqual(["error"]);
  });
});

describe("a change that cannot be told", () => {
  test("since the channels may not be seen is a failure without an effect", async () => {
    redis.failure = errorReply("NOPERM no permission");
    await expect(publishToAll(redis, "k", 1_000)).rejects.toMatchObject({
      code: "ERR_STORAGE_UNAUTHORIZED",
      effect: "none",
    });
    redis.failure = new Error("Connection is closed.");
    await expect(publishToAll(redis, "k", 1_000)).rejects.toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect: "none",
    });
    expect(redis.published).toEqual([]);
  });

  test("on one channel is a failure, and was told on the others", async () => {
    redis.channels = ["pangea-invalidate:refused", "pangea-invalidate:pangea"];
    await expect(publishToAll(redis, "k", 1_000)).rejects.toMatchObject({ code: "ERR_STORAGE_UNAUTHORIZED" });
    expect(redis.published.map(({ channel }) => channel)).toContain("pangea-invalidate:pangea");
  });

  test("before its deadline is a failure, and its timers end", async () => {
    redis.status = "connecting";
    const outcome = publishToAll(redis, "k", 1_000).catch((failure: unknown) => failure);
    await vi.advanceTimersByTimeAsync(1_002);
    expect(await outcome).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    expect(redis.asked).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test.each(["publish", "duplicate", "call"])("is told to nobody by a client that has no %s", async (name) => {
  redis.channels = ["pangea-invalidate:pangea"];
  Object.defineProperty(redis, name, { value: undefined });
  expect(await publishToAll(redis, "k", 1_000)).toBe(0);
  expect([redis.asked, redis.published]).toEqual([[], []]);
});

test("is told to nobody by a client that cannot be asked for the channels, and asked of no node of a Cluster", async () => {
  const options = { rootNodes: [{ url: "redis://127.0.0.1:1" }], ...nodeRedisClusterOptions() };
  expect(await publishToAll(createCluster(options), "k", 1_000)).toBe(0);
  const cluster = new ScriptedCluster(1);
  for (const node of cluster.masters) node.status = "connecting";
  const { call, publish, duplicate } = redis;
  const asked = Object.assign(cluster, { call: call.bind(redis), publish: publish.bind(redis), duplicate });
  expect(await publishToAll(asked, "k", 1_000)).toBe(0);
  expect(redis.asked).toHaveLength(1);
});
