import type { StorageError } from "../../errors.ts";
import { CallDeadlines, type Expiring } from "./call-deadlines.ts";
import type { ConnectionGate } from "./connection-gate.ts";
import { GateRegistry } from "./gate-registry.ts";
import { type CallObserver, RedisCall, type RedisCommand } from "./redis-call.ts";
import { replyCode } from "./redis-failure.ts";
import { clientSetting, isRedisCluster, type RedisClient } from "./redis-like.ts";
import { type DatabasePlace, watchDatabase } from "./wrong-database.ts";

/** Somebody who waits for the commands that were under way at some moment. */
interface Finish {
  readonly unsettled: Set<Expiring>;
  resolve(): void;
}

/**
 * Sends commands so that each settles by its deadline, whatever the connection does, and none is sent once its caller has
 * been told that it failed.
 */
export class CommandSender implements CallObserver {
  readonly #redis: RedisClient;
  readonly #gates: GateRegistry;
  readonly #deadlines: CallDeadlines;
  readonly #finishes = new Set<Finish>();
  #place: DatabasePlace | undefined;
  #closing: Promise<void> | undefined;

  /** @param timeout - How long a command may take, the wait for a connection included, in milliseconds. */
  constructor(redis: RedisClient, timeout: number) {
    this.#redis = redis;
    this.#gates = new GateRegistry(redis);
    this.#deadlines = new CallDeadlines(timeout);
  }

  /** Sends nothing more while the client is in another database than it is set to. */
  watchDatabase(): void {
    this.#place = watchDatabase(this.#redis, (send) => this.send({ operation: "get", redisKeys: [], send }));
  }

  /** Sends the command, now or as soon as the connection takes it. */
  send<T>(command: RedisCommand<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => this.start(command, resolve, reject));
  }

  /** The same for a promise that somebody waits for already. */
  start<T>(command: RedisCommand<T>, resolve: (answer: T) => void, reject: (error: StorageError) => void): void {
    const call = new RedisCall(command, this, resolve, reject);
    if (this.#closing === undefined) {
      this.#deadlines.add(call);
      call.admit();
    } else {
      call.close();
    }
  }

  /** Waits until each command that is under way now has settled. */
  finish(): Promise<void> {
    const unsettled = this.#deadlines.underWay();
    if (unsettled.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#finishes.add({ unsettled, resolve }));
  }

  /** Refuses every command from now on, ends those that still wait for a connection, and waits for the others' answers. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#deadlines.closeAll();
    await this.finish();
    this.#deadlines.stop();
  }

  nextGate(command: RedisCommand<unknown>, passed: ConnectionGate | undefined): ConnectionGate | undefined {
    return this.#gates.next(command, passed);
  }

  /** What touches no record may be asked wherever the connection is, such as which database it is in. */
  refusal({ operation, redisKeys }: RedisCommand<unknown>): string | undefined {
    return redisKeys.length > 0 || operation === "scan" ? this.#place?.refusal : undefined;
  }

  settled(call: Expiring): void {
    this.#deadlines.remove(call);
    if (this.#finishes.size === 0) return;
    for (const finish of this.#finishes) {
      finish.unsettled.delete(call);
      if (finish.unsettled.size > 0) continue;
      this.#finishes.delete(finish);
      finish.resolve();
    }
  }

  /**
   * A primary that was demoted keeps its connections and answers READONLY for ever. Connecting again asks the Sentinels,
   * or the name service, for the new primary. A client with a rule of its own is left to it, and a Cluster client follows
   * the slots by itself.
   */
  failed(error: unknown): void {
    if (replyCode(error) !== "READONLY" || isRedisCluster(this.#redis)) return;
    if (typeof clientSetting(this.#redis, "reconnectOnError") === "function") return;
    if (this.#redis.status === "ready") this.#redis.disconnect?.(true);
  }
}
