import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { OAuthError } from "../../errors.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { KeySet } from "../oauth/key-set.ts";
import { paths } from "../oauth/paths.ts";
import { assertionAlgorithms, refusedAssertion as refused } from "./assertion-refusal.ts";

/** How many keys of a client are tried where the assertion does not say by which it is signed. */
const maxTriedKeys = 50;

/** What an assertion is compared with. */
type AssertionRules = Pick<ProviderConfiguration, "baseUrl" | "clockTolerance" | "issuer" | "now">;

/**
 * Verifies the signature and the claims of an assertion. Throws what the library throws, which holds the payload: see
 * {@link explain}.
 */
export async function verifySignature(
  { issuer, baseUrl, now, clockTolerance }: AssertionRules,
  clientId: string,
  assertion: string,
  keys: KeySet,
): Promise<JWTPayload> {
  const options = {
    algorithms: [...assertionAlgorithms],
    issuer: clientId,
    subject: clientId,
    // RFC 7523 had the token endpoint as the audience; its successor wants the issuer.
    audience: [issuer, baseUrl + paths.token],
    requiredClaims: ["exp", "jti"],
    currentDate: new Date(now() * 1000),
    clockTolerance,
  };
  const keySet = createLocalJWKSet(keys);
  try {
    return (await jwtVerify(assertion, keySet, options)).payload;
  } catch (failure) {
    if (!(failure instanceof errors.JWKSMultipleMatchingKeys)) throw failure;
    let tried = 0;
    for await (const key of failure) {
      tried += 1;
      if (tried > maxTriedKeys) break;
      try {
        return (await jwtVerify(assertion, key, options)).payload;
      } catch (other) {
        // Neither another key's signature nor a key that the library cannot use says anything of the next key.
        if (!isAboutKeys(other)) throw other;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Whether other keys could have made the difference. What else the library throws is about a key that it cannot use. */
export function isAboutKeys(failure: unknown): boolean {
  if (failure instanceof errors.JWSSignatureVerificationFailed) return true;
  return failure instanceof errors.JWKSNoMatchingKey || !(failure instanceof errors.JOSEError);
}

/** What is wrong, in words of our own: the library's errors hold the payload. */
export function explain(failure: unknown): unknown {
  if (failure instanceof errors.JWTExpired) return refused("has expired");
  if (failure instanceof errors.JWTClaimValidationFailed) return refused(`has a wrong ${failure.claim}`);
  if (failure instanceof errors.JOSEError) return refused(`cannot be verified (${failure.code})`);
  // Whatever else the library throws is about the client's keys, such as a point that is not on its curve.
  return failure instanceof OAuthError ? failure : refused("cannot be verified with the client's keys", failure);
}
