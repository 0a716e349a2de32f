import { EventEmitter } from "node:events";
import { retryDelay } from "./redis-options.ts";

/**
 * What ioredis does for a connection that only listens, for the clients that do not: it tells of events by ioredis's names,
 * and connects again later from failure to failure.
 */
export abstract class ReconnectingSubscriber {
  protected readonly events = new EventEmitter();
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #hasEnded = false;

  /** Begins to connect. Never rejects: an event tells how it went. */
  abstract connect(): Promise<void>;

  /** Gives up the connection, where there is one. */
  protected abstract giveUp(): void;

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  disconnect(reconnect = false): void {
    clearTimeout(this.#retry);
    this.#hasEnded = !reconnect;
    this.giveUp();
    this.events.emit("close");
    if (reconnect) this.connectLater();
  }

  on(event: string, listener: (first?: unknown, second?: unknown) => void): void {
    this.events.on(event, listener);
  }

  off(event: string, listener: (first?: unknown, second?: unknown) => void): void {
    this.events.off(event, listener);
  }

  listeners(event: string): readonly unknown[] {
    return this.events.listeners(event);
  }

  /** Tells that commands are answered. */
  protected ready(): void {
    this.#failures = 0;
    this.events.emit("ready");
  }

  /** Tells that the connection is lost. */
  protected failed(error: unknown): void {
    if (this.events.listenerCount("error") > 0) this.events.emit("error", error);
    this.events.emit("close");
  }

  protected connectLater(): void {
    if (this.#hasEnded) return;
    this.#failures++;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.connect(), retryDelay(this.#failures));
    this.#retry.unref();
  }
}

/** The client of a subscriber, where it has one. */
export function connected<Client>(client: Client | undefined): Client {
  if (client === undefined) throw new Error("The client is offline");
  return client;
}
