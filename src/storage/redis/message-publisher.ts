import type { StorageError } from "../../errors.ts";
import { CommandSender } from "./command-sender.ts";
import type { RedisClient } from "./redis-like.ts";
import { UnsentMessages } from "./unsent-messages.ts";

/** A client that messages are published with. */
export interface PublishingClient extends RedisClient {
  publish(channel: string, message: string): Promise<unknown>;
}

/** Settings of a {@link MessagePublisher}. */
export interface MessagePublisherOptions {
  readonly channel: string;
  /** What every message begins with: who says it. */
  readonly sender: string;
  /** How long publishing a message may take, in milliseconds. */
  readonly timeout: number;
  /** How many messages are kept to be sent again. */
  readonly maxUnsent: number;
  /** Milliseconds between two attempts to send what is kept, where no new connection gives the occasion. */
  readonly retryInterval: number;
}

/**
 * Publishes messages on one channel. A message that Redis did not take is kept and sent again, before any later one: as soon
 * as the client is connected anew, and at each interval until then. A message may arrive twice.
 */
export class MessagePublisher {
  readonly #redis: PublishingClient;
  readonly #options: MessagePublisherOptions;
  readonly #sender: CommandSender;
  readonly #unsent: UnsentMessages;
  #sending: Promise<void> | undefined;
  #retries: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(redis: PublishingClient, options: MessagePublisherOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#sender = new CommandSender(redis, options.timeout);
    this.#unsent = new UnsentMessages(options.maxUnsent);
  }

  /**
   * Publishes a message, behind those that wait.
   *
   * @throws {StorageError} when Redis has not taken it. It is sent again later, unless the publisher is closed.
   */
  async publish(message: string): Promise<void> {
    if (this.#isClosed || (this.#unsent.isEmpty && this.#sending === undefined)) {
      await this.#send(message).catch((failure: StorageError) => {
        if (!this.#isClosed) this.#unsent.add(message);
        this.#startRetries();
        throw failure;
      });
      return;
    }
    this.#unsent.add(message);
    await this.#sendUnsent();
  }

  /** Sends what waits, where the client is connected, and refuses every further message. */
  async close(): Promise<void> {
    if (!this.#unsent.isEmpty && this.#redis.status === "ready") await this.#tryAgain();
    this.#isClosed = true;
    this.#stopRetries();
    await this.#sender.close();
  }

  #send(message: string): Promise<unknown> {
    return this.#sender.send({
      operation: "publish",
      redisKeys: [],
      send: () => this.#redis.publish(this.#options.channel, `${this.#options.sender} ${message}`),
    });
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

  /** What Redis has not taken, and why; `undefined` where it has taken all. The first message shows whether it takes any. */
  async #sendInOrder([first, ...others]: readonly string[]): Promise<
    { readonly failure: unknown; readonly messages: readonly string[] } | undefined
  > {
    if (first !== undefined) await this.#send(first);
    const outcomes = await Promise.allSettled(others.map((message) => this.#send(message)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return undefined;
    const messages = others.filter((_, index) => outcomes[index]?.status === "rejected");
    return { failure: failed.reason, messages };
  }

  #startRetries(): void {
    if (this.#isClosed || this.#retries !== undefined) return;
    this.#retries = setInterval(this.#tryAgain, this.#options.retryInterval);
    this.#retries.unref();
    this.#redis.on("ready", this.#tryAgain);
  }

  /** Whoever published the messages was told that they failed; that they failed again is no news. */
  readonly #tryAgain = (): Promise<void> => this.#sendUnsent().catch(() => undefined);

  #stopRetries(): void {
    clearInterval(this.#retries);
    this.#retries = undefined;
    this.#redis.off("ready", this.#tryAgain);
  }
}
