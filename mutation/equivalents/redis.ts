import type { Equivalent } from "../equivalent.ts";

/** Texts, and what chooses between them, of one file. */
function words(file: string, why: string, codes: readonly string[]): Equivalent[] {
  return codes.map((code) => ({ file: `storage/redis/${file}`, code, why }));
}

const ofAMessage = "It is for people: words of a message, or what chooses between them. A test names the error's code.";
const ofAFinding =
  "It is for people: words of a finding, or what chooses between them. Its check and status are tested.";
const nameOfAnOption = "It is the name of what is wrong, in the words of a message.";
const reads =
  "It is a read whose failure is told without its effect, or one that Redis answered with an error: no effect.";
const nodeIsNamed = "The node is named, so no key leads to it, and the key would only be a word of a message.";
const takesAny = "It is “any”, which asks for no kind, and so does a word that is none.";

/** In `src/storage/redis`. */
export const redis: readonly Equivalent[] = [
  ...words("client-settings.ts", ofAMessage, [
    '"new Redis(url, redisOptions()) or redis.duplicate(redisOptions())"',
    '"The Redis client sends commands again after a reconnect…',
    "`sent twice would lose its record. Use…",
    '"The Redis client does not listen to its Sentinels…',
    "`forgets all of that. Use…",
    '"The Redis Cluster client sends a command again when a connection is lost…',
    '"back, and a GETDEL sent twice would lose its record…',
    '"retryDelayOnFailover to 0."',
    '"The Redis Cluster client pipelines automatically…',
    '"enableAutoPipelining to false: the repository groups…',
    '"new Cluster(nodes, clusterOptions())"',
  ]),
  {
    file: "storage/redis/command-sender.ts",
    code: '"get"',
    why: "It asks for the database of a client, and whoever asks looks only whether the answer is a failure of the store.",
  },
  {
    file: "storage/redis/command-sender.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "The database is asked for in the turn in which the watch begins, before anything could be refused.",
  },
  {
    file: "storage/redis/command-sender.ts",
    code: "this.#finishes.size === 0",
    to: "false",
    why: "The loop behind it has nothing to do then: the look is for speed.",
  },
  {
    file: "storage/redis/command-sender.ts",
    code: "this.#finishes.delete(finish);",
    why: "A promise resolves once: it is for memory.",
  },
  ...words("database.ts", ofAFinding, [
    "`Records are in database…",
    "Number.isSafeInteger(meant) && meant >= 0",
    "Number.isSafeInteger(meant)",
    "meant >= 0",
    "`The client is set to database…",
    "`The client is set to a database that is no number…",
    '"Records are read and written in another place…',
    '"Give the number of a database…',
    '"End the address in the number of a database…',
    "`Redis did not let the client into database…",
  ]),
  {
    file: "storage/redis/database.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "An answer of another form has none of the parts that are asked for, and a client of one server has one node, whatever the key.",
  },
  {
    file: "storage/redis/database.ts",
    code: "{ await sender.close(); }",
    why: "Nothing is under way on the sender any more, and its timer keeps no process running: it is for memory.",
  },
  ...words("diagnosis.ts", ofAFinding, [
    '"Redis"',
    '"Redis evicts nothing (maxmemory-policy noeviction)."',
    '"Redis does not say which maxmemory-policy it has."',
    "`Redis may evict records…",
    '"A record that says that something was used or revoked…',
    '"Let the Redis user run INFO (+info)."',
    '"Set maxmemory-policy to noeviction…',
    '"After a restart whoever has logged in since…',
    '"Redis keeps an append-only file."',
    '"Look at Redis\'s log and its disk."',
    '"Redis cannot write its append-only file."',
    '"Redis does not say how it keeps its data."',
    '"Redis keeps no append-only file, only snapshots if any."',
    '"Set appendonly to yes, with appendfsync everysec."',
  ]),
  {
    file: "storage/redis/diagnosis.ts",
    code: "policy === undefined",
    to: "policy !== undefined",
    why: "It chooses between two remedies, or two descriptions, which are words for people.",
  },
  {
    file: "storage/redis/diagnosis.ts",
    code: "policy === undefined",
    to: "false",
    why: "It chooses between two descriptions, which are words for people.",
  },
  {
    file: "storage/redis/diagnosis.ts",
    code: 'value("aof_enabled") === undefined',
    to: 'value("aof_enabled") !== undefined',
    why: "It chooses between two descriptions and their remedies, which are words for people.",
  },
  {
    file: "storage/redis/diagnosis.ts",
    code: '"ok"',
    to: '""',
    why: "What is not in the order of what is worse is before the first in it. As a status it is tested.",
  },
  {
    file: "storage/redis/eviction-policy.ts",
    code: "policy === undefined",
    to: "false",
    why: "What is not known is not the harmless policy, which is asked next: the same error in other words.",
  },
  ...words(
    "eviction-policy.ts",
    "What is not known is not the harmless policy, which is asked next: the same error in other words.",
    ["{ throw new ConfigurationError(…", "throw new ConfigurationError(…"],
  ),
  ...words("eviction-policy.ts", ofAMessage, [
    "{ return `Redis has the maxmemory-policy…",
    "`Redis has the maxmemory-policy…",
  ]),
  {
    file: "storage/redis/eviction-policy.ts",
    code: '""',
    why: "It stands for what a server does not say, and names no policy either way.",
  },
  ...words("gate-registry.ts", "The gate of a node that is ready lets everything through: the look is for speed.", [
    'cluster.nodes("master").every((node) => node.status === "ready")',
    '(node) => node.status === "ready"',
    'node.status === "ready"',
  ]),
  {
    file: "storage/redis/gate-registry.ts",
    code: '"ready"',
    to: '""',
    why: "Of a node: its gate lets everything through when it is ready, so the look is for speed. Of the client it is tested.",
  },
  {
    file: "storage/redis/get-batches.ts",
    code: "this.#ofTurn.length === 0",
    to: "true",
    why: "The ends of a turn come one behind the other, and the second finds nothing to send.",
  },
  {
    file: "storage/redis/get-batches.ts",
    code: '""',
    why: "It stands for a key that there is not, and every batch has one; the compiler asks for it.",
  },
  ...words("invalidation-pubsub.ts", nameOfAnOption, ['"RedisPubSubInvalidation"', '"timeout"', '"heartbeat"']),
  { file: "storage/redis/invalidation-pubsub.ts", code: '"any"', why: takesAny },
  {
    file: "storage/redis/invalidation-pubsub.ts",
    code: "this.#source !== undefined",
    to: "true",
    why: "Nothing is among no masters; the compiler asks for it.",
  },
  {
    file: "storage/redis/invalidation-pubsub.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "A message of another form has for its parts none that is asked for.",
  },
  ...words("invalidation-tracking.ts", nameOfAnOption, ['"RedisTrackingInvalidation"', '"heartbeat"']),
  ...words("invalidation-tracking.ts", ofAMessage, [
    '"invalidation: RedisTrackingInvalidation hears of…',
    '"RedisPubSubInvalidation; where something is in front…',
  ]),
  { file: "storage/redis/invalidation-tracking.ts", code: '"any"', why: takesAny },
  {
    file: "storage/redis/publish-transport.ts",
    code: '"publish"',
    why: "It says that a message that is lost may have been sent, and so does every word that is no read.",
  },
  {
    file: "storage/redis/reconnecting-subscriber.ts",
    code: "reconnect",
    to: "true",
    why: "Where none is wanted the connection has ended, and the next step asks whether it has.",
  },
  ...words("redis-failure.ts", ofAMessage, [
    'effect === "none"',
    '"The connection to Redis was lost…',
    '"Redis did not answer before the timeout…',
    "only !== undefined && others.length === 0",
    "only !== undefined",
    "others.length === 0",
    '"one of the keys"',
    "fault !== undefined",
    "`The TLS of the connection to Redis failed…",
    "{ const unreached = …",
    '"Redis cannot be reached; the client goes on…',
    'code === "ECONNRESET" || code === undefined',
    'code === "ECONNRESET"',
    '"ECONNRESET"',
    "`$…",
    '"Redis has no database of the number…',
    "{ if (isMissingDatabase(error)) return missingDatabase…",
    "error instanceof Error && /unknown command|syntax error/i.test(error.message)",
    '"Redis does not know the command…',
    '"Redis refused the command."',
    "unquoted.trim()",
  ]),
  {
    file: "storage/redis/redis-failure.ts",
    code: "code === undefined",
    to: "false",
    why: "It chooses between the words of two messages.",
  },
  {
    file: "storage/redis/redis-failure.ts",
    code: "code === undefined",
    to: "code !== undefined",
    why: "It chooses between the words of two messages.",
  },
  {
    file: "storage/redis/redis-failure.ts",
    code: '"none"',
    to: '""',
    why: "Where an effect is compared with it, it chooses between the words of two messages. As an effect it is tested.",
  },
  {
    file: "storage/redis/redis-failure.ts",
    code: "isMissingDatabase(error)",
    why: "Of an error that Redis answered with it chooses the words of a message. Of a connection that failed it is tested.",
  },
  {
    file: "storage/redis/redis-failure.ts",
    code: '""',
    to: '"Stryker was here!"',
    why: "It is what something says that is no error, which is nothing that a client or Redis says either way.",
  },
  {
    file: "storage/redis/redis-failure.ts",
    code: '"get"',
    to: '""',
    why: "Redis has answered with an error, which has no effect whatever was asked. As an operation of a caller it is tested.",
  },
  {
    file: "storage/redis/redis-failure.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "It stands for no key, and a key is a word of a message.",
  },
  ...words("redis-failure.ts", "A code that is not in the list has the same meaning in other words.", [
    '[ "OOM", rejected(…',
    '"OOM"',
    '["CROSSSLOT", rejected(…',
    '"CROSSSLOT"',
    '["NOPROTO", rejected(…',
    '"NOPROTO"',
  ]),
  ...words("redis-options.ts", nameOfAnOption, ['"redisOptions"', '"connectTimeout"', '"socketTimeout"']),
  { file: "storage/redis/redis-options.ts", code: '"any"', why: takesAny },
  ...words("redis-port.ts", nameOfAnOption, ['"The Redis client"']),
  ...words("redis-port.ts", ofAMessage, ['"give a client of ioredis, such as…', '"Valkey GLIDE"']),
  {
    file: "storage/redis/redis-port.ts",
    code: "isGlide(client)",
    to: "true",
    why: "A client of another make than ioredis that is not of node-redis is of GLIDE.",
  },
  {
    file: "storage/redis/redis-port.ts",
    code: "isAnyNodeRedis(client)",
    to: "true",
    why: "A client of GLIDE is of neither kind that is refused. Where the make decides on the settings it is tested.",
  },
  {
    file: "storage/redis/redis-port.ts",
    code: "isAnyNodeRedis(client) || !isGlide(client)",
    to: "isAnyNodeRedis(client) && !isGlide(client)",
    why: "A client is of one make of the two: it is not of GLIDE where it is of node-redis, and only there.",
  },
  {
    file: "storage/redis/remaining-life.ts",
    code: "expiresAt === undefined",
    to: "false",
    why: "Nothing times 1000 is no number, which is no length of time either; the compiler asks for it.",
  },
  ...words("replica-confirmation.ts", ofAMessage, [
    '"waitForReplicas.timeoutMilliseconds"',
    'limit ?? ""',
    '""',
    "`The write was done;…",
    '"Bring the replicas back: a failover may lose the write."',
  ]),
  {
    file: "storage/redis/replica-confirmation.ts",
    code: 'typeof confirmation === "number"',
    to: "true",
    why: "A failure is not as many as are wanted; the compiler asks for it.",
  },
  {
    file: "storage/redis/replica-confirmation.ts",
    code: "this.#connections.clear();",
    why: "Nobody asks any more: it is for memory.",
  },
  {
    file: "storage/redis/replica-confirmation.ts",
    code: "confirmation !== undefined",
    to: "true",
    why: "Where no confirmation was asked for, that was told before; the compiler asks for it.",
  },
  {
    file: "storage/redis/replica-confirmation.ts",
    code: "this.connectionNumber++",
    to: "this.connectionNumber--",
    why: "Two numbers are compared whether they are one.",
  },
  { file: "storage/redis/scan-record-keys.ts", code: "[]", to: '["Stryker was here"]', why: nodeIsNamed },
  ...words("shared-client.ts", nameOfAnOption, ['"timeout"']),
  { file: "storage/redis/subscriber-connection.ts", code: '"subscribe"', why: reads },
  {
    file: "storage/redis/subscriber-connection.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "It stands for no key, and a key is a word of a message.",
  },
  { file: "storage/redis/tracking-link.ts", code: '"subscribe"', why: reads },
  {
    file: "storage/redis/tracking-link.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "It stands for no key, and a key is a word of a message.",
  },
  {
    file: "storage/redis/tracking-link.ts",
    code: "false",
    to: "true",
    why:
      "Whether it is arming before it ever did: no message arrives and no heartbeat asks before both connections are there, " +
      "which arms it. What is answered after the second connection was renewed: that renewal is an attempt that overtakes it. " +
      "Elsewhere it is tested.",
  },
  {
    file: "storage/redis/tracking-link.ts",
    code: '() => new Error("no answer in time")',
    why: "Nobody looks at the failure of an answer that takes too long.",
  },
  {
    file: "storage/redis/wrong-database.ts",
    code: "{ refusal: undefined }",
    why: "A member that is undefined is read like one that is not there; the compiler asks for it.",
  },
];
