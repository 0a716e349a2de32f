import { setMaxListeners } from "node:events";
import { LRUCache } from "lru-cache";
import type { OAuthClientInformation } from "../../codecs/oauth-client-information.ts";
import { ConfigurationError, OAuthError } from "../../errors.ts";
import { parseAllowedDomains } from "./allowed-domains.ts";
import {
  type DocumentAuthenticationMethod,
  type DocumentRules,
  parseClientDocument,
} from "./client-document-metadata.ts";
import { isDocumentUrl, parseClientIdUrl } from "./client-id-url.ts";
import { documentRefused, documentUnavailable } from "./document-failure.ts";
import { freshnessOf, updatedHeaders, validatorsOf } from "./freshness.ts";
import { JsonFetcher } from "./json-fetcher.ts";
import { type ConnectPinned, connectPinned } from "./pinned-connection.ts";
import { createHostResolver, type ResolveHost } from "./resolve-host.ts";

/** How `ClientDocuments` fetches, trusts and keeps documents. */
export interface ClientDocumentsOptions {
  /** The scopes that clients may have, and those of a document that names none of them. */
  readonly scopes: { readonly valid: readonly string[]; readonly defaults: readonly string[] };
  /** The only domains that are asked: `app.example`, or `*.app.example` for all below it. All domains unless given. */
  readonly allowedDomains?: readonly string[];
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
  /** How many sites are asked at a time; beyond them a caller is told to come back. 32 unless given. */
  readonly maxConcurrent?: number;
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

/** A client as its metadata document describes it. */
export interface ClientDocument {
  readonly information: OAuthClientInformation;
  /** Whose word the document is: the host of its URL, with the port where that is not 443. */
  readonly domain: string;
  /** When the site last gave or confirmed the document, in milliseconds since the epoch. */
  readonly fetchedAt: number;
}

interface CachedDocument {
  readonly document: ClientDocument;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** In milliseconds since the epoch. */
  readonly freshUntil: number;
}

/**
 * Finds clients whose id is the URL of a metadata document (draft-ietf-oauth-client-id-metadata-document-02, which the
 * MCP specification prefers to registration).
 *
 * A document is kept as long as its HTTP cache headers say, and not used beyond: its site is then asked whether it has
 * changed. Errors and documents that are not valid are never kept (section 5.2). Callers who want the same document at
 * the same time share one request.
 *
 * @example
 * ```ts
 * const documents = new ClientDocuments({ scopes: { valid: ["read"], defaults: ["read"] } });
 * const client = await documents.find("https://app.example/oauth/client.json");
 * ```
 */
export class ClientDocuments {
  readonly #rules: DocumentRules;
  readonly #isAllowed: (hostname: string) => boolean;
  readonly #ports: readonly number[];
  readonly #maxConcurrent: number;
  readonly #freshSeconds: { readonly min: number; readonly max: number };
  readonly #clock: () => number;
  readonly #fetcher: JsonFetcher;
  readonly #cache: LRUCache<string, CachedDocument>;
  readonly #pending = new Map<string, Promise<ClientDocument>>();
  readonly #closed = new AbortController();

