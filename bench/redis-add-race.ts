/**
 * 8 processes that all add the same 100,000 keys to Redis, at once. It starts a Redis of its own, and fails where the
 * answer was true twice for a key, or never without an error.
 *
 *     npx node bench/redis-add-race.ts
 */
import { startRedisServer } from "../test/support/redis-server.ts";
import { runTimedRace } from "./timed-race.ts";

await using server = await startRedisServer();
const worker = new URL("../test/support/redis-race-worker.ts", import.meta.url);
await runTimedRace(
  { worker, arguments: [String(server.port), "race", "add"], processes: 8, keys: 100_000 },
  "keys added",
);
