import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "./redis-clients.ts";
import { raceAsWorker } from "./take-race-loop.ts";
import { textCodec } from "./text-codec.ts";

const [port = "", prefix = ""] = process.argv.slice(2);
const redis = await connectRedis({ port: Number(port) });
await raceAsWorker(new RedisRepository<string>(textCodec, redis, { prefix, timeout: 30_000 }), 200);
redis.disconnect();
