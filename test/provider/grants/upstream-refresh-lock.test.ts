import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, StorageUnavailableError } from "../../../src/index.ts";
import { UpstreamRefreshLock } from "../../../src/provider/grants/upstream-refresh-lock.ts";
import { Upstreams } from "../../../src/provider/upstream/upstreams.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { type FailureMoment, failingOnce, intercepted, refusing } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordsOf } from "../../support/records-of.ts";

const version = { grantId: "grant", sealed: "v1" };
const nothingDone = async () => undefined;

function locks() {
  const clock = new ManualClock();
  const inMemory = createInMemoryRepositories({ clock: clock.read });
  const repository = inMemory.locks;
  /** @param ahead - By how many seconds the clock of the lock's instance is ahead. */
  const lock = (ahead = 0, repositories = inMemory) =>
    new UpstreamRefreshLock({
      repositories,
      now: () => clock.seconds() + ahead,
      elapsed: () => clock.read(),
      instanceClockTolerance: 120,
      delay: async (milliseconds) => clock.advance(milliseconds),
      upstreams: new Upstreams([new FakeUpstream(clock.read)], { baseUrl: "https://mcp.example" }),
    });
  return { clock, repositories: inMemory, repository, lock };
}

/** Work that a test lets end, which leaves the version as it was. */
function heldWork() {
  let end = (_: string): void => {};
  const result = new Promise<{ value: string; isReplaced: boolean }>((resolve) => {
    end = (value) => resolve({ value, isReplaced: false });
  });
  return { work: () => result, end: (value: string) => end(value) };
}

describe("the lock of a version of an upstream session", () => {
  it("is released by its owner where the version stays, done or failed, and held where it was replaced", async () => {
    const { repository, lock } = locks();
    const done = await lock().once(version, nothingDone, async () => ({ value: "done", isReplaced: false }));
    expect(done).toBe("done");
    expect(await recordsOf(repository)).toEqual([]);
    const failed = lock().once(version, nothingDone, () => Promise.reject(new RangeError("failed")));
    await expect(failed).rejects.toThrow(RangeError);
    expect(await recordsOf(repository)).toEqual([]);
    await lock().once(version, nothingDone, async () => ({ value: "done", isReplaced: true }));
    expect(await recordsOf(repository)).toHaveLength(1);
  });

  it("is released where nobody can say whether somebody has done the work", async () => {
    const { repository, lock } = locks();
    const failed = lock().once(
      version,
      () => Promise.reject(new RangeError("failed")),
      () => Promise.reject(new Error("must not be done")),
    );
    await expect(failed).rejects.toThrow(RangeError);
    expect(await recordsOf(repository)).toEqual([]);
  });

  it("is held where the version was replaced, whatever failed after that", async () => {
    const { repository, lock } = locks();
    const failed = lock().once(version, nothingDone, async (noteReplaced) => {
      noteReplaced();
      throw new RangeError("failed");
    });
    await expect(failed).rejects.toThrow(RangeError);
    expect(await recordsOf(repository)).toHaveLength(1);
  });

  it("is not released by an owner whose time is over: another one may have it by now", async () => {
    const { clock, repository, lock } = locks();
    const slow = heldWork();
    const first = lock().once(version, nothingDone, slow.work);
    const [[, { expiresAt }] = ["", { expiresAt: 0 }]] = await recordsOf(repository);
    clock.advanceSeconds(expiresAt - clock.seconds() + 1);
    const quick = heldWork();
    const second = lock().once(version, nothingDone, quick.work);
    const theirs = await recordsOf(repository);
    expect(theirs).toHaveLength(1);
    slow.end("slow");
    expect(await first).toBe("slow");
    expect(await recordsOf(repository), "the second owner still has its lock").toEqual(theirs);
    quick.end("quick");
    expect(await second).toBe("quick");
    expect(await recordsOf(repository)).toEqual([]);
  });

  it("lets others wait for what its owner does, and stops nobody who has read a newer version", async () => {
    const { lock } = locks();
    const slow = heldWork();
    let stored: string | undefined;
    const first = lock().once(version, nothingDone, slow.work);
    const waiting = lock().once(
      version,
      async () => stored,
      () => Promise.reject(new Error("must not be done twice")),
    );
    const newer = { ...version, sealed: "v2" };
    expect(await lock().once(newer, nothingDone, async () => ({ value: "newer", isReplaced: true }))).toBe("newer");
    stored = "theirs";
    expect(await waiting).toBe("theirs");
    slow.end("done");
    await first;
  });

  it("holds for the upstream's time and five minutes", async () => {
    const { clock, repository, lock } = locks();
    await lock().once(version, nothingDone, async () => ({ value: "done", isReplaced: true }));
    const [[, { expiresAt }] = ["", { expiresAt: 0 }]] = await recordsOf(repository);
    expect(expiresAt).toBe(clock.seconds(1 + 300));
  });

  it.each([
    [0, true],
    [180, true],
    [181, false],
    [300, false],
  ])("is released %i seconds later: %j", async (seconds, isReleased) => {
    const { clock, repository, lock } = locks();
    const slow = heldWork();
    const first = lock().once(version, nothingDone, slow.work);
    expect(await recordsOf(repository)).toHaveLength(1);
    clock.advanceSeconds(seconds);
    slow.end("slow");
    await first;
    expect((await recordsOf(repository)).length === 0).toBe(isReleased);
  });

  it("says what was done where the store does not release it", async () => {
    const { repository, lock } = locks();
    repository.delete = () => Promise.reject(new StorageUnavailableError("The test refuses."));
    const done = lock().once(version, nothingDone, async () => ({ value: "done", isReplaced: false }));
    expect(await done).toBe("done");
  });

  it("keeps its owner from doing again what somebody has done, and is held then", async () => {
    const { repository, lock } = locks();
    const twice = () => Promise.reject(new Error("must not be done twice"));
    expect(await lock().once(version, async () => "theirs", twice)).toBe("theirs");
    expect(await recordsOf(repository)).toHaveLength(1);
  });

  it("is given up on where its owner does not come to an end", async () => {
    const { clock, lock } = locks();
    const began = clock.seconds();
    void lock().once(version, nothingDone, () => new Promise(() => undefined));
    await expect(
      lock().once(version, nothingDone, () => Promise.reject(new Error("must not be done twice"))),
    ).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
    // The upstream's time, and five seconds.
    expect(clock.seconds() - began).toBeCloseTo(6.1, 5);
  });
});

