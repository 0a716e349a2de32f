import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RedisPubSubInvalidation, RedisTrackingInvalidation } from "../../../src/redis.ts";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import {
  errorReply,
  promisesSettled,
  ScriptedClusterConnection,
  ScriptedConnection,
} from "../../support/scripted-connection.ts";

const heartbeat = 1_000;
const name = sha256Name("a");
const otherInstance = "00000000-0000-4000-8000-000000000000";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function readyConnection(): ScriptedConnection {
  const connection = new ScriptedConnection();
  connection.status = "ready";
  return connection;
}

function readyCluster(masters: number): ScriptedClusterConnection {
  const cluster = new ScriptedClusterConnection();
  cluster.status = "ready";
  cluster.masters = Array.from({ length: masters }, readyConnection);
  return cluster;
}

/** Lets the listening connection beside each of these come up. */
async function comeUp(...connections: readonly ScriptedConnection[]): Promise<void> {
  for (const connection of connections) connection.second.become("ready");
  await promisesSettled();
}

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
    for (const options of [{ heartbeat, onRefused: ({ code }: { code: string }) => refusals.push(code) }, {}]) {
      const refusing = readyConnection();
      refusing.failures.set("CLIENT TRACKING ON", errorReply("NOPERM no permission"));
      new RedisTrackingInvalidation(refusing, options).forPrefix("token").subscribe(hears);
      await comeUp(refusing);
    }
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
    expect(cluster.eventNames()).toEqual([]);
  });
});

describe("pub/sub", () => {
  let redis: ScriptedConnection;
  let channel: RedisPubSubInvalidation;
  let hears: RecordingSubscriber;
  beforeEach(() => {
    redis = readyConnection();
    channel = new RedisPubSubInvalidation(redis, { prefix: "token", heartbeat });
    hears = new RecordingSubscriber();
  });
  const arrive = (message: string): void => {
    redis.second.emit("messageBuffer", "", Buffer.from(message));
  };

  test("says when it is up and down, and to whoever joins later that it is up", async () => {
    const later = new RecordingSubscriber();
    channel.subscribe(hears);
    channel.subscribe(new RecordingSubscriber());
    await comeUp(redis);
    channel.subscribe(later);
    expect(later.connections).toEqual(["up"]);
    redis.second.become("close");
    expect(hears.connections).toEqual(["up", "down"]);
    expect(later.connections).toEqual(["up", "down"]);
    const last = new RecordingSubscriber();
    channel.subscribe(last);
    expect(last.connections).toEqual([]);
    expect(redis.duplicates).toHaveLength(1);
    expect(redis.second.commands).toEqual(["SUBSCRIBE pangea-invalidate:token"]);
    // A client of one server has nothing to tell of others.
    expect(redis.eventNames()).toEqual([]);
  });

  test("tells everyone what another instance says, and nobody what is of another form", async () => {
    channel.subscribe(hears);
    await comeUp(redis);
    for (const wrong of [
      name,
      `${otherInstance} ${name}x`,
      `${otherInstance} ${name.slice(1)}`,
      `${otherInstance}  ${name}`,
      `x${otherInstance} ${name}`,
      `${otherInstance.slice(1)} ${name}`,
      `${otherInstance} ${name.slice(1)}!`,
      `${otherInstance.slice(1)}x ${name}`,
    ]) {
      arrive(wrong);
    }
    expect(hears.heard).toEqual([]);
    arrive(`${otherInstance} ${name}`);
    expect(hears.heard).toEqual([name]);
  });

  test("tells the others of the instance at once, and every instance by a message that is not heard again", async () => {
    const [other, there] = [new RecordingSubscriber(), new RecordingSubscriber()];
    const elsewhere = readyConnection();
    new RedisPubSubInvalidation(elsewhere, { prefix: "token", heartbeat }).subscribe(there);
    const { publish } = channel.subscribe(hears);
    channel.subscribe(other);
    await comeUp(redis, elsewhere);
    await publish(name);
    expect([hears.heard, other.heard]).toEqual([[], [name]]);
    const [published = ""] = redis.commands;
    expect(published.startsWith("PUBLISH pangea-invalidate:token ")).toBe(true);
    const message = published.split(" ").slice(2).join(" ");
    arrive(message);
    elsewhere.second.emit("messageBuffer", "", Buffer.from(message));
    expect([hears.heard, other.heard, there.heard]).toEqual([[], [name], [name]]);
    expect(channel.names).toBe("sha256");
  });

  test("tells nothing to a part that has ended", async () => {
    const part = channel.subscribe(hears);
    await comeUp(redis);
    await part[Symbol.asyncDispose]();
    arrive(`${otherInstance} ${name}`);
    expect(hears.heard).toEqual([]);
  });

  test("gives up a message after two seconds where nothing else is asked for", async () => {
    const { publish } = channel.subscribe(hears);
    redis.hold("PUBLISH");
    const outcome = publish(name).catch((failure: unknown) => failure);
    const settled = vi.fn();
    void outcome.then(settled);
    await vi.advanceTimersByTimeAsync(1_800);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(210);
    expect(await outcome).toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
  });

  test.each([
    { prefix: "A" },
    { prefix: "token", timeout: 0 },
    { prefix: "token", heartbeat: 0 },
    { prefix: "token", heartbeat: 2 ** 31 },
  ])("is refused with %j", (options) => {
    expect(() => new RedisPubSubInvalidation(redis, options)).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });

  test("beats every five seconds where nothing else is asked for", async () => {
    new RedisPubSubInvalidation(redis, { prefix: "token" }).subscribe(hears);
    await comeUp(redis);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(redis.second.commands).not.toContain("PING");
    await vi.advanceTimersByTimeAsync(1);
    expect(redis.second.commands).toContain("PING");
  });

  test("tells whoever asked what Redis refuses, and needs nobody who asks", async () => {
    const refusals: string[] = [];
    for (const onRefused of [({ code }: { code: string }) => void refusals.push(code), undefined]) {
      const refusing = readyConnection();
      const options = { prefix: "token", heartbeat, ...(onRefused && { onRefused }) };
      new RedisPubSubInvalidation(refusing, options).subscribe(hears);
      refusing.second.failures.set("SUBSCRIBE", errorReply("NOPERM no permission"));
      await comeUp(refusing);
    }
    expect(refusals).toEqual(["ERR_STORAGE_UNAUTHORIZED"]);
  });

  test("closed, is down, leaves its connection and publishes nothing", async () => {
    const { publish } = channel.subscribe(new RecordingSubscriber());
    channel.subscribe(hears);
    await comeUp(redis);
    await channel[Symbol.asyncDispose]();
    expect(hears.connections).toEqual(["up", "down"]);
    expect(redis.second.disconnects).toEqual([false]);
    await expect(publish(name)).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
    expect(hears.heard).toEqual([]);
    expect(redis.commands).toEqual([]);
  });

  test("that nobody has used can be closed", async () => {
    await channel[Symbol.asyncDispose]();
    expect(redis.duplicates).toEqual([]);
  });
});

