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
  readonly texts: Promise<(string | null)[]>;
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
    const { redisKeys, texts } = this.#batchOf(this.#isCluster ? clusterKeySlot(redisKey) : 0);
    const index = redisKeys.push(redisKey) - 1;
    return texts.then((all) => this.#decode(all[index] ?? null, key));
  }

  #batchOf(slot: number): GetBatch {
    const open = this.#open.get(slot);
    if (open !== undefined && open.redisKeys.length < keysPerCommand) return open;
    const redisKeys: string[] = [];
    const batch = { redisKeys, texts: settledPromise.then(() => this.#read(redisKeys)) };
    this.#open.set(slot, batch);
    return batch;
  }

  /** Called once the turn is over: its batches take no more keys. */
  async #read(redisKeys: string[]): Promise<(string | null)[]> {
    this.#open.clear();
    const [first = ""] = redisKeys;
    const command = { operation: "get", redisKeys } as const;
    return redisKeys.length === 1
      ? [await this.#sender.send({ ...command, send: () => this.#redis.get(first) })]
      : this.#sender.send({ ...command, send: () => this.#redis.mget(redisKeys) });
  }
}
