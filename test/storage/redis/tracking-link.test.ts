import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TrackingLink } from "../../../src/storage/redis/tracking-link.ts";
import { errorReply, promisesSettled, ScriptedConnection } from "../../support/scripted-connection.ts";

const heartbeat = 1_000;
let data: ScriptedConnection;
let told: unknown[];
let link: TrackingLink;
let prefixes: string[];

function open(status = "ready"): void {
  data = new ScriptedConnection();
  data.status = status;
  told = [];
  prefixes = ["token:"];
  link = new TrackingLink(data, () => prefixes, heartbeat, {
    onInvalidate: (keys) => told.push(keys),
    onChange: () => told.push(link.isUp ? "up" : "down"),
    onRefused: ({ code }) => told.push(code),
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout"] });
  open();
});
afterEach(() => {
  vi.useRealTimers();
});

async function getUp(): Promise<void> {
  data.second.become("ready");
  await promisesSettled();
}
const arming = ["INFO server", "CLIENT TRACKING OFF", "CLIENT TRACKING ON REDIRECT 7 BCAST PREFIX token: NOLOOP"];
const message = (value: unknown): void => {
  data.second.emit("messageBuffer", "__redis__:invalidate", value);
};

describe("a link", () => {
  test("is up once both connections are there and the server tracks the one for the other", async () => {
    await promisesSettled();
    expect(data.commands).toEqual([]);
    await getUp();
    expect(data.second.commands).toEqual(["CLIENT ID", "INFO server", "SUBSCRIBE __redis__:invalidate"]);
    expect(data.commands).toEqual(arming);
    expect(told).toEqual(["up"]);
  });

  test("waits for the data connection, and starts one that was put off", async () => {
    open("wait");
    expect(data.connects).toBe(1);
    await getUp();
    expect(data.commands).toEqual([]);
    data.become("ready");
    await promisesSettled();
    expect(told).toEqual(["up"]);
  });

  test("waits for a connection that was put off and that it cannot start", async () => {
    const bare = new ScriptedConnection();
    Object.defineProperty(bare, "connect", { value: undefined });
    const waiting = new TrackingLink(bare, () => prefixes, heartbeat, {
      onInvalidate: () => {},
      onChange: () => {},
      onRefused: () => {},
    });
    bare.become("ready");
    bare.second.become("ready");
    await promisesSettled();
    expect(waiting.isUp).toBe(true);
  });

  test("starts no connection that is there", () => {
    expect(data.connects).toBe(0);
  });

  test.each(["close", "end"])("is down at the %s of the data connection, until it is tracked again", async (event) => {
    await getUp();
    data.become(event);
    expect(told).toEqual(["up", "down"]);
    data.become("ready");
    await promisesSettled();
    expect(told).toEqual(["up", "down", "up"]);
  });

  test("is down when the listening connection is lost", async () => {
    await getUp();
    data.second.become("close");
    expect(told).toEqual(["up", "down"]);
  });

  test("asks for all prefixes anew when it is armed again", async () => {
    await getUp();
    data.commands.length = 0;
    prefixes.push("grant:");
    await link.arm();
    expect(data.commands.at(-1)).toBe("CLIENT TRACKING ON REDIRECT 7 BCAST PREFIX token: PREFIX grant: NOLOOP");
    expect(told).toEqual(["up", "down", "up"]);
  });

  test("connects anew where the two connections lead to two servers", async () => {
    data.serverId = "server2";
    await getUp();
    expect(data.second.disconnects).toEqual([true]);
    expect(data.commands).toEqual(["INFO server"]);
    expect(link.isUp).toBe(false);
  });
});

describe("tracking that fails", () => {
  test.each([
    ["since it is refused is told", errorReply("NOPERM no permission"), ["ERR_STORAGE_UNAUTHORIZED"]],
    ["since it is cut off is not told", new Error("Connection is closed."), []],
  ])("%s, and is tried again at the next heartbeat", async (_, failure, expected) => {
    data.failures.set("CLIENT TRACKING ON", failure);
    await getUp();
    expect(told).toEqual(expected);
    data.failures.clear();
    await vi.advanceTimersByTimeAsync(heartbeat);
    await promisesSettled();
    expect(told).toEqual([...expected, "up"]);
  });

  test.each(["INFO server", "CLIENT TRACKING ON"])("since %s has no answer leaves the link down", async (command) => {
    data.hold(command);
    await getUp();
    await vi.advanceTimersByTimeAsync(heartbeat);
    expect(told).toEqual([]);
    expect(link.isUp).toBe(false);
  });

  test.each([
    ["answer", undefined],
    ["refusal", errorReply("NOPERM no permission")],
  ])("late, by an %s to an attempt that was overtaken, has no effect", async (_, failure) => {
    const held = data.hold("CLIENT TRACKING ON");
    await getUp();
    data.become("close");
    held.release(failure);
    await promisesSettled();
    expect(told).toEqual([]);
    expect(link.isUp).toBe(false);
  });
});

test("a listening connection whose subscription is refused is told of too", async () => {
  data.second.failures.set("SUBSCRIBE", errorReply("NOPERM no permission"));
  await getUp();
  expect(told).toEqual(["ERR_STORAGE_UNAUTHORIZED"]);
});

test("servers that do not say who they are are taken for one", async () => {
  data.serverId = "";
  data.second.serverId = "";
  await getUp();
  expect(told).toEqual(["up"]);
});

describe("a heartbeat", () => {
  test("does not keep the process running", () => {
    const timers = vi.spyOn(globalThis, "setInterval");
    open();
    expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([false, false]);
  });

  const beat = async (): Promise<void> => {
    data.commands.length = 0;
    await vi.advanceTimersByTimeAsync(heartbeat);
    await promisesSettled();
  };

  test("asks whether the connection is still tracked", async () => {
    await getUp();
    await beat();
    expect(data.commands).toEqual(["CLIENT GETREDIR"]);
    expect(told).toEqual(["up"]);
  });

  test.each([
    ["it is not", () => (data.redirection = -1)],
    ["there is no word of it", () => data.failures.set("CLIENT GETREDIR", new Error("Connection is closed."))],
  ])("tracks it again where %s", async (_, happen) => {
    await getUp();
    happen();
    await beat();
    expect(data.commands).toEqual(["CLIENT GETREDIR", ...arming]);
    expect(told).toEqual(["up", "down", "up"]);
  });

  test("tracks it again where the answer takes longer than a heartbeat", async () => {
    await getUp();
    data.hold("CLIENT GETREDIR");
    await beat();
    await vi.advanceTimersByTimeAsync(heartbeat);
    await promisesSettled();
    expect(told.slice(0, 3)).toEqual(["up", "down", "up"]);
  });

  test.each([
    ["the data connection is not ready", () => (data.status = "reconnecting")],
    ["the listening connection is lost", () => data.second.become("close")],
  ])("asks nothing while %s", async (_, happen) => {
    await getUp();
    happen();
    await promisesSettled();
    await beat();
    expect(data.commands).toEqual([]);
  });

  test("asks nothing while tracking is being asked for", async () => {
    data.hold("CLIENT TRACKING OFF");
    await getUp();
    data.commands.length = 0;
    await vi.advanceTimersByTimeAsync(heartbeat - 1);
    expect(data.commands).toEqual([]);
  });

  test("whose answer is about an attempt before has no effect", async () => {
    await getUp();
    const held = data.hold("CLIENT GETREDIR");
    data.redirection = -1;
    await beat();
    await link.arm();
    data.commands.length = 0;
    held.release();
    await promisesSettled();
    expect(data.commands).toEqual([]);
  });
});

describe("a message", () => {
  test("names keys, as texts, or is about all of them", async () => {
    await getUp();
    message([Buffer.from("token:a"), Buffer.from("token:é")]);
    message(null);
    expect(told).toEqual(["up", ["token:a", "token:é"], "all"]);
  });

  test("counts from when tracking is asked for, and not once the link is down", async () => {
    const held = data.hold("CLIENT TRACKING ON");
    await getUp();
    message([Buffer.from("token:early")]);
    held.release();
    await promisesSettled();
    data.become("close");
    message([Buffer.from("token:late")]);
    expect(told).toEqual([["token:early"], "up", "down"]);
  });
});

describe("a link that is closed", () => {
  test("ends the tracking and its own connection, and hears no more of the other", async () => {
    await getUp();
    data.commands.length = 0;
    await link.close();
    expect(link.isUp).toBe(false);
    expect(data.commands).toEqual(["CLIENT TRACKING OFF"]);
    expect(data.second.disconnects).toEqual([false]);
    expect(data.eventNames()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    expect(told).toEqual(["up"]);
  });

  test("sends nothing on a data connection that is lost", async () => {
    await getUp();
    data.commands.length = 0;
    data.status = "reconnecting";
    await link.close();
    expect(data.commands).toEqual([]);
  });

  test.each([
    ["is refused", () => data.failures.set("CLIENT TRACKING OFF", errorReply("NOPERM no permission"))],
    ["is not answered", () => data.hold("CLIENT TRACKING OFF")],
  ])("is closed though the end of the tracking %s", async (_, happen) => {
    await getUp();
    happen();
    const closed = link.close();
    await vi.advanceTimersByTimeAsync(heartbeat);
    await closed;
  });

  test("does not come up by an answer that was on its way", async () => {
    const held = data.hold("CLIENT TRACKING ON");
    await getUp();
    const closed = link.close();
    held.release();
    await closed;
    await promisesSettled();
    expect(link.isUp).toBe(false);
    expect(told).toEqual([]);
  });
});
