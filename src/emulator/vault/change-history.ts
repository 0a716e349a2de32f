import type { VaultItem } from "./item.ts";

interface Change {
  readonly id: string;
  /** The item as it was, or `undefined` where the change created it. */
  readonly before: VaultItem | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Remembers recent changes, so that a reader can be shown the store as it was some time ago. It keeps nothing unless
 * told how far back a reader may look.
 */
export class ChangeHistory {
  #reach = 0;
  #changes: Change[] = [];

  /** How far back a reader may look from now on, in milliseconds. 0 forgets and stops recording. */
  set reach(milliseconds: number) {
    this.#reach = milliseconds;
    if (milliseconds === 0) this.#changes = [];
  }

  record(id: string, before: VaultItem | undefined, now: number): void {
    if (this.#reach === 0) return;
    const oldest = now - this.#reach;
    // Only when half has run out, so that a write costs little.
    const middle = this.#changes[this.#changes.length >> 1];
    if (middle !== undefined && middle.at < oldest) {
      this.#changes = this.#changes.filter((change) => change.at >= oldest);
    }
    this.#changes.push({ id, before, at: now });
  }

  /** The items that were different at a time (milliseconds since the epoch), as they were then: `undefined` for not there yet. */
  asOf(time: number): ReadonlyMap<string, VaultItem | undefined> {
    const then = new Map<string, VaultItem | undefined>();
    for (const change of this.#changes) {
      // The first change after the time says how the item was at the time.
      if (change.at > time && !then.has(change.id)) then.set(change.id, change.before);
    }
    return then;
  }

  clear(): void {
    this.#changes = [];
  }
}
