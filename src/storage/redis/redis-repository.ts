import { CorruptRecordError } from "../../errors.ts";
import { type OptionKinds, requireOptions, requireThat } from "../../option-checks.ts";
import type { SchemaOrCodec } from "../codecs/as-codec.ts";
import type { RecordLocation } from "../codecs/codec.ts";
import type { Repository } from "../contract.ts";
import { type ExpiryOptions, expiryOptionKinds, isExpired, type ReadExpiry, type ReadsExpiry } from "../expiry.ts";
import type { Finding } from "../finding.ts";
import type { IndexOptions } from "../indexed.ts";
import { KeySpace } from "../key-space.ts";
import type { ReadsBack } from "../read-back.ts";
import type { ExpiringRecord, ReadableExpiry } from "../readable-expiry.ts";
import { requireUtf8Text } from "../record-checks.ts";
import { type EncodedRecord, RecordText } from "../record-text.ts";
import { deleteScript, replaceScript } from "./compare-scripts.ts";
import { RecordLabels } from "./record-labels.ts";
import { RecordSearch } from "./record-search.ts";
import { isRefused, notUtf8, type RedisOperation, repositoryClosed } from "./redis-failure.ts";
import type { RedisLike } from "./redis-like.ts";
import type { OtherRedisClient } from "./redis-port.ts";
import { remainingLife } from "./remaining-life.ts";
import type { WaitForReplicas } from "./replica-confirmation.ts";
import { SharedClient } from "./shared-client.ts";

/** What a decoder puts in the place of bytes that are not UTF-8. */
const replacementCharacter = "\ufffd";

/** Settings of a {@link RedisRepository}. */
export interface RedisRepositoryOptions<V> extends ExpiryOptions<V>, IndexOptions<V> {
  /** The namespace of this repository's keys: 1 to 64 of `a-z`, `0-9`, `_` and `-`. Each repository needs its own. */
  readonly prefix: string;
  /**
   * How long a call may take, the wait for a connection included, in milliseconds. Default 2,000. A call that takes longer
   * fails with `StorageTimeoutError`, or with `StorageUnavailableError` where nothing was sent.
   */
  readonly timeout?: number;
  /**
   * How many replicas have to have a write before it counts as done, asked by WAIT in the write's own round trip. Too few
   * of them in time are a `StorageNotReplicatedError`, whose effect is `unknown`: the write is there, but not safe. Default:
   * none; replication is asynchronous, and a failover loses what the old primary had not passed on yet. On a Cluster nothing
   * is confirmed while the slot of a key is moving.
   */
  readonly waitForReplicas?: WaitForReplicas;
}

/** All options of a `RedisRepository`. */
export const redisRepositoryOptionKinds: OptionKinds<RedisRepositoryOptions<never>> = {
  ...expiryOptionKinds,
  indexes: "object",
  prefix: "any",
  timeout: "any",
  waitForReplicas: "object",
};

/**
 * A repository in Redis 6.2 or later, or Valkey, over a client of ioredis (plain, Sentinel or Cluster), node-redis (plain or
 * Cluster) or Valkey GLIDE (plain or Cluster).
 *
 * `get`, `set` and `delete` are one round trip each: GET, SET with PX, GETDEL. The `get`s of one turn share their commands,
 * also those of different kinds where `createRedisRepositories` built the repositories. `take` is two round trips, of which
 * the second deletes what the first has read; where there is no record it is one. `add` is SET with NX; where the key has a
 * record, a second round trip reads whether that record has expired. Redis is told how long a record has left to live, so
 * its clock may differ from this machine's. A record that Redis has not removed yet, but that is past its expiry by `clock`,
 * is absent. A key of this repository that some other program made a list or a hash is a
 * `CorruptRecordError`; MGET calls it absent, so a `get` that shares its command does too. Nothing waits longer than
 * `timeout`, and nothing is sent once its caller has been told that it failed. A `take` is never sent twice.
 *
 * The client must not send commands again after a reconnect, nor keep them until then; `redisOptions()`, `clusterOptions()`,
 * `nodeRedisOptions()`, `nodeRedisClusterOptions()` and `glideOptions()` give the settings. The repository does not close it.
 *
 * @throws {ConfigurationError} For a prefix outside its alphabet, a timeout that is not positive, or an unsafe client.
 *
 * @example
 * ```ts
 * const redis = new Redis("redis://127.0.0.1:6379", redisOptions());
 * const accessTokens = new RedisRepository(AccessTokenSchema, redis, { prefix: "access-token" });
 * ```
 */
