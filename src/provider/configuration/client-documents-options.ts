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

/** What operators may say of how documents of clients are fetched, trusted and kept. */
export interface DocumentFetchOptions {
  /** The only domains that are asked: `app.example`, or `*.app.example` for all below it. Default: all domains. */
  readonly allowedDomains?: readonly string[];
  /** For everything from the name lookup to the last byte, in milliseconds. Default: 5000. */
  readonly timeout?: number;
  /**
   * How many documents are fetched at a time; beyond them a caller is told to come back. Documents that are known have as
   * many places more. Default: 256, which is more than one caller can keep busy within the default rate limits.
   */
  readonly maxConcurrent?: number;
  /** How many of them from one host; known ones have as many places more. Default: 8. */
  readonly maxConcurrentPerHost?: number;
  /** The longest time that a document is used without asking its site again, in seconds. Default: a day. */
  readonly maxFreshSeconds?: number;
  /** The shortest such time, for storable documents that name a shorter one, in seconds. Default: 60. */
  readonly minFreshSeconds?: number;
  /**
   * How long a document that was good is used beyond its freshness where its site gives none, in seconds; 0 for never: it
   * does not answer, or answers with another status than 200, 404 and 410, with no content, or with a page. So clients get in
   * while their own site is out, or takes this server for a robot. A document that is gone (404, 410) or has become invalid
   * is not used any more, and neither is one that was never had. What a client has withdrawn from its document, such as a
   * redirect URI or a key, may stay good for as long. Default: 7 days.
   *
   * @example
   * ```ts
   * clientMetadataDocuments: { maxStaleSeconds: 24 * 60 * 60 }
   * ```
   */
  readonly maxStaleSeconds?: number;
  /**
   * Fetches documents and key sets in place of this package, for example through an egress proxy. It gets a `Request` with
   * `redirect: "manual"` and a signal that aborts after `timeout`. Size, time, content type and redirects are checked as
   * ever, and so are addresses and local names in the URL itself.
   *
   * What that gives up: this package no longer sees which addresses a name leads to, so it cannot keep strangers from
   * reaching your network by a name of theirs (server-side request forgery, draft-ietf-oauth-client-id-metadata-document
   * section 8.6). The proxy has to refuse private, loopback, link-local and metadata addresses after its own name lookup;
   * `allowedDomains` is the next best thing. Default: straight to the addresses that were checked, past any proxy.
   *
   * @example
   * ```ts
   * // Node.js goes through HTTPS_PROXY where it is started with NODE_USE_ENV_PROXY=1.
   * clientMetadataDocuments: { fetch, allowedDomains: ["claude.ai", "chatgpt.com", "vscode.dev"] }
   * ```
   */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Fetches a document: the `fetch` of an operator's own, such as one that goes through an egress proxy. */
export type FetchDocument = NonNullable<DocumentFetchOptions["fetch"]>;

/** How `ClientDocuments` fetches, trusts and keeps documents. */
export interface ClientDocumentsOptions extends DocumentFetchOptions {
  /** The scopes that clients may have, and those of a document that names none of them. */
  readonly scopes: { readonly valid: readonly string[]; readonly defaults: readonly string[] };
  /** The schemes of applications that redirect URIs may have, beyond those that are known. Default: none. */
  readonly privateUseSchemes?: readonly string[];
  /** Key sets (`jwks_uri`) that are asked whatever their domain: those that an operator named. Default: none. */
  readonly trustedKeySets?: readonly string[];
  /** How these clients may authenticate. Default: `["none"]`. */
  readonly authenticationMethods?: readonly DocumentAuthenticationMethod[];
  /** The ports that may be asked. Default: `[443]`. */
  readonly ports?: readonly number[];
  /** The longest document, in bytes. Default: 5 KiB, as the draft recommends. */
  readonly maxBytes?: number;
  /** How many documents are kept. Default: 1000. */
  readonly maxCached?: number;
  /** The time in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
  /** Looks host names up; the addresses are checked in any case. Default: the system's name servers. */
  readonly resolve?: ResolveHost | undefined;
  /** Opens the connection to addresses that were checked. Default: TLS. */
  readonly connect?: ConnectPinned | undefined;
}
