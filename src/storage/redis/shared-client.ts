import { requireTimeout } from "../../option-checks.ts";
import { CommandSender } from "./command-sender.ts";
import { hearErrorEvents } from "./error-events.ts";
import { GetBatches } from "./get-batches.ts";
import type { RedisOperation } from "./redis-failure.ts";
import type { RedisLike } from "./redis-like.ts";
import { type OtherRedisClient, repositoryPort } from "./redis-port.ts";
import { ReplicaConfirmation, type WaitForReplicas } from "./replica-confirmation.ts";

const defaultTimeout = 2_000;

/**
 * A client of Redis with what is under way on it. The repositories of several kinds of record can share one: what they read
 * in the same turn is then one command.
 */
export class SharedClient {
  /** What its owner knows it by. */
  readonly client: object;
  /** The same client as this folder sees it. */
  readonly redis: RedisLike;
  readonly sender: CommandSender;
  readonly reads: GetBatches;
  readonly #replicas: ReplicaConfirmation | undefined;
  #users = 0;

  /**
   * @param timeout - How long a command may take, the wait for a connection included, in milliseconds. Default: 2,000.
   * @param waitForReplicas - The replicas that have to have a write. Default: none is asked.
   * @throws {ConfigurationError} when the timeout is not positive, or the client is unsafe.
   */
  constructor(client: RedisLike | OtherRedisClient, timeout = defaultTimeout, waitForReplicas?: WaitForReplicas) {
    requireTimeout("timeout", timeout);
    const redis = repositoryPort(client);
    hearErrorEvents(redis);
    this.#replicas = waitForReplicas && new ReplicaConfirmation(redis, waitForReplicas, timeout);
    this.client = client;
    this.redis = redis;
    this.sender = new CommandSender(redis, timeout);
    this.sender.watchDatabase();
    this.reads = new GetBatches(redis, this.sender);
  }

  /** Counts a repository that sends its commands here. */
  join(): void {
    this.#users += 1;
  }

  /**
   * Sends a write, and waits for the replicas where some have to have it.
   *
   * @param hasWritten - Says of the answer whether anything was written.
   */
  write<T>(
    operation: RedisOperation,
    redisKey: string,
    write: () => Promise<T>,
    hasWritten: (answer: T) => boolean,
  ): Promise<T> {
    const replicas = this.#replicas;
    const send = replicas === undefined ? write : () => replicas.send(redisKey, write, hasWritten);
    return this.sender.send({ operation, redisKeys: [redisKey], send });
  }

  /**
   * Counts the repository no more, and waits for the commands under way, whichever repository sent them. When the last
   * repository leaves, the commands that still wait for a connection end, and later ones are refused.
   */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) {
      await this.sender.close();
      this.#replicas?.stop();
      return;
    }
    // The reads of this turn are sent when it is over.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await this.sender.finish();
  }
}
