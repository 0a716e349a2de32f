import { clusterKeySlot } from "./cluster-key-slot.ts";
import type { CommandSender } from "./command-sender.ts";
import { isRedisCluster, type RedisLike } from "./redis-like.ts";

/** How many keys one MGET asks for, so that no other client of Redis waits long behind it. */
const keysPerCommand = 500;

/** Makes a record of the text under a key. */
type Decode<V> = (text: string | null, key: string) => V;

/** The text under the only key of a command, or the texts under its keys. */
type Texts = string | null | (string | null)[];

/** The reads that share a command. */
interface GetBatch {
  readonly redisKeys: string[];
  readonly answer: Promise<Texts>;
}

/**
 * Collects the reads of one turn into as few commands as they allow: a plain GET for one key, MGET for several, on a
 * Cluster one command for each slot, since a MGET across slots is refused there. A turn ends when no promise has a reaction
 * left to run. So the reads of one request share a command even where one of them begins a few promises after the others,
 * and no read waits for anything that takes time.
 */
export class GetBatches {
  readonly #redis: RedisLike;
  readonly #sender: CommandSender;
  readonly #isCluster: boolean;
  /** The batches of this turn that take keys: on a Cluster one for each slot, elsewhere one. */
  readonly #open = new Map<number, GetBatch>();

  constructor(redis: RedisLike, sender: CommandSender) {
    this.#redis = redis;
    this.#sender = sender;
    this.#isCluster = isRedisCluster(redis);
  }

  /** Reads the record under a key, in a command shared with the other reads of this turn. */
  get<V>(key: string, redisKey: string, decode: Decode<V>): Promise<V> {
    const batch = this.#batchOf(this.#isCluster ? clusterKeySlot(redisKey) : 0);
    const index = batch.redisKeys.push(redisKey) - 1;
    return batch.answer.then((texts) => decode(Array.isArray(texts) ? (texts[index] ?? null) : texts, key));
  }

  #batchOf(slot: number): GetBatch {
    const open = this.#open.get(slot);
    if (open !== undefined && open.redisKeys.length < keysPerCommand) return open;
    const batch = this.#newBatch();
    this.#open.set(slot, batch);
    return batch;
  }

  #newBatch(): GetBatch {
    const redisKeys: string[] = [];
    const send = () => (redisKeys.length > 1 ? this.#redis.mget(redisKeys) : this.#redis.get(redisKeys[0] ?? ""));
    const answer = new Promise<Texts>((resolve, reject) => {
      process.nextTick(() => {
        // The turn is over: its batches take no more keys.
        this.#open.clear();
        this.#sender.start({ operation: "get", redisKeys, send }, resolve, reject);
      });
    });
    return { redisKeys, answer };
  }
}
