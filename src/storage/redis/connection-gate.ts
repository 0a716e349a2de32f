import { type StorageError, StorageUnavailableError } from "../../errors.ts";
import { connectionFailure } from "./redis-failure.ts";
import type { RedisConnection } from "./redis-like.ts";

/** A call that waits for its connection. */
export interface GateVisitor {
  /** The connection takes commands now. */
  admit(): void;
  /** It does not, and the call should wait no longer. */
  refuse(error: StorageError): void;
}

/**
 * Lets a command through only while the connection is ready. What the client would put into its offline queue, to send
 * it some time after the caller has given up, waits here instead, where its deadline takes it out again.
 *
 * A visitor waits for the attempt to connect that is under way. When that attempt fails, so does everyone who waits, and
 * later visitors are refused at once until the connection is ready again.
 */
export class ConnectionGate {
  readonly #connection: RedisConnection;
  readonly #waiting = new Set<GateVisitor>();
  #attemptFailed = false;
  #lastError: unknown;

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** Admits the visitor now or when the connection is ready, or refuses it. */
  visit(visitor: GateVisitor): void {
    const { status } = this.#connection;
    if (status === "ready") {
      visitor.admit();
      return;
    }
    if (status === "end" || this.#attemptFailed) {
      visitor.refuse(this.#refusal());
      return;
    }
    if (this.#waiting.size === 0) {
      this.#lastError = undefined;
      for (const [event, listener] of this.#listeners) this.#connection.on(event, listener);
    }
    this.#waiting.add(visitor);
    // A failed attempt is told by the `close` event; the promise would be one more rejection for nobody.
    if (status === "wait") this.#connection.connect?.().catch(() => undefined);
  }

  /** Takes out a visitor that waits no longer. */
  leave(visitor: GateVisitor): void {
    if (this.#waiting.delete(visitor) && this.#waiting.size === 0) this.#ignore();
  }

  readonly #onReady = (): void => {
    // The event comes a tick after the status, which may have changed again.
    if (this.#connection.status !== "ready") return;
    this.#attemptFailed = false;
    for (const visitor of this.#takeAll()) visitor.admit();
  };

  readonly #onClose = (): void => {
    this.#attemptFailed = true;
    const refusal = this.#refusal();
    const visitors = this.#takeAll();
    this.#connection.on("ready", this.#onReady);
    for (const visitor of visitors) visitor.refuse(refusal);
  };

  /** The client says why an attempt fails, a wrong password for one, in an event of its own. */
  readonly #onError = (error: unknown): void => {
    this.#lastError = error;
  };

  /** What the gate hears of the connection while a call waits: first why an attempt fails, then that it did. */
  readonly #listeners = new Map<string, (argument?: unknown) => void>([
    ["error", this.#onError],
    ["ready", this.#onReady],
    ["close", this.#onClose],
    ["end", this.#onClose],
  ]);

  #ignore(): void {
    for (const [event, listener] of this.#listeners) this.#connection.off(event, listener);
  }

  #refusal(): StorageError {
    if (this.#connection.status !== "end") return connectionFailure(this.#lastError);
    return new StorageUnavailableError(
      "The Redis client has ended its connection and opens no other; create a new client.",
      { effect: "none" },
    );
  }

  #takeAll(): GateVisitor[] {
    const visitors = [...this.#waiting];
    this.#waiting.clear();
    this.#ignore();
    return visitors;
  }
}
