import { EventEmitter } from "node:events";
import { retryDelay } from "../redis-options.ts";
import type { SubscriberClient } from "../subscriber-connection.ts";
import { sendByGlide } from "./glide-command.ts";
import {
  configurationOf,
  type GlideLike,
  type GlideListener,
  type GlideMessage,
  isGlideCluster,
  isGlideListener,
} from "./glide-like.ts";

/**
 * A client of GLIDE that only listens. GLIDE makes a lost connection anew and subscribes again, and tells nobody that
 * messages may have been missed. Each PING here asks which connection it is that answers, by the ids of server and
 * connection: where that is another one than before, the connection counts as lost and as ready again.
 */
export class GlideSubscriber implements SubscriberClient {
  readonly #source: GlideLike;
  readonly #heartbeat: number;
  readonly #events = new EventEmitter();
  #client: GlideListener | undefined;
  #channel = "";
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #hasEnded = false;
  /** Counts attempts to connect, so that a client that comes late from one that was overtaken is closed. */
  #attempt = 0;
  /** The connection that messages come by; `undefined` while that is not known. */
  #connectionId: string | undefined;

  /** @param heartbeat - How often the connection is asked for a sign of life, and how long it may take, in milliseconds. */
  constructor(source: GlideLike, heartbeat: number) {
    this.#source = source;
    this.#heartbeat = heartbeat;
  }

  get status(): string {
    if (this.#hasEnded) return "end";
    return this.#client === undefined ? "connecting" : "ready";
  }

  async connect(): Promise<void> {
    const attempt = ++this.#attempt;
    try {
      const client = await this.#open();
      if (attempt !== this.#attempt) {
        client.close();
        return;
      }
      this.#client = client;
      this.#failures = 0;
      this.#events.emit("ready");
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.#fail(error);
      this.#connectLater();
    }
  }

  disconnect(reconnect = false): void {
    clearTimeout(this.#retry);
    this.#attempt++;
    this.#hasEnded = !reconnect;
    this.#client?.close();
    this.#client = undefined;
    this.#events.emit("close");
    if (reconnect) this.#connectLater();
  }

  async subscribe(channel: string): Promise<void> {
    this.#channel = channel;
    await this.#connected().subscribe(new Set([channel]), this.#heartbeat);
    this.#connectionId = await this.#identify();
  }

  async ping(): Promise<void> {
    const before = this.#connectionId;
    const present = await this.#identify().catch((error: unknown) => {
      this.#connectionId = undefined;
      this.#fail(error);
    });
    if (present === undefined || present === before) return;
    if (before !== undefined) this.#events.emit("close");
    this.#events.emit("ready");
  }

  call(command: string, ...parameters: (string | number)[]): Promise<unknown> {
    return sendByGlide(this.#connected(), [command, ...parameters.map(String)], this.#route());
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

  async #open(): Promise<GlideListener> {
    const create: unknown = Reflect.get(this.#source.constructor, "createClient");
    const configuration = configurationOf(this.#source);
    if (typeof create !== "function" || configuration === undefined) throw new TypeError(notShown);
    const callback = ({ message }: GlideMessage) => void this.#events.emit("messageBuffer", this.#channel, message);
    const client: unknown = await Reflect.apply(create, this.#source.constructor, [
      {
        ...configuration,
        clientSideCache: undefined,
        lazyConnect: false,
        requestTimeout: Math.ceil(this.#heartbeat),
        pubsubSubscriptions: { channelsAndPatterns: {}, callback },
      },
    ]);
    if (isGlideListener(client)) return client;
    throw new TypeError("This version of Valkey GLIDE cannot subscribe later on; take version 2.3 or later.");
  }

  /** Which connection answers, on which server. */
  async #identify(): Promise<string> {
    const [id, server] = await Promise.all([this.call("CLIENT", "ID"), this.call("INFO", "server")]);
    return `${/^run_id:(\w+)/m.exec(String(server))?.[1]} ${id}`;
  }

  /** To the node that the channel's messages come from. */
  #route(): object | undefined {
    return isGlideCluster(this.#source) ? { type: "primarySlotKey", key: this.#channel } : undefined;
  }

  #fail(error: unknown): void {
    if (this.#events.listenerCount("error") > 0) this.#events.emit("error", error);
    this.#events.emit("close");
  }

  #connectLater(): void {
    if (this.#hasEnded) return;
    this.#failures++;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.connect(), retryDelay(this.#failures));
    this.#retry.unref();
  }

  #connected(): GlideListener {
    if (this.#client === undefined) throw new Error("The client is offline");
    return this.#client;
  }
}

const notShown = "This client of Valkey GLIDE does not show what it was made with, so that no second one can be made.";
