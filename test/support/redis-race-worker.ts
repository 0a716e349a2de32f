import { RedisRepository } from "../../src/redis.ts";
import { raceAsWorker } from "./race-worker.ts";
import { connectRedis } from "./redis-clients.ts";
import { textCodec } from "./text-codec.ts";

const [port = "", prefix = "", operation = ""] = process.argv.slice(2);
const redis = await connectRedis({ port: Number(port) });
const repository = new RedisRepository<string>(textCodec, redis, { prefix, timeout: 30_000 });
const attempt =
  operation === "add"
    ? (key: string) => repository.add(key, String(process.pid))
    : async (key: string) => (await repository.take(key)) !== undefined;
await raceAsWorker(attempt, 200);
redis.disconnect();
