import type { StorageError } from "../../errors.ts";
import { beforeDeadline } from "../deadline.ts";
import { redisFailure, replyCode } from "./redis-failure.ts";
import { type RedisCallable, type SubscriberClient, SubscriberConnection } from "./subscriber-connection.ts";

const invalidationChannel = "__redis__:invalidate";
const connectionEvents = ["ready", "close", "end"];

/** What a link reports. */
export interface TrackingListener {
  /** Keys in Redis that have changed, or `"all"` after a flush. */
  onInvalidate(redisKeys: readonly string[] | "all"): void;
  /** The link went up or down. */
  onChange(): void;
  /** Redis refuses what the link needs. */
  onRefused(error: StorageError): void;
}

/**
 * Server-assisted client-side caching on one Redis server: the data connection is tracked, a second connection hears of
 * the changes.
 *
 * Tracking belongs to a connection on the server, and ends with it. Whenever either of the two connections was made
 * anew, tracking is asked for again; until Redis has confirmed it the link is down.
 *
 * @see https://redis.io/docs/latest/develop/reference/client-side-caching/
 */
export class TrackingLink {
  readonly #data: RedisCallable;
  readonly #prefixes: () => Iterable<string>;
  readonly #listener: TrackingListener;
  readonly #subscriber: SubscriberConnection;
  readonly #heartbeat: number;
  readonly #timer: NodeJS.Timeout;
  /** The subscriber's connection as the server knows it. */
  #subscriberId = 0;
  #subscriberServer: string | undefined;
  #isUp = false;
  #isArming = false;
  /** Counts attempts, so that a late answer to one that was overtaken has no effect. */
  #attempt = 0;

  /**
   * @param prefixes - What the keys to hear of begin with.
   * @param heartbeat - Milliseconds between two looks at whether both connections still work.
   */
  constructor(data: RedisCallable, prefixes: () => Iterable<string>, heartbeat: number, listener: TrackingListener) {
    this.#data = data;
    this.#prefixes = prefixes;
    this.#heartbeat = heartbeat;
    this.#listener = listener;
    this.#subscriber = new SubscriberConnection(data, invalidationChannel, heartbeat, {
      prepare: (client) => this.#identify(client),
      onMessage: (message) => this.#onMessage(message),
      onChange: () => this.arm(),
      onRefused: (error) => listener.onRefused(error),
    });
    for (const event of connectionEvents) data.on(event, this.arm);
    if (data.status === "wait") data.connect?.().catch(() => undefined);
    this.#timer = setInterval(() => void this.#check(), heartbeat);
    this.#timer.unref();
  }

  /** True while every change is reported. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Asks for tracking anew: after a connection was made, or when the prefixes have changed. */
  readonly arm = async (): Promise<void> => {
    const attempt = ++this.#attempt;
    this.#setUp(false);
    this.#isArming = this.#data.status === "ready" && this.#subscriber.isUp;
    if (!this.#isArming) return;
    const tracked = await this.#track().catch((failure: unknown) => {
      // Refused or cut off. The next heartbeat tries again.
      const refused = attempt === this.#attempt && replyCode(failure) !== undefined;
      if (refused) this.#listener.onRefused(redisFailure(failure, "subscribe", []));
      return false;
    });
    if (attempt !== this.#attempt) return;
    this.#isArming = false;
    this.#setUp(tracked);
  };

  /** Ends the tracking and closes the second connection; the data connection is not ours to close. */
  async close(): Promise<void> {
    this.#attempt++;
    this.#isUp = false;
    clearInterval(this.#timer);
    for (const event of connectionEvents) this.#data.off(event, this.arm);
    this.#subscriber.close();
    if (this.#data.status === "ready") {
      await within(this.#heartbeat, this.#data.call("CLIENT", "TRACKING", "OFF")).catch(() => undefined);
    }
  }

  async #identify(client: SubscriberClient): Promise<void> {
    this.#subscriberId = Number(await client.call("CLIENT", "ID"));
    this.#subscriberServer = serverId(await client.call("INFO", "server"));
  }

  /** False where the two connections lead to two servers, as they may for a moment after a failover. */
  async #track(): Promise<boolean> {
    const server = serverId(await within(this.#heartbeat, this.#data.call("INFO", "server")));
    if (server !== this.#subscriberServer) {
      this.#subscriber.renew();
      return false;
    }
    const prefixes = [...this.#prefixes()].flatMap((prefix) => ["PREFIX", prefix]);
    // Prefixes can only be added while tracking is on; off and on again replaces them.
    const off = this.#data.call("CLIENT", "TRACKING", "OFF");
    const tracking = ["ON", "REDIRECT", this.#subscriberId, "BCAST", ...prefixes, "NOLOOP"];
    const on = this.#data.call("CLIENT", "TRACKING", ...tracking);
    await within(this.#heartbeat, Promise.all([off, on]));
    return true;
  }

  /** A connection that the server has dropped in silence is no longer tracked; only asking tells. */
  async #check(): Promise<void> {
    if (this.#isArming || this.#data.status !== "ready" || !this.#subscriber.isUp) return;
    const attempt = this.#attempt;
    const redirection = this.#isUp
      ? await within(this.#heartbeat, this.#data.call("CLIENT", "GETREDIR")).catch(() => undefined)
      : undefined;
    if (attempt === this.#attempt && Number(redirection) !== this.#subscriberId) this.arm();
  }

  #onMessage(message: unknown): void {
    if (!this.#isUp && !this.#isArming) return;
    if (Array.isArray(message)) this.#listener.onInvalidate(message.map(String));
    else this.#listener.onInvalidate("all");
  }

  #setUp(up: boolean): void {
    if (this.#isUp === up) return;
    this.#isUp = up;
    this.#listener.onChange();
  }
}

function serverId(info: unknown): string | undefined {
  return /^run_id:(\w+)/m.exec(String(info))?.[1];
}

/** Rejects where the answer takes longer than the given milliseconds. */
function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  return beforeDeadline(milliseconds, answer, () => new Error("no answer in time"));
}
