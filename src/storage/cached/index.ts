export { CachedRepository } from "./cached-repository.ts";
export { InMemoryInvalidationChannel } from "./in-memory-invalidation-channel.ts";
export {
  type InvalidationChannel,
  type InvalidationConnection,
  type InvalidationSubscriber,
  type InvalidationSubscription,
  sha256Name,
} from "./invalidation.ts";
export type {
  AbsentOptions,
  BoundedByBytes,
  BoundedByEntries,
  CachedRepositoryOptions,
  CachedRepositorySettings,
  StaleIfErrorOptions,
} from "./options.ts";
