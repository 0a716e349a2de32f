import { ConfigurationError } from "../../errors.ts";
import { requireMethods, requireThat } from "../../option-checks.ts";
import { requireSafeClient } from "./client-settings.ts";
import { GlideCluster, GlideConnection } from "./glide/glide-connection.ts";
import { configurationOf, type GlideLike, isGlide, isGlideCluster, isGlideListener } from "./glide/glide-like.ts";
import { requireSafeGlide } from "./glide/glide-settings.ts";
import { NodeRedisCluster } from "./node-redis/node-redis-cluster.ts";
import { NodeRedisConnection } from "./node-redis/node-redis-connection.ts";
import {
  isAnyNodeRedis,
  isNodeRedis,
  isNodeRedisCluster,
  type NodeRedisClusterLike,
  type NodeRedisLike,
} from "./node-redis/node-redis-like.ts";
import { requireSafeNodeRedis, requireSupported } from "./node-redis/node-redis-settings.ts";
import type { PublishingClient } from "./publish-transport.ts";
import { limitsOf, type RedisLike } from "./redis-like.ts";
import type { SubscribableClient } from "./subscriber-connection.ts";

/** A client of another make than ioredis: of node-redis 6 or of Valkey GLIDE 2, for one server or for a Cluster. */
export type OtherRedisClient = NodeRedisLike | NodeRedisClusterLike | GlideLike;

/** A client of ioredis, as far as messages go. */
type ListenableClient = PublishingClient & SubscribableClient;

const remedy =
  "give a client of ioredis, such as new Redis(url, redisOptions()), of node-redis (createClient, createCluster) or of " +
  "Valkey GLIDE";

/**
 * A client for a repository, in the words of ioredis. A client of ioredis is given back as it is.
 *
 * @throws {ConfigurationError} For what is no client, and for one whose settings break what the repository promises.
 */
export function repositoryPort(client: RedisLike | OtherRedisClient): RedisLike {
  if (isOther(client)) {
    if (isAnyNodeRedis(client)) requireSafeNodeRedis(client);
    else if (isGlide(client)) requireSafeGlide(client);
    return portOf(client);
  }
  requireMethods("The Redis client", client, ["get", "set", "del", "on"], remedy);
  requireSafeClient(client);
  return client;
}

/**
 * The same for a client that is listened at.
 *
 * @throws {ConfigurationError} For what is no client, and for one that cannot listen.
 */
export function listenablePort(client: ListenableClient | OtherRedisClient): ListenableClient {
  if (isOther(client)) {
    requireListener(client);
    return portOf(client);
  }
  requireMethods("The Redis client", client, ["publish", "duplicate", "on"], remedy);
  return client;
}

/**
 * The same for a client whose reads are tracked.
 *
 * @throws {ConfigurationError} Also for a client that does not tell when its connection is made anew.
 */
export function trackablePort(client: SubscribableClient | OtherRedisClient): SubscribableClient {
  if (isOther(client)) {
    const port = portOf(client);
    const limit = limitsOf(port).tracking;
    if (limit !== undefined) throw new ConfigurationError(limit);
    return port;
  }
  requireMethods("The Redis client", client, ["duplicate", "on"], remedy);
  return client;
}

/** Tells a client of another make by what it has. All of ioredis's say their `status`. */
function isOther(client: unknown): client is OtherRedisClient {
  if (typeof client !== "object" || client === null || "status" in client) return false;
  return isAnyNodeRedis(client) || isGlide(client);
}

function portOf(client: OtherRedisClient): NodeRedisConnection | NodeRedisCluster | GlideConnection | GlideCluster {
  if (isAnyNodeRedis(client)) requireSupported(client);
  if (isNodeRedisCluster(client)) return new NodeRedisCluster(client);
  if (isNodeRedis(client)) return new NodeRedisConnection(client);
  return isGlideCluster(client) ? new GlideCluster(client) : new GlideConnection(client);
}

function requireListener(client: OtherRedisClient): void {
  if (isAnyNodeRedis(client) || !isGlide(client)) return;
  requireThat(
    isGlideListener(client) && configurationOf(client) !== undefined,
    "This version of Valkey GLIDE cannot subscribe once it is connected; take version 2.3 or later.",
  );
}
