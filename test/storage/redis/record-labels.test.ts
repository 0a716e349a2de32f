import type { Redis } from "ioredis";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type SampleRecord, sampleIndexes, sampleSchema } from "../../../src/conformance.ts";
import { KeyRing, sealed } from "../../../src/index.ts";
import { RedisRepository, redisOptions } from "../../../src/redis.ts";
import { KeySpace } from "../../../src/storage/key-space.ts";
import { addMemberScript, scanMembersScript } from "../../../src/storage/redis/index-scripts.ts";
import { RecordLabels } from "../../../src/storage/redis/record-labels.ts";
import { SharedClient } from "../../../src/storage/redis/shared-client.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { useRedis } from "../../support/use-redis.ts";

let redis: Redis;
useRedis((started) => {
  ({ redis } = started);
});

const record = (name: string, expiresAt?: number): SampleRecord => ({
  name,
  list: [],
  ...(expiresAt !== undefined && { expiresAt }),
});
const day = 24 * 60 * 60;

/** The same client, but for some commands. */
function except(commands: object): Redis {
  return new Proxy(redis, {
    get: (target, name) => Reflect.get(name in commands ? commands : target, name),
  });
}

/** The same client, but that some scripts are answered by the test: with `undefined` Redis runs the script. */
function withScripts(answer: (script: string, ...values: unknown[]) => Promise<unknown> | undefined): Redis {
  return except({
    eval: (script: string, keyCount: number, key: string, ...values: (string | number)[]) =>
      answer(script, key, ...values) ?? redis.eval(script, keyCount, key, ...values),
  });
}

const refusal = errorReply("NOPERM this user has no permissions");
const outage = new Error("Connection is closed.");

/** How often Redis has run a command since `CONFIG RESETSTAT`. */
async function callsOf(command: string): Promise<number> {
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await redis.info("commandstats"))?.[1] ?? 0);
}

/** A repository with its clock, and what it finds. */
function scene(client = redis) {
  const clock = new ManualClock();
  const repository = new RedisRepository(sampleSchema, client, {
    prefix: "p",
    clock: clock.read,
    indexes: sampleIndexes,
  });
  const found = async (name: string, from = repository): Promise<string[]> => {
    const keys: string[] = [];
    for await (const [key] of from.entriesBy("name", name)) keys.push(key);
    return keys.sort();
  };
  return { clock, repository, found };
}

/** The members of the sets of labels, without when they were written. */
async function members(): Promise<string[]> {
  const all: string[] = [];
  for (const key of await redis.keys("p#name.*")) {
    for (const member of await redis.zrange(key, "0", "-1")) all.push(member.slice(member.indexOf(":") + 1));
  }
  return all.sort();
}

