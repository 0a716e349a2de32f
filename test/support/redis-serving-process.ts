/** Run by the exported suite, several times at once: a repository in Redis. */
import { sampleSchema, serveRepository } from "../../src/conformance.ts";
import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "./redis-clients.ts";

const [port = "", prefix = ""] = process.argv.slice(2);
const redis = await connectRedis({ port: Number(port) });
await serveRepository(new RedisRepository(sampleSchema, redis, { prefix, timeout: 30_000 }));
redis.disconnect();
