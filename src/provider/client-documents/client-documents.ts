import { setMaxListeners } from "node:events";
import { requireDuration, requireThat } from "../../option-checks.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import type { ClientDocumentsOptions } from "../configuration/client-documents-options.ts";
import type { KeySet } from "../oauth/key-set.ts";
import { parseAllowedDomains } from "./allowed-domains.ts";
import { type DocumentRules, parseClientDocument } from "./client-document-metadata.ts";
import { ClientIcons, iconContent, iconTimeout, maxIconBytes } from "./client-icons.ts";
import { isDocumentUrl, parseClientIdUrl } from "./client-id-url.ts";
import { DocumentCache, type DocumentCacheOptions, type FetchedDocument } from "./document-cache.ts";
import { documentRefused } from "./document-failure.ts";
import { JsonFetcher } from "./json-fetcher.ts";
import { KeySetCache } from "./key-set-cache.ts";
import type { SiteTransport } from "./site-transport.ts";

/** The longest key set at a `jwks_uri`, in bytes: certificate chains make it long, and the chains are not kept. */
const maxKeySetBytes = 64 * 1024;

/** A client as its metadata document describes it. */
export interface ClientDocument {
  readonly information: OAuthClientInformation;
  /** Whose word the document is: the host of its URL, with the port where that is not 443. */
  readonly domain: string;
  /** When the site last gave or confirmed the document, in milliseconds since the epoch. */
  readonly fetchedAt: number;
}

/**
 * Finds clients whose id is the URL of a metadata document (draft-ietf-oauth-client-id-metadata-document-02, which the
 * MCP specification prefers to registration).
 *
 * A document is kept as long as its HTTP cache headers say; its site is then asked whether it has changed. A document that
 * was good is used for `maxStaleSeconds` more where its site fails or gives nothing to this server. Errors and documents that are not valid are never kept (section 5.2). Callers who want the same document at
 * the same time share one request.
 *
 * @example
 * ```ts
 * const documents = new ClientDocuments({ scopes: { valid: ["read"], defaults: ["read"] } });
 * const client = await documents.find("https://app.example/oauth/client.json");
 * ```
 */
export class ClientDocuments {
  readonly #isAllowed: (hostname: string) => boolean;
  readonly #ports: readonly number[];
  readonly #documents: DocumentCache<OAuthClientInformation>;
  readonly #keySets: KeySetCache;
  readonly #icons: ClientIcons;
  readonly #closed = new AbortController();
  #withdrawn: NonNullable<DocumentCacheOptions<unknown>["withdrawn"]> = async () => {};

