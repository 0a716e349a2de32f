import { describe, expect, test } from "vitest";
import { RedisRepository } from "../../../src/redis.ts";
import { SharedClient } from "../../../src/storage/redis/shared-client.ts";
import { ScriptedRedis } from "../../support/scripted-redis.ts";
import { textCodec } from "../../support/text-codec.ts";

const refused = { code: "ERR_STORAGE_CLOSED", effect: "none" };

/** Two repositories that share a client. */
function pair(redis: ScriptedRedis): [one: RedisRepository<string>, other: RedisRepository<string>] {
  const client = new SharedClient(redis, 60_000);
  return [
    new RedisRepository(textCodec, client, { prefix: "one" }),
    new RedisRepository(textCodec, client, { prefix: "other" }),
  ];
}

const turnIsOver = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe("a repository that is closed while another uses the client", () => {
  test("refuses every call and sends nothing, and the other goes on", async () => {
    const redis = new ScriptedRedis();
    const [one, other] = pair(redis);
    await one[Symbol.asyncDispose]();
    // Closing it again is not closing the other.
    await one[Symbol.asyncDispose]();
    const calls = [one.get("k"), one.set("k", "v"), one.add("k", "v"), one.delete("k"), one.take("k")];
    const searches = [one.entries().next(), one.entriesBy("name", "ada").next()];
    for (const result of await Promise.allSettled([...calls, ...searches, one.diagnose()])) {
      expect(result).toMatchObject({ status: "rejected", reason: refused });
    }
    const text = other.get("k");
    await turnIsOver();
    expect(redis.written).toEqual(["GET other:k"]);
    redis.commands[0]?.answer("v");
    expect(await text).toBe("v");
  });

  test("waits for the calls under way, also for the reads of the turn in which it is closed", async () => {
    const redis = new ScriptedRedis();
    const [one] = pair(redis);
    const steps: string[] = [];
    const written = one.set("k", "v").then(() => steps.push("written"));
    const read = one.get("k").then((text) => steps.push(`read ${text}`));
    const closed = one[Symbol.asyncDispose]().then(() => steps.push("closed"));
    await turnIsOver();
    expect(redis.written).toEqual(["SET one:k", "GET one:k"]);
    redis.commands[0]?.answer("OK");
    await written;
    await new Promise(setImmediate);
    expect(steps).toEqual(["written"]);
    redis.commands[1]?.answer("v");
    await Promise.all([read, closed]);
    expect(steps).toEqual(["written", "read v", "closed"]);
  });

  test("leaves alone what waits for a connection", async () => {
    const redis = new ScriptedRedis();
    const [one, other] = pair(redis);
    redis.status = "connecting";
    const taken = other.take("k");
    const closed = one[Symbol.asyncDispose]();
    await turnIsOver();
    redis.become("ready");
    redis.commands[0]?.answer("v");
    await new Promise(setImmediate);
    redis.commands[1]?.answer(1);
    expect(await taken).toBe("v");
    await closed;
  });
});

test("when the last is closed, what waits for a connection is refused", async () => {
  const redis = new ScriptedRedis();
  const [one, other] = pair(redis);
  redis.status = "connecting";
  const calls = Promise.allSettled([one.take("k"), other.take("k"), other.get("k")]);
  await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  for (const result of await calls) expect(result).toMatchObject({ status: "rejected", reason: refused });
  expect(redis.written).toEqual([]);
});

test("the errors of a client are heard, which would end the process where nobody does", () => {
  const redis = new ScriptedRedis();
  new SharedClient(redis);
  expect(() => redis.emit("error", new Error("refused"))).not.toThrow();
});
