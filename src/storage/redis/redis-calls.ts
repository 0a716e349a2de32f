import { CallDeadlines } from "./call-deadlines.ts";
import type { ConnectionGate } from "./connection-gate.ts";
import { ConnectionGates } from "./connection-gates.ts";
import { type CallObserver, type RedisCall, type RedisCommand, SingleCall } from "./redis-call.ts";
import { replyCode } from "./redis-failure.ts";
import { clientSetting, isRedisCluster, type RedisClient } from "./redis-like.ts";

/**
 * Sends commands so that each settles by its deadline, whatever the connection does, and none is sent once its caller has
 * been told that it failed.
 */
export class RedisCalls implements CallObserver {
  readonly #redis: RedisClient;
  readonly #gates: ConnectionGates;
  readonly #deadlines: CallDeadlines;
  #closed = false;
  #whenIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  /** @param timeout - How long a call may take, the wait for a connection included, in milliseconds. */
  constructor(redis: RedisClient, timeout: number) {
    this.#redis = redis;
    this.#gates = new ConnectionGates(redis);
    this.#deadlines = new CallDeadlines(timeout);
  }

  /** Sends the command, now or as soon as the connection takes it. */
  send<T>(command: RedisCommand<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => this.start(new SingleCall(command, resolve, reject)));
  }

  /** The same for a call that takes care of its answer itself. */
  start<T>(call: RedisCall<T>): void {
    if (this.#closed) {
      call.close();
      return;
    }
    this.#deadlines.add(call);
    if (this.#redis.status === "ready" && !this.#gates.isCluster) call.startAtOnce(this);
    else call.start(this.#gates.client, this);
  }

  /** Refuses every call from now on, ends those that still wait for a connection, and waits for the others' answers. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#deadlines.closeAll();
    if (!this.#deadlines.isEmpty) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    this.#deadlines.stop();
  }

  nodeGate(call: RedisCall): ConnectionGate | undefined {
    if (call.node !== undefined) return this.#gates.ofNode(call.node);
    return this.#gates.isCluster ? this.#gates.ofKey(call.redisKeys[0]) : undefined;
  }

  settled(call: RedisCall): void {
    this.#deadlines.remove(call);
    if (this.#whenIdle !== undefined && this.#deadlines.isEmpty) this.#whenIdle();
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
