import { randomBytes } from "node:crypto";
import { StorageUnavailableError } from "../../errors.ts";
import type { KeySpace } from "../key-space.ts";
import type { IndexEntry, IndexQuery, RecordIndexes } from "../record-indexes.ts";
import { addMemberScript, removeMembersScript, scanMembersScript } from "./index-scripts.ts";
import { isRefused } from "./redis-failure.ts";
import type { SharedClient } from "./shared-client.ts";

/**
 * For how long the index counts as complete at most, in milliseconds. It is complete only where every instance writes it. An
 * instance of an earlier version, or a failover that loses an entry, is found out when everything is read again. Nothing else
 * finds it out: such an instance leaves no trace but the key of its record, and to find a key that no entry names, every key
 * has to be looked at.
 */
const completeFor = 24 * 60 * 60 * 1_000;

/**
 * For how long it counts as complete at least, in milliseconds. Instances of an earlier version run where the index has just
 * begun, so at first it is complete for as long as it has been written.
 */
const completeAtFirstFor = 5 * 60 * 1_000;

/**
 * How old an entry has to be before it may be removed, in milliseconds: the entry is written before its record, and no write is
 * under way for so long.
 */
const settledAfter = 10 * 60 * 1_000;

/** How far the clocks of instances may be apart, in milliseconds. */
const clockMargin = 5 * 60 * 1_000;

/** Stands for no gap in the index. */
const noGap = "none";

/** How many members one answer has. */
const membersPerPage = 500;

/** An entry of the index. */
export interface LabelMember {
  /** The key of the record. */
  readonly key: string;
  /** The entry as it is in the set: when it was written, and the key. */
  readonly member: string;
}

/**
 * The index of a repository in Redis: a sorted set for each label, of the keys that have it, scored by when their records
 * expire. An entry is written before its record, in the same turn, and is never more than a hint: whoever finds it reads the
 * record. So a record that was taken, deleted or replaced needs no write to the index. What a search finds to be wrong it
 * removes. Each set is a key of its own, so this works on a Cluster.
 *
 * Another set has the schemes of the labels, and a mark says until when the index is complete.
 */
export class RecordLabels {
  readonly #shared: SharedClient;
  readonly #start: string;
  readonly #indexes: Pick<RecordIndexes<never>, "names" | "schemes">;
  readonly #clock: () => number;
  /** True once this instance has failed to write an entry: it does not trust the index until everything was read. */
  #hasFailed = false;

  constructor(
    shared: SharedClient,
    keys: KeySpace,
    indexes: Pick<RecordIndexes<never>, "names" | "schemes">,
    clock: () => number,
  ) {
    this.#shared = shared;
    // No key of a record has it: those begin with the prefix and a colon.
    this.#start = `${keys.prefix}#`;
    this.#indexes = indexes;
    this.#clock = clock;
  }

