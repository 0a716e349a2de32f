/**
 * Lets adds that begin at the same time look at the same time: an add stores its item and then looks for others, and those
 * looks can be one call if none begins before every store has been answered.
 */
export class StoresTogether {
  #group: Promise<unknown>[] | undefined;

  /** Stores an item, and settles when everything that began to be stored with it has been answered. */
  async store<T>(begin: () => Promise<T>): Promise<T> {
    const group = this.#group ?? this.#openGroup();
    const stored = begin();
    group.push(stored);
    await Promise.allSettled([stored]);
    await Promise.allSettled(group);
    return stored;
  }

  #openGroup(): Promise<unknown>[] {
    const group: Promise<unknown>[] = [];
    this.#group = group;
    setImmediate(() => {
      this.#group = undefined;
    });
    return group;
  }
}
