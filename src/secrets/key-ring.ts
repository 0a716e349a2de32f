import { createHash, hkdfSync } from "node:crypto";
import { ConfigurationError } from "../errors.ts";
import { type OptionKinds, requireExactText, requireOptions, requireThat } from "../option-checks.ts";
import { keepKey } from "./hmac.ts";

/**
 * The fewest characters of a secret that keys are derived from: 128 bits, even where every character is a hexadecimal
 * digit. HKDF makes no guess slower, and whoever has something sealed, such as a consent page, can test guesses without
 * asking this server. So what goes in must be beyond guessing, and a shorter secret is refused, never filled up.
 */
export const minSecretLength = 32;

/** A key for one purpose, which is one of two: to authenticate texts, or to seal them. */
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

interface KeyRingOptions {
  readonly context?: string;
}

const optionKinds: OptionKinds<KeyRingOptions> = { context: "text" };

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
  readonly #context: string;
  readonly #derived = new Map<string, DerivedKeys>();
  readonly #ids = new Map<string, string>();

  private constructor(secrets: readonly [string, ...string[]], context: string) {
    this.#secrets = secrets;
    this.#context = context;
  }

  /**
   * Makes a key ring from one secret or a list.
   *
   * @param options - `context` keeps key rings with the same secret apart: what one sealed no other opens. Default: none.
   * @throws {ConfigurationError} when it is neither, the list is empty, or a secret has fewer than 32 characters or is listed twice.
   */
  static from(secrets: string | readonly string[], options: KeyRingOptions = {}): KeyRing {
    requireOptions("KeyRing.from", options, optionKinds);
    const { context = "" } = options;
    if (context !== "") requireExactText("context", context);
    const list = requireKeySecrets("The secret of KeyRing.from", secrets);
    return new KeyRing(list, context);
  }

  /** The ids of the keys, one for each secret. A secret's keys have the same id for every purpose. */
  get ids(): readonly string[] {
    return this.derive("key id").all.map(({ id }) => id);
  }

  /**
   * The keys for one purpose. Purposes with different labels share nothing but their ids. A label belongs to one use:
   * sealing, or authentication.
   */
  derive(label: string): DerivedKeys {
    const known = this.#derived.get(label);
    if (known !== undefined) return known;
    // A server names all its purposes when it is made, and needs most of them later, if at all.
    let derived: readonly [DerivedKey, ...DerivedKey[]] | undefined;
    const read = () => (derived ??= this.#deriveNow(label));
    const keys: DerivedKeys = {
      get primary() {
        return read()[0];
      },
      get all() {
        return read();
      },
    };
    this.#derived.set(label, keys);
    return keys;
  }

  #deriveNow(label: string): readonly [DerivedKey, ...DerivedKey[]] {
    const derive = (secret: string): DerivedKey => ({ id: this.#idOf(secret), bytes: this.#bytes(secret, label) });
    const [first, ...others] = this.#secrets;
    return [derive(first), ...others.map(derive)];
  }

  /** The id of a secret's keys, which is the same for every purpose. */
  #idOf(secret: string): string {
    const known = this.#ids.get(secret);
    if (known !== undefined) return known;
    const id = createHash("sha256").update(this.#bytes(secret, "key id")).digest("base64url").slice(0, 8);
    this.#ids.set(secret, id);
    return id;
  }

  #bytes(secret: string, label: string): Uint8Array {
    const info = this.#context === "" ? label : `${label}\0${this.#context}`;
    return keepKey(new Uint8Array(hkdfSync("sha256", secret, "pangea-authn-fastmcp", info, 32)));
  }
}

/**
 * Checks one secret that keys are derived from, or a list of some.
 *
 * @param name - The option, for messages, none of which has a secret in it.
 * @throws {ConfigurationError} when it is neither, the list is empty, or a secret is too short, listed twice, or not as it is
 * meant.
 */
export function requireKeySecrets(name: string, secrets: unknown): readonly [string, ...string[]] {
  const given = Array.isArray(secrets) ? secrets : [secrets];
  const isText = given.every((secret) => typeof secret === "string");
  requireThat(
    isText,
    `${name} must be a string, or a list of strings; this is neither. Is the environment variable set that it comes from?`,
  );
  const [first, ...others] = given.map((secret) => requireExactText(name, secret));
  if (first === undefined) throw new ConfigurationError(`${name} is an empty list: give at least one secret.`);
  const list = [first, ...others] as const;
  const isLong = list.every((secret) => secret.length >= minSecretLength);
  requireThat(isLong, `${name} must have at least ${minSecretLength} characters; take them from a random source.`);
  const isOne = !list.some((secret) => /^[^,]{32,}(?:,[^,]{32,})+$/.test(secret));
  requireThat(isOne, `${name} looks like several with commas between them: give a list, as with split(",").`);
  requireThat(new Set(list).size === list.length, `${name} is listed twice: leave one out.`);
  return list;
}

/**
 * Checks an option that takes a key ring.
 *
 * @throws {ConfigurationError} when it is something else, such as the secret itself.
 */
export function requireKeyRing(keys: unknown): void {
  const isPlain = keys === "none";
  requireThat(
    !isPlain,
    'keys: "none" is for SQLite alone: leave keys out, and this package does not seal the records.',
  );
  requireThat(keys === undefined || keys instanceof KeyRing, "keys must be a key ring: KeyRing.from(secret).");
}
