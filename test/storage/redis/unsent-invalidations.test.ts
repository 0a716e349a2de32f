import type { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cacheRepositories, createInMemoryRepositories, sha256Name } from "../../../src/index.ts";
import { RedisPubSubInvalidation } from "../../../src/redis.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { connectRedis, redisClient } from "../../support/redis-clients.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/redis-topologies.ts";
import {
  comeUp,
  errorReply,
  promisesSettled,
  readyConnection,
  type ScriptedConnection,
} from "../../support/scripted-connection.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";

const names = Array.from({ length: 20 }, (_, index) => sha256Name(`key ${index}`));
const [a = "", b = "", c = "", d = ""] = names;
const lost = new Error("Connection is closed.");

describe("message by message", () => {
  let redis: ScriptedConnection;
  let channel: RedisPubSubInvalidation;
  let publish: (name: string) => Promise<string>;
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "setInterval", "clearTimeout", "clearInterval", "performance"] });
    redis = readyConnection();
    channel = new RedisPubSubInvalidation(redis, { maxUnsent: 3, heartbeat: 1_000 });
    const part = channel.subscribe(new RecordingSubscriber());
    publish = (name) =>
      part.publish(name).then(
        () => "sent",
        (failure: { code: string }) => failure.code,
      );
    await comeUp(redis);
  });
  afterEach(async () => {
    redis.failures.clear();
    await channel[Symbol.asyncDispose]();
    expect(redis.eventNames()).toEqual(["error"]);
    vi.useRealTimers();
  });

  /** The names that went out since the last look, whatever became of them. */
  const sent = (): string[] => redis.commands.splice(0).map((command) => command.split(" ")[3] ?? "");
  const failWith = (failure: Error | undefined): void => {
    redis.failures.clear();
    if (failure !== undefined) redis.failures.set("PUBLISH", failure);
  };

  test("what was not sent is told, and sent when the client is connected again, the oldest first", async () => {
    failWith(lost);
    for (const name of [a, b]) expect(await publish(name)).toBe("ERR_STORAGE_UNAVAILABLE");
    sent();
    failWith(undefined);
    redis.become("ready");
    await promisesSettled();
    expect(sent()).toEqual([a, b]);
    redis.become("ready");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent()).toEqual([]);
  });

  test("a later message waits behind those that were not sent, and is sent with them", async () => {
    failWith(lost);
    await publish(a);
    await publish(b);
    failWith(undefined);
    sent();
    expect(await publish(c)).toBe("sent");
    expect(sent()).toEqual([a, b, c]);
    expect(await publish(d)).toBe("sent");
    expect(sent()).toEqual([d]);
  });

  test("where no new connection gives the occasion, every heartbeat does, with one message to try it", async () => {
    failWith(errorReply("NOPERM no permission"));
    for (const name of [a, b, c]) expect(await publish(name)).toBe("ERR_STORAGE_UNAUTHORIZED");
    sent();
    await vi.advanceTimersByTimeAsync(999);
    expect(sent()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent()).toEqual([a]);
    failWith(undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent()).toEqual([a, b, c]);
  });

  test("more than are kept become one message: everything may have changed", async () => {
    failWith(lost);
    for (const name of names) await publish(name);
    failWith(undefined);
    sent();
    redis.become("ready");
    await promisesSettled();
    expect(sent()).toEqual(["*"]);
  });

  test("a message that changes again while it is being sent again is sent once more", async () => {
    failWith(lost);
    await publish(a);
    failWith(undefined);
    sent();
    const gate = redis.hold("PUBLISH");
    redis.become("ready");
    const again = publish(a);
    await promisesSettled();
    expect(sent()).toEqual([a]);
    gate.release();
    expect(await again).toBe("sent");
    expect(sent()).toEqual([a]);
  });

  test("what fails halfway stays in its order, before what came meanwhile", async () => {
    failWith(lost);
    for (const name of [a, b]) await publish(name);
    failWith(undefined);
    sent();
    const first = redis.hold("PUBLISH");
    redis.become("ready");
    await promisesSettled();
    const late = publish(c);
    failWith(lost);
    first.release();
    expect(await late).toBe("ERR_STORAGE_UNAVAILABLE");
    failWith(undefined);
    sent();
    redis.become("ready");
    await promisesSettled();
    expect(sent()).toEqual([a, b, c]);
  });

  test("closing sends what waits where it can, and keeps nothing afterwards", async () => {
    failWith(lost);
    await publish(a);
    failWith(undefined);
    sent();
    await channel[Symbol.asyncDispose]();
    expect(sent()).toEqual([a]);
    expect(await publish(b)).toBe("ERR_STORAGE_CLOSED");
    redis.become("ready");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent()).toEqual([]);
  });
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("a maxUnsent of %d is refused", (maxUnsent) => {
  expect(() => new RedisPubSubInvalidation(readyConnection(), { maxUnsent })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});

describe("with a Redis that is cut off", () => {
  async function twoInstances(publishing: Redis, listening: Redis, maxUnsent: number) {
    const store = createInMemoryRepositories();
    const channels = [
      new RedisPubSubInvalidation(publishing, { heartbeat: 60_000, maxUnsent }),
      new RedisPubSubInvalidation(listening, { heartbeat: 60_000 }),
    ] as const;
    const failures: unknown[] = [];
    const instances = channels.map((invalidation) => {
      const options = {
        maxStaleness: 600_000,
        invalidation,
        onPublishFailure: (failure: unknown) => failures.push(failure),
      };
      return cacheRepositories(store, options);
    });
    const watch = channels.map((channel) => {
      const subscriber = new RecordingSubscriber();
      channel.subscribe(subscriber);
      return subscriber;
    });
    await Promise.all(watch.map((subscriber) => subscriber.is("up")));
    const [one, other] = instances;
    if (one === undefined || other === undefined) throw new Error("There are two.");
    return { one, other, failures, watch, channels };
  }

  test.each([
    { messages: "one by one", maxUnsent: 100 },
    { messages: "as one that stands for all", maxUnsent: 2 },
  ])(
    "a token that was revoked meanwhile is dead at the other instance once the line is back ($messages)",
    async ({ maxUnsent }) => {
      await using server = await startRedisServer();
      await using proxy = await startTcpProxy(server.port);
      using behindProxy = redisClient(proxy);
      using direct = await connectRedis(server);
      const { one, other, failures, watch, channels } = await twoInstances(behindProxy, direct, maxUnsent);
      try {
        const keys = ["k1", "k2", "k3", "k4", "k5"];
        const token = { clientId: "c", scopes: [] };
        for (const key of keys) await one.accessTokens.set(key, token);
        for (const key of keys) expect(await other.accessTokens.get(key)).toEqual(token);
        proxy.refuse();
        proxy.reset();
        await until(() => behindProxy.status !== "ready");
        for (const key of keys) expect(await one.accessTokens.delete(key)).toBe(true);
        expect(failures).toHaveLength(keys.length);
        // The other instance is connected and has heard nothing: its copies are young enough.
        for (const key of keys) expect(await other.accessTokens.get(key)).toEqual(token);
        const [, hears] = watch;
        proxy.accept();
        const nobody = await Promise.all(
          keys.map((key) => until(async () => (await other.accessTokens.get(key)) === undefined)),
        );
        expect(nobody).toHaveLength(keys.length);
        const heard = hears?.heard.slice(-keys.length);
        expect(heard).toEqual(maxUnsent === 2 ? expect.arrayContaining(["all"]) : keys.map(sha256Name));
      } finally {
        for (const channel of channels) await channel[Symbol.asyncDispose]();
      }
    },
  );
});
