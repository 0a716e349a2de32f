import type { StorageError } from "../../errors.ts";
import { requireThat } from "../../option-checks.ts";
import { UnsentMessages } from "./unsent-messages.ts";

/** What messages are sent over. */
export interface MessageTransport {
  /** Whether a message could be sent now, as far as the transport can tell. */
  readonly isReady: boolean;
  /**
   * Sends a message.
   *
   * @throws {StorageError} when it was not taken.
   */
  send(message: string): Promise<unknown>;
  /**
   * Calls back whenever messages may be taken again.
   *
   * @returns What ends the calls.
   */
  onReady(listener: () => void): () => void;
  /** Waits for the messages under way, and takes no more. */
  close(): Promise<void>;
}

/** Settings of a {@link MessagePublisher}. */
export interface MessagePublisherOptions {
  /** How many messages are kept to be sent again. */
  readonly maxUnsent: number;
  /** Milliseconds between two attempts to send what is kept, where no new connection gives the occasion. */
  readonly retryInterval: number;
}

/** How many messages are kept where nobody says so. */
const defaultMaxUnsent = 10_000;
/** A set has room for more. */
const mostUnsent = 1_000_000;

/** @throws {ConfigurationError} when it is no number of messages. */
export function requireMaxUnsent(maxUnsent: number = defaultMaxUnsent): number {
  requireThat(
    Number.isSafeInteger(maxUnsent) && maxUnsent > 0 && maxUnsent <= mostUnsent,
    `maxUnsent must be a whole number from 1 to ${mostUnsent}.`,
  );
  return maxUnsent;
}

/**
 * Publishes messages. A message that was not taken is kept and sent again, before any later one: as soon
 * as the transport is ready again, and at each interval until then. A message may arrive twice.
 */
export class MessagePublisher {
  readonly #transport: MessageTransport;
  readonly #retryInterval: number;
  readonly #unsent: UnsentMessages;
  #sending: Promise<void> | undefined;
  #retries: NodeJS.Timeout | undefined;
  #stopHearing: (() => void) | undefined;
  #isClosed = false;

  constructor(transport: MessageTransport, { maxUnsent, retryInterval }: MessagePublisherOptions) {
    this.#transport = transport;
    this.#retryInterval = retryInterval;
    this.#unsent = new UnsentMessages(maxUnsent);
  }

  /**
   * Publishes a message, behind those that wait.
   *
   * @throws {StorageError} when it was not taken. It is sent again later, unless the publisher is closed.
   */
  async publish(message: string): Promise<void> {
    if (this.#isClosed || (this.#unsent.isEmpty && this.#sending === undefined)) {
      await this.#transport.send(message).catch((failure: StorageError) => {
        if (!this.#isClosed) this.#unsent.add(message);
        this.#startRetries();
        throw failure;
      });
      return;
    }
    this.#unsent.add(message);
    await this.#sendUnsent();
  }

  /** Sends what waits, where the transport is ready, and refuses every further message. */
  async close(): Promise<void> {
    if (!this.#unsent.isEmpty && this.#transport.isReady) await this.#tryAgain();
    this.#isClosed = true;
    this.#stopRetries();
    await this.#transport.close();
  }

  /** Those who ask while messages are being sent wait for the same end. */
  #sendUnsent(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (!this.#unsent.isEmpty) {
      const messages = this.#unsent.takeAll();
      const unsent = await this.#sendInOrder(messages).catch((failure: unknown) => ({ failure, messages }));
      if (unsent === undefined) continue;
      if (!this.#isClosed) this.#unsent.putBack(unsent.messages);
      this.#startRetries();
      throw unsent.failure;
    }
    this.#stopRetries();
  }

  /** What was not taken, and why; `undefined` where all were. The first message shows whether any are taken. */
  async #sendInOrder([first, ...others]: readonly string[]): Promise<
    { readonly failure: unknown; readonly messages: readonly string[] } | undefined
  > {
    if (first !== undefined) await this.#transport.send(first);
    const outcomes = await Promise.allSettled(others.map((message) => this.#transport.send(message)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return undefined;
    const messages = others.filter((_, index) => outcomes[index]?.status === "rejected");
    return { failure: failed.reason, messages };
  }

  #startRetries(): void {
    if (this.#isClosed || this.#retries !== undefined) return;
    this.#retries = setInterval(this.#tryAgain, this.#retryInterval);
    this.#retries.unref();
    this.#stopHearing = this.#transport.onReady(this.#tryAgain);
  }

  /** Whoever published the messages was told that they failed; that they failed again is no news. */
  readonly #tryAgain = (): Promise<void> => this.#sendUnsent().catch(() => undefined);

  #stopRetries(): void {
    clearInterval(this.#retries);
    this.#retries = undefined;
    this.#stopHearing?.();
    this.#stopHearing = undefined;
  }
}
