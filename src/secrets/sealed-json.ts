import { type ZodType, z } from "zod";
import { UnsealableError } from "../errors.ts";
import type { DerivedKeys } from "./key-ring.ts";
import { openOr, openSealed, seal } from "./sealing.ts";
import type { ShortNames } from "./short-names.ts";

/**
 * Values that leave this server's hands for a while and come back: as JSON, encrypted and authenticated, each bound to
 * what it belongs to.
 *
 * @typeParam Value - What the schema reads. The schema may be a Zod codec: what it encodes to is what is sealed.
 *
 * @example
 * ```ts
 * const sealedLogins = new SealedJson(keys.derive("login"), z.object({ userId: z.string() }));
 * const sealed = sealedLogins.seal({ userId: "ada" }, state);
 * sealedLogins.open(sealed, state); // { userId: "ada" }
 * ```
 */
export class SealedJson<Value> {
  readonly #keys: DerivedKeys;
  readonly #schema: ZodType<Value>;
  readonly #names: ShortNames | undefined;
  /** The schema as a function, made for the second value that is opened. A grant's key opens one: to compile costs more. */
  #compiled: Pick<ZodType<Value>, "parse"> | undefined;
  #hasOpened = false;

  /** @param names - Of the members, where what is sealed has to be short. Default: as they are. */
  constructor(keys: DerivedKeys, schema: ZodType<Value>, names?: ShortNames) {
    this.#keys = keys;
    this.#schema = schema;
    this.#names = names;
  }

  /** Seals a value. It opens with the same `boundTo` only. */
  seal(value: Value, boundTo: string): string {
    const encoded: unknown = z.encode(this.#schema, value);
    return seal(this.#keys, JSON.stringify(this.#names?.shorten(encoded) ?? encoded), boundTo);
  }

  /**
   * Opens what `seal` sealed.
   *
   * @throws {UnsealableError} when the sealed value is malformed or altered, was sealed under a key that is not
   * configured, is bound to something else, or holds what the schema refuses.
   */
  open(sealed: string, boundTo: string): Value {
    const text = openSealed(this.#keys, sealed, boundTo);
    try {
      const encoded: unknown = JSON.parse(text);
      return this.#nextParser().parse(this.#names?.lengthen(encoded) ?? encoded);
    } catch {
      // Without the cause, which may quote what was sealed.
      throw new UnsealableError("A sealed value is not what this version writes.");
    }
  }

  #nextParser(): Pick<ZodType<Value>, "parse"> {
    if (this.#compiled !== undefined) return this.#compiled;
    if (this.#hasOpened) this.#compiled = z.compile(this.#schema);
    this.#hasOpened = true;
    return this.#compiled ?? this.#schema;
  }

  /**
   * The same for a value that is bound to one of several things.
   *
   * @throws {UnsealableError} when it is bound to none of them, or `open` would throw it.
   */
  openWithAny(sealed: string, [boundTo = "", ...others]: readonly string[]): Value {
    return openOr(
      () => this.open(sealed, boundTo),
      (failure) => {
        if (others.length === 0) throw failure;
        return this.openWithAny(sealed, others);
      },
    );
  }
}
