import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RedisRepository, RedisTrackingInvalidation } from "../../../src/redis.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import {
  comeUp,
  errorReply,
  promisesSettled,
  readyCluster,
  readyConnection,
  type ScriptedClusterConnection,
  type ScriptedConnection,
} from "../../support/scripted-connection.ts";
import { ScriptedRedis } from "../../support/scripted-redis.ts";
import { textCodec } from "../../support/text-codec.ts";
import { unheardFailures } from "../../support/unheard-failures.ts";

const heartbeat = 1_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("tracking", () => {
  let redis: ScriptedConnection;
  let tracking: RedisTrackingInvalidation;
  let hears: RecordingSubscriber;
  beforeEach(() => {
    redis = readyConnection();
    tracking = new RedisTrackingInvalidation(redis, { heartbeat });
    hears = new RecordingSubscriber();
  });

  const report = (...keys: string[]): void => {
    redis.second.emit("messageBuffer", "", keys.map(Buffer.from));
  };

  test("tells each prefix of its own keys, under the records' names, and everyone of a flush", async () => {
    const grants = new RecordingSubscriber();
    tracking.forPrefix("token").subscribe(hears);
    tracking.forPrefix("grant").subscribe(grants);
    await comeUp(redis);
    report("token:a", "token:b", "tokens:c");
    redis.second.emit("messageBuffer", "", null);
    expect(hears.heard).toEqual(["a", "b", "all"]);
    expect(grants.heard).toEqual(["all"]);
  });

  test("says nothing to a prefix whose keys have not changed", async () => {
    const onInvalidate = vi.fn();
    tracking.forPrefix("grant").subscribe({ onInvalidate, onConnectionChange: () => {} });
    await comeUp(redis);
    report("token:a");
    expect(onInvalidate).not.toHaveBeenCalled();
  });

  test("says at once that it is up to whoever joins a prefix later, and asks the server for nothing more", async () => {
    tracking.forPrefix("token").subscribe(hears);
    await comeUp(redis);
    redis.commands.length = 0;
    const later = new RecordingSubscriber();
    tracking.forPrefix("token").subscribe(later);
    expect(later.connections).toEqual(["up"]);
    expect(redis.commands).toEqual([]);
    expect(redis.duplicates).toHaveLength(1);
  });

  test("asks the server for nothing more where a third joins one of two prefixes", async () => {
    tracking.forPrefix("token").subscribe(hears);
    tracking.forPrefix("grant").subscribe(new RecordingSubscriber());
    await comeUp(redis);
    redis.commands.length = 0;
    tracking.forPrefix("grant").subscribe(new RecordingSubscriber());
    expect(redis.commands).toEqual([]);
  });

  test("names records by their keys, and tells nothing to a part that has ended", async () => {
    const channel = tracking.forPrefix("token");
    expect(channel.names).toBe("key");
    const part = channel.subscribe(hears);
    await comeUp(redis);
    await part[Symbol.asyncDispose]();
    report("token:a");
    expect(hears.heard).toEqual([]);
  });

  test("does not say that it is up while it is not", () => {
    tracking.forPrefix("token").subscribe(hears);
    tracking.forPrefix("token").subscribe(hears);
    expect(hears.connections).toEqual([]);
  });

  test("is down and up again when another prefix joins", async () => {
    tracking.forPrefix("token").subscribe(hears);
    await comeUp(redis);
    tracking.forPrefix("grant").subscribe(new RecordingSubscriber());
    await promisesSettled();
    expect(hears.connections).toEqual(["up", "down", "up"]);
    expect(redis.commands.at(-1)).toContain("PREFIX token: PREFIX grant:");
  });

  test("tells the others on the client, of the same prefix alone, what one has changed", async () => {
    const [other, grants] = [new RecordingSubscriber(), new RecordingSubscriber()];
    const { publish } = tracking.forPrefix("token").subscribe(hears);
    tracking.forPrefix("token").subscribe(other);
    tracking.forPrefix("grant").subscribe(grants);
    await publish("a");
    expect([hears.heard, other.heard, grants.heard]).toEqual([[], ["a"], []]);
  });

  test("tells whoever asked what Redis refuses, and needs nobody who asks", async () => {
    const refusals: string[] = [];
    const unheard = await unheardFailures(async () => {
      for (const options of [{ heartbeat, onRefused: ({ code }: { code: string }) => refusals.push(code) }, {}]) {
        const refusing = readyConnection();
        refusing.failures.set("CLIENT TRACKING ON", errorReply("NOPERM no permission"));
        new RedisTrackingInvalidation(refusing, options).forPrefix("token").subscribe(hears);
        await comeUp(refusing);
      }
    });
    expect(unheard).toEqual([]);
    expect(refusals).toEqual(["ERR_STORAGE_UNAUTHORIZED"]);
    expect(hears.connections).toEqual([]);
  });

  test("closed, is down for everyone and tells nothing more", async () => {
    const { publish } = tracking.forPrefix("token").subscribe(new RecordingSubscriber());
    tracking.forPrefix("token").subscribe(hears);
    await comeUp(redis);
    const { second } = redis;
    await tracking[Symbol.asyncDispose]();
    await publish("a");
    expect(hears.connections).toEqual(["up", "down"]);
    expect(second.disconnects).toEqual([false]);
    second.emit("messageBuffer", "", [Buffer.from("token:a")]);
    expect(hears.heard).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that nobody has used can be closed", async () => {
    await tracking[Symbol.asyncDispose]();
    expect(redis.duplicates).toEqual([]);
  });

  test("beats every five seconds where nothing else is asked for", async () => {
    new RedisTrackingInvalidation(redis).forPrefix("token").subscribe(hears);
    await comeUp(redis);
    redis.commands.length = 0;
    await vi.advanceTimersByTimeAsync(4_999);
    expect(redis.commands).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(redis.commands).toEqual(["CLIENT GETREDIR"]);
  });
});

