import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { ManualClock } from "./manual-clock.ts";
import type { ClientHarness } from "./provider-harness.ts";

type Harness = Pick<ClientHarness<never>, "postForm">;

/** A client's key, and how its client shows itself to the provider: by signed assertions (`private_key_jwt`). */
export class SigningKey {
  /** The public key. */
  readonly jwk: JWK;
  readonly #algorithm: string;
  readonly #privateKey: CryptoKey;

  private constructor(jwk: JWK, algorithm: string, privateKey: CryptoKey) {
    this.jwk = jwk;
    this.#algorithm = algorithm;
    this.#privateKey = privateKey;
  }

  /** @param kid - The id of the key. Default: none. */
  static async generate({ kid, algorithm = "ES256" }: { kid?: string; algorithm?: string } = {}): Promise<SigningKey> {
    const pair = await generateKeyPair(algorithm);
    const jwk = await exportJWK(pair.publicKey);
    return new SigningKey(kid === undefined ? jwk : { ...jwk, kid }, algorithm, pair.privateKey);
  }

  /** A JWT with these claims, whatever they are. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string> {
    const { kid } = this.jwk;
    return new SignJWT(JSON.parse(JSON.stringify(claims)))
      .setProtectedHeader({ alg: this.#algorithm, ...(kid !== undefined && { kid }) })
      .sign(this.#privateKey);
  }
}

/** The claims of a good assertion. Each call has a `jti` of its own. */
export function claimsOf(
  clientId: string,
  audience: string,
  clock: Pick<ManualClock, "read">,
): Record<string, string | number> {
  const now = Math.floor(clock.read() / 1000);
  claims += 1;
  return { iss: clientId, sub: clientId, aud: audience, iat: now, exp: now + 60, jti: `assertion ${claims}` };
}
let claims = 0;

/** How a client shows an assertion. */
export function shown(assertion: string) {
  return {
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  };
}

/**
 * The answer to a client that shows an assertion with an invented refresh token: the status, and the error. A client that
 * the provider knows by the assertion hears `invalid_grant`.
 */
export async function answerTo(harness: Harness, assertion: string, form: Record<string, string> = {}) {
  const parameters = { grant_type: "refresh_token", refresh_token: "x", ...form, ...shown(assertion) };
  const response = await harness.postForm("/token", parameters);
  const { error }: { error: string } = JSON.parse(await response.text());
  return `${response.status} ${error}`;
}

/** The answer of `answerTo` to a client that is known by its assertion. */
export const known = "400 invalid_grant";
/** The answer of `answerTo` to anybody else. */
export const refused = "401 invalid_client";
