import type { TLSSocket } from "node:tls";

/** How a client with a document can authenticate: not with a secret, for there is nobody to share it with. */
export type DocumentAuthenticationMethod = "none" | "private_key_jwt";

/** Looks a host name up: every address that it has, or an empty list where it has none. Rejects when nobody answers. */
export type ResolveHost = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Where to connect to: the addresses were checked, the name is for the certificate. */
export interface PinnedTarget {
  readonly hostname: string;
  readonly port: number;
  /** The only addresses that may be connected to; one at least. */
  readonly addresses: readonly string[];
}

/** Opens a TLS connection to one of the target's addresses. */
export type ConnectPinned = (target: PinnedTarget) => TLSSocket;

/** How `ClientDocuments` fetches, trusts and keeps documents. */
export interface ClientDocumentsOptions {
  /** The scopes that clients may have, and those of a document that names none of them. */
  readonly scopes: { readonly valid: readonly string[]; readonly defaults: readonly string[] };
  /** The only domains that are asked: `app.example`, or `*.app.example` for all below it. All domains unless given. */
  readonly allowedDomains?: readonly string[];
  /** Key sets (`jwks_uri`) that are asked whatever their domain: those that an operator named. None unless given. */
  readonly trustedKeySets?: readonly string[];
  /** How these clients may authenticate. `["none"]` unless given. */
  readonly authenticationMethods?: readonly DocumentAuthenticationMethod[];
  /** The ports that may be asked. `[443]` unless given. */
  readonly ports?: readonly number[];
  /** The longest document, in bytes. 5 KiB unless given, as the draft recommends. */
  readonly maxBytes?: number;
  /** For everything from the name lookup to the last byte, in milliseconds. 5000 unless given. */
  readonly timeout?: number;
  /** How many documents are kept. 1000 unless given. */
  readonly maxCached?: number;
  /**
   * How many documents are fetched at a time; beyond them a caller is told to come back. 256 unless given, which is more
   * than one caller can keep busy within the default rate limits. Documents that are known have as many places more.
   */
  readonly maxConcurrent?: number;
  /** How many of them from one host; known ones have as many places more. 8 unless given. */
  readonly maxConcurrentPerHost?: number;
  /** The longest time that a document is used without asking its site again, in seconds. A day unless given. */
  readonly maxFreshSeconds?: number;
  /** The shortest such time, for storable documents that name a shorter one, in seconds. 0 unless given. */
  readonly minFreshSeconds?: number;
  /** The time in milliseconds since the epoch. `Date.now` unless given. */
  readonly clock?: () => number;
  /** Looks host names up. The system's name servers unless given; the addresses are checked in any case. */
  readonly resolve?: ResolveHost;
  /** Opens the connection to addresses that were checked. For tests. */
  readonly connect?: ConnectPinned;
}
