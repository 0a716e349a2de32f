import { requireMethods, requireTimerLength } from "../../option-checks.ts";
import { requireSafeClient } from "./client-settings.ts";
import { CommandSender } from "./command-sender.ts";
import { GetBatches } from "./get-batches.ts";
import type { RedisLike } from "./redis-like.ts";

const defaultTimeout = 2_000;

/**
 * A client of Redis with what is under way on it. The repositories of several kinds of record can share one: what they read
 * in the same turn is then one command.
 */
export class SharedClient {
  readonly redis: RedisLike;
  readonly sender: CommandSender;
  readonly reads: GetBatches;
  #users = 0;

  /**
   * @param timeout - How long a command may take, the wait for a connection included, in milliseconds. Default: 2,000.
   * @throws {ConfigurationError} when the timeout is not positive, or the client is unsafe.
   */
  constructor(redis: RedisLike, timeout = defaultTimeout) {
    requireTimerLength("timeout", timeout);
    requireMethods("The Redis client", redis, ["get", "mget", "set", "getdel", "del", "on"]);
    requireSafeClient(redis);
    this.redis = redis;
    this.sender = new CommandSender(redis, timeout);
    this.reads = new GetBatches(redis, this.sender);
  }

  /** Counts a repository that sends its commands here. */
  join(): void {
    this.#users += 1;
  }

  /**
   * Counts the repository no more, and waits for the commands under way, whichever repository sent them. When the last
   * repository leaves, the commands that still wait for a connection end, and later ones are refused.
   */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) return this.sender.close();
    // The reads of this turn are sent when it is over.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await this.sender.finish();
  }
}
