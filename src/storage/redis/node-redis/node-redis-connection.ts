import { NodeCommands } from "../array-commands.ts";
import { ignoreError } from "../redis-like.ts";
import type { RedisCallable } from "../subscriber-connection.ts";
import type { NodeRedisLike } from "./node-redis-like.ts";
import { NodeRedisSubscriber } from "./node-redis-subscriber.ts";
import { namedReplyError } from "./reply-error.ts";

type Listener = (argument?: unknown) => void;

/**
 * Of the client's own command options, those that would get in the way: a timer for each command, where the repository has
 * its own deadlines, and replies of another type.
 */
export const commandOptions = { timeout: undefined, typeMapping: undefined } as const;

/** A connection of node-redis to one server, as the port wants it. */
export class NodeRedisConnection extends NodeCommands implements RedisCallable {
  readonly #client: NodeRedisLike;
  /** What hears the client in place of the listener of a lost connection. */
  readonly #closeListeners = new Map<Listener, Listener>();

  constructor(client: NodeRedisLike) {
    super();
    this.#client = client;
  }

  /** A client that nobody has connected yet is waited for, as long as the call may take: connecting is its owner's. */
  get status(): string {
    if (this.#client.isOpen) return this.#client.isReady ? "ready" : "connecting";
    return (this.#client.socketEpoch ?? 0) > 0 ? "end" : "wait";
  }

  get options(): object {
    return this.#client.options ?? {};
  }

  send(_redisKey: string | undefined, command: readonly string[]): Promise<unknown> {
    return this.#client.sendCommand(command, commandOptions).catch((error: unknown) => {
      throw namedReplyError(error);
    });
  }

  /** node-redis writes in the order of the calls, so a WAIT behind a write asks for that write. */
  async wait(replicas: number, milliseconds: number): Promise<number> {
    return Number(await this.call("WAIT", replicas, milliseconds));
  }

  duplicate({ socketTimeout }: { readonly socketTimeout: number }): NodeRedisSubscriber {
    return new NodeRedisSubscriber(this.#client, socketTimeout);
  }

  disconnect(reconnect = false): void {
    this.#client.destroy();
    if (reconnect) this.#client.connect().catch(ignoreError);
  }

  /** node-redis tells of a lost connection, and of an attempt that failed, by an error. Other errors leave it ready. */
  on(event: string, listener: Listener): void {
    if (event !== "close") {
      this.#client.on(event, listener);
      return;
    }
    const onError = () => {
      if (!this.#client.isReady) listener();
    };
    this.#closeListeners.set(listener, onError);
    this.#client.on("error", onError);
  }

  off(event: string, listener: Listener): void {
    if (event !== "close") {
      this.#client.off(event, listener);
      return;
    }
    const onError = this.#closeListeners.get(listener);
    if (onError === undefined) return;
    this.#closeListeners.delete(listener);
    this.#client.off("error", onError);
  }

  listeners(event: string): readonly unknown[] {
    return this.#client.listeners(event);
  }
}
