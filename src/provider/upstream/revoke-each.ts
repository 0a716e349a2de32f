import type { UpstreamTokens } from "./contract.ts";

/** Revokes each token by itself (RFC 7009), so that a refusal of one leaves none of the others. Throws the first failure. */
export async function revokeEach(
  { refreshToken, token }: UpstreamTokens,
  revoke: (token: string) => Promise<unknown>,
): Promise<void> {
  const revocations = await Promise.allSettled(
    [refreshToken, token].filter((each) => each !== undefined).map((each) => revoke(each)),
  );
  for (const revocation of revocations) if (revocation.status === "rejected") throw revocation.reason;
}
