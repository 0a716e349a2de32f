import type { Repository } from "../../src/storage/contract.ts";
import { isExpired } from "../../src/storage/expiry.ts";

/** A record that is told from every other by its number. */
export interface Numbered {
  readonly number: number;
  /** In epoch seconds. */
  readonly expiresAt?: number;
}

/** What a key held, until the next moment at which it changed. Moments are counted; times are milliseconds of the clock. */
interface Episode {
  readonly value: Numbered | undefined;
  /** Infinite for what the key holds now. */
  until: number;
  untilTime: number;
}

/** What a read may answer. */
export interface Admissible {
  readonly key: string;
  /** The store must have held the answer at this moment or later. */
  readonly since: number;
  /** The store must have held the answer after this time, in milliseconds of the clock. */
  readonly afterTime: number;
}

/**
 * A store that remembers everything that each key ever held, and when: the plain model that a cache in front of it is
 * compared with.
 */
export class StoreHistory implements Repository<string, Numbered> {
  readonly #inner: Repository<string, Numbered>;
  readonly #clock: () => number;
  readonly #episodes = new Map<string, Episode[]>();
  #moment = 0;

  constructor(inner: Repository<string, Numbered>, clock: () => number) {
    this.#inner = inner;
    this.#clock = clock;
  }

  /** Counts one moment further. */
  tick(): number {
    this.#moment += 1;
    return this.#moment;
  }

  get(key: string): Promise<Numbered | undefined> {
    return this.#inner.get(key);
  }

  set(key: string, value: Numbered): Promise<void> {
    this.#record(key, value);
    return this.#inner.set(key, value);
  }

  delete(key: string): Promise<boolean> {
    this.#record(key, undefined);
    return this.#inner.delete(key);
  }

  take(key: string): Promise<Numbered | undefined> {
    this.#record(key, undefined);
    return this.#inner.take(key);
  }

  add(key: string, value: Numbered): Promise<boolean> {
    const held = this.#of(key).at(-1)?.value;
    const isFree = held === undefined || isExpired(held.expiresAt, this.#clock());
    if (isFree) this.#record(key, value);
    return this.#inner.add(key, value);
  }

  /** True where the store held the answer at an admissible moment. A record counts as absent from its expiry on. */
  admits(answer: Numbered | undefined, { key, since, afterTime }: Admissible): boolean {
    return this.#of(key).some(({ value, until, untilTime }) => {
      const endTime = Math.min(untilTime, this.#clock());
      if (until <= since || untilTime <= afterTime) return false;
      if (answer !== undefined) return value?.number === answer.number;
      return value?.expiresAt === undefined ? value === undefined : value.expiresAt * 1_000 <= endTime;
    });
  }

  #of(key: string): Episode[] {
    const episodes = this.#episodes.get(key) ?? [
      { value: undefined, until: Number.POSITIVE_INFINITY, untilTime: Number.POSITIVE_INFINITY },
    ];
    this.#episodes.set(key, episodes);
    return episodes;
  }

  #record(key: string, value: Numbered | undefined): void {
    const episodes = this.#of(key);
    const now = this.tick();
    const last = episodes.at(-1);
    if (last !== undefined) {
      last.until = now;
      last.untilTime = this.#clock();
    }
    episodes.push({ value, until: Number.POSITIVE_INFINITY, untilTime: Number.POSITIVE_INFINITY });
  }
}
