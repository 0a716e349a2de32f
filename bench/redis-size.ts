/**
 * What a call to Redis costs by the number of records that are there, from 1,000 to 5,000,000, a server for each.
 *
 *     npx node bench/redis-size.ts
 */
import { Redis } from "ioredis";
import { RedisRepository, redisOptions } from "../src/redis.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";
import { isShort, recordResult } from "./results.ts";

const sizes = isShort ? [1_000, 2_000] : [1_000, 100_000, 1_000_000, 5_000_000];
const ownRecords = 1_000;
const text = "x".repeat(400);
const nameOf = (size: number): string => `among ${size.toLocaleString("en")}`;

await using stack = new AsyncDisposableStack();
const stores: { readonly name: string; readonly repository: RedisRepository<string> }[] = [];
for (const size of sizes) {
  const server = stack.use(await startRedisServer(["--enable-debug-command", "yes"]));
  const filler = new Redis(server.url);
  await filler.call("DEBUG", "POPULATE", String(size - ownRecords), "filler", String(text.length));
  filler.disconnect();
  const redis = new Redis(server.url, redisOptions());
  stack.defer(() => redis.disconnect());
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "text" });
  for (let index = 0; index < ownRecords; index++) await repository.set(`key-${index}`, text);
  stores.push({ name: nameOf(size), repository });
}

console.log(machine());
const small = nameOf(sizes[0] ?? 0);
const points: { line: string; x: number; y: number }[] = [];
const works = {
  get: (repository: RedisRepository<string>, key: string) => repository.get(key),
  set: (repository: RedisRepository<string>, key: string) => repository.set(key, text),
  "take and add": async (repository: RedisRepository<string>, key: string) => {
    if ((await repository.take(key)) === undefined) throw new Error("There was nothing to take.");
    return repository.add(key, text);
  },
};
for (const [work, run] of Object.entries(works)) {
  const contenders = Object.fromEntries(
    stores.map(({ name, repository }) => {
      let next = 0;
      const inTurns = () => {
        next = (next + 389) % ownRecords;
        return run(repository, `key-${next}`);
      };
      return [name, inTurns];
    }),
  );
  const measured = await measureInTurns(contenders, { rounds: 600, runsPerRound: 5 });
  measured.print(`Redis: ${work}`, small);
  for (const size of sizes) points.push({ line: work, x: size, y: measured.microseconds(nameOf(size)) });
  const large = nameOf(sizes.at(-1) ?? 0);
  printGoal(
    `${work} ${large} to ${small}`,
    measured.ratio(large, small),
    "at most",
    1.3,
    measured.estimate(large, small),
  );
}
recordResult({
  kind: "plot",
  title: "What a call to Redis takes, by how many records it holds",
  x: "records",
  y: "microseconds",
  scales: { x: "log" },
  points,
});
