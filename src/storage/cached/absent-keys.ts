import { LRUCache } from "lru-cache";
import type { RecordNames } from "./record-names.ts";

/** Since when, in milliseconds of the cache's clock, a key is known to have no record. */
interface Absence {
  readonly name: string;
  readonly asOf: number;
  readonly freshUntil: number;
}

/** The keys that the backend had no record of, on a budget of their own: a flood of made-up keys evicts no record. */
export class AbsentKeys {
  readonly #absences: LRUCache<string, Absence>;
  readonly #names: RecordNames;

  /** @param names - Held for each key. */
  constructor(max: number, names: RecordNames) {
    this.#names = names;
    this.#absences = new LRUCache({ max, dispose: (absence: Absence) => names.release(absence.name) });
  }

  /** True where the backend need not be asked. */
  has(key: string, now: number): boolean {
    const absence = this.#absences.get(key);
    return absence !== undefined && now >= absence.asOf && now < absence.freshUntil;
  }

  add(key: string, absence: Absence): void {
    this.#names.retain(absence.name);
    this.#absences.set(key, absence);
  }

  drop(key: string): void {
    this.#absences.delete(key);
  }

  clear(): void {
    this.#absences.clear();
  }
}
