import { EventEmitter } from "node:events";
import { ignoreError } from "../redis-like.ts";
import { retryDelay } from "../redis-options.ts";
import type { SubscriberClient } from "../subscriber-connection.ts";
import type { NodeRedisLike } from "./node-redis-like.ts";
import { namedReplyError } from "./reply-error.ts";

/**
 * A connection of node-redis that only listens. node-redis subscribes again by itself after a reconnect, before anybody
 * could ask the connection anything; so each connection is a client of its own, which is given up when it is lost.
 */
export class NodeRedisSubscriber implements SubscriberClient {
  readonly #source: NodeRedisLike;
  readonly #heartbeat: number;
  readonly #events = new EventEmitter();
  #client: NodeRedisLike | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #hasEnded = false;

  /** @param heartbeat - How often the connection is asked for a sign of life, in milliseconds. */
  constructor(source: NodeRedisLike, heartbeat: number) {
    this.#source = source;
    this.#heartbeat = heartbeat;
  }

  get status(): string {
    if (this.#hasEnded) return "end";
    return this.#client?.isReady === true ? "ready" : "connecting";
  }

  async connect(): Promise<void> {
    this.#open();
  }

  disconnect(reconnect = false): void {
    clearTimeout(this.#retry);
    this.#hasEnded = !reconnect;
    this.#giveUp();
    this.#events.emit("close");
    if (reconnect) this.#openLater();
  }

  async subscribe(channel: string): Promise<void> {
    const tell = (message: unknown) => void this.#events.emit("messageBuffer", channel, message);
    await this.#connected().subscribe(channel, tell, true).catch(throwNamed);
  }

  ping(): Promise<unknown> {
    return this.call("PING");
  }

  async call(command: string, ...parameters: (string | number)[]): Promise<unknown> {
    const options = { timeout: undefined, typeMapping: undefined };
    return this.#connected()
      .sendCommand([command, ...parameters.map(String)], options)
      .catch(throwNamed);
  }

  on(event: string, listener: (first?: unknown, second?: unknown) => void): void {
    this.#events.on(event, listener);
  }

  off(event: string, listener: (first?: unknown, second?: unknown) => void): void {
    this.#events.off(event, listener);
  }

  listeners(event: string): readonly unknown[] {
    return this.#events.listeners(event);
  }

  #open(): void {
    const client = this.#source.duplicate({
      // RESP2 is how invalidation messages come over a second connection.
      RESP: 2,
      clientSideCache: undefined,
      emitInvalidate: undefined,
      maintNotifications: "disabled",
      disableOfflineQueue: true,
      readonly: undefined,
      pingInterval: undefined,
      socket: this.#socketSettings(),
    });
    this.#client = client;
    client.on("error", (error) => this.#lost(client, error));
    client.connect().then(
      () => {
        if (client !== this.#client) return;
        this.#failures = 0;
        this.#events.emit("ready");
      },
      (error: unknown) => this.#lost(client, error),
    );
  }

  /** node-redis counts silence, not answers that are late: a PING at every heartbeat must have been answered in between. */
  #socketSettings(): object {
    const socket = Reflect.get(this.#source.options ?? {}, "socket");
    return {
      ...(typeof socket === "object" && socket),
      reconnectStrategy: false,
      socketTimeout: 2 * this.#heartbeat,
    };
  }

  #lost(client: NodeRedisLike, error: unknown): void {
    if (client !== this.#client) return;
    this.#giveUp();
    if (this.#events.listenerCount("error") > 0) this.#events.emit("error", namedReplyError(error));
    this.#events.emit("close");
    if (!this.#hasEnded) this.#openLater();
  }

  #openLater(): void {
    this.#failures++;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), retryDelay(this.#failures));
    this.#retry.unref();
  }

  #giveUp(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    client.on("error", ignoreError);
    client.destroy();
  }

  #connected(): NodeRedisLike {
    if (this.#client === undefined) throw new Error("The client is offline");
    return this.#client;
  }
}

function throwNamed(error: unknown): never {
  throw namedReplyError(error);
}
