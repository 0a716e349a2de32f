import { describe, expect, it } from "vitest";
import { testRepository } from "../../src/conformance.ts";
import { InMemoryRepository } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

testRepository(
  "InMemoryRepository",
  () => {
    const clock = new ManualClock();
    return {
      repository: new InMemoryRepository({ clock: clock.read }),
      anyValue: new InMemoryRepository({ clock: clock.read }),
      advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
      now: clock.read,
    };
  },
  {
    runner: { describe, it },
    without: {
      again: "each instance has its own records",
      plant: "nothing is encoded",
      breakStore: "memory does not fail",
      holdRead: "a read of memory takes no time",
    },
  },
);

describe("InMemoryRepository", () => {
  it("shares nothing between instances", async () => {
    const [one, other] = [new InMemoryRepository(), new InMemoryRepository()];
    await one.set("key", 1);
    expect(await other.get("key")).toBeUndefined();
  });

  it("does not let expired records pile up", async () => {
    const clock = new ManualClock();
    const repository = new InMemoryRepository({ clock: clock.read });
    let most = 0;
    for (let index = 0; index < 100_000; index += 1) {
      await repository.set(`key ${index}`, { expiresAt: clock.seconds(10) });
      clock.advanceSeconds(0.1);
      most = Math.max(most, repository.size);
    }
    // 100 are alive at any time; each write looks at two others.
    expect(most).toBeLessThan(500);
  });

  it("removes an expired record where a read meets it, and two with every write", async () => {
    const clock = new ManualClock();
    const repository = new InMemoryRepository<string, { expiresAt: number }>({ clock: clock.read });
    for (const key of ["a", "b", "c", "d", "e"]) await repository.set(key, { expiresAt: clock.seconds(1) });
    clock.advanceSeconds(1);
    await repository.get("c");
    expect(repository.size).toBe(4);
    await repository.set("new", { expiresAt: clock.seconds(1) });
    // Two of the four have gone, and the new one has come.
    expect(repository.size).toBe(3);
  });

  it("lists what has not expired", async () => {
    const clock = new ManualClock();
    const repository = new InMemoryRepository<string, { expiresAt: number }>({ clock: clock.read });
    await repository.set("short", { expiresAt: clock.seconds(1) });
    await repository.set("long", { expiresAt: clock.seconds(100) });
    clock.advanceSeconds(2);
    const keys: string[] = [];
    for await (const [key] of repository.entries()) keys.push(key);
    expect(keys).toEqual(["long"]);
  });

  it("takes the expiry from where it is told", async () => {
    const clock = new ManualClock();
    const repository = new InMemoryRepository<string, { until: number }>({
      clock: clock.read,
      expiresAt: (value) => value.until,
    });
    await repository.set("key", { until: clock.seconds(1) });
    expect(await repository.get("key")).toBeDefined();
    clock.advanceSeconds(1);
    expect(await repository.get("key")).toBeUndefined();
    expect(await repository.get("missing")).toBeUndefined();
  });
});
