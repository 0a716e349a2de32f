import {
  CorruptRecordError,
  InvalidRecordError,
  StorageRejectedError,
  StorageUnauthorizedError,
} from "../../errors.ts";
import { type OptionKinds, requireOptions, requireThat } from "../../option-checks.ts";
import type { SchemaOrCodec } from "../codecs/as-codec.ts";
import type { RecordLocation } from "../codecs/codec.ts";
import type { Repository } from "../contract.ts";
import { isExpired, type ReadExpiry, type ReadsExpiry } from "../expiry.ts";
import type { Finding } from "../finding.ts";
import type { IndexOptions } from "../indexed.ts";
import { isWellFormed, KeySpace } from "../key-space.ts";
import type { ReadsBack } from "../read-back.ts";
import type { ExpiringRecord, ExplicitExpiry, ReadableExpiry } from "../readable-expiry.ts";
import { type EncodedRecord, RecordText } from "../record-text.ts";
import { isUnreadable, UnreadableRecords } from "../unreadable-records.ts";
import { deleteScript, replaceScript } from "./compare-scripts.ts";
import { type LabelMember, RecordLabels } from "./record-labels.ts";
import { notUtf8, type RedisOperation, repositoryClosed } from "./redis-failure.ts";
import type { RedisLike } from "./redis-like.ts";
import type { OtherRedisClient } from "./redis-port.ts";
import type { WaitForReplicas } from "./replica-confirmation.ts";
import { scanRecordKeys } from "./scan-record-keys.ts";
import { SharedClient } from "./shared-client.ts";

/** What a decoder puts in the place of bytes that are not UTF-8. */
const replacementCharacter = "\ufffd";

/** Redis adds its own time to this, in milliseconds, and counts in 64 bits: both fit where this does. */
const longestLife = Number.MAX_SAFE_INTEGER;

/** How many records a search that reads everything gives their entries in the index at once. */
const recordsLabelledTogether = 100;

/** Settings of a {@link RedisRepository}. */
export interface RedisRepositoryOptions<V> extends IndexOptions<V> {
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
  /**
   * Reads a record's expiry, as a `Date` or in seconds since the epoch. Default: its `expiresAt`, which then has to be a
   * number of seconds, or absent in a record that never expires.
   */
  readonly expiresAt?: ReadExpiry<V>;
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: () => number;
}

