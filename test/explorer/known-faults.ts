const loginLost = "no login is lost without a rule";
const sessionLeft = "no session at Pangea lives without a live grant";
const revokedOpens = "what was revoked opens nothing";

/**
 * What breaks on the code as it is, by flow. The suite fails where anything else breaks; an entry is taken out with the
 * fault. Nothing is to stand here once the grants are exact by construction.
 */
export const knownFaults: Readonly<Record<string, readonly string[]>> = {
  "redeem twice": [loginLost, sessionLeft],
  "redeem in an outage": [loginLost, sessionLeft],
  "redeem and replay": [loginLost, sessionLeft],
  "redeem and revoke": [loginLost, sessionLeft, revokedOpens],
  "refresh twice": [loginLost, sessionLeft],
  "refresh twice for other scopes": ["an answer names what the token has"],
  "refresh in an outage": [loginLost],
  "refresh and reuse": [sessionLeft],
  "refresh and revoke": [sessionLeft, revokedOpens],
  "refresh for Pangea's token twice": [loginLost],
  "refresh for Pangea's token and revoke": [sessionLeft],
  "refresh and operator's revocation": [sessionLeft],
  "account revocation": [loginLost, sessionLeft, revokedOpens],
  "refresh twice and revoke": [loginLost, sessionLeft, revokedOpens],
  "rotation of the secret, first step": [loginLost, sessionLeft],
  "rotation of the secret, second step": [loginLost, sessionLeft],
  "rotation of the secret at once": [loginLost, sessionLeft],
  "assertion twice": [sessionLeft, "an assertion is good once"],
  "consent and revocation": ["a revocation forgets the consent", sessionLeft],
  "consent and account revocation": ["a revocation forgets the consent", sessionLeft],
};