describe("the index in Redis", () => {
  it("costs a search by what it finds once it is complete, and no SCAN of the records", async () => {
    const { repository, found } = scene();
    for (let number = 0; number < 300; number += 1)
      await repository.set(`key ${number}`, record(number < 3 ? "ada" : "bob"));
    expect(await found("ada")).toHaveLength(3);
    await redis.config("RESETSTAT");
    expect(await found("ada")).toEqual(["key 0", "key 1", "key 2"]);
    const stats = await redis.info("commandstats");
    expect(stats).not.toMatch(/cmdstat_scan:/);
    expect(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1]).toBe("1");
    // One script reads the schemes, one the label; nothing is wrong, and nothing is removed.
    expect(await callsOf("eval")).toBe(2);
    // So it is for an instance that has only just begun.
    await redis.config("RESETSTAT");
    expect(await scene().found("ada")).toEqual(["key 0", "key 1", "key 2"]);
    expect([await callsOf("scan"), await callsOf("eval")]).toEqual([0, 2]);
  });

  it("has entries that expire with their records, and no label tells the value", async () => {
    const { clock, repository } = scene();
    await repository.set("key", record("ada", clock.seconds(100)));
    const [label = ""] = await redis.keys("p#name.*");
    expect(label).not.toContain("ada");
    expect(await redis.pttl(label)).toBeGreaterThan(90_000);
    expect(await redis.pttl(label)).toBeLessThanOrEqual(100_000);
    await repository.set("other", record("ada", clock.seconds(1_000)));
    expect(await redis.pttl(label)).toBeGreaterThan(900_000);
    await repository.set("lasting", record("ada"));
    expect(await redis.pttl(label)).toBe(-1);
    await repository.set("short", record("ada", clock.seconds(50)));
    expect(await redis.pttl(label)).toBe(-1);
  });

  it("heals itself: what is wrong goes at a search, unless it may be a write that is under way", async () => {
    const { clock, repository, found } = scene();
    for (const key of ["stays", "deleted", "taken", "renamed"]) await repository.set(key, record("ada"));
    expect(await found("ada")).toHaveLength(4);
    await repository.delete("deleted");
    await repository.take("taken");
    await repository.set("renamed", record("bob"));
    expect(await found("ada")).toEqual(["stays"]);
    expect(await members()).toEqual(["deleted", "renamed", "renamed", "stays", "taken"]);
    clock.advanceSeconds(10 * 60);
    expect(await found("ada")).toEqual(["stays"]);
    expect(await members()).toEqual(["deleted", "renamed", "renamed", "stays", "taken"]);
    clock.advanceSeconds(60);
    expect(await found("ada")).toEqual(["stays"]);
    expect(await members()).toEqual(["renamed", "stays"]);
    expect(await found("bob")).toEqual(["renamed"]);
  });

  it("lets entries go that are over as others come", async () => {
    const { clock, repository } = scene();
    for (let number = 0; number < 8; number += 1)
      await repository.set(`old ${number}`, record("ada", clock.seconds(10)));
    await repository.set("lasting", record("ada"));
    await repository.set("long", record("ada", clock.seconds(60 * 60)));
    clock.advanceSeconds(10 + 6 * 60);
    for (let number = 0; number < 2; number += 1) await repository.set(`new ${number}`, record("ada"));
    expect(await members()).toEqual(["lasting", "long", "new 0", "new 1"]);
  });

  it("keeps entries that are over for as long as the clocks of instances may be apart", async () => {
    const { clock, repository } = scene();
    await repository.set("old", record("ada", clock.seconds(10)));
    await repository.set("lasting", record("ada"));
    clock.advanceSeconds(10 + 4 * 60);
    await repository.set("new", record("ada"));
    expect(await members()).toEqual(["lasting", "new", "old"]);
  });

  it("finds what an instance of an earlier version wrote when the time is over for which it is complete", async () => {
    const { repository, found } = scene();
    await repository.set("one", record("ada"));
    expect(await found("ada")).toEqual(["one"]);
    await redis.set("p:two", JSON.stringify(record("ada")));
    expect(await found("ada")).toEqual(["one"]);
    await redis.del("p#complete");
    expect(await found("ada")).toEqual(["one", "two"]);
    expect(await redis.exists("p#complete")).toBe(1);
    expect(await found("ada")).toEqual(["one", "two"]);
  });

  it.each<[string, number, number, string?]>([
    ["it has just begun", 0, 5 * 60],
    ["it began a minute ago", 60, 5 * 60],
    ["it began an hour ago", 60 * 60, 60 * 60],
    ["it began a week ago", 7 * day, day],
    ["its beginning is no time", 60 * 60, 5 * 60, "nonsense"],
    ["its beginning is yet to come", 0, 5 * 60, "99999999999999"],
  ])(
    "is complete for as long as it has been written, and a day at most: where %s",
    async (_case, since, life, beginning) => {
      const { clock, found } = scene();
      await found("nobody");
      if (beginning !== undefined) await redis.set("p#beginning", beginning);
      await redis.del("p#complete");
      clock.advanceSeconds(since);
      await found("nobody");
      const left = await redis.pttl("p#complete");
      expect(left).toBeLessThanOrEqual(life * 1_000);
      expect(left).toBeGreaterThan(life * 1_000 - 60_000);
    },
  );

  it("has one beginning, from the first search on", async () => {
    const { clock, found } = scene();
    await found("nobody");
    expect(await redis.pttl("p#complete")).toBeLessThanOrEqual(5 * 60_000);
    const beginning = await redis.get("p#beginning");
    expect(beginning).toBe(String(clock.read()));
    for (const hours of [1, 2, 3]) {
      await redis.del("p#complete");
      clock.advanceSeconds(60 * 60);
      await found("nobody");
      expect(await redis.get("p#beginning")).toBe(beginning);
      const left = await redis.pttl("p#complete");
      expect(left).toBeLessThanOrEqual(hours * 60 * 60_000);
      expect(left).toBeGreaterThan(hours * 60 * 60_000 - 60_000);
    }
  });

  it("is not trusted where labels were made with a key that is not in the key ring", async () => {
    const [old, fresh] = ["the old secret of this test, long enough", "the new secret of this test, long enough"];
    const open = (...secrets: string[]) =>
      new RedisRepository(sealed(sampleSchema, KeyRing.from(secrets)), redis, { prefix: "p", indexes: sampleIndexes });
    const { found } = scene();
    const before = open(old);
    await before.set("one", record("ada"));
    expect(await found("ada", before)).toEqual(["one"]);
    const rotated = open(fresh, old);
    await rotated.set("two", record("ada"));
    expect(await found("ada", rotated)).toEqual(["one", "two"]);
    for (const ring of [open(old), open(fresh)]) {
      await expect(found("ada", ring)).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 1 });
    }
  });

  it("an entry that cannot be written is an error with an unknown effect, and everything is read until it is there", async () => {
    const { repository, found } = scene();
    await repository.set("one", record("ada"));
    expect(await found("ada")).toEqual(["one"]);
    const [label = ""] = await redis.keys("p#name.*");
    // Redis refuses an entry where something else has the key of the set.
    await redis.rename(label, "aside");
    await redis.set(label, "in the way");
    await expect(repository.set("two", record("ada"))).rejects.toMatchObject({ effect: "unknown" });
    await redis.del(label);
    await redis.rename("aside", label);
    expect(await redis.exists("p#gap")).toBe(1);
    const other = scene();
    expect(await other.found("ada")).toEqual(["one", "two"]);
    expect(await found("ada")).toEqual(["one", "two"]);
  });

  it("where Redis runs no scripts for this user, records are written and everything is read", async () => {
    await redis.call("ACL", "SETUSER", "limited", "on", ">password", "~*", "&*", "+@all", "-eval");
    const limited = redis.duplicate({
      ...redisOptions(),
      username: "limited",
      password: "password",
      lazyConnect: true,
    });
    await limited.connect();
    try {
      const { repository, found } = scene(limited);
      await repository.set("one", record("ada"));
      expect(await repository.add("two", record("ada"))).toBe(true);
      // The first search knows that an entry was refused, the second finds out that the index cannot be read.
      for (const _ of ["first", "second"]) expect(await found("ada")).toEqual(["one", "two"]);
      expect(await scene().found("ada")).toEqual(["one", "two"]);
    } finally {
      limited.disconnect();
    }
  });

  it("writes no index for a repository without one", async () => {
    const repository = new RedisRepository(z.object({ name: z.string() }), redis, { prefix: "q" });
    await repository.set("key", { name: "ada" });
    expect(await redis.keys("q#*")).toEqual([]);
    await expect(repository.entriesBy("name", "ada").next()).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  });

  it("trusts labels again that were made with a key that is gone, once all of them are over", async () => {
    const clock = new ManualClock();
    const [old, fresh] = ["old", "new"].map((name) => KeyRing.from(`the ${name} secret of this test, long enough`));
    const [before, now] = [old, fresh].map((keys) => {
      if (keys === undefined) throw new Error("There are two.");
      const options = { prefix: "p", indexes: sampleIndexes, clock: clock.read };
      return new RedisRepository(sealed(sampleSchema, keys), redis, options);
    });
    if (now === undefined) throw new Error("There are two.");
    await before?.set("one", record("ada", clock.seconds(100)));
    await now.set("two", record("ada"));
    await redis.del("p:one");
    const { found } = scene();
    const scans: number[] = [];
    for (const seconds of [0, 100 + 4 * 60, 60, 1]) {
      clock.advanceSeconds(seconds);
      // The mark that the index is complete does not stand in the way.
      await redis.set("p#complete", "none");
      await redis.config("RESETSTAT");
      expect(await found("ada", now)).toEqual(["two"]);
      scans.push(Math.min(1, await callsOf("scan")));
    }
    expect(scans).toEqual([1, 1, 1, 0]);
  });

  it("has no entry of a record that is in no index", async () => {
    const indexes = { name: ({ name }: SampleRecord) => (name === "nobody" ? undefined : name) };
    const repository = new RedisRepository(sampleSchema, redis, { prefix: "p", indexes });
    await repository.set("none", record("nobody"));
    expect(await redis.keys("p#*")).toEqual(["p#schemes"]);
  });

  it("a record that cannot be written is told as what it is, and leaves no gap", async () => {
    const oom = () => Promise.reject(errorReply("OOM command not allowed when used memory > 'maxmemory'."));
    const { repository } = scene(except({ set: oom }));
    await expect(repository.set("one", record("ada"))).rejects.toMatchObject({
      code: "ERR_STORAGE_REJECTED",
      effect: "none",
    });
    expect(await redis.exists("p#gap")).toBe(0);
  });
});

