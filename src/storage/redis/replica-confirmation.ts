import { StorageNotReplicatedError } from "../../errors.ts";
import { requireThat, requireTimerLength } from "../../option-checks.ts";
import { scrubbed } from "./redis-failure.ts";
import {
  isRedisCluster,
  limitsOf,
  type RedisClient,
  type RedisConnection,
  type ReplicatedConnection,
} from "./redis-like.ts";
import { masterOfKey } from "./slot-master.ts";

/** How many replicas have to have a write before it counts as done. */
export interface WaitForReplicas {
  /** At least 1, and no more than there are: each of them that is away is one that can fail no more. */
  readonly replicas: number;
  /**
   * How long the replicas may take, in milliseconds; shorter than `timeout`. Redis answers nothing else on the connection
   * meanwhile, so while a replica is away reads may take this much longer.
   */
  readonly timeoutMilliseconds: number;
}

/** What came of a WAIT: how many replicas confirm the writes before it, or what it failed with. */
type Confirmation = number | { readonly failure: unknown };

/**
 * Asks the replicas, by WAIT, whether they have what was written. The question goes out right behind the write, so both are
 * one round trip. Redis answers a connection for that connection's own writes; where the connection was lost between the
 * write and the question, the write counts as not confirmed.
 */
export class ReplicaConfirmation {
  readonly #redis: RedisClient;
  readonly #wanted: WaitForReplicas;
  readonly #connections = new Map<RedisConnection, ConnectionWaits>();

  /**
   * @param timeout - How long a command may take, in milliseconds.
   * @throws {ConfigurationError} when the numbers cannot be kept, or the client has no WAIT.
   */
  constructor(redis: RedisClient, wanted: WaitForReplicas, timeout: number) {
    const { replicas, timeoutMilliseconds } = wanted;
    const isCount = Number.isSafeInteger(replicas) && replicas > 0;
    requireThat(isCount, "waitForReplicas.replicas must be a whole number above 0.");
    requireTimerLength("waitForReplicas.timeoutMilliseconds", timeoutMilliseconds);
    requireThat(timeoutMilliseconds < timeout, "waitForReplicas.timeoutMilliseconds must be shorter than timeout.");
    const limit = limitsOf(redis).waitForReplicas;
    requireThat(limit === undefined, limit ?? "");
    requireThat(isRedisCluster(redis) || canWait(redis), "waitForReplicas needs a Redis client with a wait method.");
    this.#redis = redis;
    this.#wanted = { replicas, timeoutMilliseconds: Math.ceil(timeoutMilliseconds) };
  }

  /**
   * Sends a write and the question behind it.
   *
   * @param hasWritten - Says of the answer whether anything was written. Where nothing was, nothing has to be confirmed.
   * @throws {StorageNotReplicatedError} when too few replicas have the write in time.
   */
  async send<T>(redisKey: string, write: () => Promise<T>, hasWritten: (answer: T) => boolean): Promise<T> {
    const waits = this.#waitsFor(redisKey);
    const connectionNumber = waits?.connectionNumber;
    const answering = write();
    const confirming = waits?.confirm();
    const answer = await answering;
    if (!hasWritten(answer)) return answer;
    const confirmation = await confirming;
    if (waits === undefined || waits !== this.#waitsFor(redisKey) || waits.connectionNumber !== connectionNumber) {
      throw new StorageNotReplicatedError(
        "The write was done; the connection or the slot changed before the replicas could be asked for it.",
      );
    }
    if (typeof confirmation === "number" && confirmation >= this.#wanted.replicas) return answer;
    throw this.#notReplicated(confirmation);
  }

  /** Stops watching the connections. */
  stop(): void {
    for (const waits of this.#connections.values()) waits.stop();
    this.#connections.clear();
  }

  /** The questions on the connection that a key's commands go by; `undefined` where the client has to find it. */
  #waitsFor(redisKey: string): ConnectionWaits | undefined {
    const connection = isRedisCluster(this.#redis) ? masterOfKey(this.#redis, redisKey) : this.#redis;
    if (connection === undefined || !canWait(connection)) return undefined;
    const known = this.#connections.get(connection);
    if (known !== undefined) return known;
    const waits = new ConnectionWaits(connection, this.#wanted);
    this.#connections.set(connection, waits);
    return waits;
  }

  #notReplicated(confirmation: Confirmation | undefined): StorageNotReplicatedError {
    if (typeof confirmation !== "number") {
      return new StorageNotReplicatedError("The write was done; Redis did not say whether replicas have it.", {
        ...(confirmation !== undefined && { cause: scrubbed(confirmation.failure) }),
      });
    }
    const { replicas, timeoutMilliseconds } = this.#wanted;
    return new StorageNotReplicatedError(
      `The write was done; ${confirmation} of ${replicas} replicas confirmed it within ${timeoutMilliseconds} ms. ` +
        "Bring the replicas back: a failover may lose the write.",
      { replicas: confirmation },
    );
  }
}

/**
 * The questions on one connection. While one is under way, one more stands for all who write meanwhile: a WAIT holds up
 * the connection, and as many of them as there are writes would hold it up for good once a replica is away.
 */
class ConnectionWaits {
  readonly #connection: ReplicatedConnection;
  readonly #wanted: WaitForReplicas;
  #underWay: Promise<Confirmation> | undefined;
  #next: Promise<Confirmation> | undefined;
  /** Counts connections: what was written on an earlier one is not what Redis answers for on this one. */
  connectionNumber = 0;

  constructor(connection: ReplicatedConnection, wanted: WaitForReplicas) {
    this.#connection = connection;
    this.#wanted = wanted;
    connection.on("close", this.#onClose);
  }

  /** How many replicas have everything that was written up to now. Never rejects. */
  confirm(): Promise<Confirmation> {
    if (this.#underWay === undefined) return this.#ask();
    this.#next ??= this.#underWay.then(() => {
      this.#next = undefined;
      return this.#ask();
    });
    return this.#next;
  }

  stop(): void {
    this.#connection.off("close", this.#onClose);
  }

  readonly #onClose = (): void => {
    this.connectionNumber++;
  };

  #ask(): Promise<Confirmation> {
    const { replicas, timeoutMilliseconds } = this.#wanted;
    const asked = this.#connection.wait(replicas, timeoutMilliseconds).then(
      (count): Confirmation => count,
      (failure: unknown) => ({ failure }),
    );
    this.#underWay = asked.finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }
}

function canWait(connection: RedisConnection): connection is ReplicatedConnection {
  return "wait" in connection && typeof connection.wait === "function";
}
