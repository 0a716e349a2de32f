import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type SampleRecord, sampleIndexes, sampleSchema } from "../../../src/conformance.ts";
import { KeyRing, sealed } from "../../../src/index.ts";
import { RedisRepository, redisOptions } from "../../../src/redis.ts";
import { ManualClock } from "../../support/manual-clock.ts";
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
    clock.advanceSeconds(11 * 60);
    expect(await found("ada")).toEqual(["stays"]);
    expect(await members()).toEqual(["renamed", "stays"]);
    expect(await found("bob")).toEqual(["renamed"]);
  });

  it("lets entries go that are over as others come", async () => {
    const { clock, repository } = scene();
    for (let number = 0; number < 8; number += 1)
      await repository.set(`old ${number}`, record("ada", clock.seconds(10)));
    await repository.set("lasting", record("ada"));
    clock.advanceSeconds(10 + 6 * 60);
    for (let number = 0; number < 2; number += 1) await repository.set(`new ${number}`, record("ada"));
    expect(await members()).toEqual(["lasting", "new 0", "new 1"]);
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
      expect(await found("ada")).toEqual(["one", "two"]);
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
});
