import { createHash, hkdfSync } from "node:crypto";
import { ConfigurationError } from "../errors.ts";

const minLength = 32;

/** A key for one purpose. */
export interface DerivedKey {
  /** Names the key in what it seals, and tells nothing about it. */
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** The keys for one purpose: `primary` writes, every one of `all` reads. `primary` is the first of `all`. */
export interface DerivedKeys {
  readonly primary: DerivedKey;
  readonly all: readonly DerivedKey[];
}

/**
 * Derives every key of this package from one configured secret, by HKDF-SHA-256 (RFC 5869) with a label for each
 * purpose. With a list of secrets the first one writes and all read, so a secret can be replaced without a break.
 *
 * @example
 * ```ts
 * const keys = KeyRing.from([newSecret, oldSecret]);
 * const repository = new RedisRepository(sealed(jsonCodec(GrantSchema), keys), redis, { prefix: "grant" });
 * ```
 */
export class KeyRing {
  readonly #secrets: readonly [string, ...string[]];
  readonly #derived = new Map<string, DerivedKeys>();

  private constructor(secrets: readonly [string, ...string[]]) {
    this.#secrets = secrets;
  }

  /**
   * Makes a key ring from one secret or a list.
   *
   * @throws {ConfigurationError} when the list is empty, or a secret has fewer than 32 characters or is listed twice.
   */
  static from(secrets: string | readonly string[]): KeyRing {
    const [first, ...others] = typeof secrets === "string" ? [secrets] : secrets;
    if (first === undefined) throw new ConfigurationError("Give at least one secret.");
    const list: readonly [string, ...string[]] = [first, ...others];
    if (!list.every((secret) => typeof secret === "string" && secret.length >= minLength)) {
      throw new ConfigurationError(
        `A secret must have at least ${minLength} characters; take them from a random source.`,
      );
    }
    if (new Set(list).size < list.length) throw new ConfigurationError("The same secret is listed twice.");
    return new KeyRing(list);
  }

  /** The keys for one purpose. Purposes with different labels share nothing. */
  derive(label: string): DerivedKeys {
    const known = this.#derived.get(label);
    if (known !== undefined) return known;
    const derive = (secret: string): DerivedKey => {
      const bytes = new Uint8Array(hkdfSync("sha256", secret, "pangea-authn-fastmcp", label, 32));
      const id = createHash("sha256").update("key id\0").update(bytes).digest("base64url").slice(0, 8);
      return { id, bytes };
    };
    const [first, ...others] = this.#secrets;
    const primary = derive(first);
    const keys: DerivedKeys = { primary, all: [primary, ...others.map(derive)] };
    this.#derived.set(label, keys);
    return keys;
  }
}
