import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RedisPubSubInvalidation } from "../../../src/redis.ts";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import {
  comeUp,
  errorReply,
  readyCluster,
  readyConnection,
  type ScriptedConnection,
} from "../../support/scripted-connection.ts";
import { unheardFailures } from "../../support/unheard-failures.ts";

const heartbeat = 1_000;
const name = sha256Name("a");
const otherInstance = "00000000-0000-4000-8000-000000000000";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
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
    expect(redis.eventNames()).toEqual(["error"]);
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

  test("tells everyone that everything may have changed", async () => {
    channel.subscribe(hears);
    await comeUp(redis);
    arrive(`${otherInstance} *`);
    expect(hears.heard).toEqual(["all"]);
  });

  test("is on the channel of the package where it has no name", async () => {
    const unnamed = readyConnection();
    const { publish } = new RedisPubSubInvalidation(unnamed, { heartbeat }).subscribe(hears);
    await comeUp(unnamed);
    expect(unnamed.second.commands).toEqual(["SUBSCRIBE pangea-invalidate:pangea"]);
    await publish(name);
    expect(unnamed.commands.map((command) => command.split(" ")[1])).toEqual(["pangea-invalidate:pangea"]);
  });

  test("keeps what it could not publish, as many as it may, and tries again at each heartbeat", async () => {
    const limited = new RedisPubSubInvalidation(redis, { prefix: "token", heartbeat, maxUnsent: 1 });
    const { publish } = limited.subscribe(hears);
    await comeUp(redis);
    redis.failures.set("PUBLISH", new Error("Connection is closed."));
    for (const each of [name, sha256Name("b")]) {
      await expect(publish(each)).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    }
    redis.failures.clear();
    redis.commands.length = 0;
    await vi.advanceTimersByTimeAsync(heartbeat);
    // One message stands for both.
    expect(redis.commands.map((command) => command.split(" ").at(-1))).toEqual(["*"]);
    await limited[Symbol.asyncDispose]();
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
    { prefix: "token", maxUnsent: 0 },
    { prefix: "token", maxUnsent: 1.5 },
    { prefix: "token", maxUnsent: 1_000_001 },
  ])("is refused with %j", (options) => {
    expect(() => new RedisPubSubInvalidation(redis, options)).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });

  test.each([1, 1_000_000])("may keep %i messages", (maxUnsent) => {
    expect(() => new RedisPubSubInvalidation(redis, { prefix: "token", maxUnsent })).not.toThrow();
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
    const unheard = await unheardFailures(async () => {
      for (const onRefused of [({ code }: { code: string }) => void refusals.push(code), undefined]) {
        const refusing = readyConnection();
        const options = { prefix: "token", heartbeat, ...(onRefused && { onRefused }) };
        new RedisPubSubInvalidation(refusing, options).subscribe(hears);
        refusing.second.failures.set("SUBSCRIBE", errorReply("NOPERM no permission"));
        await comeUp(refusing);
      }
    });
    expect(unheard).toEqual([]);
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
    expect(cluster.eventNames()).toEqual(["error"]);
  });
});
