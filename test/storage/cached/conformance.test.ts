import { describe, it } from "vitest";
import {
  type RepositoryUnderTest,
  type SampleRecord,
  sampleIndexes,
  testRepository,
} from "../../../src/conformance.ts";
import { StorageTimeoutError } from "../../../src/errors.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { InMemoryInvalidationChannel } from "../../../src/storage/cached/in-memory-invalidation-channel.ts";
import type { InvalidationChannel } from "../../../src/storage/cached/invalidation.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { maxStaleness } from "../../support/cached-setup.ts";
import { gated, heldRead } from "../../support/gated-repository.ts";
import { intercepted, refusing } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const inMemory = {
  plant: "memory encodes nothing",
  plantUnopenable: "memory seals nothing",
  processes: "memory is one process's own",
};

function cachedInMemory(settings: { readonly invalidation?: InvalidationChannel } = {}): RepositoryUnderTest {
  const clock = new ManualClock();
  const held = gated(new InMemoryRepository<string, SampleRecord>({ clock: clock.read }));
  let isBroken = false;
  let losesAnswer = false;
  const backend = intercepted(
    refusing(held, () => isBroken),
    async (run, { method }) => {
      const answer = await run();
      if (!losesAnswer || method === "get") return answer;
      losesAnswer = false;
      throw new StorageTimeoutError("The test lost the answer.");
    },
  );
  const options = { max: 1_000, maxStaleness, clock: clock.read, ...settings };
  return {
    repository: new CachedRepository<string, SampleRecord>(backend, options),
    anyValue: new CachedRepository(new InMemoryRepository<string, unknown>({ clock: clock.read }), options),
    again: () => new CachedRepository<string, SampleRecord>(backend, options),
    advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
    now: clock.read,
    breakStore: () => {
      isBroken = true;
      // What is in memory may be answered from there until it is this old.
      clock.advance(maxStaleness);
    },
    restoreStore: () => {
      isBroken = false;
    },
    loseAnswer: () => {
      losesAnswer = true;
    },
    holdRead: () => heldRead(held.hold("get")),
  };
}

testRepository("CachedRepository", () => cachedInMemory(), {
  runner: { describe, it },
  without: { ...inMemory, again: "without a channel another instance's changes are seen after maxStaleness" },
});

testRepository(
  "CachedRepository with an invalidation channel",
  () => cachedInMemory({ invalidation: new InMemoryInvalidationChannel() }),
  { runner: { describe, it }, without: inMemory },
);

testRepository(
  "CachedRepository over a CachedRepository",
  () => {
    const inner = cachedInMemory();
    const options = { max: 1_000, maxStaleness, ...(inner.now !== undefined && { clock: inner.now }) };
    return {
      ...inner,
      repository: new CachedRepository(inner.repository, options),
      ...(inner.anyValue !== undefined && { anyValue: new CachedRepository(inner.anyValue, options) }),
    };
  },
  { runner: { describe, it }, without: { ...inMemory, again: "without a channel it takes maxStaleness" } },
);

testRepository(
  "CachedRepository of a repository with indexes",
  () => {
    const clock = new ManualClock();
    const invalidation = new InMemoryInvalidationChannel();
    const backend = new InMemoryRepository<string, SampleRecord>({ clock: clock.read, indexes: sampleIndexes });
    const open = () =>
      new CachedRepository<string, SampleRecord>(backend, {
        max: 1_000,
        maxStaleness,
        clock: clock.read,
        invalidation,
      });
    return {
      repository: open(),
      again: open,
      advanceSeconds: (seconds: number) => clock.advanceSeconds(seconds),
      now: clock.read,
    };
  },
  {
    runner: { describe, it },
    without: {
      ...inMemory,
      anyValue: "the other runs have it",
      unindexed: "the records of memory have their index or none at all",
      breakStore: "memory does not fail",
      holdRead: "the other runs hold reads",
      loseAnswer: "memory always answers",
    },
  },
);
