import { randomUUID } from "node:crypto";
import { StorageRejectedError, StorageUnavailableError } from "../../errors.ts";
import { type OptionKinds, requireKind, requireOptions, requireTimeout } from "../../option-checks.ts";
import {
  type InvalidationChannel,
  type InvalidationConnection,
  type InvalidationSubscriber,
  type InvalidationSubscription,
  sha256Name,
} from "../cached/invalidation.ts";
import { MessagePublisher, requireMaxUnsent } from "../cached/message-publisher.ts";
import { everything } from "../cached/unsent-messages.ts";
import { KeySpace } from "../key-space.ts";
import { ListeningConnection, type PostgresListener } from "./listening-connection.ts";
import type { PostgresLike } from "./postgres-like.ts";
import { SharedPostgres } from "./shared-postgres.ts";

/** Settings of a {@link PostgresInvalidation}. */
export interface PostgresInvalidationOptions {
  /** The repository that the messages are about: 1 to 64 of `a-z`, `0-9`, `_` and `-`. Its instances share the name. */
  readonly prefix: string;
  /**
   * Makes a client that listens: one connection of its own, that no pooler shares between transactions. Called again
   * whenever the connection is lost.
   */
  readonly listener: () => PostgresListener;
  /** How long publishing a message may take, in milliseconds. Default: 2,000. */
  readonly timeout?: number;
  /**
   * How often a message to itself is sent, and how long it may take to arrive, in milliseconds. Default: 5,000. A connection
   * that dies without a word is found out within two heartbeats.
   */
  readonly heartbeat?: number;
  /**
   * How many messages are kept that could not be published. They are sent when Postgres can be reached again; where there are
   * more, the other instances are told that everything may have changed. Default: 10,000.
   */
  readonly maxUnsent?: number;
  /** Told of each failure to listen: what is wrong with the connection, or that nothing arrives over it. */
  readonly onRefused?: (error: unknown) => void;
}

const optionKinds: OptionKinds<PostgresInvalidationOptions> = {
  prefix: "any",
  listener: "any",
  timeout: "any",
  heartbeat: "any",
  maxUnsent: "any",
  onRefused: "function",
};

/**
 * The instance that says it, and the SHA-256 of the record's key in base64url, or that everything may have changed; for a
 * heartbeat its number.
 */
const messageForm = /^([0-9a-f-]{36}) (?:([A-Za-z0-9_-]{43}|\*)|beat (\d+))$/;

/** The channel of all repositories: the prefix is in the message, so that any prefix fits. */
const channel = "pangea_invalidate";

/** What a message begins with that is for every repository. No prefix has a star. */
const forAll = "*:";

/**
 * Tells every `PostgresInvalidation` that listens at a Postgres of a change: for a program that has the store of a server
 * and not its channel, whose prefix only the server knows.
 *
 * @param key - The record's key; undefined where everything may have changed.
 * @throws {StorageFailure} when Postgres does not take it.
 */
export async function notifyAll(postgres: PostgresLike, key: string | undefined, timeout?: number): Promise<void> {
  const name = key === undefined ? everything : sha256Name(key);
  await new SharedPostgres(postgres, timeout).run({
    intent: "read",
    text: "SELECT pg_notify($1, $2)",
    values: [channel, `${forAll}${randomUUID()} ${name}`],
  });
}

/**
 * Tells the caches of other instances what has changed, with LISTEN and NOTIFY of Postgres. Messages carry the SHA-256 of
 * keys, never keys. A message that could not be published is told as a failure, kept, and sent when Postgres can be reached
 * again, the oldest first. Postgres keeps none for who is not listening: until a message to itself has arrived, and again when one
 * does not, the channel is `"down"`, and nothing is answered from memory.
 *
 * LISTEN needs a connection of its own. Behind a pooler that shares connections between transactions nothing arrives:
 * `onRefused` says so. Publishing works there.
 *
 * @example
 * ```ts
 * const invalidation = new PostgresInvalidation(pool, {
 *   prefix: "grant",
 *   listener: () => new Client({ connectionString: process.env.DATABASE_URL }),
 * });
 * const grants = new CachedRepository(repositories.grants, { max: 10_000, maxStaleness: 30_000, invalidation });
 * ```
 */
export class PostgresInvalidation implements InvalidationChannel, AsyncDisposable {
  readonly names = "sha256";
  readonly #postgres: SharedPostgres;
  readonly #prefix: string;
  readonly #heartbeat: number;
  readonly #listener: () => PostgresListener;
  readonly #onRefused: ((error: unknown) => void) | undefined;
  readonly #publisher: MessagePublisher;
  readonly #subscribers = new Set<InvalidationSubscriber>();
  readonly #instance = randomUUID();
  readonly #readyListeners = new Set<() => void>();
  #listening: ListeningConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beatsSent = 0;
  #beatsHeard = 0;
  #isUp = false;