  /** @throws `ConfigurationError` that names the option and says what it should be. */
  constructor(options: ClientDocumentsOptions) {
    this.#rules = { scopes: options.scopes, authenticationMethods: options.authenticationMethods ?? ["none"] };
    this.#isAllowed = options.allowedDomains === undefined ? () => true : parseAllowedDomains(options.allowedDomains);
    this.#ports = options.ports ?? [443];
    this.#maxConcurrent = wholeNumber("maxConcurrent", options.maxConcurrent, 32, 1);
    // Node 20 warns of a leak from the eleventh listener on.
    setMaxListeners(this.#maxConcurrent, this.#closed.signal);
    this.#freshSeconds = {
      min: wholeNumber("minFreshSeconds", options.minFreshSeconds, 0, 0),
      max: wholeNumber("maxFreshSeconds", options.maxFreshSeconds, 24 * 60 * 60, 0),
    };
    if (this.#freshSeconds.min > this.#freshSeconds.max) {
      throw new ConfigurationError("minFreshSeconds must not be more than maxFreshSeconds.");
    }
    this.#clock = options.clock ?? Date.now;
    this.#fetcher = new JsonFetcher({
      maxBytes: wholeNumber("maxBytes", options.maxBytes, 5 * 1024, 1),
      timeout: wholeNumber("timeout", options.timeout, 5000, 1, 600_000),
      resolve: options.resolve ?? createHostResolver(),
      connect: options.connect ?? ((target) => connectPinned(target)),
    });
    this.#cache = new LRUCache({ max: wholeNumber("maxCached", options.maxCached, 1000, 1) });
  }

  /**
   * Finds the client that a document URL stands for; `undefined` where the id is no http(s) URL.
   *
   * @throws `OAuthError`: `invalid_client` where the URL, its domain or its document is refused,
   * `temporarily_unavailable` where the site does not answer or too many are being asked.
   */
  async find(clientId: string): Promise<ClientDocument | undefined> {
    if (!isDocumentUrl(clientId)) return undefined;
    const url = parseClientIdUrl(clientId, this.#ports);
    if (!this.#isAllowed(url.hostname)) throw documentRefused("is on a domain that is not trusted here");
    const cached = this.#cache.get(clientId);
    const document =
      cached !== undefined && this.#isFresh(cached) ? cached.document : await this.#shared(clientId, url);
    // A copy: what one caller does to it is not seen by the next.
    return structuredClone(document);
  }

  /** Ends the requests under way, whose callers get `temporarily_unavailable`, and forgets all documents. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await Promise.allSettled(this.#pending.values());
    this.#cache.clear();
  }

  #isFresh({ document, freshUntil }: CachedDocument): boolean {
    const now = this.#clock();
    // A clock that was set back must not make a document live longer.
    return document.fetchedAt <= now && now < freshUntil;
  }

  #shared(clientId: string, url: URL): Promise<ClientDocument> {
    const pending = this.#pending.get(clientId);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= this.#maxConcurrent) {
      return Promise.reject(documentUnavailable("too many others are being fetched"));
    }
    const started = this.#fetch(clientId, url).finally(() => this.#pending.delete(clientId));
    this.#pending.set(clientId, started);
    return started;
  }

  async #fetch(clientId: string, url: URL): Promise<ClientDocument> {
    const cached = this.#cache.get(clientId);
    const asked = this.#clock();
    try {
      const validators = cached === undefined ? {} : validatorsOf(cached.headers);
      const reply = await this.#fetcher.fetch(url, validators, this.#closed.signal);
      if (reply.status === "fetched") {
        const information = parseClientDocument(clientId, reply.text, this.#rules);
        return this.#keep({ information, domain: url.host, fetchedAt: asked }, reply.headers);
      }
      if (cached === undefined) throw documentRefused("must be served with status 200, not 304");
      return this.#keep({ ...cached.document, fetchedAt: asked }, updatedHeaders(cached.headers, reply.headers));
    } catch (failure) {
      // A document that became invalid is gone; one that cannot be had now may be confirmed later.
      if (failure instanceof OAuthError && failure.error === "invalid_client") this.#cache.delete(clientId);
      throw failure;
    }
  }

  #keep(document: ClientDocument, headers: CachedDocument["headers"]): ClientDocument {
    const clientId = document.information.client_id;
    const { storable, lifetime } = freshnessOf(headers, document.fetchedAt);
    const { min, max } = this.#freshSeconds;
    const fresh = Math.min(max, Math.max(min, lifetime));
    if (storable && (fresh > 0 || Object.keys(validatorsOf(headers)).length > 0)) {
      this.#cache.set(clientId, { document, headers, freshUntil: document.fetchedAt + fresh * 1000 });
    } else {
      this.#cache.delete(clientId);
    }
    return document;
  }
}

function wholeNumber(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const number = value ?? fallback;
  if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
  throw new ConfigurationError(`${name} of the client documents must be a whole number from ${min} to ${max}.`);
}