describe("a holder that was suspended", () => {
  const noneOf = () => Promise.reject(new Error("must not be done twice"));

  it.each([
    [179, true],
    [180, false],
    [310, false],
  ])("for %i seconds before the work does it: %j", async (seconds, isDone) => {
    const { clock, repository, lock } = locks();
    const done = async () => {
      clock.advanceSeconds(seconds);
      return undefined;
    };
    const work = async () => ({ value: "done", isReplaced: false });
    const result = lock(-20).once(version, done, isDone ? work : noneOf);
    if (isDone) expect(await result).toBe("done");
    else await expect(result).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
    expect((await recordsOf(repository)).length).toBe(seconds === 180 || isDone ? 0 : seconds > 300 ? 0 : 1);
  });

  it.each([-120, -20, 0, 20, 120])(
    "leaves the lock that another instance has by now, with a clock that is ahead by %i s",
    async (ahead) => {
      const { clock, repository, lock } = locks();
      const slow = heldWork();
      const first = lock(ahead).once(version, nothingDone, slow.work);
      await new Promise(setImmediate);
      clock.advanceSeconds(285);
      const quick = heldWork();
      for (const [key] of await recordsOf(repository)) await repository.delete(key);
      const second = lock().once(version, nothingDone, quick.work);
      const theirs = await recordsOf(repository);
      slow.end("slow");
      await first;
      expect(await recordsOf(repository)).toEqual(theirs);
      quick.end("quick");
      await second;
    },
  );

  it("leaves another's lock also in the time that its own holds", async () => {
    const { repository, lock } = locks();
    const slow = heldWork();
    const first = lock().once(version, nothingDone, slow.work);
    const [[key, { expiresAt }] = ["", { expiresAt: 0 }]] = await recordsOf(repository);
    await repository.set(key, { owner: "another", expiresAt });
    slow.end("slow");
    await first;
    expect(await recordsOf(repository)).toEqual([[key, { owner: "another", expiresAt }]]);
  });
});

