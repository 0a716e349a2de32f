import { StorageClosedError, type StorageError, StorageUnavailableError } from "../../errors.ts";
import { Expiring } from "./call-deadlines.ts";
import type { ConnectionGate, GateVisitor } from "./connection-gate.ts";
import { type RedisOperation, redisFailure, timedOut } from "./redis-failure.ts";
import type { RedisConnection } from "./redis-like.ts";

/** What a call asks of whoever sends it. */
export interface CallObserver {
  /** The gate behind the client's own, where the command has to pass one. */
  nodeGate(call: RedisCall): ConnectionGate | undefined;
  /** The call has its answer, or has given up. */
  settled(call: RedisCall): void;
  /** Redis, or the client, answered with an error. */
  failed(error: unknown): void;
}

/** One command on its way: through the gates, over the wire, and back by its deadline. */
export abstract class RedisCall<T = unknown> extends Expiring implements GateVisitor {
  abstract readonly operation: RedisOperation;
  /** The node to ask, where that is not the one that serves the keys. */
  readonly node: RedisConnection | undefined = undefined;
  #observer: CallObserver | undefined;
  #gate: ConnectionGate | undefined;
  #passedClient = false;
  #written = false;
  #settled = false;

  /** The keys that the command touches. The first leads to the node, and its hash stands in messages. */
  abstract get redisKeys(): readonly string[];
  /** Sends the command. Called at most once, when the connection is ready. */
  protected abstract send(): Promise<T>;
  /** Hands the answer on. One of this and {@link fail} is called, once. */
  protected abstract succeed(answer: T): void;
  /** Hands the error on. */
  protected abstract fail(error: StorageError): void;

  /** Sets out: through the gate as soon as it opens. */
  start(gate: ConnectionGate, observer: CallObserver): void {
    this.#observer = observer;
    this.#gate = gate;
    gate.visit(this);
  }

  /** Sets out where no gate is in the way. */
  startAtOnce(observer: CallObserver): void {
    this.#observer = observer;
    this.#write();
  }

  admit(): void {
    if (!this.#passedClient) {
      this.#passedClient = true;
      const next = this.#observer?.nodeGate(this);
      if (next !== undefined) {
        this.#gate = next;
        next.visit(this);
        return;
      }
    }
    this.#write();
  }

  refuse(error: StorageError): void {
    if (this.#settle()) this.fail(error);
  }

  override expire(): void {
    if (this.#written) {
      this.refuse(timedOut(this.operation));
      return;
    }
    this.#gate?.leave(this);
    const message = "Redis could not be reached before the timeout; nothing was sent.";
    this.refuse(new StorageUnavailableError(message, { effect: "none" }));
  }

  override close(): void {
    if (this.#written) return;
    this.#gate?.leave(this);
    this.refuse(new StorageClosedError("The repository was closed; create a new one.", { effect: "none" }));
  }

  #write(): void {
    this.#written = true;
    try {
      this.send().then(
        (answer) => {
          if (this.#settle()) this.succeed(answer);
        },
        (error: unknown) => this.#onError(error),
      );
    } catch (error) {
      this.#onError(error);
    }
  }

  #onError(error: unknown): void {
    this.#observer?.failed(error);
    this.refuse(redisFailure(error, this.operation, this.redisKeys));
  }

  /** True for the first of whatever may end the call. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#observer?.settled(this);
    return true;
  }
}

/** What to send, and what to say of it when it fails. */
export interface RedisCommand<T> {
  readonly operation: RedisOperation;
  readonly redisKeys: readonly string[];
  readonly node?: RedisConnection;
  send(): Promise<T>;
}

/** A call whose answer one promise waits for. */
export class SingleCall<T> extends RedisCall<T> {
  readonly operation: RedisOperation;
  readonly redisKeys: readonly string[];
  override readonly node: RedisConnection | undefined;
  readonly #command: RedisCommand<T>;
  readonly #resolve: (answer: T) => void;
  readonly #reject: (error: StorageError) => void;

  constructor(command: RedisCommand<T>, resolve: (answer: T) => void, reject: (error: StorageError) => void) {
    super();
    this.operation = command.operation;
    this.redisKeys = command.redisKeys;
    this.node = command.node;
    this.#command = command;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  protected override send(): Promise<T> {
    return this.#command.send();
  }

  protected override succeed(answer: T): void {
    this.#resolve(answer);
  }

  protected override fail(error: StorageError): void {
    this.#reject(error);
  }
}
