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

  test("is not given up a twentieth of its time before its deadline", async () => {
    const redis = new ScriptedRedis();
    const settled = vi.fn();
    take(new CommandSender(redis, timeout), redis).then(settled, settled);
    await vi.advanceTimersByTimeAsync((timeout * 19) / 20 + 10);
    expect(settled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(timeout / 20);
    expect(settled).toHaveBeenCalledTimes(1);
  });

  test("is looked at by one timer, twenty times, with all others", async () => {
    const redis = new ScriptedRedis();
    const sender = new CommandSender(redis, timeout);
    const timers = vi.spyOn(globalThis, "setTimeout");
    const calls = Promise.allSettled([take(sender, redis), take(sender, redis), take(sender, redis)]);
    for (const tick of [1, 2, 3]) {
      expect(timers.mock.calls.map(([, delay]) => delay)).toEqual(Array.from({ length: tick }, () => timeout / 20));
      await vi.advanceTimersByTimeAsync(timeout / 20);
    }
    // None of them keeps the process running.
    expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([false, false, false, false]);
    timers.mockRestore();
    for (const command of redis.commands) command.answer(null);
    await calls;
  });

  test("is failed where the client throws at once", async () => {
    const redis = new ScriptedRedis();
    const sender = new CommandSender(redis, timeout);
    const send = (): never => {
      throw errorReply("READONLY You can't write against a replica.");
    };
    const outcome = sender.send({ operation: "take", redisKeys: ["k"], send });
    await expect(outcome).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    expect(redis.disconnects).toEqual([true]);
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
    // Whoever waits no longer listens no longer.
    expect(redis.eventNames()).toEqual([]);
    redis.commands[0]?.answer(null);
    expect(await answer).toBeNull();
  });

  test.each(["connecting", "connect", "reconnecting", "close"])(
    "waits for the attempt in status %s",
    async (status) => {
      const redis = new ScriptedRedis();
      redis.status = status;
      const answer = take(new CommandSender(redis, timeout), redis);
      expect(redis.connectCount).toBe(0);
      redis.become("ready");
      redis.commands[0]?.answer(null);
      expect(await answer).toBeNull();
    },
  );

  test("waits for a connection that was put off and that it cannot start", async () => {
    const redis = new ScriptedRedis();
    redis.status = "wait";
    Object.defineProperty(redis, "connect", { value: undefined });
    const answer = take(new CommandSender(redis, timeout), redis);
    redis.become("ready");
    redis.commands[0]?.answer(null);
    expect(await answer).toBeNull();
  });

  test("waits on where the client is no longer ready when it says so", async () => {
    const redis = new ScriptedRedis();
    redis.status = "connecting";
    const answer = take(new CommandSender(redis, timeout), redis);
    redis.status = "reconnecting";
    redis.emit("ready");
    expect(redis.written).toEqual([]);
    redis.become("ready");
    redis.commands[0]?.answer(null);
    expect(await answer).toBeNull();
  });

  test("waits on where another has given up", async () => {
    const redis = new ScriptedRedis();
    redis.status = "connecting";
    const sender = new CommandSender(redis, timeout);
    const first = take(sender, redis).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(timeout / 2);
    const second = take(sender, redis);
    await vi.advanceTimersByTimeAsync(timeout / 2 + 2);
    expect(await first).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    redis.become("ready");
    expect(redis.written).toEqual(["GETDEL k"]);
    redis.commands[0]?.answer("text");
    expect(await second).toBe("text");
  });

  test("waits for a further attempt once the client was ready again", async () => {
    const redis = new ScriptedRedis();
    redis.status = "connecting";
    const sender = new CommandSender(redis, timeout);
    const first = take(sender, redis).catch((error: unknown) => error);
    redis.become("close");
    await first;
    redis.become("ready");
    redis.status = "connecting";
    const second = take(sender, redis);
    redis.become("ready");
    redis.commands[0]?.answer("text");
    expect(await second).toBe("text");
  });

  test.each([
    ["the client says why its attempt fails", "close", "ERR_STORAGE_UNAUTHORIZED"],
    // Whoever reads it has to make another client, whatever was wrong with this one.
    ["the client has ended", "end", "ERR_STORAGE_UNAVAILABLE"],
  ])("is refused with the reason where %s, and so is the next", async (_, event, code) => {
    const redis = new ScriptedRedis();
    redis.status = "connecting";
    const sender = new CommandSender(redis, timeout);
    const first = take(sender, redis).catch((error: unknown) => error);
    redis.emit("error", errorReply("WRONGPASS invalid username-password pair"));
    redis.become(event);
    const next = take(sender, redis).catch((error: unknown) => error);
    for (const failure of await Promise.all([first, next])) expect(failure).toMatchObject({ code, effect: "none" });
  });

  test("is not told the reason of an attempt before the last", async () => {
    const redis = new ScriptedRedis();
    redis.status = "connecting";
    const sender = new CommandSender(redis, timeout);
    const attempts: unknown[] = [];
    for (const reason of [errorReply("WRONGPASS invalid username-password pair"), undefined]) {
      redis.status = "connecting";
      const attempt = take(sender, redis).catch((error: unknown) => error);
      if (reason !== undefined) redis.emit("error", reason);
      redis.become("close");
      attempts.push(await attempt);
      redis.become("ready");
    }
    expect(attempts).toMatchObject([{ code: "ERR_STORAGE_UNAUTHORIZED" }, { code: "ERR_STORAGE_UNAVAILABLE" }]);
  });

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

test("READONLY is left to a client that cannot be told to connect again", async () => {
  const redis = new ScriptedRedis();
  Object.defineProperty(redis, "disconnect", { value: undefined });
  const answer = take(new CommandSender(redis, timeout), redis);
  redis.commands[0]?.fail(errorReply("READONLY You can't write against a replica."));
  await expect(answer).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
});

test("no other refusal makes the client connect again", async () => {
  const redis = new ScriptedRedis();
  const answer = take(new CommandSender(redis, timeout), redis);
  redis.commands[0]?.fail(errorReply("NOPERM no permission"));
  await expect(answer).rejects.toMatchObject({ code: "ERR_STORAGE_UNAUTHORIZED" });
  expect(redis.disconnects).toEqual([]);
});

describe("closing", () => {
  test("ends the timer at once, and is done once however often it is asked for", async () => {
    const redis = new ScriptedRedis();
    const sender = new CommandSender(redis, timeout);
    const answer = take(sender, redis);
    const closed = [sender.close(), sender.close()];
    expect(closed[0]).toBe(closed[1]);
    expect(vi.getTimerCount()).toBe(1);
    redis.commands[0]?.answer("text");
    await Promise.all(closed);
    expect(vi.getTimerCount()).toBe(0);
    expect(await answer).toBe("text");
  });

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
