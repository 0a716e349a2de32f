import { clientSetting, hasNoListener, ignoreError, type RedisConnection, settingOf } from "./redis-like.ts";

/** True for a client that asks Sentinels for its server. */
export function isBehindSentinels(redis: { readonly options?: object }): boolean {
  return Array.isArray(clientSetting(redis, "sentinels"));
}

/**
 * Makes up for two things that ioredis leaves open where a client listens to its Sentinels: the errors of those connections
 * are heard by nobody and printed, and a failover that is announced while the client is connecting ends it for good.
 */
export function watchSentinelClient(redis: RedisConnection): void {
  if (redis.listeners?.("error").includes(onError)) return;
  redis.on("error", onError);
  redis.on("connect", hearSentinels);
  hearSentinels.call(redis);
}

/**
 * The listener to the Sentinels closes the connection that is being made, and ioredis takes that for its owner's doing. A
 * client that its owner closes has no such error.
 */
function onError(this: RedisConnection, error: unknown): void {
  if (!(error instanceof Error) || error.message !== "Connection is closed.") return;
  process.nextTick(() => {
    if (this.status === "end") this.connect?.().catch(ignoreError);
  });
}

/** ioredis makes the connections to the Sentinels anew with each connection of the client. */
function hearSentinels(this: object): void {
  const sentinels = settingOf(settingOf(settingOf(this, "connector"), "failoverDetector"), "sentinels");
  if (!Array.isArray(sentinels)) return;
  for (const sentinel of sentinels) {
    const client = settingOf(sentinel, "client");
    if (isConnection(client) && hasNoListener(client, "error")) client.on("error", ignoreError);
  }
}

function isConnection(client: unknown): client is RedisConnection {
  return typeof client === "object" && client !== null && "on" in client && typeof client.on === "function";
}
