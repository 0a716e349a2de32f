import { UpstreamRejectedError } from "../../errors.ts";
import type { UpstreamTokens } from "./contract.ts";

/**
 * Revokes each token by itself (RFC 7009), so that a refusal of one leaves none of the others. An upstream that has revoked one
 * of the tokens need not take the other kind: what it takes is revoked then.
 *
 * @throws A failure that may be an outage before one that is definite: whoever tries again gets on with it.
 */
export async function revokeEach(
  { refreshToken, token }: UpstreamTokens,
  revoke: (token: string) => Promise<unknown>,
): Promise<void> {
  const revocations = await Promise.allSettled(
    [refreshToken, token].filter((each) => each !== undefined).map((each) => revoke(each)),
  );
  const failures = revocations.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  const outage = failures.find((failure) => !isDefiniteRefusal(failure));
  if (outage !== undefined) throw outage;
  const isPartlyDone = failures.length < revocations.length;
  const refusals = failures.filter(({ error }) => !(isPartlyDone && error === "unsupported_token_type"));
  if (refusals.length > 0) throw refusals[0];
}

/** Errors by which an upstream, or what stands in front of it, says that it cannot answer now. */
const passing: readonly string[] = ["server_error", "temporarily_unavailable", "too_many_requests", "slow_down"];

/** Whether the upstream has said no in so many words: it will say so again. Anything else may be an outage. */
export function isDefiniteRefusal(failure: unknown): failure is UpstreamRejectedError {
  return failure instanceof UpstreamRejectedError && !passing.includes(failure.error);
}
