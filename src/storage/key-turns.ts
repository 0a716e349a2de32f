/** Lets one operation on a key run at a time, in the order in which they were asked for. */
export class KeyTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs when every earlier operation on the key has ended, however it ended. */
  async run<T>(key: string, operation: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const turn = before === undefined ? operation() : before.then(operation, operation);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
