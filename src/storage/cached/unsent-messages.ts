/** The message that stands for all: everything may have changed. */
export const everything = "*";

/**
 * Messages that could not be sent, to be sent again: the oldest first, each once. When there are too many, one message that
 * everything may have changed takes the place of all.
 */
export class UnsentMessages {
  readonly #max: number;
  #messages = new Set<string>();

  /** @param max - How many messages are kept before they become one. */
  constructor(max: number) {
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#messages.size === 0;
  }

  /** Keeps a message behind those that are there. */
  add(message: string): void {
    if (this.#messages.has(everything)) return;
    if (message === everything || this.#messages.size >= this.#max) this.#messages = new Set([everything]);
    else this.#messages.add(message);
  }

  /** Gives out the messages, and keeps them no longer. */
  takeAll(): string[] {
    const messages = [...this.#messages];
    this.#messages.clear();
    return messages;
  }

  /** Keeps messages again that were given out, before those that have come since. */
  putBack(messages: readonly string[]): void {
    const later = this.takeAll();
    for (const message of [...messages, ...later]) this.add(message);
  }
}
