import { beforeEach, describe, expect, it, vi } from "vitest";
import { createInMemoryRepositories, StorageUnavailableError, UnsealableError } from "../../../src/index.ts";
import { KeyAnnouncements, ownKeyIds } from "../../../src/provider/keys/key-announcements.ts";
import { configured } from "../../support/configured.ts";
import { intercepted, type Method } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";

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

/** Repositories in which announcements go through what the test says, and a count of the calls that came that far. */
function watched(before: (method: Method) => Promise<void> = async () => undefined) {
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const calls: Method[] = [];
  const keyAnnouncements = intercepted(repositories.keyAnnouncements, async (run, { method }) => {
    calls.push(method);
    await before(method);
    return run();
  });
  const count = (method: Method) => calls.filter((call) => call === method).length;
  return { repositories: { ...repositories, keyAnnouncements }, count };
}

const otherSecret = "a secret that another instance alone has";

describe("an instance announces its key", () => {
  it("when half of the time is over that an announcement holds, and no sooner", async () => {
    const { repositories, count } = watched();
    const { announcements } = instance(repositories);
    for (const [seconds, announced] of [
      [0, 3],
      [0, 3],
      [1_799, 3],
      [1, 6],
      [1_799, 6],
      [1, 9],
    ] as const) {
      clock.advanceSeconds(seconds);
      announcements.announce();
      await vi.advanceTimersByTimeAsync(0);
      expect(count("set")).toBe(announced);
    }
  });

  it("before anything is sealed: at first, and when the announcement is over", async () => {
    const { repositories, count } = watched();
    const { announcements } = instance(repositories);
    for (const [seconds, announced] of [
      [0, 3],
      [3_599, 3],
      [1, 6],
    ] as const) {
      clock.advanceSeconds(seconds);
      await announcements.ready();
      expect(count("set")).toBe(announced);
    }
  });

  it("ten seconds after the store did not take it, and tells of the outage", async () => {
    const { repositories, count } = watched(async () => {
      throw new StorageUnavailableError("The test says so.");
    });
    const { announcements } = instance(repositories);
    const told = heard("outage");
    for (const [seconds, tried] of [
      [0, 3],
      [9, 3],
      [1, 6],
    ] as const) {
      clock.advanceSeconds(seconds);
      announcements.announce();
      await vi.advanceTimersByTimeAsync(0);
      expect(count("set")).toBe(tried);
    }
    expect(told.stop()).toEqual(Array(2).fill(expect.objectContaining({ code: "ERR_STORAGE_UNAVAILABLE" })));
  });

  it("by a timer that fires when that is due, of which it has one, and none when it has ended", async () => {
    const { repositories, count } = watched();
    const timers = vi.getTimerCount();
    const { announcements } = instance(repositories);
    await announcements.ready();
    expect(vi.getTimerCount()).toBe(timers + 1);
    clock.advanceSeconds(1_790);
    await vi.advanceTimersByTimeAsync(1_790_000);
    for (let second = 0; second < 12; second += 1) {
      clock.advanceSeconds(1);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(count("set")).toBe(6);
    await announcements[Symbol.asyncDispose]();
    expect(vi.getTimerCount()).toBe(timers);
  });

  it("and leaves no timer where it ends meanwhile", async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { repositories } = watched(() => gate);
    const timers = vi.getTimerCount();
    const { announcements } = instance(repositories);
    announcements.announce();
    const ended = announcements[Symbol.asyncDispose]();
    open();
    await ended;
    expect(vi.getTimerCount()).toBe(timers);
  });
});

it("the keys of an instance are the provider's, and those that the store says that it seals with, each once", () => {
  const plain = configured({}, clock);
  const [own = ""] = plain.keys.ids;
  const sealing = (sealingKeyIds: unknown) =>
    ownKeyIds({ keys: plain.keys, repositories: Object.assign({ ...plain.repositories }, { sealingKeyIds }) });
  expect(ownKeyIds(plain)).toEqual([own]);
  expect(sealing(["other", 5, own, "other"])).toEqual([own, "other"]);
  for (const none of [undefined, null, "other", [5]]) expect(sealing(none)).toEqual([own]);
});

