import { LRUCache } from "lru-cache";

/**
 * A cache of at most so many entries, those that were used last. Its memory grows with its entries: `LRUCache` reserves
 * the memory for all of its `max` at once, which takes longer than everything else that a new provider does.
 */
export function boundedCache<Key extends {}, Value extends {}>(max: number): LRUCache<Key, Value> {
  return new LRUCache<Key, Value>({ maxSize: max, sizeCalculation: () => 1 });
}