describe("tracking on a Cluster", () => {
  async function track(cluster: ScriptedClusterConnection) {
    const hears = new RecordingSubscriber();
    const tracking = new RedisTrackingInvalidation(cluster, { heartbeat });
    tracking.forPrefix("token").subscribe(hears);
    await comeUp(...cluster.masters);
    return { hears, tracking };
  }

  test("is up once every master is tracked", async () => {
    const cluster = readyCluster(2);
    const [first] = cluster.masters;
    const hears = new RecordingSubscriber();
    new RedisTrackingInvalidation(cluster, { heartbeat }).forPrefix("token").subscribe(hears);
    if (first) await comeUp(first);
    expect(hears.connections).toEqual([]);
    await comeUp(...cluster.masters.slice(1));
    expect(hears.connections).toEqual(["up"]);
  });

  test("is down while there is no master, and while the client is not ready", async () => {
    const { hears } = await track(readyCluster(0));
    expect(hears.connections).toEqual([]);
    for (const event of ["close", "end"]) {
      const cluster = readyCluster(1);
      const other = await track(cluster);
      cluster.become(event);
      expect(other.hears.connections).toEqual(["up", "down"]);
      cluster.become("ready");
      expect(other.hears.connections).toEqual(["up", "down", "up"]);
    }
  });

  test.each(["ready", "refresh", "+node", "-node"])("follows the masters at %s", async (event) => {
    const cluster = readyCluster(2);
    const { hears } = await track(cluster);
    const [left, stays] = cluster.masters;
    const joins = readyConnection();
    if (stays) cluster.masters = [stays, joins];
    cluster.emit(event);
    await promisesSettled();
    expect(hears.connections).toEqual(["up", "down"]);
    expect(left?.second.disconnects).toEqual([false]);
    expect(stays?.duplicates).toHaveLength(1);
    await comeUp(joins);
    expect(hears.connections).toEqual(["up", "down", "up"]);
  });

  test("closed, follows no more", async () => {
    const cluster = readyCluster(1);
    const { tracking } = await track(cluster);
    await tracking[Symbol.asyncDispose]();
    expect(cluster.eventNames()).toEqual(["error"]);
  });
});

describe("the channel of a repository", () => {
  const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
  /** A client that keeps records and can be tracked. */
  const client = () => Object.assign(new ScriptedRedis(), { call: async () => "OK", duplicate: readyConnection });
  const own = client();
  const tracking = new RedisTrackingInvalidation(own, { heartbeat });
  const repository = new RedisRepository(textCodec, own, { prefix: "token" });
  const elsewhere = new RedisRepository(textCodec, client(), { prefix: "token" });

  test("is that of its prefix, on its own client", () => {
    expect(() => tracking.forRepository(repository).requireRepository?.(repository)).not.toThrow();
    const other = new RedisRepository(textCodec, own, { prefix: "grant" });
    expect(() => tracking.forRepository(repository).requireRepository?.(other)).toThrow(refusal);
  });

  test.each<[string, object]>([
    ["another client", elsewhere],
    ["another store", new Map()],
  ])("is refused for a repository on %s", (_, refused) => {
    expect(() => tracking.forRepository(refused)).toThrow(refusal);
  });

  test("by its prefix is taken by whatever has a repository behind it, and by no other repository", () => {
    const { requireRepository } = tracking.forPrefix("token");
    expect(() => requireRepository?.(new Map())).not.toThrow();
    expect(() => requireRepository?.(repository)).not.toThrow();
    expect(() => requireRepository?.(elsewhere)).toThrow(refusal);
    expect(() => tracking.forPrefix("Token")).toThrow(refusal);
  });
});

test.each<[string, object]>([
  ["a heartbeat that no timer takes", { heartbeat: 0 }],
  ["a heartbeat that is too long for a timer", { heartbeat: 2 ** 31 }],
  ["an onRefused that is no function", { onRefused: "log" }],
  ["an option that there is not", { hartbeat: 5 }],
])("tracking is refused with %s", (_, options) => {
  expect(() => new RedisTrackingInvalidation(readyConnection(), options)).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});
