import { CachedRepository } from "../../src/storage/cached/cached-repository.ts";
import type { CachedRepositoryOptions } from "../../src/storage/cached/options.ts";
import { InMemoryRepository } from "../../src/storage/in-memory.ts";
import { type GatedRepository, gated } from "./gated-repository.ts";
import { ManualClock } from "./manual-clock.ts";

/** A record for the tests of the cache. */
export interface Note {
  readonly text: string;
  /** In epoch seconds. */
  readonly expiresAt?: number;
}

/** A cache over a store in memory, with a gate between them. `maxStaleness` is a minute, and the clock stands still. */
export interface CachedSetup<V> {
  readonly clock: ManualClock;
  /** What other instances share with the cache: a change here is a change that the cache does not see. */
  readonly store: InMemoryRepository<string, V>;
  readonly backend: GatedRepository<string, V>;
  readonly cache: CachedRepository<string, V>;
}

export const maxStaleness = 60_000;

export function cachedSetup<V = Note>(settings: Partial<CachedRepositoryOptions<V>> = {}): CachedSetup<V> {
  const clock = new ManualClock();
  const store = new InMemoryRepository<string, V>({ clock: clock.read });
  const backend = gated(store);
  const cache = new CachedRepository<string, V>(backend, { max: 100, maxStaleness, clock: clock.read, ...settings });
  return { clock, store, backend, cache };
}
