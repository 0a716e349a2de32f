import { once } from "node:events";
import { RedisRepository } from "../../src/repository/redis/index.ts";
import { connectRedis } from "./redis-clients.ts";
import type { TakeReport } from "./take-race.ts";
import { textCodec } from "./text-codec.ts";

/** How many attempts a process has under way at once. */
const concurrency = 200;

const [port = "", prefix = "", keyCount = "", index = ""] = process.argv.slice(2);
const redis = await connectRedis({ port: Number(port) });
const repository = new RedisRepository<string>(textCodec, redis, { prefix, timeout: 30_000 });
const keys = Number(keyCount);
/** Every process begins somewhere else, and they all meet. */
const start = Math.floor((Number(index) * keys) / 64);

process.send?.("ready");
await once(process, "message");

const taken: number[] = [];
let errors = 0;
let next = 0;
const takeNext = async (): Promise<void> => {
  while (next < keys) {
    const key = (start + next++) % keys;
    try {
      if ((await repository.take(`code-${key}`)) !== undefined) taken.push(key);
    } catch {
      errors++;
    }
  }
};
await Promise.all(Array.from({ length: concurrency }, takeNext));
redis.disconnect();
const report: TakeReport = { taken, errors };
process.send?.(report);
