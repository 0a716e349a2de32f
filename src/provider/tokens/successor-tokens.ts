import { createHmac } from "node:crypto";
import type { KeyRing } from "../../secrets/key-ring.ts";
import type { GrantKey } from "../grants/grant-key.ts";
import { formatOpaqueToken } from "../oauth/opaque-token.ts";

/** The tokens that are issued for a code or a refresh token. */
export interface FollowingTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/**
 * The tokens that are issued for a credential: a code or a refresh token. They follow from it and from its grant's key,
 * which it takes the credential to open. So every instance, every repetition and every new attempt after a failure issues
 * the same ones, whatever secret comes first by then: no race and no late write can leave tokens behind that no list has,
 * and an answer that was lost can be given again though it is kept nowhere.
 *
 * @param grantKey - Undefined for a code of the Python package, whose grants have no key.
 */
export function followingTokens(keys: KeyRing, grantKey: GrantKey | undefined, credential: string): FollowingTokens {
  const follow = (kind: "access_token" | "refresh_token"): string => {
    const text = `${kind}\0${credential}`;
    const { bytes } = keys.derive("tokens that follow").primary;
    return formatOpaqueToken(kind, grantKey?.authenticate(text) ?? createHmac("sha256", bytes).update(text).digest());
  };
  return { accessToken: follow("access_token"), refreshToken: follow("refresh_token") };
}
