import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SubscriberConnection } from "../../../src/storage/redis/subscriber-connection.ts";
import { errorReply, promisesSettled, ScriptedConnection } from "../../support/scripted-connection.ts";

const heartbeat = 1_000;
let source: ScriptedConnection;
let told: unknown[];
let subscription: SubscriberConnection;
let connection: ScriptedConnection;

function open(prepare?: () => Promise<void>): void {
  source = new ScriptedConnection();
  told = [];
  subscription = new SubscriberConnection(source, "channel", heartbeat, {
    ...(prepare && { prepare }),
    onMessage: (message) => told.push(message),
    onChange: (up) => told.push(up ? "up" : "down"),
    onRefused: ({ code }) => told.push(code),
  });
  connection = source.second;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
  open();
});
afterEach(() => {
  vi.useRealTimers();
});

async function getUp(): Promise<void> {
  connection.become("ready");
  await promisesSettled();
}

test("a connection of its own is opened, which sends nothing twice and is closed after a heartbeat of silence", () => {
  expect(source.duplicates.map(({ settings }) => settings)).toMatchObject([
    {
      protocol: 2,
      readOnly: false,
      lazyConnect: true,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: true,
      maxRetriesPerRequest: 0,
      socketTimeout: heartbeat,
      retryStrategy: expect.any(Function),
    },
  ]);
  expect(connection.connects).toBe(1);
  expect(() => connection.emit("error", new Error("refused"))).not.toThrow();
});

test("it is up while it is subscribed, and messages arrive then only", async () => {
  connection.emit("messageBuffer", "channel", "too early");
  await getUp();
  expect(subscription.isUp).toBe(true);
  connection.emit("messageBuffer", "channel", "message");
  connection.become("close");
  connection.become("end");
  expect(subscription.isUp).toBe(false);
  connection.emit("messageBuffer", "channel", "too late");
  expect(connection.commands).toEqual(["SUBSCRIBE channel"]);
  expect(told).toEqual(["up", "message", "down"]);
});

test("it is down once its client has ended", async () => {
  await getUp();
  connection.become("end");
  expect(told).toEqual(["up", "down"]);
});

test("it subscribes again on each new connection, after what has to come before that", async () => {
  open(async () => {
    told.push("prepared");
  });
  for (const _ of ["first", "second"]) {
    await getUp();
    connection.become("close");
  }
  expect(told).toEqual(["prepared", "up", "down", "prepared", "up", "down"]);
  expect(connection.commands).toEqual(["SUBSCRIBE channel", "SUBSCRIBE channel"]);
});

describe("a subscription that fails", () => {
  test.each([
    ["since Redis refuses it is told", errorReply("NOPERM no permission"), ["ERR_STORAGE_UNAUTHORIZED"]],
    ["since it is cut off is not told", new Error("Connection is closed."), []],
  ])("%s, and is tried again on another connection at the next heartbeat", async (_, failure, expected) => {
    connection.failures.set("SUBSCRIBE", failure);
    await getUp();
    expect(told).toEqual(expected);
    expect(connection.disconnects).toEqual([]);
    await vi.advanceTimersByTimeAsync(heartbeat);
    expect(connection.disconnects).toEqual([true]);
    expect(connection.commands).toEqual(["SUBSCRIBE channel"]);
    connection.failures.clear();
    await getUp();
    expect(told).toEqual([...expected, "up"]);
    await vi.advanceTimersByTimeAsync(heartbeat);
    expect(connection.disconnects).toEqual([true]);
  });

  test.each([
    ["an answer", undefined],
    ["a refusal", errorReply("NOPERM no permission")],
  ])("late, by %s to a connection that is lost, has no effect", async (_, failure) => {
    const held = connection.hold("SUBSCRIBE");
    await getUp();
    connection.become("close");
    held.release(failure);
    await promisesSettled();
    expect(told).toEqual([]);
    expect(subscription.isUp).toBe(false);
    await vi.advanceTimersByTimeAsync(heartbeat);
    expect(connection.disconnects).toEqual([]);
  });
});

test("what a connection before the present one answers late does not speak for it", async () => {
  const held = connection.hold("SUBSCRIBE");
  await getUp();
  connection.become("close");
  await getUp();
  expect(connection.commands).toHaveLength(2);
  held.release();
  await promisesSettled();
  expect(told).toEqual([]);
  expect(subscription.isUp).toBe(false);
});

describe("a heartbeat", () => {
  test("does not keep the process running", () => {
    const timers = vi.spyOn(globalThis, "setInterval");
    open();
    expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([false]);
  });

  test("leaves alone a connection that is being made", async () => {
    await vi.advanceTimersByTimeAsync(heartbeat);
    expect(connection.disconnects).toEqual([]);
    expect(connection.commands).toEqual([]);
  });

  test("is a PING where the connection is ready, and none else", async () => {
    await getUp();
    connection.failures.set("PING", new Error("Connection is closed."));
    await vi.advanceTimersByTimeAsync(heartbeat);
    connection.status = "reconnecting";
    await vi.advanceTimersByTimeAsync(heartbeat);
    expect(connection.commands).toEqual(["SUBSCRIBE channel", "PING"]);
    expect(connection.disconnects).toEqual([]);
  });
});

test("a client that cannot be told to connect or to leave is left to do so by itself", async () => {
  class BareConnection extends ScriptedConnection {
    override duplicate(settings: object): ScriptedConnection {
      const bare = super.duplicate(settings);
      for (const name of ["connect", "disconnect"]) Object.defineProperty(bare, name, { value: undefined });
      return bare;
    }
  }
  const bare = new BareConnection();
  const opened = new SubscriberConnection(bare, "channel", heartbeat, {
    onMessage: () => {},
    onChange: () => {},
    onRefused: () => {},
  });
  bare.second.become("ready");
  await promisesSettled();
  expect(opened.isUp).toBe(true);
  opened.renew();
  opened.close();
  expect(opened.isUp).toBe(false);
});

test("renewed, it is down and leaves its connection for another", async () => {
  await getUp();
  subscription.renew();
  expect(told).toEqual(["up", "down"]);
  expect(connection.disconnects).toEqual([true]);
});

test("closed, it is down, leaves its connection for good and has no more heartbeats", async () => {
  await getUp();
  subscription.close();
  expect(told).toEqual(["up", "down"]);
  expect(connection.disconnects).toEqual([false]);
  expect(vi.getTimerCount()).toBe(0);
});
