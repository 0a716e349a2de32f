/** The writes to one key that have begun and not ended. */
interface Fence {
  underWay: number;
  /** Goes up whenever anything happens to the key: a write begins or ends, an invalidation arrives. */
  version: number;
}

/**
 * Knows whether a write had its key to itself. Two writes that overlap may reach the backend in either order, so neither
 * knows what the backend holds afterwards. Keeps nothing for a key without a write under way.
 */
export class WritesUnderWay {
  readonly #fences = new Map<string, Fence>();

  /** Begins a write. The answer is its token for {@link end}. */
  begin(key: string): number {
    const fence = this.#fences.get(key) ?? { underWay: 0, version: 0 };
    fence.underWay += 1;
    fence.version += 1;
    this.#fences.set(key, fence);
    return fence.version;
  }

  /** Ends a write. True where nothing else happened to the key since it began. */
  end(key: string, token: number): boolean {
    const fence = this.#fences.get(key);
    if (fence === undefined) return false;
    const alone = fence.version === token && fence.underWay === 1;
    fence.underWay -= 1;
    fence.version += 1;
    if (fence.underWay === 0) this.#fences.delete(key);
    return alone;
  }

  has(key: string): boolean {
    return this.#fences.has(key);
  }

  /** Something else happened to the key. */
  disturb(key: string): void {
    const fence = this.#fences.get(key);
    if (fence !== undefined) fence.version += 1;
  }

  /** Something may have happened to every key. */
  disturbAll(): void {
    for (const fence of this.#fences.values()) fence.version += 1;
  }
}
