import { type InvalidationChannel, sha256Name } from "./invalidation.ts";

/**
 * Finds a record's key from its name in an invalidation channel, for the keys that the cache has anything of: a copy, a
 * read or a write under way. Whoever has something of a key holds its name and releases it once.
 */
export interface RecordNames {
  /** Holds the name of a key, and answers it. */
  hold(key: string): string;
  /** Holds a name once more. */
  retain(name: string): void;
  release(name: string): void;
  /** The key of a name that is held. */
  keyOf(name: string): string | undefined;
}

/** The names that an invalidation channel uses; without a channel a key is its own name. */
export function recordNames(form: InvalidationChannel["names"] = "key"): RecordNames {
  return form === "sha256" ? new Sha256Names() : keysAsNames;
}

const keysAsNames: RecordNames = {
  hold: (key) => key,
  retain: () => {},
  release: () => {},
  keyOf: (name) => name,
};

/** Remembers which key a hash stands for, as long as anything holds it. */
class Sha256Names implements RecordNames {
  readonly #held = new Map<string, { readonly key: string; holders: number }>();

  hold(key: string): string {
    const name = sha256Name(key);
    const held = this.#held.get(name);
    if (held === undefined) this.#held.set(name, { key, holders: 1 });
    else held.holders += 1;
    return name;
  }

  retain(name: string): void {
    const held = this.#held.get(name);
    if (held !== undefined) held.holders += 1;
  }

  release(name: string): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    held.holders -= 1;
    if (held.holders === 0) this.#held.delete(name);
  }

  keyOf(name: string): string | undefined {
    return this.#held.get(name)?.key;
  }
}
