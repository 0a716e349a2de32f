/** What a connection failed for that could not be encrypted. */
export interface TlsFault {
  readonly kind:
    | "expired"
    | "not yet valid"
    | "self-signed"
    | "unknown issuer"
    | "wrong host"
    | "not trusted"
    | "plain at the other end"
    | "no agreement"
    | "encrypted at the other end";
  /** The code that the system or OpenSSL gave. */
  readonly code: string;
  /** What is wrong and what to do, in sentences. */
  readonly advice: string;
}

/** Whether an error code says that a connection could not be encrypted: a certificate, or no TLS at the other end. */
export function isTlsFailure(code: string | undefined): boolean {
  return code !== undefined && kindOf(code) !== undefined;
}

/**
 * Finds a fault of TLS in what a client has thrown, or in what led to that.
 *
 * @param address - What was asked for, where that is a URL: without it nobody knows whether TLS was wanted at all.
 *
 * @example
 * ```ts
 * tlsFaultOf(failure, "https://login.example")?.advice; // "Its certificate has expired: …"
 * ```
 */
export function tlsFaultOf(failure: unknown, address?: string): TlsFault | undefined {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [failure];
  while (waiting.length > 0 && seen.size < 12) {
    const at = waiting.shift();
    if (typeof at !== "object" || at === null || seen.has(at)) continue;
    seen.add(at);
    const code = memberOf(at, "code");
    const kind = typeof code === "string" ? kindOf(code, address) : undefined;
    if (kind !== undefined) return { kind, code: String(code), advice: advices[kind] };
    const errors = memberOf(at, "errors");
    waiting.push(memberOf(at, "cause"), ...(Array.isArray(errors) ? errors.slice(0, 4) : []));
  }
  return undefined;
}

const advices: Readonly<Record<TlsFault["kind"], string>> = {
  expired: "Its certificate has expired: have it renewed. Where it has not, set the clock of this machine.",
  "not yet valid": "Its certificate is not valid yet: set the clock of this machine, and look at the certificate.",
  "self-signed":
    "Its certificate is signed by itself or by an authority of your own: give this process that authority's certificate by NODE_EXTRA_CA_CERTS.",
  "unknown issuer":
    "Nobody whom this process trusts has issued its certificate: let the server send the whole chain, or give this process the authority's certificate by NODE_EXTRA_CA_CERTS.",
  "wrong host":
    "Its certificate is for another host name: take the name in the certificate for the address, or have a certificate issued for this one.",
  "not trusted": "Its certificate is not accepted: look at the certificate, and at what was revoked.",
  "plain at the other end":
    "What answers there does not speak TLS: look at the scheme and the port of the address, and switch TLS off where none is wanted.",
  "no agreement":
    "Both ends speak TLS and do not agree: on a version, on a cipher, or on a certificate that the client should show.",
  "encrypted at the other end":
    "What answers there ends the connection, or speaks no plain HTTP: where the port speaks TLS, the scheme of the address is https.",
};

/** What Node.js says of a certificate that it does not take, in the words of OpenSSL, and what it says of the handshake. */
const kinds: readonly (readonly [form: RegExp, kind: TlsFault["kind"]])[] = [
  [/^CERT_HAS_EXPIRED$|ALERT_CERTIFICATE_EXPIRED$/, "expired"],
  [/^CERT_NOT_YET_VALID$/, "not yet valid"],
  [/^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN)$/, "self-signed"],
  [/^(?:UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_UNTRUSTED)$/, "unknown issuer"],
  [/^(?:ERR_TLS_CERT_ALTNAME_(?:INVALID|FORMAT)|HOSTNAME_MISMATCH)$/, "wrong host"],
  [
    /^(?:CERT_|ERR_TLS_CERT|INVALID_(?:CA|PURPOSE)$|PATH_LENGTH_EXCEEDED$|UNABLE_TO_(?:DECODE|DECRYPT|GET_CRL))/,
    "not trusted",
  ],
  [
    /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|HTTPS_PROXY_REQUEST)$/,
    "plain at the other end",
  ],
  [/^(?:ERR_SSL_|EPROTO$)/, "no agreement"],
];

/** How a request in plain text ends at a port that speaks TLS. */
const endsPlainRequest = /^(?:HPE_INVALID_\w+|UND_ERR_SOCKET|ECONNRESET)$/;

function kindOf(code: string, address?: string): TlsFault["kind"] | undefined {
  // The first bytes of an alert are no HTTP, and some servers say nothing at all.
  if (address?.startsWith("http:") && endsPlainRequest.test(code)) return "encrypted at the other end";
  return kinds.find(([form]) => form.test(code))?.[1];
}

/** Reading a member of what somebody has thrown may throw too. */
function memberOf(value: object, name: string): unknown {
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined;
  }
}
