/** A provider has a cache for each kind of record that it caches, and one warning is enough for all. */
let hasWarned = false;

/** Warns of a cache in front of a cache, once. */
export function warnOfCacheOverCache(): void {
  if (hasWarned) return;
  hasWarned = true;
  process.emitWarning(warning, { code: "PANGEA_CACHE_OVER_CACHE" });
}

const warning =
  "A CachedRepository is in front of another one: their maxStaleness add up, and both keep the same records. One is enough.";
