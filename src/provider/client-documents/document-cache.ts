import type { LRUCache } from "lru-cache";
import { OAuthError } from "../../errors.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import { documentRefused, documentUnavailable, SiteFailure } from "./document-failure.ts";
import type { JsonFetcher } from "./json-fetcher.ts";

/** Whoever shows what no document explains cannot make this server ask a site more often than this, in milliseconds. */
const askAgainAfter = 30_000;

/** What a `DocumentCache` is made of. */
export interface DocumentCacheOptions<T> {
  readonly fetcher: JsonFetcher;
  /** Reads a document; throws `OAuthError` with `invalid_client` for one that cannot be used. */
  readonly parse: (url: string, text: string) => T;
  readonly maxCached: number;
  /** How many documents are fetched at a time; beyond them a caller is told to come back. */
  readonly maxConcurrent: number;
  /** How many of them from one host, so that a slow one does not take all the places. */
  readonly maxConcurrentPerHost: number;
  /** The bounds, in seconds, of how long a storable document is used without asking its site again. */
  readonly freshSeconds: { readonly min: number; readonly max: number };
  /** How long a document is used beyond that where its site does not give it, in seconds. */
  readonly maxStaleSeconds: number;
  /** Told of a document that is gone or cannot be used any more, and when its site was asked. Must not reject. */
  readonly withdrawn?: (name: string, askedAt: number) => Promise<void>;
  /** Ends the requests under way. */
  readonly closed: AbortSignal;
  /** The time in milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A document, and when its site last gave or confirmed it, in milliseconds since the epoch. */
export interface FetchedDocument<T> {
  readonly content: T;
  readonly fetchedAt: number;
}

interface CachedDocument<T> extends FetchedDocument<T> {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** In milliseconds since the epoch. */
  readonly freshUntil: number;
  /** Until when a site that failed is left alone, in milliseconds since the epoch. */
  readonly spareUntil: number;
}

/**
 * Documents of other sites, kept as long as their HTTP cache headers say (RFC 9111). The site of a stale one is asked
 * whether it has changed; where the site fails or gives nothing to this server, the stale one is used for a while longer,
 * whatever its headers say: the document was good, and is public. Failures and documents that cannot be used are never
 * kept, and callers who want the same document at the same time share one request.
 */
export class DocumentCache<T> {
  readonly #options: DocumentCacheOptions<T>;
  readonly #cache: LRUCache<string, CachedDocument<T>>;
  readonly #pending = new Map<string, Promise<FetchedDocument<T>>>();
  readonly #pendingByHost = new Map<string, number>();
  /** The latest requests that were made though a copy was fresh. */
  readonly #askedAgain: LRUCache<string, { readonly at: number; readonly answer: Promise<FetchedDocument<T>> }>;

  constructor(options: DocumentCacheOptions<T>) {
    this.#options = options;
    this.#cache = boundedCache(options.maxCached);
    this.#askedAgain = boundedCache(options.maxCached);
  }