  /** @throws `ConfigurationError` that names the option and says what it should be. */
  constructor(options: ClientDocumentsOptions) {
    const rules: DocumentRules = {
      scopes: options.scopes,
      authenticationMethods: options.authenticationMethods ?? ["none"],
      privateUseSchemes: options.privateUseSchemes ?? [],
    };
    this.#isAllowed = options.allowedDomains === undefined ? () => true : parseAllowedDomains(options.allowedDomains);
    this.#ports = options.ports ?? [443];
    const freshSeconds = {
      min: wholeNumber("minFreshSeconds", options.minFreshSeconds, 0, 0, longestSeconds),
      max: wholeNumber("maxFreshSeconds", options.maxFreshSeconds, 24 * 60 * 60, 0, longestSeconds),
    };
    requireThat(freshSeconds.min <= freshSeconds.max, "minFreshSeconds must not be more than maxFreshSeconds.");
    const maxConcurrent = wholeNumber("maxConcurrent", options.maxConcurrent, 256, 1);
    // Node 20 warns of a leak from the eleventh listener on.
    setMaxListeners(6 * maxConcurrent, this.#closed.signal);
    const fetching = {
      timeout: requireDuration("timeout of the client documents", options.timeout, 5000, 600_000, "milliseconds"),
      transport: transportOf(options),
    };
    const maxBytes = wholeNumber("maxBytes", options.maxBytes, 5 * 1024, 1);
    const shared = {
      maxCached: wholeNumber("maxCached", options.maxCached, 1000, 1),
      maxConcurrent,
      maxConcurrentPerHost: wholeNumber("maxConcurrentPerHost", options.maxConcurrentPerHost, 8, 1),
      freshSeconds,
      maxStaleSeconds: wholeNumber("maxStaleSeconds", options.maxStaleSeconds, 0, 0, longestSeconds),
      closed: this.#closed.signal,
      clock: options.clock ?? Date.now,
    };
    this.#documents = new DocumentCache({
      ...shared,
      fetcher: new JsonFetcher({ ...fetching, maxBytes }),
      parse: (id, text) => parseClientDocument(id, text, rules),
      withdrawn: (id, askedAt) => this.#withdrawn(id, askedAt),
    });
    const trusted = new Set(options.trustedKeySets);
    const mayAsk = (url: URL) =>
      this.#ports.includes(Number(url.port || 443)) && (trusted.has(url.href) || this.#isAllowed(url.hostname));
    const keySetFetcher = new JsonFetcher({ ...fetching, maxBytes: Math.max(maxBytes, maxKeySetBytes) });
    this.#keySets = new KeySetCache({ ...shared, fetcher: keySetFetcher }, mayAsk);
    const timeout = Math.min(fetching.timeout, iconTimeout);
    const iconFetcher = new JsonFetcher({ ...fetching, timeout, maxBytes: maxIconBytes, content: iconContent });
    this.#icons = new ClientIcons(
      { ...shared, fetcher: iconFetcher },
      (url) => this.#ports.includes(Number(url.port || 443)) && this.#isAllowed(url.hostname),
    );
  }

  /**
   * Finds the client that a document URL stands for; `undefined` where the id is no http(s) URL.
   *
   * @throws {OAuthError} with `invalid_client` when the URL, its domain or its document is refused,
   * `temporarily_unavailable` when the site does not answer or too many are being asked.
   */
  async find(clientId: string): Promise<ClientDocument | undefined> {
    if (!isDocumentUrl(clientId)) return undefined;
    const url = this.#allowedUrl(clientId);
    return described(url, await this.#documents.get(clientId, url));
  }

  /** The client as it is known here already, however old; the site is not asked. */
  known(clientId: string): ClientDocument | undefined {
    const known = this.#documents.known(clientId);
    return known && described(new URL(clientId), known);
  }

  /** Takes what was found elsewhere for the document, as of that time (in milliseconds since the epoch). */
  adopt(information: OAuthClientInformation, fetchedAt: number): ClientDocument {
    const known = { content: information, fetchedAt };
    this.#documents.adopt(information.client_id, known);
    return described(new URL(information.client_id), known);
  }

  /**
   * Says who is told of a document that is gone or cannot be used any more, and when its site was asked (in milliseconds since
   * the epoch). Whoever has asked for the document waits for it. It must not reject.
   */
  whenWithdrawn(listener: (clientId: string, askedAt: number) => Promise<void>): void {
    this.#withdrawn = listener;
  }

  /** The icon of a client with a document (`logo_uri`), as a `data:` URL; undefined where it cannot be had at once. */
  icon(client: Pick<OAuthClientInformation, "logo_uri">): Promise<string | undefined> {
    return this.#icons.of(client);
  }

  #allowedUrl(clientId: string): URL {
    const url = parseClientIdUrl(clientId, this.#ports);
    if (!this.#isAllowed(url.hostname)) throw documentRefused("is on a domain that is not trusted here");
    return url;
  }

  /**
   * The public keys of a client, from its document or from its `jwks_uri`.
   *
   * @throws {OAuthError} with `invalid_client` when there are none, `temporarily_unavailable` when their site does not answer.
   */
  keys(client: Pick<OAuthClientInformation, "jwks" | "jwks_uri">): Promise<KeySet> {
    return this.#keySets.of(client);
  }

  /**
   * The keys as the client's site has them now: for a signature that is by none of the keys that are known. The site is
   * asked so once in 30 seconds at the most, whoever asks for it.
   *
   * @param document - The URL of the client's metadata document, where the client has one.
   * @returns `undefined` where there is no site to ask, or it was asked a short time ago and there is no newer answer.
   * @throws {OAuthError} as `keys` does.
   */
  async latestKeys(
    { jwks_uri: uri }: Pick<OAuthClientInformation, "jwks_uri">,
    document: string | undefined,
  ): Promise<KeySet | undefined> {
    if (uri !== undefined) return this.#keySets.latest(uri);
    if (document === undefined) return undefined;
    const latest = await this.#documents.latest(document, this.#allowedUrl(document));
    return latest && this.keys(latest.content);
  }

  /** Ends the requests under way, whose callers get `temporarily_unavailable`, and forgets all documents. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await Promise.all([this.#documents.close(), this.#keySets.close(), this.#icons.close()]);
  }
}

/** A copy: what one caller does to it is not seen by the next. */
function described({ host }: URL, { content, fetchedAt }: FetchedDocument<OAuthClientInformation>): ClientDocument {
  return { information: structuredClone(content), domain: host, fetchedAt };
}

/** What asks sites. It is loaded when the first one is asked. */
function transportOf({ fetch, resolve, connect }: ClientDocumentsOptions): SiteTransport {
  let loaded: Promise<SiteTransport> | undefined;
  const load = async (): Promise<SiteTransport> => {
    if (fetch !== undefined) return (await import("./fetch-transport.ts")).fetchTransport(fetch);
    const { connectPinned, createHostResolver, pinnedTransport } = await import("./own-transport.ts");
    return pinnedTransport(resolve ?? createHostResolver(), connect ?? ((target) => connectPinned(target)));
  };
  return async (url, headers, limit) => {
    loaded ??= load();
    const transport = await loaded;
    return transport(url, headers, limit);
  };
}

/** For a year, in seconds: what is longer is a time in milliseconds. */
const longestSeconds = 365 * 24 * 60 * 60;

function wholeNumber(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const number = value === undefined ? fallback : value;
  const isWithin = Number.isSafeInteger(number) && number >= min && number <= max;
  const isThousandfold = name.endsWith("Seconds") && number > max && number <= max * 1000;
  const remedy = isThousandfold ? ` ${number} looks like milliseconds: give ${Math.ceil(number / 1000)}.` : "";
  requireThat(isWithin, `${name} of the client documents must be a whole number from ${min} to ${max}.${remedy}`);
  return number;
}