export class RedisRepository<V, K extends string = string>
  implements Repository<K, V>, ReadsBack<K, V>, ReadsExpiry<V>, AsyncDisposable
{
  /** How the expiry of a record is read, where the option `expiresAt` says so. A cache in front goes by it too. */
  readonly readExpiry: ReadExpiry<V> | undefined;
  readonly #records: RecordText<V>;
  readonly #shared: SharedClient;
  readonly #redis: RedisLike;
  readonly #keys: KeySpace;
  readonly #labels: RecordLabels;
  readonly #search: RecordSearch<V>;
  readonly #clock: () => number;
  readonly #decodeText = (text: string | null, key: string): V | undefined => this.#decode(text, key);
  #closing: Promise<void> | undefined;

  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    redis: RedisLike | OtherRedisClient | SharedClient,
    options: ReadableExpiry<V, RedisRepositoryOptions<V>>,
  );
  constructor(
    schemaOrCodec: SchemaOrCodec<V> & SchemaOrCodec<ExpiringRecord>,
    redis: RedisLike | OtherRedisClient | SharedClient,
    options: RedisRepositoryOptions<V>,
  );
  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    redis: RedisLike | OtherRedisClient | SharedClient,
    options: RedisRepositoryOptions<V>,
  ) {
    requireThat(options !== undefined, "RedisRepository takes an object of options, with a prefix.");
    requireOptions("RedisRepository", options, redisRepositoryOptionKinds);
    this.#records = new RecordText(schemaOrCodec, options);
    this.readExpiry = options.expiresAt;
    this.#keys = new KeySpace(options.prefix);
    this.#shared =
      redis instanceof SharedClient ? redis : new SharedClient(redis, options.timeout, options.waitForReplicas);
    this.#shared.join();
    this.#redis = this.#shared.redis;
    this.#clock = options.clock ?? Date.now;
    this.#labels = new RecordLabels(this.#shared, this.#keys, this.#records.indexes, this.#clock);
    this.#search = new RecordSearch({
      shared: this.#shared,
      keys: this.#keys,
      records: this.#records,
      labels: this.#labels,
      clock: this.#clock,
      read: (key) => this.#read(key),
    });
  }

  /** The namespace of this repository's keys. */
  get prefix(): string {
    return this.#keys.prefix;
  }

  /** True where the records are read and written by this client. */
  isOn(redis: object): boolean {
    return this.#shared.client === redis;
  }

  get(key: K): Promise<V | undefined> {
    return this.#read(key);
  }

  async set(key: K, value: V): Promise<void> {
    const redisKey = this.#keys.storedKey(key);
    const { text, expiresAt, indexEntry } = this.#encode(key, value);
    if (isExpired(expiresAt, this.#clock())) {
      await this.#write("set", redisKey, () => this.#redis.del(redisKey), isCounted);
      return;
    }
    const life = remainingLife(expiresAt, this.#clock());
    const write = (): Promise<unknown> =>
      life === undefined ? this.#redis.set(redisKey, text) : this.#redis.set(redisKey, text, "PX", life);
    await this.#labels.writeWith(key, indexEntry, life, () => this.#write("set", redisKey, write, () => true));
  }

  /**
   * Writes the record where the key has none. A record that has expired by `clock` while Redis still holds it is replaced
   * by a script, for which the Redis user needs `+eval`. The `timeout` is that of each command.
   *
   * @returns True for exactly one of any number of concurrent callers, false where there is a live record. A value that
   * has expired already would be absent at once: it is not written, and true says that there is no live record.
   * @throws {CorruptRecordError} When what Redis holds under the key is no record: it may be a live one of another version.
   * @throws {StorageFailure} When Redis does not answer. With the effect `unknown` the record may have been added.
   */
  async add(key: K, value: V): Promise<boolean> {
    const redisKey = this.#keys.storedKey(key);
    const { text, expiresAt, indexEntry } = this.#encode(key, value);
    const read = (): Promise<string | null> => this.#send("get", redisKey, () => this.#redis.get(redisKey));
    if (isExpired(expiresAt, this.#clock())) return this.#decode(await read(), key) === undefined;

    const life = remainingLife(expiresAt, this.#clock());
    const addToNone = (): Promise<unknown> =>
      life === undefined ? this.#redis.set(redisKey, text, "NX") : this.#redis.set(redisKey, text, "PX", life, "NX");
    const tryToAdd = (): Promise<unknown> => this.#write("add", redisKey, addToNone, isOK);
    let answer = await this.#labels.writeWith(key, indexEntry, life, tryToAdd);
    let replaced: string | undefined;
    for (; ; answer = await tryToAdd()) {
      if (answer === "OK") return true;
      const held = await read();
      if (this.#decode(held, key) !== undefined) return false;
      // The record was removed since, by another caller or by Redis: the key is free for whoever adds first.
      if (held === null) continue;
      // Redis keeps bytes and this client reads text: the script cannot find bytes again that are not UTF-8.
      if (held === replaced) throw notUtf8(redisKey);
      replaced = held;
      const expiry = life === undefined ? [] : ["PX", life];
      const replace = (): Promise<unknown> => this.#redis.eval(replaceScript, 1, redisKey, held, text, ...expiry);
      if ((await this.#write("add", redisKey, replace, isCounted)) === 1) return true;
    }
  }

  /** GETDEL and not DEL, which would count a record that is past its expiry but that Redis still holds. */
  async delete(key: K): Promise<boolean> {
    const redisKey = this.#keys.storedKey(key);
    let text: string | null;
    try {
      text = await this.#write("delete", redisKey, () => this.#redis.getdel(redisKey), isText);
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      return (await this.#write("delete", redisKey, () => this.#redis.del(redisKey), isCounted)) > 0;
    }
    try {
      return this.#decode(text, key) !== undefined;
    } catch {
      // Not readable, but it was there, and now it is not.
      return true;
    }
  }

  /**
   * Reads the record, opens it, and deletes it where Redis still holds what was opened. So a record that cannot be opened
   * stays, and of any number of callers one deletes. Where the Redis user may not run scripts (`+eval`), GETDEL takes the
   * place of the comparison: of any number of callers one still gets the record, and what is lost is a record that cannot
   * be opened and that was written in the moment between the two commands.
   *
   * @throws {UnsealableError} When the record was sealed under a key that is not in the key ring: `keyId` says which.
   * @throws {CorruptRecordError} When what Redis holds under the key is no record.
   * @throws {StorageFailure} When Redis does not answer. With the effect `unknown` the record may have been deleted.
   */
  async take(key: K): Promise<V | undefined> {
    const redisKey = this.#keys.storedKey(key);
    let compared: string | undefined;
    for (;;) {
      const held = await this.#send("get", redisKey, () => this.#redis.get(redisKey));
      const value = this.#decode(held, key);
      if (held === null || value === undefined) return undefined;
      // As with `add`: bytes that are not UTF-8 are never found again.
      if (held === compared && held.includes(replacementCharacter)) throw notUtf8(redisKey);
      compared = held;
      try {
        const deleteOpened = () => this.#redis.eval(deleteScript, 1, redisKey, held);
        if ((await this.#write("take", redisKey, deleteOpened, isCounted)) === 1) return value;
      } catch (error) {
        if (!isRefused(error)) throw error;
        const taken = await this.#write("take", redisKey, () => this.#redis.getdel(redisKey), isText);
        return this.#decode(taken, key);
      }
    }
  }

  /** What `get` would give after `set`. */
  readBack(key: K, value: V): V {
    return this.#records.readBack(value, this.#location(key));
  }

  /**
   * Every record that has not expired, read with SCAN: what is written or deleted meanwhile may be among them or not.
   * It looks at every key of the database, so it is not for the course of a request.
   *
   * @throws {UnreadableRecordsError} After the last entry, when there are records that cannot be read: `keyIds` names the
   * keys that are missing from the key ring.
   */
  async *entries(): AsyncGenerator<[string, V], void, undefined> {
    this.#assertOpen();
    yield* this.#search.all();
  }

  get indexNames(): readonly string[] {
    return this.#records.indexes.names;
  }

  /**
   * Every record that has not expired and that the index has under this value. The index is complete where it was completed
   * a short time ago, no entry was lost since, and all of its keys are in the key ring. Where it is not, every record is read as
   * `entries` does, and the index is completed on the way, for which the Redis user needs `+eval`. That short time is five
   * minutes at first, then as long as the index has been written, and a day at most.
   *
   * An instance of an earlier version writes no entries: what it writes after the index was completed is found when that time is
   * over. So where instances of both run, call `entries` until the earlier ones have stopped.
   *
   * @throws {ConfigurationError} When there is no such index.
   * @throws {UnreadableRecordsError} After the last entry, when there are records that cannot be read and that may be meant.
   */
  async *entriesBy(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
    this.#assertOpen();
    yield* this.#search.byIndex(index, value);
  }

  /**
   * Looks at the settings of Redis that may lose records (eviction, persistence) and at its clock. The Redis user needs
   * `+info` and `+time`.
   *
   * @throws {StorageFailure} When Redis does not answer.
   */
  async diagnose(): Promise<Finding[]> {
    this.#assertOpen();
    const { diagnoseRedis } = await import("./diagnosis.ts");
    return diagnoseRedis(this.#shared, this.#clock);
  }

  /**
   * Refuses further calls and waits for those under way. The repositories that were built with this one go on. The client
   * stays open: whoever made it closes it.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#shared.leave();
    await this.#closing;
  }

  #read(key: string): Promise<V | undefined> {
    try {
      this.#assertOpen();
      return this.#shared.reads.get(key, this.#keys.storedKey(key), this.#decodeText);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send<T>(operation: RedisOperation, redisKey: string, send: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    return this.#shared.sender.send({ operation, redisKeys: [redisKey], send });
  }

  #write<T>(
    operation: RedisOperation,
    redisKey: string,
    write: () => Promise<T>,
    hasWritten: (answer: T) => boolean,
  ): Promise<T> {
    this.#assertOpen();
    return this.#shared.write(operation, redisKey, write, hasWritten);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw repositoryClosed();
  }

  #encode(key: string, value: V): EncodedRecord {
    const encoded = this.#records.encode(value, this.#location(key));
    requireUtf8Text(encoded.text);
    return encoded;
  }

  #decode(text: string | null, key: string): V | undefined {
    return text === null ? undefined : this.#records.decode(text, this.#location(key));
  }

  #location(key: string): RecordLocation {
    return { repository: this.#keys.prefix, key };
  }
}

/** Of each kind of answer: whether the command has written anything. */
const isOK = (answer: unknown): boolean => answer === "OK";
const isText = (answer: string | null): boolean => answer !== null;
const isCounted = (answer: unknown): boolean => typeof answer === "number" && answer > 0;
