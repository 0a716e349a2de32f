import { Redis } from "ioredis";
import { RedisRepository, redisOptions, type WaitForReplicas } from "../../src/redis.ts";
import { connectRedis } from "./redis-clients.ts";
import { type RedisReplication, startRedisReplication, startSentinel, until } from "./redis-topologies.ts";
import { textCodec } from "./text-codec.ts";

/** How to switch over, and with which client. */
export interface Switchover {
  /** Ordered by an operator with `SENTINEL FAILOVER`, or forced by the death of the primary. */
  readonly how: "ordered" | "killed";
  /** False for a client that does not listen to its Sentinels. */
  readonly failoverDetector?: boolean;
  readonly waitForReplicas?: WaitForReplicas;
  /** How long the load goes on once the new primary takes writes, in milliseconds. Default: 12,000. */
  readonly loadAfter?: number;
}

/** What became of the writes. */
export interface SwitchoverOutcome {
  /** Writes and deletes that were reported as done, from the order to the last of the load. */
  readonly acknowledged: number;
  /** Of those, the writes that the new primary does not have. */
  readonly lost: number;
  /** Of those, the deletes whose record the new primary has. */
  readonly undone: number;
  /** Calls that failed, by their effect. */
  readonly failed: { none: number; unknown: number };
  /** From the order to the first write that the new primary took, in milliseconds. */
  readonly outage: number;
}

const writers = 20;
/** Milliseconds that the load goes on before the switchover. */
const loadBefore = 500;

/** Switches a primary over while many write, and counts what is missing at the new primary. */
export async function switchOver({
  how,
  failoverDetector = true,
  waitForReplicas,
  loadAfter = 12_000,
}: Switchover): Promise<SwitchoverOutcome> {
  await using replication = await startRedisReplication();
  await using sentinel = await startSentinel(replication.primary);
  const redis = new Redis({
    sentinels: [{ host: "127.0.0.1", port: sentinel.port }],
    name: "primary",
    ...redisOptions({ connectTimeout: 500 }),
    failoverDetector,
  });
  // The repository refuses a Sentinel client that does not listen, which is what a comparison needs.
  const client = failoverDetector ? redis : new Proxy(redis, { get: withoutOptions });
  try {
    const repository = new RedisRepository<string>(textCodec, client, {
      prefix: "load",
      timeout: 1_000,
      ...(waitForReplicas && { waitForReplicas }),
    });
    await until(() =>
      repository.set("first", "v").then(
        () => true,
        () => false,
      ),
    );
    await knowsReplica(sentinel.port);
    return await loadAround(repository, replication, { how, sentinelPort: sentinel.port, loadAfter });
  } finally {
    redis.disconnect();
  }
}

function withoutOptions(target: Redis, name: string | symbol): unknown {
  if (name === "options") return undefined;
  const member: unknown = Reflect.get(target, name);
  return typeof member === "function" ? member.bind(target) : member;
}

async function loadAround(
  repository: RedisRepository<string>,
  { primary, replica }: RedisReplication,
  { how, sentinelPort, loadAfter }: Required<Pick<Switchover, "how" | "loadAfter">> & { readonly sentinelPort: number },
): Promise<SwitchoverOutcome> {
  const written: string[] = [];
  const deleted: string[] = [];
  const failed = { none: 0, unknown: 0 };
  let isOver = false;
  let acknowledged = 0;
  const done = (list: string[], key: string): void => {
    list.push(key);
    acknowledged++;
  };
  const writer = async (name: number): Promise<void> => {
    for (let index = 0; !isOver; index++) {
      const [kept, dropped] = [`${name}-${index}-kept`, `${name}-${index}-dropped`];
      try {
        await repository.set(kept, "v");
        done(written, kept);
        await repository.set(dropped, "v");
        if (await repository.delete(dropped)) done(deleted, dropped);
      } catch (error) {
        if (error instanceof Error && "effect" in error && error.effect === "none") failed.none++;
        else failed.unknown++;
        await pause(20);
      }
    }
  };
  const load = Promise.all(Array.from({ length: writers }, (_, name) => writer(name)));
  await pause(loadBefore);
  acknowledged = 0;
  const start = performance.now();
  if (how === "killed") await primary.kill();
  else await orderFailover(sentinelPort);
  using atNew = await connectRedis(replica);
  // The Sentinel ends every connection of the replica that it promotes.
  const infoOf = (section: string): Promise<string> => atNew.info(section).catch(() => "");
  await until(async () => (await infoOf("replication")).includes("role:master"));
  let before = Number.NaN;
  await until(async () => {
    before = setCount(await infoOf("commandstats"));
    return !Number.isNaN(before);
  });
  await until(async () => setCount(await infoOf("commandstats")) > before);
  const outage = performance.now() - start;
  // It comes back as a replica of the new primary, as a supervisor would bring it back.
  if (how === "killed") await primary.restart();
  await pause(loadAfter);
  isOver = true;
  await load;
  const [kept, back] = await Promise.all([present(atNew, written), present(atNew, deleted)]);
  return { acknowledged, lost: written.length - kept, undone: back, failed, outage };
}

/** How many SETs a server has carried out, those of its replication among them. */
function setCount(commandstats: string): number {
  return Number(/cmdstat_set:calls=(\d+)/.exec(commandstats)?.[1] ?? Number.NaN);
}

async function present(redis: Redis, keys: readonly string[]): Promise<number> {
  let count = 0;
  for (let at = 0; at < keys.length; at += 1_000) {
    count += await redis.exists(...keys.slice(at, at + 1_000).map((key) => `load:${key}`));
  }
  return count;
}

/** Tells a Sentinel to switch over. */
export async function orderFailover(port: number): Promise<void> {
  using sentinel = await connectRedis({ port });
  // It refuses for as long as it has not heard enough of the replica.
  const order = (): Promise<unknown> => sentinel.call("SENTINEL", "FAILOVER", "primary");
  await until(() =>
    order().then(
      () => true,
      () => false,
    ),
  );
}

/** Waits until a Sentinel would have somebody to promote. */
export async function knowsReplica(port: number): Promise<void> {
  using sentinel = await connectRedis({ port });
  await until(async () => {
    const replicas = await sentinel.call("SENTINEL", "REPLICAS", "primary");
    return Array.isArray(replicas) && String(replicas[0]).includes("role-reported,slave");
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
