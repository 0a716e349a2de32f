import { clusterKeySlot } from "./cluster-key-slot.ts";
import type { CommandSender } from "./command-sender.ts";
import { isRedisCluster, type RedisLike } from "./redis-like.ts";

/** How many keys one MGET asks for, so that no other client of Redis waits long behind it. */
const keysPerCommand = 500;

/** `queueMicrotask` costs a microsecond in Node; a reaction of a settled promise runs at the same moment for a tenth. */
const settledPromise = Promise.resolve();

/** Makes a record of the text under a key. */
type Decode<V> = (text: string | null, key: string) => V;

/** The reads that share a command. */
interface GetBatch {
  readonly redisKeys: string[];
  /** The text under the only key, or the texts under all keys. */
  readonly answer: Promise<string | null | (string | null)[]>;
}

/**
 * Collects the reads of one microtask turn into as few commands as they allow: a plain GET for one key, MGET for several,
 * on a Cluster one command for each slot, since a MGET across slots is refused there.
 */
export class GetBatches<V> {
  readonly #redis: RedisLike;
  readonly #sender: CommandSender;
  readonly #decode: Decode<V>;
  readonly #isCluster: boolean;
  /** The batches of this turn that take keys, by their slot: 0 for all keys where there is no Cluster. */
  readonly #open = new Map<number, GetBatch>();

  constructor(redis: RedisLike, sender: CommandSender, decode: Decode<V>) {
    this.#redis = redis;
    this.#sender = sender;
    this.#decode = decode;
    this.#isCluster = isRedisCluster(redis);
  }

  /** Reads the record under a key, in a command shared with the other reads of this microtask turn. */
  get(key: string, redisKey: string): Promise<V> {
    const { redisKeys, answer } = this.#batchOf(this.#isCluster ? clusterKeySlot(redisKey) : 0);
    const index = redisKeys.push(redisKey) - 1;
    return answer.then((texts) => this.#decode(Array.isArray(texts) ? (texts[index] ?? null) : texts, key));
  }

  #batchOf(slot: number): GetBatch {
    const open = this.#open.get(slot);
    if (open !== undefined && open.redisKeys.length < keysPerCommand) return open;
    const redisKeys: string[] = [];
    const send = () => (redisKeys.length > 1 ? this.#redis.mget(redisKeys) : this.#redis.get(redisKeys[0] ?? ""));
    const answer = new Promise<string | null | (string | null)[]>((resolve, reject) => {
      settledPromise.then(() => {
        // The turn is over: its batches take no more keys.
        this.#open.clear();
        this.#sender.start({ operation: "get", redisKeys, send }, resolve, reject);
      });
    });
    const batch = { redisKeys, answer };
    this.#open.set(slot, batch);
    return batch;
  }
}
