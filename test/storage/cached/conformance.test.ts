import { describe, it } from "vitest";
import { type RepositoryUnderTest, type SampleRecord, testRepository } from "../../../src/conformance.ts";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { InMemoryInvalidationChannel } from "../../../src/storage/cached/in-memory-invalidation-channel.ts";
import type { InvalidationChannel } from "../../../src/storage/cached/invalidation.ts";
import type { Repository } from "../../../src/storage/contract.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { maxStaleness } from "../../support/cached-setup.ts";
import { GatedRepository } from "../../support/gated-repository.ts";
import { stoppedClock } from "../../support/stopped-clock.ts";

const plant = "memory encodes nothing";

/** Passes calls on until it is broken. */
class BreakableRepository implements Repository<string, SampleRecord> {
  isBroken = false;
  readonly #inner: Repository<string, SampleRecord>;

  constructor(inner: Repository<string, SampleRecord>) {
    this.#inner = inner;
  }

  get(key: string): Promise<SampleRecord | undefined> {
    return this.#pass((inner) => inner.get(key));
  }

  set(key: string, value: SampleRecord): Promise<void> {
    return this.#pass((inner) => inner.set(key, value));
  }

  delete(key: string): Promise<boolean> {
    return this.#pass((inner) => inner.delete(key));
  }

  take(key: string): Promise<SampleRecord | undefined> {
    return this.#pass((inner) => inner.take(key));
  }

  add(key: string, value: SampleRecord): Promise<boolean> {
    return this.#pass((inner) => inner.add(key, value));
  }

  async #pass<R>(call: (inner: Repository<string, SampleRecord>) => Promise<R>): Promise<R> {
    if (this.isBroken) throw new StorageUnavailableError("The test broke the store.");
    return call(this.#inner);
  }
}

function cachedInMemory(settings: { readonly invalidation?: InvalidationChannel } = {}): RepositoryUnderTest {
  const clock = stoppedClock();
  const gated = new GatedRepository(new InMemoryRepository<string, SampleRecord>({ clock }));
  const backend = new BreakableRepository(gated);
  const options = { max: 1_000, maxStaleness, clock, ...settings };
  return {
    repository: new CachedRepository<string, SampleRecord>(backend, options),
    anyValue: new CachedRepository(new InMemoryRepository<string, unknown>({ clock }), options),
    again: () => new CachedRepository<string, SampleRecord>(backend, options),
    advanceSeconds: (seconds) => clock.advance(seconds * 1_000),
    now: clock,
    breakStore: () => {
      backend.isBroken = true;
      // What is in memory may be answered from there until it is this old.
      clock.advance(maxStaleness);
    },
    restoreStore: () => {
      backend.isBroken = false;
    },
    holdRead: () => {
      const gate = gated.hold("get");
      return {
        arrived: async () => {
          while (!gate.arrived) await new Promise(setImmediate);
          await gate.apply();
        },
        release: () => gate.answer(),
      };
    },
  };
}

testRepository("CachedRepository", () => cachedInMemory(), {
  runner: { describe, it },
  without: { plant, again: "without a channel another instance's changes are seen after maxStaleness" },
});

testRepository(
  "CachedRepository with an invalidation channel",
  () => cachedInMemory({ invalidation: new InMemoryInvalidationChannel() }),
  { runner: { describe, it }, without: { plant } },
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
  { runner: { describe, it }, without: { plant, again: "without a channel it takes maxStaleness" } },
);
