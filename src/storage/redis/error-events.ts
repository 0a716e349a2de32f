import { clientSetting, type RedisConnection, settingOf } from "./redis-like.ts";

/**
 * Hears a client's error events where nobody else does: ioredis prints those that nobody hears as "Unhandled error event".
 * The calls report the same failures. Behind Sentinels the client has further connections, to hear of failovers, whose
 * errors nobody can hear otherwise.
 *
 * The listener stays for as long as the client, which goes on when its repositories are closed.
 */
export function hearErrorEvents(redis: RedisConnection): void {
  if (hasNone(redis, "error")) redis.on("error", ignore);
  if (!isBehindSentinels(redis) || redis.listeners?.("connect").includes(hearSentinels)) return;
  redis.on("connect", hearSentinels);
  hearSentinels.call(redis);
}

/** True for a client that asks Sentinels for its server. */
export function isBehindSentinels(redis: { readonly options?: object }): boolean {
  return Array.isArray(clientSetting(redis, "sentinels"));
}

function ignore(): void {}

/** ioredis makes the connections to the Sentinels anew with each connection of the client. */
function hearSentinels(this: object): void {
  const sentinels = settingOf(settingOf(settingOf(this, "connector"), "failoverDetector"), "sentinels");
  if (!Array.isArray(sentinels)) return;
  for (const sentinel of sentinels) {
    const client = settingOf(sentinel, "client");
    if (isConnection(client) && hasNone(client, "error")) client.on("error", ignore);
  }
}

function isConnection(client: unknown): client is RedisConnection {
  return typeof client === "object" && client !== null && "on" in client && typeof client.on === "function";
}

function hasNone(emitter: RedisConnection, event: string): boolean {
  return emitter.listeners?.(event).length === 0;
}
