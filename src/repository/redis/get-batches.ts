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
  #open: GetBatch<V> | undefined;
  /** On a Cluster, the batch of each slot that takes keys. */
  readonly #openBySlot = new Map<number, GetBatch<V>>();
  /** The batches of this turn, as a list: the usual turn has one, for which an array would be a waste. */
  #first: GetBatch<V> | undefined;
  #last: GetBatch<V> | undefined;

  constructor(redis: RedisLike, calls: RedisCalls, decode: Decode<V>) {
    this.#redis = redis;
    this.#calls = calls;
    this.#decode = decode;
    this.#isCluster = isRedisCluster(redis);
  }

  /** Reads the record under a key, in a command shared with the other reads of this microtask turn. */
  get(key: string, redisKey: string): Promise<V> {
    return new Promise<V>((resolve, reject) => {
      const read = { key, redisKey, resolve, reject };
      if (this.#isCluster) {
        const slot = clusterKeySlot(redisKey);
        this.#openBySlot.set(slot, this.#add(read, this.#openBySlot.get(slot)));
      } else {
        this.#open = this.#add(read, this.#open);
      }
    });
  }

  /** Adds to the given batch where it has room, else to a new one. Returns the batch. */
  #add(read: Read<V>, open: GetBatch<V> | undefined): GetBatch<V> {
    if (open !== undefined && open.size < keysPerCommand) {
      open.add(read);
      return open;
    }
    const batch = new GetBatch(this.#redis, this.#decode, read);
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

/** One read, and who waits for it. */
interface Read<V> {
  readonly key: string;
  readonly redisKey: string;
  readonly resolve: (record: V) => void;
  readonly reject: (error: unknown) => void;
}

/** The reads that share a command. The first has a place of its own, since most often there is no other. */
class GetBatch<V> extends RedisCall<string | null | Texts> {
  readonly operation = "get";
  nextInTurn: GetBatch<V> | undefined = undefined;
  readonly #redis: RedisLike;
  readonly #decode: Decode<V>;
  readonly #first: Read<V>;
  #others: Read<V>[] | undefined = undefined;

  constructor(redis: RedisLike, decode: Decode<V>, first: Read<V>) {
    super();
    this.#redis = redis;
    this.#decode = decode;
    this.#first = first;
  }

  get size(): number {
    return 1 + (this.#others?.length ?? 0);
  }

  get redisKeys(): string[] {
    const redisKeys = [this.#first.redisKey];
    if (this.#others !== undefined) for (const { redisKey } of this.#others) redisKeys.push(redisKey);
    return redisKeys;
  }

  add(read: Read<V>): void {
    if (this.#others === undefined) this.#others = [read];
    else this.#others.push(read);
  }

  protected override send(): Promise<string | null | Texts> {
    return this.#others === undefined ? this.#redis.get(this.#first.redisKey) : this.#redis.mget(this.redisKeys);
  }

  protected override succeed(answer: string | null | Texts): void {
    if (!Array.isArray(answer)) {
      this.#settle(this.#first, answer);
      return;
    }
    let index = 0;
    this.#settle(this.#first, answer[index++]);
    if (this.#others !== undefined) for (const read of this.#others) this.#settle(read, answer[index++]);
  }

  protected override fail(error: StorageError): void {
    this.#first.reject(error);
    if (this.#others !== undefined) for (const { reject } of this.#others) reject(error);
  }

  #settle({ key, resolve, reject }: Read<V>, text: string | null | undefined): void {
    try {
      resolve(this.#decode(text ?? null, key));
    } catch (error) {
      reject(error);
    }
  }
}