describe("pub/sub on a Cluster", () => {
  test("is down while there is no master, for whoever joins", () => {
    const hears = new RecordingSubscriber();
    const channel = new RedisPubSubInvalidation(readyCluster(0), { prefix: "token", heartbeat });
    for (const _ of ["first", "second"]) channel.subscribe(hears);
    expect(hears.connections).toEqual([]);
  });

  const events = ["ready", "refresh", "+node", "-node"];

  test.each(events)("listens at one node, and at another once that has left, at %s", async (event) => {
    const cluster = readyCluster(2);
    const hears = new RecordingSubscriber();
    const channel = new RedisPubSubInvalidation(cluster, { prefix: "token", heartbeat });
    channel.subscribe(hears);
    const [first, second] = cluster.masters;
    if (first === undefined || second === undefined) throw new Error("There are two masters.");
    await comeUp(first);
    for (const each of events) cluster.emit(each);
    expect([first.duplicates.length, second.duplicates.length]).toEqual([1, 0]);
    cluster.masters = [second];
    cluster.emit(event);
    expect(first.second.disconnects).toEqual([false]);
    await comeUp(second);
    expect(hears.connections).toEqual(["up", "down", "up"]);
    cluster.masters = [];
    cluster.emit("refresh");
    expect(hears.connections.at(-1)).toBe("down");
    cluster.masters = [first];
    cluster.emit("ready");
    expect(first.duplicates).toHaveLength(2);
    await channel[Symbol.asyncDispose]();
    expect(cluster.eventNames()).toEqual([]);
  });
});
