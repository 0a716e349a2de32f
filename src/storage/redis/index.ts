export {
  createRedisRepositories,
  type RedisRepositories,
  type RedisRepositoriesOptions,
} from "../../records/create-redis-repositories.ts";
export { RedisPubSubInvalidation, type RedisPubSubOptions } from "./invalidation-pubsub.ts";
export { RedisTrackingInvalidation, type RedisTrackingOptions } from "./invalidation-tracking.ts";
export type { RedisClient, RedisConnection, RedisLike } from "./redis-like.ts";
export {
  clusterOptions,
  type PatienceOptions,
  type RecommendedClusterOptions,
  type RecommendedRedisOptions,
  redisOptions,
} from "./redis-options.ts";
export { RedisRepository, type RedisRepositoryOptions } from "./redis-repository.ts";
export type { RedisCallable, SubscriberClient, SubscriberSettings, TrackableCluster } from "./subscriber-connection.ts";
