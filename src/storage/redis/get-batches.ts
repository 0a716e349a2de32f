import type { StorageError } from "../../errors.ts";
import { clusterKeySlot } from "./cluster-key-slot.ts";
import type { CommandSender } from "./command-sender.ts";
import type { RedisCommand } from "./redis-call.ts";
import { isRedisCluster, type RedisLike } from "./redis-like.ts";

/** How many keys one MGET asks for, so that no other client of Redis waits long behind it. */
const keysPerCommand = 500;

/** Makes a record of the text under a key. */
type Decode<V> = (text: string | null, key: string) => V;

/** The text under the only key of a command, or the texts under its keys. */
type Texts = string | null | (string | null)[];

/**
 * Collects the reads of one turn into as few commands as they allow: a plain GET for one key, MGET for several, on a
 * Cluster one command for each slot, since a MGET across slots is refused there. A turn ends when no promise has a reaction
 * left to run. So the reads of one request share a command even where one of them begins a few promises after the others,
 * and no read waits for anything that takes time.
 */
export class GetBatches {
  readonly #redis: RedisLike;
  readonly #sender: CommandSender;
  /** On a Cluster the batch of each slot that takes keys in this turn. */
  readonly #bySlot: Map<number, GetBatch> | undefined;
  /** The batches of this turn. Where there are no slots, the last one takes keys. */
  #ofTurn: GetBatch[] = [];

  constructor(redis: RedisLike, sender: CommandSender) {
    this.#redis = redis;
    this.#sender = sender;
    this.#bySlot = isRedisCluster(redis) ? new Map() : undefined;
  }

  /** Reads the record under a key, in a command shared with the other reads of this turn. */
  get<V>(key: string, redisKey: string, decode: Decode<V>): Promise<V> {
    const batch = this.#bySlot === undefined ? this.#open() : this.#openOfSlot(this.#bySlot, clusterKeySlot(redisKey));
    const index = batch.redisKeys.push(redisKey) - 1;
    return batch.answer.then((texts) => decode(Array.isArray(texts) ? (texts[index] ?? null) : texts, key));
  }

  #open(): GetBatch {
    const last = this.#ofTurn[this.#ofTurn.length - 1];
    return last === undefined || last.isFull ? this.#add() : last;
  }

  #openOfSlot(bySlot: Map<number, GetBatch>, slot: number): GetBatch {
    const known = bySlot.get(slot);
    if (known !== undefined && !known.isFull) return known;
    const batch = this.#add();
    bySlot.set(slot, batch);
    return batch;
  }

  #add(): GetBatch {
    if (this.#ofTurn.length === 0) process.nextTick(this.#endTurn);
    const batch = new GetBatch(this.#redis);
    this.#ofTurn.push(batch);
    return batch;
  }

  readonly #endTurn = (): void => {
    const batches = this.#ofTurn;
    this.#ofTurn = [];
    this.#bySlot?.clear();
    for (const batch of batches) this.#sender.start(batch, batch.resolve, batch.reject);
  };
}

/** The reads that share a command. */
class GetBatch implements RedisCommand<Texts> {
  readonly operation = "get";
  readonly redisKeys: string[] = [];
  readonly answer: Promise<Texts>;
  resolve!: (texts: Texts) => void;
  reject!: (error: StorageError) => void;
  readonly #redis: RedisLike;

  constructor(redis: RedisLike) {
    this.#redis = redis;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  get isFull(): boolean {
    return this.redisKeys.length >= keysPerCommand;
  }

  send(): Promise<Texts> {
    return this.redisKeys.length > 1 ? this.#redis.mget(this.redisKeys) : this.#redis.get(this.redisKeys[0] ?? "");
  }
}