describe("an index whose entries cannot be written, and whose gap cannot either", () => {
  /** A client that writes no entry and no gap while it is broken. */
  function breaking(failure: Error) {
    const state = { isBroken: true };
    const client = except({
      eval: (script: string, keyCount: number, key: string, ...values: (string | number)[]) =>
        state.isBroken && script === addMemberScript
          ? Promise.reject(failure)
          : redis.eval(script, keyCount, key, ...values),
      set: (key: string, ...values: [string]) =>
        state.isBroken && key === "p#gap" ? Promise.reject(failure) : redis.set(key, ...values),
    });
    return { state, client };
  }

  it.each([
    ["is refused", refusal, undefined],
    ["is lost", outage, { code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown", cause: expect.any(Error) }],
  ])("since it %s, is not trusted by this instance until everything was read", async (_, failure, expected) => {
    await scene().found("ada");
    const { state, client } = breaking(failure);
    const { repository, found } = scene(client);
    const written = repository.set("one", record("ada"));
    if (expected === undefined) await written;
    else await expect(written).rejects.toMatchObject(expected);
    expect(await redis.exists("p#gap")).toBe(0);
    state.isBroken = false;
    expect(await found("ada")).toEqual(["one"]);
    expect(await scene().found("ada")).toEqual(["one"]);
  });

  it("while everything is read, is not said to be complete", async () => {
    await scene().repository.set("one", record("ada"));
    const { state, client } = breaking(refusal);
    const { repository } = scene(client);
    state.isBroken = false;
    const search = repository.entriesBy("name", "ada");
    expect(await search.next()).toMatchObject({ value: ["one", record("ada")] });
    state.isBroken = true;
    await repository.set("two", record("ada"));
    state.isBroken = false;
    while (!(await search.next()).done);
    expect(await redis.exists("p#complete")).toBe(0);
    expect(await scene().found("ada")).toEqual(["one", "two"]);
  });
});

describe("a search that reads everything", () => {
  it("gives the records their entries a hundred at a time, and says at the end that the index is complete", async () => {
    const unindexed = new RedisRepository(sampleSchema, redis, { prefix: "p" });
    const keys = Array.from({ length: 205 }, (_, index) => `key ${index}`);
    await Promise.all(keys.map((key) => unindexed.set(key, record("ada"))));
    let scripts = 0;
    const client = withScripts((script) => {
      if (script === addMemberScript) scripts += 1;
      return undefined;
    });
    const written: [entries: number, scripts: number][] = [];
    let entries = 0;
    for await (const _ of scene(client).repository.entriesBy("name", "ada")) {
      entries += 1;
      if (written.at(-1)?.[1] !== scripts) written.push([entries, scripts]);
    }
    // Each record has two: the scheme, and the label.
    expect([...written, [entries, scripts]]).toEqual([
      [1, 0],
      [100, 200],
      [200, 400],
      [205, 410],
    ]);
    expect(await redis.exists("p#complete")).toBe(1);
  });

  it.each<[string, (script: number) => boolean]>([
    ["of no record can be written", () => true],
    ["of one record cannot be written", (script) => script === 1],
  ])("does not say that the index is complete where the entry %s, and writes no more of them", async (_, isRefused) => {
    const unindexed = new RedisRepository(sampleSchema, redis, { prefix: "p" });
    const keys = Array.from({ length: 205 }, (_each, index) => `key ${index}`);
    await Promise.all(keys.map((key) => unindexed.set(key, record("ada"))));
    let scripts = 0;
    const client = withScripts((script) => {
      if (script !== addMemberScript) return undefined;
      scripts += 1;
      return isRefused(scripts) ? Promise.reject(refusal) : undefined;
    });
    expect(await scene(client).found("ada")).toEqual(keys.sort());
    expect(await redis.exists("p#complete")).toBe(0);
    expect(scripts).toBe(200);
  });

  it("is an error where an entry is lost, and so is one that cannot look at the index", async () => {
    await new RedisRepository(sampleSchema, redis, { prefix: "p" }).set("one", record("ada"));
    for (const [client, effect] of [
      [withScripts((script) => (script === addMemberScript ? Promise.reject(outage) : undefined)), "unknown"],
      [withScripts((script) => (script === scanMembersScript ? Promise.reject(outage) : undefined)), "none"],
      [except({ get: () => Promise.reject(outage) }), "none"],
    ] as const) {
      await expect(scene(client).found("ada")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect });
    }
  });

  it("is an error where the replicas do not have what it says of the index", async () => {
    const waitForReplicas = { replicas: 1, timeoutMilliseconds: 10 };
    const options = { prefix: "p", indexes: sampleIndexes, waitForReplicas };
    const search = new RedisRepository(sampleSchema, redis, options).entriesBy("name", "ada");
    await expect(search.next()).rejects.toMatchObject({ code: "ERR_STORAGE_NOT_REPLICATED" });
  });
});

it("an entry that the replicas do not have may be missing in the index", async () => {
  let waits = 0;
  // The first question is about the entries alone.
  const client = except({ wait: async () => (waits++ === 0 ? 0 : 1) });
  const waitForReplicas = { replicas: 1, timeoutMilliseconds: 10 };
  const options = { prefix: "p", indexes: sampleIndexes, waitForReplicas };
  const repository = new RedisRepository(sampleSchema, client, options);
  await expect(repository.set("one", record("ada"))).rejects.toMatchObject({
    code: "ERR_STORAGE_UNAVAILABLE",
    effect: "unknown",
  });
});

describe("a search by an index that is complete", () => {
  it("reads a record once that it finds under two labels", async () => {
    const [old, fresh] = ["the old secret of this test, long enough", "the new secret of this test, long enough"];
    const { clock, found } = scene();
    const options = { prefix: "p", indexes: sampleIndexes, clock: clock.read };
    const open = (...secrets: string[]) =>
      new RedisRepository(sealed(sampleSchema, KeyRing.from(secrets)), redis, options);
    const rotated = open(fresh, old);
    await open(old).set("one", record("ada"));
    await rotated.set("one", record("ada"));
    expect(await found("ada", rotated)).toEqual(["one"]);
    await redis.config("RESETSTAT");
    expect(await found("ada", rotated)).toEqual(["one"]);
    // Two ask whether the index is complete.
    expect([await callsOf("get"), await callsOf("mget")]).toEqual([3, 0]);
  });

  it("counts a record once that it cannot read and finds twice", async () => {
    const { clock, repository, found } = scene();
    await found("ada");
    for (const key of ["one", "two"]) await repository.set(key, record("ada"));
    clock.advance(1);
    await repository.set("one", record("ada"));
    await redis.set("p:one", "{");
    expect(await members()).toEqual(["one", "one", "two"]);
    const keys: string[] = [];
    const search = async () => {
      for await (const [key] of repository.entriesBy("name", "ada")) keys.push(key);
    };
    await expect(search()).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 1 });
    expect(keys).toEqual(["two"]);
  });

  it("goes from page to page", async () => {
    const { clock, repository, found } = scene();
    await found("ada");
    for (const key of ["one", "two", "three"]) await repository.set(key, record("ada"));
    const member = (key: string) => [`${clock.read().toString(36)}:${key}`, "inf"];
    const cursors: unknown[] = [];
    const pages: Record<string, unknown> = {
      0: ["17", [...member("one"), ...member("two")]],
      17: ["3", []],
      3: ["0", member("three")],
    };
    const client = withScripts((script, key, cursor) => {
      if (script !== scanMembersScript || !String(key).startsWith("p#name.")) return undefined;
      cursors.push(cursor);
      return Promise.resolve(pages[String(cursor)]);
    });
    expect(await scene(client).found("ada")).toEqual(["one", "three", "two"]);
    expect(cursors).toEqual(["0", "17", "3"]);
  });

  it("says of each command which key it touches, so that it waits for the node of a Cluster which serves that", async () => {
    const { clock } = scene();
    const shared = new SharedClient(redis);
    shared.join();
    const send = vi.spyOn(shared.sender, "send");
    const indexes = { names: ["name"], schemes: () => ["scheme"] };
    const labels = new RecordLabels(shared, new KeySpace("p"), indexes, clock.read);
    const query = { position: 0, labels: ["ada"] };
    const pages = async () => {
      const all = [];
      for await (const page of labels.find(query)) all.push(...page);
      return all;
    };
    await labels.add("one", { scheme: "scheme", labels: query.labels }, undefined);
    const complete = await labels.beginCompletion();
    await complete();
    expect(await labels.isComplete()).toBe(true);
    const found = await pages();
    expect(found).toMatchObject([{ key: "one" }]);
    clock.advanceSeconds(60 * 60);
    await labels.remove(query, found);
    expect(await pages()).toEqual([]);
    const label = "p#name.ada";
    expect(send.mock.calls.map(([{ redisKeys }]) => redisKeys.join())).toEqual([
      ...[label, "p#schemes"],
      ...["p#gap", "p#beginning", "p#beginning", "p#complete"],
      ...["p#complete", "p#gap", "p#schemes"],
      ...[label, label, label],
    ]);
    await shared.leave();
  });

  it.each<[string, unknown, object]>([
    ["is no page is an outage", "OK", { code: "ERR_STORAGE_UNAVAILABLE" }],
    ["has no members has none", ["0", null], []],
    ["has a cursor that is a number goes by it", [0, []], []],
    ["has a member without a score has none", ["0", ["1:one"]], []],
  ])("an answer that %s", async (_, answer, expected) => {
    await scene().repository.set("one", record("ada"));
    await scene().found("ada");
    const { found } = scene(
      withScripts((script, key) =>
        script === scanMembersScript && String(key).startsWith("p#name.") ? Promise.resolve(answer) : undefined,
      ),
    );
    expect(await found("ada").catch((failure: unknown) => failure)).toMatchObject(expected);
  });
});
