/** Whether an error code says that a connection could not be encrypted: a certificate, or no TLS at the other end. */
export function isTlsFailure(code: string | undefined): boolean {
  return code !== undefined && (/^(?:ERR_SSL_|ERR_TLS_CERT|CERT_)/.test(code) || certificateCodes.has(code));
}

/** What Node.js says of a certificate that it does not trust, in the words of OpenSSL. */
const certificateCodes: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
