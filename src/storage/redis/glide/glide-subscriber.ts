import { connected, ReconnectingSubscriber } from "../reconnecting-subscriber.ts";
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
export class GlideSubscriber extends ReconnectingSubscriber implements SubscriberClient {
  readonly #source: GlideLike;
  readonly #heartbeat: number;
  #client: GlideListener | undefined;
  #channel = "";
  /** Counts attempts to connect, so that a client that comes late from one that was overtaken is closed. */
  #attempt = 0;
  /** The connection that messages come by; `undefined` while that is not known. */
  #connectionId: string | undefined;

  /** @param heartbeat - How often the connection is asked for a sign of life, and how long it may take, in milliseconds. */
  constructor(source: GlideLike, heartbeat: number) {
    super();
    this.#source = source;
    this.#heartbeat = heartbeat;
  }

  get status(): string {
    if (this.hasEnded) return "end";
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
      this.ready();
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.failed(error);
      this.connectLater();
    }
  }

  protected giveUp(): void {
    this.#attempt++;
    this.#client?.close();
    this.#client = undefined;
  }

  async subscribe(channel: string): Promise<void> {
    this.#channel = channel;
    await connected(this.#client).subscribe(new Set([channel]), this.#heartbeat);
    this.#connectionId = await this.#identify();
  }

  async ping(): Promise<void> {
    const before = this.#connectionId;
    const present = await this.#identify().catch((error: unknown) => {
      this.#connectionId = undefined;
      this.failed(error);
    });
    if (present === undefined || present === before) return;
    if (before !== undefined) this.events.emit("close");
    this.events.emit("ready");
  }

  call(command: string, ...parameters: (string | number)[]): Promise<unknown> {
    return sendByGlide(connected(this.#client), [command, ...parameters.map(String)], this.#route());
  }

  async #open(): Promise<GlideListener> {
    const create: unknown = Reflect.get(this.#source.constructor, "createClient");
    const configuration = configurationOf(this.#source);
    if (typeof create !== "function" || configuration === undefined) throw new TypeError(notShown);
    const callback = ({ message }: GlideMessage) => void this.events.emit("messageBuffer", this.#channel, message);
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
}

const notShown = "This client of Valkey GLIDE does not show what it was made with, so that no second one can be made.";
