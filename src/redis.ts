export {
  createRedisRepositories,
  type RedisRepositories,
  type RedisRepositoriesOptions,
} from "./records/create-redis-repositories.ts";
export type { GlideLike } from "./storage/redis/glide/glide-like.ts";
export { type GlidePatience, glideOptions, type RecommendedGlideOptions } from "./storage/redis/glide/glide-options.ts";
export { RedisPubSubInvalidation, type RedisPubSubOptions } from "./storage/redis/invalidation-pubsub.ts";
export { RedisTrackingInvalidation, type RedisTrackingOptions } from "./storage/redis/invalidation-tracking.ts";
export type {
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisMaster,
} from "./storage/redis/node-redis/node-redis-like.ts";
export {
  nodeRedisClusterOptions,
  nodeRedisOptions,
  type RecommendedNodeRedisClusterOptions,
  type RecommendedNodeRedisOptions,
} from "./storage/redis/node-redis/node-redis-options.ts";
export type { RedisClient, RedisConnection, RedisLike } from "./storage/redis/redis-like.ts";
export {
  clusterOptions,
  type PatienceOptions,
  type RecommendedClusterOptions,
  type RecommendedConnectionOptions,
  type RecommendedRedisOptions,
  redisOptions,
} from "./storage/redis/redis-options.ts";
export type { OtherRedisClient } from "./storage/redis/redis-port.ts";
export { RedisRepository, type RedisRepositoryOptions } from "./storage/redis/redis-repository.ts";
export type { WaitForReplicas } from "./storage/redis/replica-confirmation.ts";
