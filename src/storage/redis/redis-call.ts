import { type StorageError, StorageRejectedError, StorageUnavailableError } from "../../errors.ts";
import { Expiring } from "./call-deadlines.ts";
import type { ConnectionGate, GateVisitor } from "./connection-gate.ts";
import { type RedisOperation, redisFailure, repositoryClosed, timedOut } from "./redis-failure.ts";
import type { RedisConnection } from "./redis-like.ts";

const unreachable = "Redis could not be reached before the timeout; nothing was sent.";

/** What to send, and what to say of it when it fails. */
export interface RedisCommand<T> {
  readonly operation: RedisOperation;
  /** The keys that the command touches. The first leads to the node, and its hash stands in messages. */
  readonly redisKeys: readonly string[];
  /** The node to ask, where that is not the node that serves the keys. */
  readonly node?: RedisConnection;
  /** Sends the command. Called at most once, when the connection is ready. */
  send(): Promise<T>;
}

/** What a call asks of whoever sends it. */
export interface CallObserver {
  /** The gate that a command comes to after the one that it has passed; `undefined` where it can be written. */
  nextGate(command: RedisCommand<unknown>, passed: ConnectionGate | undefined): ConnectionGate | undefined;
  /** Why the command must not be written, now that it could be; undefined where it may. */
  refusal(command: RedisCommand<unknown>): string | undefined;
  /** The call has its answer, or has given up. An answer that comes after that is reported once more. */
  settled(call: Expiring): void;
  /** Redis, or the client, answered with an error. */
  failed(error: unknown): void;
}

/** One command on its way: through the gates, over the wire, and back by its deadline. */
export class RedisCall<T> extends Expiring implements GateVisitor {
  readonly #command: RedisCommand<T>;
  readonly #observer: CallObserver;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (error: StorageError) => void;
  #gate: ConnectionGate | undefined;
  #isWritten = false;

  /**
   * @param resolve - Called with the answer. Of this and `reject` the first call counts, as with a promise.
   * @param reject - Called with what went wrong.
   */
  constructor(
    command: RedisCommand<T>,
    observer: CallObserver,
    resolve: (answer: T) => void,
    reject: (error: StorageError) => void,
  ) {
    super();
    this.#command = command;
    this.#observer = observer;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Sets out, and goes on after each gate. */
  admit(): void {
    this.#gate = this.#observer.nextGate(this.#command, this.#gate);
    if (this.#gate === undefined) this.#write();
    else this.#gate.visit(this);
  }

  refuse(error: StorageError): void {
    this.#observer.settled(this);
    this.#reject(error);
  }

  override expire(): void {
    if (this.#isWritten) this.refuse(timedOut(this.#command.operation));
    else this.#giveUp(new StorageUnavailableError(unreachable, { effect: "none" }));
  }

  override close(): void {
    if (!this.#isWritten) this.#giveUp(repositoryClosed());
  }

  #giveUp(error: StorageError): void {
    this.#gate?.leave(this);
    this.refuse(error);
  }

  #write(): void {
    const refusal = this.#observer.refusal(this.#command);
    if (refusal !== undefined) {
      this.refuse(new StorageRejectedError(refusal, { effect: "none" }));
      return;
    }
    this.#isWritten = true;
    try {
      this.#command.send().then(
        (answer) => {
          this.#observer.settled(this);
          this.#resolve(answer);
        },
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#observer.failed(error);
    this.refuse(redisFailure(error, this.#command.operation, this.#command.redisKeys));
  }
}