describe("what is answered where a key is not there", () => {
  const unsealable = (keyId?: string) => new UnsealableError("The test seals.", keyId === undefined ? {} : { keyId });

  it("is to come back, where another instance has the key", async () => {
    const { repositories } = watched();
    const [one, other] = [instance(repositories), instance(repositories, { secret: otherSecret })];
    await one.announcements.ready();
    const told = heard("outage");
    const failure = unsealable(one.keyId);
    expect(await other.announcements.explain(failure, "invalid_token")).toMatchObject({
      error: "temporarily_unavailable",
      retryAfterSeconds: 10,
      cause: failure,
    });
    expect(told.stop()).toEqual([]);
  });

  it.each([undefined, "invalid_grant", "invalid_token", "invalid_request"] as const)(
    "is %s where nobody has it, and the operator reads of it",
    async (gone) => {
      const told = heard("outage");
      const explained = await instance().announcements.explain(unsealable("AAAAAAAA"), gone);
      expect(explained).toMatchObject({ code: "ERR_OAUTH", error: gone ?? "invalid_grant" });
      expect(told.stop()).toEqual([expect.objectContaining({ code: "ERR_UNSEALABLE" })]);
    },
  );

  it("is that the login is gone where another server has it, which is no outage", async () => {
    const { repositories } = watched();
    const elsewhere = instance(repositories, { baseUrl: "https://other.example", secret: otherSecret });
    await elsewhere.announcements.ready();
    const told = heard("outage");
    const explained = await instance(repositories).announcements.explain(unsealable(elsewhere.keyId));
    expect(explained).toMatchObject({ code: "ERR_OAUTH", error: "invalid_grant" });
    expect(told.stop()).toEqual([]);
  });

  it.each([new Error("The test fails."), unsealable(), "a text", undefined])(
    "is what it was where it is no question of a key: %s",
    async (failure) => {
      expect(await instance().announcements.explain(failure)).toBe(failure);
    },
  );
});

describe("who has a key", () => {
  it("is told once where it is another server, and never else", async () => {
    const { repositories } = watched();
    const [one, asked] = [instance(repositories), instance(repositories, { secret: otherSecret })];
    const elsewhere = instance(repositories, { baseUrl: "https://other.example", secret: `${otherSecret} too` });
    await Promise.all([one.announcements.ready(), elsewhere.announcements.ready()]);
    const told = heard("foreign-records");
    for (let round = 0; round < 3; round += 1) {
      expect(await asked.announcements.holderOf(one.keyId)).toBe("this server");
      expect(await asked.announcements.holderOf("AAAAAAAA")).toBe("nobody");
      expect(await asked.announcements.holderOf(elsewhere.keyId)).toBe("another server");
      clock.advanceSeconds(6);
    }
    expect(told.stop()).toEqual([{ keyId: elsewhere.keyId }]);
  });

  it("is an outage where the store does not say", async () => {
    const { repositories } = watched(async () => {
      throw new StorageUnavailableError("The test says so.");
    });
    const asking = instance(repositories).announcements.holderOf("AAAAAAAA");
    await expect(asking).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
  });

  it("is believed for ten seconds", async () => {
    const { repositories, count } = watched();
    const { announcements } = instance(repositories);
    for (const [seconds, reads] of [
      [0, 1],
      [9, 1],
      [1, 2],
      [9, 2],
      [1, 3],
    ] as const) {
      clock.advanceSeconds(seconds);
      expect(await announcements.holderOf("AAAAAAAA")).toBe("nobody");
      expect(count("get")).toBe(reads);
    }
  });

  it("is looked up of ten keys in ten seconds, and of one more that comes back after ten seconds", async () => {
    const { repositories, count } = watched();
    const { announcements } = instance(repositories);
    const lookUpTen = async (letter: string) => {
      for (let digit = 0; digit < 10; digit += 1) {
        expect(await announcements.holderOf(`${letter.repeat(7)}${digit}`)).toBe("nobody");
      }
    };
    /** Asks for the key that is one too many. */
    const ask = () => announcements.holderOf("Z".repeat(8));
    await lookUpTen("a");
    clock.advanceSeconds(5);
    expect(await ask(), "nobody has looked").toBe("this server");
    expect(count("get")).toBe(10);
    clock.advanceSeconds(5);
    await lookUpTen("b");
    expect(count("get")).toBe(20);
    clock.advanceSeconds(4);
    expect(await ask(), "after nine seconds").toBe("this server");
    clock.advanceSeconds(1);
    expect(await ask(), "after ten seconds").toBe("nobody");
    expect(await ask(), "which is believed").toBe("nobody");
    expect(count("get")).toBe(21);
    expect(await announcements.holderOf("Y".repeat(8)), "another one waits as well").toBe("this server");
    expect(count("get")).toBe(21);
  });

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
