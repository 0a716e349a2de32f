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
 *
 * The oldest message that is kept goes first and alone, and shows whether any are taken. Nobody waits for more than that
 * and their own message, however many others publish meanwhile.
 */
export class MessagePublisher {
  readonly #transport: MessageTransport;
  readonly #retryInterval: number;
  readonly #unsent: UnsentMessages;
  /** The round whose first message is under way. */
  #probing: Promise<void> | undefined;
  /** Rounds that are under way: each has messages that are kept nowhere else. */
  readonly #rounds = new Set<Promise<void>>();
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
    if (this.#isClosed || (this.#unsent.isEmpty && this.#probing === undefined)) {
      await this.#sendAll([message]);
      return;
    }
    this.#unsent.add(message);
    await this.#sendUnsent();
  }

  /** Waits for the rounds under way, sends what waits, where the transport is ready, and refuses every further message. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#rounds);
    if (!this.#unsent.isEmpty && this.#transport.isReady) await this.#tryAgain();
    this.#isClosed = true;
    this.#stopRetries();
    await this.#transport.close();
  }

  /** Those who ask before it is known whether messages are taken wait for the same round. */
  #sendUnsent(): Promise<void> {
    if (this.#probing !== undefined) return this.#probing;
    const round = this.#sendRound(this.#unsent.takeAll()).finally(() => this.#rounds.delete(round));
    this.#rounds.add(round);
    this.#probing = round;
    return round;
  }

  async #sendRound(messages: readonly string[]): Promise<void> {
    const [first, ...others] = messages;
    try {
      await (first === undefined ? undefined : this.#transport.send(first));
    } catch (failure) {
      this.#keep(messages);
      throw failure;
    } finally {
      this.#probing = undefined;
    }
    await this.#sendAll([...others, ...this.#unsent.takeAll()]);
    if (this.#unsent.isEmpty && this.#probing === undefined) this.#stopRetries();
  }

  async #sendAll(messages: readonly string[]): Promise<void> {
    const outcomes = await Promise.allSettled(messages.map((message) => this.#transport.send(message)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    this.#keep(messages.filter((_, index) => outcomes[index]?.status === "rejected"));
    throw failed.reason;
  }

  /** Keeps what was not taken, before what has come since. */
  #keep(messages: readonly string[]): void {
    if (this.#isClosed) return;
    this.#unsent.putBack(messages);
    this.#startRetries();
  }

  #startRetries(): void {
    if (this.#retries !== undefined) return;
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