  /**
   * The document at a URL.
   *
   * @param name - The URL as it was written, under which the document is kept.
   * @throws {OAuthError} with `invalid_client` when the document is refused, `temporarily_unavailable` when its site does
   * not answer or too many are being asked.
   */
  async get(name: string, url: URL): Promise<FetchedDocument<T>> {
    const cached = this.#cache.get(name);
    if (cached !== undefined && this.#isFresh(cached)) return cached;
    try {
      return await this.#ask(name, url);
    } catch (failure) {
      const last = this.#cache.get(name);
      if (!(failure instanceof SiteFailure) || last === undefined || !this.#isUsable(last)) throw failure;
      // Nobody waits for the site each time, and it is not hammered.
      this.#cache.set(name, { ...last, spareUntil: this.#options.clock() + askAgainAfter });
      return last;
    }
  }

  /** The document as it is known here, however old, without a word to its site. */
  known(name: string): FetchedDocument<T> | undefined {
    return this.#cache.get(name);
  }

  /** Takes a document for one that was fetched at that time, and leaves its site alone for a while: it has just failed. */
  adopt(name: string, { content, fetchedAt }: FetchedDocument<T>): void {
    const spareUntil = this.#options.clock() + askAgainAfter;
    this.#cache.set(name, { content, fetchedAt, headers: {}, freshUntil: fetchedAt, spareUntil });
  }

  /**
   * The document as its site has it now, for a caller whom a fresh copy has left in doubt. A site is asked so once in 30
   * seconds: whoever comes within that time gets what came of it.
   *
   * @returns `undefined` where the site was asked a short time ago and does not let its answer be kept.
   * @throws {OAuthError} as `get` does.
   */
  async latest(name: string, url: URL): Promise<FetchedDocument<T> | undefined> {
    const now = this.#options.clock();
    const last = this.#askedAgain.get(name);
    if (last !== undefined && last.at <= now && now < last.at + askAgainAfter) {
      await last.answer;
      return this.#cache.get(name);
    }
    const answer = this.#ask(name, url);
    this.#askedAgain.set(name, { at: now, answer });
    return answer;
  }

  #ask(name: string, url: URL): Promise<FetchedDocument<T>> {
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    // A document that was good before has places of its own: those who use it do not wait behind strangers.
    const share = this.#cache.has(name) ? 2 : 1;
    const { maxConcurrent, maxConcurrentPerHost } = this.#options;
    const ofHost = this.#pendingByHost.get(url.host) ?? 0;
    if (this.#pending.size >= maxConcurrent * share || ofHost >= maxConcurrentPerHost * share) {
      throw documentUnavailable("too many others are being fetched");
    }
    this.#pendingByHost.set(url.host, ofHost + 1);
    const started = this.#fetch(name, url).finally(() => this.#ended(name, url.host));
    this.#pending.set(name, started);
    return started;
  }

  #ended(name: string, host: string): void {
    this.#pending.delete(name);
    const left = (this.#pendingByHost.get(host) ?? 1) - 1;
    if (left > 0) this.#pendingByHost.set(host, left);
    else this.#pendingByHost.delete(host);
  }

  /** Waits for the requests under way and forgets all documents. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#pending.values());
    this.#cache.clear();
    this.#askedAgain.clear();
  }

  #isFresh(document: CachedDocument<T>): boolean {
    const { fetchedAt, freshUntil, spareUntil } = document;
    const now = this.#options.clock();
    // A clock that was set back must not make a document live longer.
    return fetchedAt <= now && (now < freshUntil || (now < spareUntil && this.#isUsable(document)));
  }

  /** Whether a document may be used where its site fails. */
  #isUsable({ fetchedAt, freshUntil }: CachedDocument<T>): boolean {
    const now = this.#options.clock();
    return fetchedAt <= now && now < freshUntil + this.#options.maxStaleSeconds * 1000;
  }

  async #fetch(name: string, url: URL): Promise<FetchedDocument<T>> {
    // With the library that it needs, which a server without such clients does not.
    const { updatedHeaders, validatorsOf } = await import("./freshness.ts");
    const cached = this.#cache.get(name);
    const asked = this.#options.clock();
    try {
      const validators = cached === undefined ? {} : validatorsOf(cached.headers);
      const reply = await this.#options.fetcher.fetch(url, validators, this.#options.closed);
      if (reply.status === "fetched") {
        return await this.#keep(
          name,
          { content: this.#options.parse(name, reply.text), fetchedAt: asked },
          reply.headers,
        );
      }
      if (cached === undefined) throw documentRefused("must be served with status 200, not 304");
      const headers = updatedHeaders(cached.headers, reply.headers);
      return await this.#keep(name, { ...cached, fetchedAt: asked }, headers);
    } catch (failure) {
      // A document that became invalid is gone; one that cannot be had now may be confirmed later.
      const isRefused = failure instanceof OAuthError && failure.error === "invalid_client";
      if (isRefused && !(failure instanceof SiteFailure)) {
        this.#cache.delete(name);
        await this.#options.withdrawn?.(name, asked);
      }
      throw failure;
    }
  }

  async #keep(
    name: string,
    document: FetchedDocument<T>,
    headers: CachedDocument<T>["headers"],
  ): Promise<FetchedDocument<T>> {
    const { freshnessOf, validatorsOf } = await import("./freshness.ts");
    const { content, fetchedAt } = document;
    const { storable, lifetime } = freshnessOf(headers, fetchedAt);
    const { freshSeconds, maxStaleSeconds } = this.#options;
    const fresh = storable ? Math.min(freshSeconds.max, Math.max(freshSeconds.min, lifetime)) : 0;
    const isOfUse = storable && (fresh > 0 || Object.keys(validatorsOf(headers)).length > 0);
    if (isOfUse || maxStaleSeconds > 0) {
      this.#cache.set(name, { content, fetchedAt, headers, freshUntil: fetchedAt + fresh * 1000, spareUntil: 0 });
    } else {
      this.#cache.delete(name);
    }
    return { content, fetchedAt };
  }
}
