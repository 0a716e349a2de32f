import { connected, ReconnectingSubscriber } from "../reconnecting-subscriber.ts";
import { ignoreError } from "../redis-like.ts";
import type { SubscriberClient } from "../subscriber-connection.ts";
import type { NodeRedisLike } from "./node-redis-like.ts";
import { namedReplyError } from "./reply-error.ts";

/**
 * A connection of node-redis that only listens. node-redis subscribes again by itself after a reconnect, before anybody
 * could ask the connection anything; so each connection is a client of its own, which is given up when it is lost.
 */
export class NodeRedisSubscriber extends ReconnectingSubscriber implements SubscriberClient {
  readonly #source: NodeRedisLike;
  readonly #heartbeat: number;
  #client: NodeRedisLike | undefined;

  /** @param heartbeat - How often the connection is asked for a sign of life, in milliseconds. */
  constructor(source: NodeRedisLike, heartbeat: number) {
    super();
    this.#source = source;
    this.#heartbeat = heartbeat;
  }

  get status(): string {
    if (this.hasEnded) return "end";
    return this.#client?.isReady === true ? "ready" : "connecting";
  }

  async connect(): Promise<void> {
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
        this.ready();
      },
      (error: unknown) => this.#lost(client, error),
    );
  }

  async subscribe(channel: string): Promise<void> {
    const tell = (message: unknown) => void this.events.emit("messageBuffer", channel, message);
    await connected(this.#client).subscribe(channel, tell, true).catch(throwNamed);
  }

  ping(): Promise<unknown> {
    return this.call("PING");
  }

  async call(command: string, ...parameters: (string | number)[]): Promise<unknown> {
    const options = { timeout: undefined, typeMapping: undefined };
    return connected(this.#client)
      .sendCommand([command, ...parameters.map(String)], options)
      .catch(throwNamed);
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
    this.giveUp();
    this.failed(namedReplyError(error));
    this.connectLater();
  }

  protected giveUp(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    client.on("error", ignoreError);
    client.destroy();
  }
}

function throwNamed(error: unknown): never {
  throw namedReplyError(error);
}
