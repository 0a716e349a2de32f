import type { StorageError } from "../../errors.ts";
import { clusterKeySlot } from "./cluster-key-slot.ts";
import { RedisCall } from "./redis-call.ts";
import type { RedisCalls } from "./redis-calls.ts";
import { isRedisCluster, type RedisLike } from "./redis-like.ts";

/** How many keys one MGET asks for, so that no other client of Redis waits long behind it. */
const keysPerCommand = 500;

/** `queueMicrotask` costs a microsecond in Node; a reaction of a settled promise runs at the same moment for a tenth. */
const settledPromise = Promise.resolve();

type Texts = (string | null)[];

/** Makes a record of the text under a key. */
type Decode<V> = (text: string | null, key: string) => V;

/**
 * Collects the reads of one microtask turn into as few commands as they allow: a plain GET for one key, MGET for several,
 * on a Cluster one command for each slot, since a MGET across slots is refused there.
 */
export class GetBatches<V> {
  readonly #redis: RedisLike;
  readonly #calls: RedisCalls;
  readonly #decode: Decode<V>;
  readonly #isCluster: boolean;
  /** The batch that takes keys, where it is not a matter of slots. */
  #open: GetBatch | undefined;
  /** On a Cluster, the batch of each slot that takes keys. */
  readonly #openBySlot = new Map<number, GetBatch>();
  /** The batches of this turn, as a list: the usual turn has one, for which an array would be a waste. */
  #first: GetBatch | undefined;
  #last: GetBatch | undefined;

  constructor(redis: RedisLike, calls: RedisCalls, decode: Decode<V>) {
    this.#redis = redis;
    this.#calls = calls;
    this.#decode = decode;
    this.#isCluster = isRedisCluster(redis);
  }

  /** Reads the record under a key, in a command shared with the other reads of this microtask turn. */
  get(key: string, redisKey: string): Promise<V> {
    const batch = this.#isCluster ? this.#ofSlot(clusterKeySlot(redisKey)) : this.#openOne();
    const index = batch.add(redisKey);
    return batch.answers.then((texts) => this.#decode(texts[index] ?? null, key));
  }

  #openOne(): GetBatch {
    if (this.#open === undefined || this.#open.isFull) this.#open = this.#newBatch();
    return this.#open;
  }

  /** The batch of a slot, on a Cluster. */
  #ofSlot(slot: number): GetBatch {
    const open = this.#openBySlot.get(slot);
    if (open !== undefined && !open.isFull) return open;
    const batch = this.#newBatch();
    this.#openBySlot.set(slot, batch);
    return batch;
  }

  #newBatch(): GetBatch {
    const batch = new GetBatch(this.#redis);
    if (this.#last === undefined) {
      this.#first = batch;
      settledPromise.then(this.#flush);
    } else {
      this.#last.nextInTurn = batch;
    }
    this.#last = batch;
    return batch;
  }

  readonly #flush = (): void => {
    const first = this.#first;
    this.#first = undefined;
    this.#last = undefined;
    this.#open = undefined;
    if (this.#isCluster) this.#openBySlot.clear();
    for (let batch = first; batch !== undefined; batch = batch.nextInTurn) this.#calls.start(batch);
  };
}

/** The reads that share a command. */
class GetBatch extends RedisCall<string | null | Texts> {
  readonly operation = "get";
  readonly redisKeys: string[] = [];
  readonly answers: Promise<Texts>;
  nextInTurn: GetBatch | undefined = undefined;
  readonly #redis: RedisLike;
  #resolve!: (texts: Texts) => void;
  #reject!: (error: StorageError) => void;

  constructor(redis: RedisLike) {
    super();
    this.#redis = redis;
    this.answers = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isFull(): boolean {
    return this.redisKeys.length >= keysPerCommand;
  }

  /** Adds a read; returns the place of its answer. */
  add(redisKey: string): number {
    return this.redisKeys.push(redisKey) - 1;
  }

  protected override send(): Promise<string | null | Texts> {
    const [redisKey = ""] = this.redisKeys;
    return this.redisKeys.length === 1 ? this.#redis.get(redisKey) : this.#redis.mget(this.redisKeys);
  }

  protected override succeed(answer: string | null | Texts): void {
    this.#resolve(Array.isArray(answer) ? answer : [answer]);
  }

  protected override fail(error: StorageError): void {
    this.#reject(error);
  }
}