/** All options of a `RedisRepository`. */
export const redisRepositoryOptionKinds: OptionKinds<RedisRepositoryOptions<never>> = {
  indexes: "object",
  prefix: "any",
  timeout: "any",
  waitForReplicas: "object",
  expiresAt: "function",
  clock: "function",
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
    options: RedisRepositoryOptions<V> & ExplicitExpiry<V>,
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
    const life = this.#remainingLife(expiresAt);
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

    const life = this.#remainingLife(expiresAt);
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
    const unreadable = new UnreadableRecords();
    for await (const keys of scanRecordKeys(this.#redis, this.#shared.sender, this.#keys)) {
      const reads = keys.map((key) => this.#read(key));
      for (const [index, read] of (await Promise.allSettled(reads)).entries()) {
        const key = keys[index];
        if (read.status === "rejected") {
          if (!isUnreadable(read.reason)) throw read.reason;
          unreadable.add(read.reason);
        } else if (read.value !== undefined && key !== undefined) {
          yield [key, read.value];
        }
      }
    }
    unreadable.throwIfAny();
  }

  get indexNames(): readonly string[] {
    return this.#records.indexes.names;
  }

  /**
   * Every record that has not expired and that the index has under this value. The index is complete where it was completed
   * within a day, no entry was lost since, and all of its keys are in the key ring. Where it is not, every record is read as
   * `entries` does, and the index is completed on the way, for which the Redis user needs `+eval`.
   *
   * An instance of an earlier version writes no entries: what it writes after the index was completed is found a day later. So
   * where instances of both run, call `entries` until the earlier ones have stopped.
   *
   * @throws {ConfigurationError} When there is no such index.
   * @throws {UnreadableRecordsError} After the last entry, when there are records that cannot be read and that may be meant.
   */
  async *entriesBy(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
    this.#assertOpen();
    const { indexes } = this.#records;
    const query = indexes.queryFor(index, value, this.#keys.prefix);
    const unreadable = new UnreadableRecords();
    if (!(await this.#labels.isComplete())) {
      for await (const [key, record] of this.#completing())
        if (indexes.isMeant(record, query, value)) yield [key, record];
      return;
    }
    const seen = new Set<string>();
    for await (const members of this.#labels.find(query)) {
      const wrong: LabelMember[] = [];
      const reads = members.map(({ key }) => this.#read(key));
      for (const [position, read] of (await Promise.allSettled(reads)).entries()) {
        const member = members[position];
        if (member === undefined) continue;
        if (read.status === "rejected") {
          if (!isUnreadable(read.reason)) throw read.reason;
          if (!seen.has(member.key)) unreadable.add(read.reason);
          seen.add(member.key);
        } else if (read.value === undefined || !indexes.isMeant(read.value, query, value)) {
          wrong.push(member);
        } else if (!seen.has(member.key)) {
          seen.add(member.key);
          yield [member.key, read.value];
        }
      }
      await this.#labels.remove(query, wrong);
    }
    unreadable.throwIfAny();
  }

  /** Every record, each given its entries in the index. At the end the index is complete, unless a record could not be read. */
  async *#completing(): AsyncGenerator<[string, V], void, undefined> {
    const complete = await this.#labels.beginCompletion();
    let mayWrite = true;
    let unlabelled: [string, V][] = [];
    const label = async (): Promise<void> => {
      const labelled = await Promise.all(unlabelled.map(([key, record]) => this.#addLabels(key, record)));
      mayWrite &&= labelled.every(Boolean);
      unlabelled = [];
    };
    for await (const entry of this.entries()) {
      if (mayWrite) unlabelled.push(entry);
      if (unlabelled.length >= recordsLabelledTogether) await label();
      yield entry;
    }
    await label();
    if (mayWrite) await complete();
  }

  /** False where Redis does not let this user write the index. */
  async #addLabels(key: string, record: V): Promise<boolean> {
    const { expiresAt, indexEntry } = this.#records.indexed(record, this.#location(key));
    if (indexEntry === undefined) return false;
    try {
      await this.#labels.add(key, indexEntry, this.#remainingLife(expiresAt));
      return true;
    } catch (failure) {
      if (isRefused(failure)) return false;
      throw failure;
    }
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
    if (isWellFormed(encoded.text)) return encoded;
    throw new InvalidRecordError("The encoded record holds half of a surrogate pair, which has no form in UTF-8.");
  }

  #decode(text: string | null, key: string): V | undefined {
    return text === null ? undefined : this.#records.decode(text, this.#location(key));
  }

  #location(key: string): RecordLocation {
    return { repository: this.#keys.prefix, key };
  }

  /**
   * How long Redis is to keep the record, in milliseconds from now: rounded up, so never shorter than the record's own
   * life. It is a length of time and no moment, since Redis's clock is another one than this machine's. `undefined` for a
   * record that does not expire, and for a time that Redis has no number for.
   */
  #remainingLife(expiresAt: number | undefined): number | undefined {
    if (expiresAt === undefined) return undefined;
    const milliseconds = Math.max(1, Math.ceil(expiresAt * 1000 - this.#clock()));
    return milliseconds <= longestLife ? milliseconds : undefined;
  }
}

/** Of each kind of answer: whether the command has written anything. */
const isOK = (answer: unknown): boolean => answer === "OK";
const isText = (answer: string | null): boolean => answer !== null;
const isCounted = (answer: unknown): boolean => typeof answer === "number" && answer > 0;

/** Redis will not run the command for this user, or does not know it; in either case it has done nothing. */
function isRefused(error: unknown): boolean {
  return error instanceof StorageUnauthorizedError || error instanceof StorageRejectedError;
}
