import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, StorageUnavailableError } from "../../../src/index.ts";
import { UpstreamRefreshLock } from "../../../src/provider/grants/upstream-refresh-lock.ts";
import { Upstreams } from "../../../src/provider/upstream/upstreams.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recordsOf } from "../../support/records-of.ts";

const version = { grantId: "grant", sealed: "v1" };
const nothingDone = async () => undefined;

function locks() {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const repository = repositories.locks;
  const lock = () =>
    new UpstreamRefreshLock({
      repositories,
      now: () => clock.seconds(),
      delay: async (milliseconds) => clock.advance(milliseconds),
      upstreams: new Upstreams([new FakeUpstream(clock.read)], { baseUrl: "https://mcp.example" }),
    });
  return { clock, repository, lock };
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
    [298, true],
    [299, false],
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