  /**
   * @param postgres - Publishes. It stays open.
   * @throws {ConfigurationError} for an unknown option, a prefix outside its alphabet, a `listener` that is no function, and
   * for times and a `maxUnsent` that are out of range.
   */
  constructor(postgres: PostgresLike, options: PostgresInvalidationOptions) {
    requireOptions("PostgresInvalidation", options ?? null, optionKinds);
    const { timeout, heartbeat = 5_000, listener, onRefused } = options;
    requireTimeout("heartbeat", heartbeat);
    requireKind("listener", listener ?? null, "function");
    const maxUnsent = requireMaxUnsent(options.maxUnsent);
    this.#prefix = new KeySpace(options.prefix).start;
    this.#postgres = new SharedPostgres(postgres, timeout);
    this.#postgres.join();
    this.#heartbeat = heartbeat;
    this.#listener = listener;
    this.#onRefused = onRefused;
    const isListening = (): boolean => this.#listening?.isListening === true;
    this.#publisher = new MessagePublisher(
      {
        get isReady() {
          return isListening();
        },
        send: (message) => this.#notify(message),
        onReady: (hear) => {
          this.#readyListeners.add(hear);
          return () => this.#readyListeners.delete(hear);
        },
        close: () => this.#postgres.leave(),
      },
      { maxUnsent, retryInterval: heartbeat },
    );
  }

  subscribe(subscriber: InvalidationSubscriber): InvalidationSubscription {
    this.#subscribers.add(subscriber);
    if (this.#listening === undefined) this.#start();
    else if (this.#isUp) subscriber.onConnectionChange("up");
    return {
      publish: (name) => this.#publish(name, subscriber),
      [Symbol.asyncDispose]: async () => void this.#subscribers.delete(subscriber),
    };
  }

  /** Ends the messages and closes the connection that was opened to listen. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#subscribers.clear();
    await this.#publisher.close();
    await this.#listening?.close();
  }

  #start(): void {
    this.#listening = new ListeningConnection(this.#listener, channel, {
      onListening: () => {
        for (const hear of this.#readyListeners) hear();
        void this.#beat();
      },
      onMessage: (message) => this.#onMessage(message),
      onLost: (error) => {
        this.#change(false);
        this.#onRefused?.(error);
      },
    });
    this.#timer = setInterval(() => this.#checkBeat(), this.#heartbeat);
    this.#timer.unref();
  }

  /** A message that this instance sent and did not hear: the connection is dead, or shared by a pooler. */
  #checkBeat(): void {
    const isListening = this.#listening?.isListening === true;
    if (isListening && this.#beatsHeard < this.#beatsSent) {
      // A pooler lets no message through, ever; what was slow or has died did before.
      const failure =
        this.#beatsHeard === 0
          ? new StorageRejectedError(
              `Postgres takes LISTEN, but no message has arrived within ${this.#heartbeat} milliseconds: give the listener a direct connection, past any pooler. Where it has one, Postgres or this process is slower than that: make heartbeat longer.`,
              { effect: "none" },
            )
          : new StorageUnavailableError(
              `No message of this process to itself has arrived within ${this.#heartbeat} milliseconds, as others did before: the connection has died, or Postgres or this process is slow. It is made anew.`,
              { effect: "none" },
            );
      this.#listening?.renew(failure);
      return;
    }
    if (isListening) void this.#beat();
  }

  async #beat(): Promise<void> {
    this.#beatsSent += 1;
    const beat = this.#beatsSent;
    try {
      await this.#notify(`beat ${beat}`);
    } catch {
      // The beat is not heard, which the next look at it finds.
    }
  }

  async #publish(name: string, from: InvalidationSubscriber): Promise<void> {
    for (const other of this.#subscribers) if (other !== from) other.onInvalidate([name]);
    await this.#publisher.publish(name);
  }

  async #notify(text: string): Promise<void> {
    await this.#postgres.run({
      // A message that comes twice does no harm, and one that is lost does: it may be sent again.
      intent: "read",
      text: "SELECT pg_notify($1, $2)",
      values: [channel, `${this.#prefix}${this.#instance} ${text}`],
    });
  }

  #onMessage(message: string): void {
    const start = [this.#prefix, forAll].find((one) => message.startsWith(one));
    if (start === undefined) return;
    const [, instance, name, beat] = messageForm.exec(message.slice(start.length)) ?? [];
    if (instance === this.#instance) {
      if (beat !== undefined) this.#onBeat(Number(beat));
      return;
    }
    if (name === undefined) return;
    for (const subscriber of this.#subscribers) subscriber.onInvalidate(name === everything ? "all" : [name]);
  }

  #onBeat(beat: number): void {
    this.#beatsHeard = beat;
    if (beat === this.#beatsSent) this.#change(true);
  }

  #change(isUp: boolean): void {
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    const connection: InvalidationConnection = isUp ? "up" : "down";
    for (const subscriber of this.#subscribers) subscriber.onConnectionChange(connection);
  }
}