describe("a lock of which the store did not say whether it was taken", () => {
  const done = async () => ({ value: "done", isReplaced: true });

  /** An instance that does not know whether it has the lock, and what makes its addition come late. */
  async function doubtful(moment: FailureMoment) {
    const { repositories, lock } = locks();
    let late = async (): Promise<unknown> => undefined;
    const flaky = failingOnce(repositories.locks);
    const noting = intercepted(flaky.repository, (run, { method, key, value }) => {
      if (method === "add" && value !== undefined) late = () => repositories.locks.add(key, value);
      return run();
    });
    const own = lock(0, { ...repositories, locks: noting });
    flaky.failNext("add", moment);
    await expect(own.once(version, nothingDone, done)).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
    // What is added after this is another lock.
    return { own, late };
  }

  it("is its owner's where it was taken", async () => {
    const { repositories, lock } = locks();
    const flaky = failingOnce(repositories.locks);
    flaky.failNext("add", "after");
    expect(await lock(0, { ...repositories, locks: flaky.repository }).once(version, nothingDone, done)).toBe("done");
  });

  it.each<[string, FailureMoment]>([
    ["cannot be read back", "after and unread"],
    ["comes late", "before"],
  ])("and that %s is its owner's at the next attempt", async (_, moment) => {
    const { own, late } = await doubtful(moment);
    await late();
    expect(await own.once(version, nothingDone, done)).toBe("done");
  });

  it("and that comes late is its owner's also where that had another lock meanwhile", async () => {
    const { own, late } = await doubtful("before");
    const unchanged = async () => ({ value: "unchanged", isReplaced: false });
    expect(await own.once(version, nothingDone, unchanged)).toBe("unchanged");
    await late();
    expect(await own.once(version, nothingDone, done)).toBe("done");
  });

  it("is another's where another one was first", async () => {
    const { repositories, lock } = locks();
    const slow = heldWork();
    const first = lock().once(version, nothingDone, slow.work);
    const flaky = failingOnce(repositories.locks);
    flaky.failNext("add", "after");
    const own = lock(0, { ...repositories, locks: flaky.repository });
    const twice = () => Promise.reject(new Error("must not be done twice"));
    await expect(own.once(version, nothingDone, twice)).rejects.toMatchObject({ code: "ERR_UPSTREAM_UNAVAILABLE" });
    slow.end("slow");
    await first;
  });

  it("is taken anew where it is gone by the time that its owner looks whose it is", async () => {
    const { repositories, lock } = locks();
    const flaky = failingOnce(repositories.locks);
    let isGone = false;
    const fading = intercepted(flaky.repository, async (run, { method, key }) => {
      if (isGone && method === "get") await repositories.locks.delete(key);
      return run();
    });
    const own = lock(0, { ...repositories, locks: fading });
    flaky.failNext("add", "after and unread");
    await expect(own.once(version, nothingDone, done)).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
    isGone = true;
    expect(await own.once(version, nothingDone, done)).toBe("done");
  });

  it("is not waited for where the store has done nothing, though another has it", async () => {
    const { clock, repositories, lock } = locks();
    const began = clock.read();
    const slow = heldWork();
    const first = lock().once(version, nothingDone, slow.work);
    const refused = intercepted(repositories.locks, async (run, { method }) => {
      if (method === "add") throw new StorageUnavailableError("The test refuses.", { effect: "none" });
      return run();
    });
    const failed = lock(0, { ...repositories, locks: refused }).once(version, nothingDone, done);
    await expect(failed).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    expect(clock.read()).toBe(began);
    slow.end("slow");
    await first;
  });

  it("is nobody's where the store has refused it", async () => {
    const { repositories, lock } = locks();
    const refused = refusing(repositories.locks, (method) => method === "add");
    const own = lock(0, { ...repositories, locks: refused });
    const reads: unknown[] = [];
    const failed = own.once(version, async () => void reads.push("read"), done);
    await expect(failed).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    expect(reads).toEqual([]);
  });
});
