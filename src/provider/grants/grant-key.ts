import { randomBytes } from "node:crypto";
import { z } from "zod";
import { PangeaAccessTokenSchema } from "../../records/pangea-access-token.ts";
import { optional, record, text } from "../../records/record.ts";
import { createHmac } from "../../secrets/hmac.ts";
import type { DerivedKey, DerivedKeys, KeyRing } from "../../secrets/key-ring.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { openSealed, seal } from "../../secrets/sealing.ts";
import type { UpstreamIdentity, UpstreamTokens } from "../upstream/contract.ts";

/** What a grant keeps of its user: the upstream tokens and who it is. */
export interface UpstreamSession {
  readonly tokens: UpstreamTokens;
  readonly identity: UpstreamIdentity;
  /** The issuer whose tokens these are. They never go to another one. Absent where the session was kept before it was noted. */
  readonly issuer?: string;
}

const sessionSchema = z.object({
  tokens: PangeaAccessTokenSchema,
  // An upstream may leave a member out, or say that it is undefined.
  identity: record<UpstreamIdentity>({ subject: optional(text), username: optional(text), email: optional(text) }),
  issuer: z.string().exactOptional(),
});

/**
 * The data key of a grant: the user's upstream session is sealed under it. The key itself is kept only wrapped, once under
 * each live credential of the grant together with the configured secret. So a copy of the store opens nothing without a
 * live credential, not even for somebody who has the secret too; and a credential opens its own grant only.
 */
export class GrantKey {
  readonly #sessions: SealedJson<UpstreamSession>;
  readonly #grantId: string;
  readonly #bytes: Uint8Array;

  constructor(grantId: string, bytes: Uint8Array) {
    const key = { id: "grant", bytes };
    this.#sessions = new SealedJson({ primary: key, all: [key] }, sessionSchema);
    this.#grantId = grantId;
    this.#bytes = bytes;
  }

  /**
   * The key that was wrapped under an access token.
   *
   * @throws {UnsealableError} when the token or the grant is another one, or the secret is not configured.
   */
  static unwrap(keys: KeyRing, grantId: string, accessToken: string, wrapped: string): GrantKey {
    const text = openSealed(wrappingKeys(keys, "grant key", accessToken), wrapped, grantId);
    return new GrantKey(grantId, Buffer.from(text, "base64url"));
  }

  /** The key, wrapped under an access token. */
  wrap(keys: KeyRing, accessToken: string): string {
    const text = Buffer.from(this.#bytes).toString("base64url");
    return seal(wrappingKeys(keys, "grant key", accessToken), text, this.#grantId);
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

  /** @internal The key itself, to be wrapped together with another one. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }
}

/**
 * What an authorization code or a refresh token opens: the data key of its grant, and the key that the tokens of the next
 * step follow from. That second key is a new one at each step, so whoever finds an old credential learns nothing of the
 * tokens beyond its own successors.
 */
export class StepKey {
  readonly grantKey: GrantKey;
  readonly #grantId: string;
  readonly #bytes: Uint8Array;

  private constructor(grantId: string, grantKey: GrantKey, bytes: Uint8Array) {
    this.grantKey = grantKey;
    this.#grantId = grantId;
    this.#bytes = bytes;
  }

  /** The keys of a new grant. */
  static create(grantId: string): StepKey {
    const drawn = randomBytes(64);
    return new StepKey(grantId, new GrantKey(grantId, drawn.subarray(0, 32)), drawn.subarray(32));
  }

  /**
   * The keys that were wrapped under a credential.
   *
   * @param core - The credential without its mark.
   * @throws {UnsealableError} when the credential or the grant is another one, or the secret is not configured.
   */
  static unwrap(keys: KeyRing, grantId: string, core: string, wrapped: string): StepKey {
    const text = openSealed(wrappingKeys(keys, "step key", core), wrapped, grantId);
    const bytes = Buffer.from(text, "base64url");
    return new StepKey(grantId, new GrantKey(grantId, bytes.subarray(0, 32)), bytes.subarray(32));
  }

  /** The keys, wrapped under a credential. */
  wrap(keys: KeyRing, core: string): string {
    const text = Buffer.concat([this.grantKey.bytes, this.#bytes]).toString("base64url");
    return seal(wrappingKeys(keys, "step key", core), text, this.#grantId);
  }

  /** The keys of the next step: the same data key, and a new key for what follows. */
  next(): StepKey {
    return new StepKey(this.#grantId, this.grantKey, randomBytes(32));
  }

  /** 32 bytes that follow from this key and a text (HMAC-SHA-256), and that neither can be learnt from. */
  authenticate(text: string): Uint8Array {
    return createHmac("sha256", this.#bytes).update(text).digest();
  }
}

function wrappingKeys(keys: KeyRing, purpose: "grant key" | "step key", credential: string): DerivedKeys {
  const { primary, all } = keys.derive(`${purpose} under credential`);
  const under = ({ id, bytes }: DerivedKey): DerivedKey => ({
    id,
    bytes: createHmac("sha256", bytes).update(credential).digest(),
  });
  // The first of all is the primary one: it is derived once.
  const first = under(primary);
  return { primary: first, all: [first, ...all.slice(1).map(under)] };
}
