import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { hearErrorEvents } from "../../../src/storage/redis/error-events.ts";
import { isBehindSentinels } from "../../../src/storage/redis/sentinel-client.ts";
import { ScriptedRedis } from "../../support/scripted-redis.ts";
import { unheardFailures } from "../../support/unheard-failures.ts";

const sentinels = [{ host: "127.0.0.1", port: 26_379 }];

/** A connection to a Sentinel, which says who hears it. */
const sentinel = (): EventEmitter => new EventEmitter();

/** A client behind Sentinels, as ioredis has it: its connector holds the connections to them. */
class SentinelRedis extends ScriptedRedis {
  override options = { sentinels };
  connector: unknown;
}

const withListeners = (...clients: unknown[]) => ({
  failoverDetector: { sentinels: clients.map((client) => ({ client })) },
});

/** Resolves once what was put off for a moment has been done. */
const momentIsOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test.each([
  [{ options: { sentinels } }, true],
  [{ options: { sentinels: "127.0.0.1:26379" } }, false],
  [{ options: {} }, false],
  [{}, false],
])("%j is behind Sentinels: %s", (client, expected) => {
  expect(isBehindSentinels(client)).toBe(expected);
});

describe("the errors of the connections to the Sentinels", () => {
  test("are heard from now on, and from those that are made anew with a connection", () => {
    const redis = new SentinelRedis();
    const [before, later] = [sentinel(), sentinel()];
    redis.connector = withListeners(before);
    hearErrorEvents(redis);
    redis.connector = withListeners(later);
    redis.emit("connect");
    for (const each of [before, later]) {
      expect(each.listenerCount("error")).toBe(1);
      expect(() => each.emit("error", new Error("refused"))).not.toThrow();
    }
  });

  test("are left to whoever hears them, and are heard once", () => {
    const redis = new SentinelRedis();
    const [heard, unheard] = [sentinel(), sentinel()];
    heard.on("error", () => undefined);
    redis.connector = withListeners(heard, unheard);
    for (const _ of ["first", "second"]) hearErrorEvents(redis);
    for (const _ of ["first", "second"]) redis.emit("connect");
    expect([heard.listenerCount("error"), unheard.listenerCount("error")]).toEqual([1, 1]);
    expect([redis.listenerCount("error"), redis.listenerCount("connect")]).toEqual([1, 1]);
  });

  test("are heard of a client too that does not say who hears its own", () => {
    const redis = new SentinelRedis();
    const unheard = sentinel();
    redis.connector = withListeners(unheard);
    Object.defineProperty(redis, "listeners", { value: undefined });
    hearErrorEvents(redis);
    expect([redis.listenerCount("error"), unheard.listenerCount("error")]).toEqual([1, 1]);
  });

  test.each([
    ["no connector", undefined],
    ["a connector of another kind", {}],
    ["a connector that listens to none", { failoverDetector: {} }],
    ["a list of another kind", { failoverDetector: { sentinels: "none" } }],
    ["no connection yet", withListeners(undefined, null, "text", {}, { on: true, listeners: () => [] })],
    ["nothing in the list", { failoverDetector: { sentinels: [undefined, null] } }],
  ])("are nobody's where the client has %s", (_, connector) => {
    const redis = new SentinelRedis();
    redis.connector = connector;
    expect(() => hearErrorEvents(redis)).not.toThrow();
    expect(() => redis.emit("connect")).not.toThrow();
  });
});

describe("a client that the failover of its Sentinels has ended", () => {
  const end = async (redis: SentinelRedis, error: unknown, status: string): Promise<void> => {
    redis.emit("error", error);
    redis.status = status;
    await momentIsOver();
  };

  test.each<[string, unknown, string, number]>([
    ["is connected again", new Error("Connection is closed."), "end", 1],
    ["is left alone where it goes on by itself", new Error("Connection is closed."), "reconnecting", 0],
    ["is left alone where its owner closed it", new Error("connect ECONNREFUSED"), "end", 0],
    ["is left alone where no error says so", "Connection is closed.", "end", 0],
    ["is left alone where no error says so", undefined, "end", 0],
  ])("%s: %s, %s", async (_, error, status, connects) => {
    const redis = new SentinelRedis();
    hearErrorEvents(redis);
    await end(redis, error, status);
    expect(redis.connectCount).toBe(connects);
  });

  test("may fail to connect, or have no way to", async () => {
    for (const connect of [() => Promise.reject(new Error("refused")), undefined]) {
      const redis = new SentinelRedis();
      Object.defineProperty(redis, "connect", { value: connect });
      hearErrorEvents(redis);
      const unheard = await unheardFailures(() => end(redis, new Error("Connection is closed."), "end"));
      expect(unheard).toEqual([]);
    }
  });
});

describe("the error events of a client of one server", () => {
  test("are heard where nobody else does, once", () => {
    const redis = new ScriptedRedis();
    for (const _ of ["first", "second"]) hearErrorEvents(redis);
    expect(redis.listenerCount("error")).toBe(1);
    expect(() => redis.emit("error", new Error("refused"))).not.toThrow();
  });

  test("are left to whoever hears them", () => {
    const redis = new ScriptedRedis();
    const hear = (): void => undefined;
    redis.on("error", hear);
    hearErrorEvents(redis);
    expect(redis.listeners("error")).toEqual([hear]);
  });

  test("are left alone where the client does not say who hears them", () => {
    const redis = new ScriptedRedis();
    Object.defineProperty(redis, "listeners", { value: undefined });
    hearErrorEvents(redis);
    expect(redis.listenerCount("error")).toBe(0);
  });
});
