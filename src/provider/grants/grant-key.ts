import { createHmac, randomBytes } from "node:crypto";
import { z } from "zod";
import { PangeaAccessTokenSchema } from "../../records/pangea-access-token.ts";
import type { DerivedKeys, KeyRing } from "../../secrets/key-ring.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { openSealed, seal } from "../../secrets/sealing.ts";
import type { UpstreamIdentity, UpstreamTokens } from "../upstream/contract.ts";

/** What a grant keeps of its user: the upstream tokens and who it is. */
export interface UpstreamSession {
  readonly tokens: UpstreamTokens;
  readonly identity: UpstreamIdentity;
}

const sessionSchema = z.object({
  tokens: PangeaAccessTokenSchema,
  identity: z.object({
    subject: z.string().exactOptional(),
    username: z.string().exactOptional(),
    email: z.string().exactOptional(),
  }),
});

/**
 * The data key of a grant. The user's upstream session is sealed under it, and the key itself is kept only wrapped: once
 * under each live token of the grant, together with the configured secret. So a copy of the store opens nothing, not
 * even for somebody who has the secret too, unless they hold a token; and whoever holds a token opens its own grant.
 */
export class GrantKey {
  readonly #keys: KeyRing;
  readonly #grantId: string;
  readonly #bytes: Uint8Array;
  readonly #sessions: SealedJson<UpstreamSession>;

  private constructor(keys: KeyRing, grantId: string, bytes: Uint8Array) {
    this.#keys = keys;
    this.#grantId = grantId;
    this.#bytes = bytes;
    const key = { id: "grant", bytes };
    this.#sessions = new SealedJson({ primary: key, all: [key] }, sessionSchema);
  }

  /** A new key for a new grant. */
  static create(keys: KeyRing, grantId: string): GrantKey {
    return new GrantKey(keys, grantId, randomBytes(32));
  }

  /**
   * The key that was wrapped under a token.
   *
   * @throws `UnsealableError` for another token, another grant, or a secret that is no longer configured.
   */
  static unwrap(keys: KeyRing, grantId: string, token: string, wrapped: string): GrantKey {
    const text = openSealed(wrappingKeys(keys, token), wrapped, grantId);
    return new GrantKey(keys, grantId, Buffer.from(text, "base64url"));
  }

  /** The key, wrapped under a token. */
  wrap(token: string): string {
    return seal(wrappingKeys(this.#keys, token), Buffer.from(this.#bytes).toString("base64url"), this.#grantId);
  }

  /** 32 bytes that follow from a text and the key (HMAC-SHA-256), and from which neither can be learnt. */
  authenticate(text: string): Uint8Array {
    return createHmac("sha256", this.#bytes).update(text).digest();
  }

  /** Seals what a grant keeps of its user. */
  sealSession(session: UpstreamSession): string {
    return this.#sessions.seal(session, this.#grantId);
  }

  /**
   * Opens what `sealSession` sealed.
   *
   * @throws {UnsealableError} when it was altered or belongs to another grant.
   */
  openSession(sealed: string): UpstreamSession {
    return this.#sessions.open(sealed, this.#grantId);
  }
}

function wrappingKeys(keys: KeyRing, token: string): DerivedKeys {
  const { all } = keys.derive("grant key under token");
  const mixed = all.map(({ id, bytes }) => ({ id, bytes: createHmac("sha256", bytes).update(token).digest() }));
  const [primary] = mixed;
  if (primary === undefined) throw new TypeError("a key ring has at least one key");
  return { primary, all: mixed };
}
