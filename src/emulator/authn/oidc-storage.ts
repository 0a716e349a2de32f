import type { Adapter, AdapterPayload } from "oidc-provider";

interface StoredRecord {
  readonly model: string;
  readonly payload: AdapterPayload;
  /** On the emulator's clock, in milliseconds since the epoch. Undefined: never. */
  readonly expiresAt: number | undefined;
  /** When the payload says that it was issued, on the emulator's clock, in seconds since the epoch. */
  readonly issuedAt: number | undefined;
}

const sweepInterval = 60_000;

/**
 * What oidc-provider keeps, in memory, one instance per emulator (oidc-provider's own adapter is for all providers of a
 * process). Records expire on the injected clock: oidc-provider reads the machine's, so the times in a payload are moved
 * from one to the other on the way in and out.
 */
export class OidcStorage {
  readonly #clock: () => number;
  readonly #records = new Map<string, StoredRecord>();
  readonly #sessionKeys = new Map<string, string>();
  #nextSweep: number;

  /** `clock` gives milliseconds since the epoch. */
  constructor(clock: () => number) {
    this.#clock = clock;
    this.#nextSweep = clock() + sweepInterval;
  }

  /** How many records are held, expired ones that no sweep has met included. */
  get size(): number {
    return this.#records.size;
  }

  /** The seconds to add to a time on the machine's clock to have it on the emulator's. */
  get offsetSeconds(): number {
    return Math.floor(this.#clock() / 1000) - machineSeconds();
  }

  /** The adapter for one of oidc-provider's models. */
  adapter(model: string): Adapter {
    const keyOf = (id: string): string => `${model} ${id}`;
    return {
      upsert: async (id, payload, expiresIn) => this.#write(keyOf(id), model, payload, expiresIn),
      find: async (id) => this.#read(keyOf(id)),
      findByUid: async (uid) => this.#read(this.#sessionKeys.get(uid) ?? ""),
      findByUserCode: async () => undefined,
      consume: async (id) => {
        const record = this.#live(keyOf(id));
        if (record !== undefined) record.payload.consumed = machineSeconds();
      },
      destroy: async (id) => this.#delete(keyOf(id)),
      revokeByGrantId: async (grantId) =>
        this.deleteWhere((payload, candidate) => candidate === model && payload.grantId === grantId),
    };
  }

  /** The ids of the records of a model that satisfy a condition, and that have neither expired nor been used up. */
  liveIds(model: string, matches: (payload: AdapterPayload) => boolean): string[] {
    return [...this.#records]
      .filter(
        ([, record]) => record.model === model && record.payload.consumed === undefined && matches(record.payload),
      )
      .filter(([key]) => this.#live(key) !== undefined)
      .map(([key]) => key.slice(model.length + 1));
  }

  /** Forgets the records that satisfy a condition. */
  deleteWhere(matches: (payload: AdapterPayload, model: string) => boolean): void {
    for (const [key, record] of this.#records) if (matches(record.payload, record.model)) this.#delete(key);
  }

  clear(): void {
    this.#records.clear();
    this.#sessionKeys.clear();
  }

  #write(key: string, model: string, payload: AdapterPayload, expiresIn: number | undefined): void {
    this.#sweepWhenDue();
    this.#records.set(key, {
      model,
      payload: structuredClone(payload),
      expiresAt: expiresIn === undefined ? undefined : this.#clock() + expiresIn * 1000,
      issuedAt: payload.iat === undefined ? undefined : payload.iat + this.offsetSeconds,
    });
    if (model === "Session" && payload.uid !== undefined) this.#sessionKeys.set(payload.uid, key);
  }

  #read(key: string): AdapterPayload | undefined {
    const record = this.#live(key);
    if (record === undefined) return undefined;
    const payload = structuredClone(record.payload);
    if (record.issuedAt !== undefined) payload.iat = record.issuedAt - this.offsetSeconds;
    if (record.expiresAt !== undefined) {
      payload.exp = machineSeconds() + Math.ceil((record.expiresAt - this.#clock()) / 1000);
    }
    return payload;
  }

  #live(key: string): StoredRecord | undefined {
    const record = this.#records.get(key);
    if (record?.expiresAt === undefined || record.expiresAt > this.#clock()) return record;
    this.#delete(key);
    return undefined;
  }

  #delete(key: string): void {
    const uid = this.#records.get(key)?.payload.uid;
    if (uid !== undefined && this.#sessionKeys.get(uid) === key) this.#sessionKeys.delete(uid);
    this.#records.delete(key);
  }

  /** Expired records go in a sweep on a write, so that no timer keeps the process alive. */
  #sweepWhenDue(): void {
    if (this.#clock() < this.#nextSweep) return;
    this.#nextSweep = this.#clock() + sweepInterval;
    for (const key of this.#records.keys()) this.#live(key);
  }
}

function machineSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
