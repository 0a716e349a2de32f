import type { TlsFault } from "../../src/storage/tls-failure.ts";

/** What the system says, and what it means. */
export const tlsFaults: readonly (readonly [code: string, kind: TlsFault["kind"]])[] = [
  ["CERT_HAS_EXPIRED", "expired"],
  ["CERT_NOT_YET_VALID", "not yet valid"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "self-signed"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unknown issuer"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unknown issuer"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "wrong host"],
  ["CERT_REVOKED", "not trusted"],
  ["INVALID_CA", "not trusted"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "plain at the other end"],
  ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", "no agreement"],
];

/** What `fetch` throws where the system says that. */
export function failedFor(code: string): TypeError {
  return new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
}
