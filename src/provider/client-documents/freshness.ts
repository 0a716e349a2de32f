import CachePolicy from "http-cache-semantics";

/** Response headers as Node gives them. */
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** How long a reply may be used (RFC 9111). */
export interface Freshness {
  /** False where the site forbids to keep the reply at all. */
  readonly storable: boolean;
  /** In seconds; 0 where every use must ask the site again. */
  readonly lifetime: number;
}

/**
 * Reads how long a reply stays fresh: `Cache-Control`, `Expires`, `Age`, as a shared cache does. Nothing is guessed: a
 * reply that names no lifetime has none.
 *
 * @param now - In milliseconds since the epoch, for replies without `Date`.
 *
 * @example
 * ```ts
 * freshnessOf({ "cache-control": "max-age=60", age: "10" }, Date.now()).lifetime; // 50
 * ```
 */
export function freshnessOf(headers: Headers, now: number): Freshness {
  const policy = new CachePolicy(
    { method: "GET", headers: {} },
    { status: 200, headers: { date: new Date(now).toUTCString(), ...headers } },
    { shared: true, cacheHeuristic: 0, immutableMinTimeToLive: 0 },
  );
  return { storable: policy.storable(), lifetime: Math.max(0, policy.maxAge() - policy.age()) };
}

/** The headers of a stored reply after a 304: the new ones win, and the old ones' age has gone (RFC 9111 section 3.2). */
export function updatedHeaders(stored: Headers, revalidation: Headers): Headers {
  const { age: _age, date: _date, ...kept } = stored;
  return { ...kept, ...revalidation };
}

/** The headers that ask a site whether the stored reply is still current (RFC 9110 section 13.1). */
export function validatorsOf(headers: Headers): Record<string, string> {
  const { etag, "last-modified": lastModified } = headers;
  return {
    ...(typeof etag === "string" && { "if-none-match": etag }),
    ...(typeof lastModified === "string" && { "if-modified-since": lastModified }),
  };
}