  /**
   * Writes a record together with its entries: all are sent in this turn, the entries first.
   *
   * @param life - How long the record has left, in milliseconds; undefined for one that does not expire.
   * @throws {StorageUnavailableError} with an unknown effect when the record may be there, and an entry is not.
   */
  async writeWith<T>(
    key: string,
    entry: IndexEntry | undefined,
    life: number | undefined,
    write: () => Promise<T>,
  ): Promise<T> {
    if (entry === undefined) return write();
    const entries = Promise.allSettled(this.#addAll(key, entry, life));
    const written = write();
    const [answer, added] = await Promise.all([settled(written), entries]);
    const failed = added.find((each) => each.status === "rejected");
    if (failed !== undefined) await this.#noteGap();
    if (answer.status === "rejected") throw answer.reason;
    if (failed === undefined || isRefused(failed.reason)) return answer.value;
    throw new StorageUnavailableError("The record was written to Redis, and may be missing in the index.", {
      effect: "unknown",
      cause: failed.reason,
    });
  }

  /** Writes the entries of a record that is there. */
  async add(key: string, entry: IndexEntry, life: number | undefined): Promise<void> {
    await Promise.all(this.#addAll(key, entry, life));
  }

  /** Whether a search by the index finds every record. */
  async isComplete(): Promise<boolean> {
    if (this.#hasFailed) return false;
    try {
      const [complete, gap, schemes] = await Promise.all([
        this.#get(this.#completeKey),
        this.#get(this.#gapKey),
        this.#scan(`${this.#start}schemes`),
      ]);
      if (complete !== (gap ?? noGap)) return false;
      const known = this.#indexes.schemes();
      const now = this.#clock();
      return schemes.every(([scheme, over]) => known.includes(scheme) || Number(over) < now - clockMargin);
    } catch (failure) {
      if (isRefused(failure)) return false;
      throw failure;
    }
  }

  /** Begins to give every record its entries. The answer says, once each has them, that the index is complete. */
  async beginCompletion(): Promise<() => Promise<void>> {
    this.#hasFailed = false;
    const [gap, begun] = await Promise.all([this.#get(this.#gapKey), this.#get(this.#beginningKey)]);
    const now = this.#clock();
    const beginning = begun === null ? now : Number(begun);
    // A beginning that is no time, or one to come, is none.
    const age = beginning <= now ? now - beginning : 0;
    const life = Math.min(completeFor, Math.max(completeAtFirstFor, age));
    return async () => {
      // An entry that was not written meanwhile is another gap, and this one says nothing of it.
      if (this.#hasFailed) return;
      await this.#put(this.#beginningKey, String(now - age), 2 * completeFor);
      await this.#put(this.#completeKey, gap ?? noGap, life);
    };
  }

  /** The entries of a value, in pages. A key may come more than once. */
  async *find({ position, labels }: IndexQuery): AsyncGenerator<readonly LabelMember[], void, undefined> {
    for (const label of labels) {
      for await (const members of this.#pages(this.#keyOf(position, label))) {
        yield members.map(([member]) => ({ member, key: member.slice(member.indexOf(":") + 1) }));
      }
    }
  }

  /** Removes entries that lead to nothing, but for those that are so new that their record may be yet to come. */
  async remove({ position, labels }: IndexQuery, members: readonly LabelMember[]): Promise<void> {
    const before = this.#clock() - settledAfter;
    const settledMembers = members.map(({ member }) => member).filter((member) => writtenAt(member) < before);
    if (settledMembers.length === 0) return;
    for (const label of labels) {
      const key = this.#keyOf(position, label);
      const remove = (): Promise<unknown> => this.#shared.redis.eval(removeMembersScript, 1, key, ...settledMembers);
      // What stays is looked at again by the next search.
      await this.#shared.sender.send({ operation: "delete", redisKeys: [key], send: remove }).catch(() => undefined);
    }
  }

  #addAll(key: string, entry: IndexEntry, life: number | undefined): Promise<unknown>[] {
    const member = `${this.#clock().toString(36)}:${key}`;
    const labels = entry.labels.flatMap((label, position) =>
      label === undefined ? [] : [this.#addMember(this.#keyOf(position, label), member, life)],
    );
    return [this.#addMember(`${this.#start}schemes`, entry.scheme, life), ...labels];
  }

  #addMember(redisKey: string, member: string, life: number | undefined): Promise<unknown> {
    const now = this.#clock();
    const score = life === undefined ? "+inf" : now + life;
    const values = [member, score, life ?? "", now - clockMargin];
    const write = (): Promise<unknown> => this.#shared.redis.eval(addMemberScript, 1, redisKey, ...values);
    return this.#shared.write("set", redisKey, write, () => true);
  }

  /** From now on everything is read, here and, as far as Redis can be told, on every instance, until the index is complete anew. */
  async #noteGap(): Promise<void> {
    this.#hasFailed = true;
    const gap = randomBytes(9).toString("base64url");
    await this.#put(this.#gapKey, gap, 2 * completeFor).catch(() => undefined);
  }

  get #completeKey(): string {
    return `${this.#start}complete`;
  }

  /** Says since when the index is written; kept for as long as somebody searches. */
  get #beginningKey(): string {
    return `${this.#start}beginning`;
  }

  /** Has a new text each time that an entry could not be written. */
  get #gapKey(): string {
    return `${this.#start}gap`;
  }

  async #put(redisKey: string, text: string, life: number): Promise<void> {
    const write = (): Promise<unknown> => this.#shared.redis.set(redisKey, text, "PX", life);
    await this.#shared.write("set", redisKey, write, () => true);
  }

  #get(redisKey: string): Promise<string | null> {
    const send = (): Promise<string | null> => this.#shared.redis.get(redisKey);
    return this.#shared.sender.send({ operation: "get", redisKeys: [redisKey], send });
  }

  #keyOf(position: number, label: string): string {
    return `${this.#start}${this.#indexes.names[position]}.${label}`;
  }

  async #scan(redisKey: string): Promise<[string, string][]> {
    const all: [string, string][] = [];
    for await (const page of this.#pages(redisKey)) all.push(...page);
    return all;
  }

  async *#pages(redisKey: string): AsyncGenerator<[member: string, score: string][], void, undefined> {
    let cursor = "0";
    do {
      const from = cursor;
      const answer = await this.#shared.sender.send({
        operation: "scan",
        redisKeys: [redisKey],
        send: () => this.#shared.redis.eval(scanMembersScript, 1, redisKey, from, membersPerPage),
      });
      const [next, flat] = pageIn(answer);
      const page: [string, string][] = [];
      for (let index = 0; index + 1 < flat.length; index += 2) page.push([flat[index] ?? "", flat[index + 1] ?? ""]);
      yield page;
      cursor = next;
    } while (cursor !== "0");
  }
}

function pageIn(answer: unknown): [cursor: string, members: string[]] {
  if (!Array.isArray(answer)) throw new StorageUnavailableError("Redis answered with something that is no page.");
  const [cursor, members]: unknown[] = answer;
  return [String(cursor), Array.isArray(members) ? members.map(String) : []];
}

async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([promise]);
  return result;
}

/** When an entry was written, in milliseconds since the epoch. */
function writtenAt(member: string): number {
  return Number.parseInt(member, 36);
}
