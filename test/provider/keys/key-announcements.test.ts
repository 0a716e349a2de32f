import { beforeEach, describe, expect, it, vi } from "vitest";
import { createInMemoryRepositories, StorageUnavailableError, UnsealableError } from "../../../src/index.ts";
import { KeyAnnouncements, ownKeyIds } from "../../../src/provider/keys/key-announcements.ts";
import { configured } from "../../support/configured.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";

let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  return () => void vi.useRealTimers();
});

/** Lets time pass for timers and records alike. */
const pass = async (seconds: number): Promise<void> => {
  for (let passed = 0; passed < seconds; passed += 10) {
    clock.advanceSeconds(10);
    await vi.advanceTimersByTimeAsync(10_000);
  }
};

function instance(repositories = createInMemoryRepositories({ clock: clock.read }), options = {}) {
  const configuration = configured({ repositories, ...options }, clock);
  const [keyId = ""] = ownKeyIds(configuration);
  return { announcements: new KeyAnnouncements(configuration), keyId };
}

describe("an instance that no request comes to", () => {
  it.each([
    ["at first", [0, 50]],
    ["when the announcement is renewed", [1_700, 1_900]],
    ["again and again", [1_700, 3_000]],
  ] as const)("has its keys all the same after an outage %s", async (_, [begin, end]) => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const started = clock.seconds();
    const keyAnnouncements = intercepted(repositories.keyAnnouncements, async (run, { method }) => {
      const at = clock.seconds() - started;
      if (method === "set" && at >= begin && at < end) throw new StorageUnavailableError("The test says so.");
      return run();
    });
    const idle = instance({ ...repositories, keyAnnouncements });
    const other = instance(repositories);
    idle.announcements.announce();
    await pass(100);
    for (let waited = 0; waited < 3 * 3_600; waited += 600) {
      await pass(600);
      expect(await other.announcements.holderOf(idle.keyId), `after ${waited + 700} s`).toBe("this server");
    }
  });
});

describe("who has a key", () => {
  it("is still known when one of two instances that have it has ended", async () => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const [one, other] = [instance(repositories), instance(repositories)];
    await Promise.all([one.announcements.ready(), other.announcements.ready()]);
    await one.announcements[Symbol.asyncDispose]();
    const third = instance(repositories, { secret: "a secret that the third instance alone has" });
    expect(await third.announcements.holderOf(one.keyId)).toBe("this server");
  });

  it("is nobody once the announcement of an instance that has ended is over", async () => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const one = instance(repositories);
    await one.announcements.ready();
    await one.announcements[Symbol.asyncDispose]();
    await pass(3_610);
    const third = instance(repositories, { secret: "a secret that the third instance alone has" });
    expect(await third.announcements.holderOf(one.keyId)).toBe("nobody");
  });

  it("is another server where its issuer is another", async () => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const one = instance(repositories);
    await one.announcements.ready();
    const elsewhere = instance(repositories, { baseUrl: "https://other.example" });
    expect(await elsewhere.announcements.holderOf(one.keyId)).toBe("another server");
    expect(await elsewhere.announcements.holderOf("AAAAAAAA")).toBe("nobody");
  });

  it.each([
    ["an hour and a half", 5_400, "another server"],
    ["a week", 7 * 86_400, "another server"],
    ["as long as anything that it has sealed may live", 90 * 86_400, "another server"],
    ["longer than that", 92 * 86_400, "nobody"],
  ] as const)("is another server that has been down for %s", async (_, seconds, holder) => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const one = instance(repositories);
    await one.announcements.ready();
    await one.announcements[Symbol.asyncDispose]();
    clock.advanceSeconds(seconds);
    const elsewhere = instance(repositories, { baseUrl: "https://other.example" });
    expect(await elsewhere.announcements.holderOf(one.keyId)).toBe(holder);
    // Its own new instance knows that the key was never another server's.
    const own = instance(repositories, { secret: "a secret that the new instance alone has" });
    expect(await own.announcements.holderOf(one.keyId)).toBe("nobody");
  });

  it("is remembered for as long as the grants of that server live", async () => {
    const repositories = createInMemoryRepositories({ clock: clock.read });
    const one = instance(repositories, { grantLifetimeSeconds: 300 * 86_400 });
    await one.announcements.ready();
    await one.announcements[Symbol.asyncDispose]();
    clock.advanceSeconds(300 * 86_400);
    const elsewhere = instance(repositories, { baseUrl: "https://other.example" });
    expect(await elsewhere.announcements.holderOf(one.keyId)).toBe("another server");
  });

  it("is told by an announcement that is not sealed, too", async () => {
    const texts = createInMemoryRepositories({ clock: clock.read });
    const one = instance(texts);
    await one.announcements.ready();
    const { keyAnnouncements } = texts;
    const plain = intercepted(keyAnnouncements, async (run, { method }) => {
      const found: unknown = await run();
      if (method !== "get" || found === undefined) return found as never;
      throw new UnsealableError("It is not sealed.", { isPlain: true });
    });
    const elsewhere = instance({ ...texts, keyAnnouncements: plain }, { baseUrl: "https://other.example" });
    expect(await elsewhere.announcements.holderOf(one.keyId)).toBe("another server");
  });
});
