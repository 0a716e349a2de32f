import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CommandSender } from "../../../src/storage/redis/command-sender.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedRedis } from "../../support/scripted-redis.ts";

const timeout = 1_000;
/** The clock of the machine counts in fractions of the timer's milliseconds. */
const pastDeadline = timeout + 2;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function take(sender: CommandSender, redis: ScriptedRedis, key = "k"): Promise<string | null> {
  return sender.send({ operation: "take", redisKeys: [key], send: () => redis.getdel(key) });
}

describe("a command that was sent", () => {
  test("settles with its answer", async () => {
    const redis = new ScriptedRedis();
    const answer = take(new CommandSender(redis, timeout), redis);
    redis.commands[0]?.answer("text");
    expect(await answer).toBe("text");
  });

  test("is given up at its deadline, its effect unknown, and is not sent again", async () => {
    const redis = new ScriptedRedis();
    const answer = take(new CommandSender(redis, timeout), redis).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(pastDeadline);
    expect(await answer).toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
    await vi.advanceTimersByTimeAsync(10 * timeout);
    expect(redis.written).toEqual(["GETDEL k"]);
  });

  test("is not given up before its deadline because another was", async () => {
    const redis = new ScriptedRedis();
    const sender = new CommandSender(redis, timeout);
    const settled: string[] = [];
    const note = (name: string) => () => settled.push(name);
    take(sender, redis).then(note("first"), note("first"));
    await vi.advanceTimersByTimeAsync(timeout - 10);
    take(sender, redis).then(note("second"), note("second"));
    await vi.advanceTimersByTimeAsync(20);
    expect(settled).toEqual(["first"]);
    await vi.advanceTimersByTimeAsync(pastDeadline);
    expect(settled).toEqual(["first", "second"]);
  });

  test("has its answer where it came while the event loop was busy past the deadline", async () => {
    const redis = new ScriptedRedis();
    const answer = take(new CommandSender(redis, timeout), redis);
    // The timer fires first; what has come in by then is read before anything is given up.
    vi.advanceTimersByTime(timeout - 1);
    setTimeout(() => setImmediate(() => redis.commands[0]?.answer("text")), 0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toBe("text");
  });

  test("ignores an answer that comes after its deadline", async () => {
    const redis = new ScriptedRedis();
    const answer = take(new CommandSender(redis, timeout), redis).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(pastDeadline);
    redis.commands[0]?.answer("late");
    expect(await answer).toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
  });

  test("has its whole time where it was started while the event loop was behind", async () => {
    const redis = new ScriptedRedis();
    const sender = new CommandSender(redis, timeout);
    const settled: string[] = [];
    const note = (name: string) => () => settled.push(name);
    take(sender, redis).then(note("first"), note("first"));
    const now = performance.now.bind(performance);
    const behind = vi.spyOn(performance, "now").mockImplementation(() => now() + 5 * timeout);
    take(sender, redis).then(note("second"), note("second"));
    await vi.advanceTimersByTimeAsync(timeout / 2);
    expect(settled).toEqual(["first"]);
    await vi.advanceTimersByTimeAsync(timeout);
    expect(settled).toEqual(["first", "second"]);
    behind.mockRestore();
  });

  test("leaves no timer behind", async () => {
    const redis = new ScriptedRedis();
    const answer = take(new CommandSender(redis, timeout), redis);
    redis.commands[0]?.answer("text");
    await answer;
    await vi.advanceTimersByTimeAsync(pastDeadline);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a command for a client that is not ready", () => {
  test("starts a connection that was put off, and is sent when it is ready", async () => {
    const redis = new ScriptedRedis();
    redis.status = "wait";
    const answer = take(new CommandSender(redis, timeout), redis);
    expect(redis.connectCount).toBe(1);
    expect(redis.written).toEqual([]);
    redis.become("ready");
    redis.commands[0]?.answer(null);
    expect(await answer).toBeNull();
  });

  test.each(["connecting", "connect", "reconnecting", "close"])(
    "waits for the attempt in status %s",
    async (status) => {
      const redis = new ScriptedRedis();
      redis.status = status;
      const answer = take(new CommandSender(redis, timeout), redis);
      redis.become("ready");
      redis.commands[0]?.answer(null);
      expect(await answer).toBeNull();
    },
  );

  test("is refused when the attempt fails, and the next at once, until the client is ready", async () => {
    const redis = new ScriptedRedis();
    redis.status = "connecting";
    const sender = new CommandSender(redis, timeout);
    const first = take(sender, redis).catch((error: unknown) => error);
    redis.become("close");
    expect(await first).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    redis.status = "connecting";
    await expect(take(sender, redis)).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    redis.become("ready");
    const last = take(sender, redis);
    redis.commands[0]?.answer("text");
    expect(await last).toBe("text");
  });

  test("is given up at its deadline and never sent", async () => {
    const redis = new ScriptedRedis();
    redis.status = "connect";
    const answer = take(new CommandSender(redis, timeout), redis).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(pastDeadline);
    expect(await answer).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    redis.become("ready");
    expect(redis.written).toEqual([]);
  });

  test("is refused at once where the client has ended", async () => {
    const redis = new ScriptedRedis();
    redis.status = "end";
    await expect(take(new CommandSender(redis, timeout), redis)).rejects.toMatchObject({ effect: "none" });
  });

  test("listens to the client only while it waits", async () => {
    const redis = new ScriptedRedis();
    redis.status = "connecting";
    const sender = new CommandSender(redis, timeout);
    const answers = Promise.allSettled(Array.from({ length: 50 }, () => take(sender, redis)));
    expect(redis.listenerCount("ready")).toBe(1);
    await vi.advanceTimersByTimeAsync(pastDeadline);
    await answers;
    expect(redis.eventNames()).toEqual([]);
  });
});

describe("READONLY", () => {
  test("makes the client connect again, once", async () => {
    const redis = new ScriptedRedis();
    const sender = new CommandSender(redis, timeout);
    const answers = Promise.allSettled([take(sender, redis), take(sender, redis)]);
    for (const command of redis.commands) command.fail(errorReply("READONLY You can't write against a replica."));
    for (const answer of await answers) {
      expect(answer).toMatchObject({ reason: { code: "ERR_STORAGE_UNAVAILABLE", effect: "none" } });
    }
    expect(redis.disconnects).toEqual([true]);
  });

  test("is left to a client that has a rule for it", async () => {
    const redis = new ScriptedRedis();
    redis.options = { reconnectOnError: () => false };
    const answer = take(new CommandSender(redis, timeout), redis).catch((error: unknown) => error);
    redis.commands[0]?.fail(errorReply("READONLY You can't write against a replica."));
    await answer;
    expect(redis.disconnects).toEqual([]);
  });
});

describe("closing", () => {
  test("ends what was not sent, waits for what was, and refuses what comes later", async () => {
    const redis = new ScriptedRedis();
    const sender = new CommandSender(redis, timeout);
    const sent = take(sender, redis);
    redis.status = "connecting";
    const unsent = take(sender, redis).catch((error: unknown) => error);

    let closed = false;
    const closing = sender.close().then(() => {
      closed = true;
    });
    expect(await unsent).toMatchObject({ code: "ERR_STORAGE_CLOSED", effect: "none" });
    await expect(take(sender, redis)).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
    expect(closed).toBe(false);
    redis.commands[0]?.answer("text");
    await closing;
    expect(await sent).toBe("text");
  });

  test("finish waits for what is under way, and for nothing that begins later", async () => {
    const redis = new ScriptedRedis();
    const sender = new CommandSender(redis, timeout);
    const before = [take(sender, redis), take(sender, redis).catch((error: unknown) => error)];
    const steps: string[] = [];
    const finished = sender.finish().then(() => steps.push("finished"));
    const after = take(sender, redis).then(() => steps.push("after"));
    redis.commands[1]?.fail(new Error("Connection is closed."));
    await before[1];
    expect(steps).toEqual([]);
    redis.commands[0]?.answer("text");
    await finished;
    redis.commands[2]?.answer("text");
    await after;
    expect(steps).toEqual(["finished", "after"]);
    await sender.finish();
  });
});
