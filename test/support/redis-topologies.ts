import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";
import { type RedisServer, redisProgram, startProcess, startRedisServer } from "./redis-server.ts";

const slotCount = 16_384;

/** Nodes of a Redis Cluster, each with its share of the slots. */
export interface RedisClusterServers extends AsyncDisposable {
  readonly nodes: readonly RedisServer[];
}

/** A primary and its replica. */
export interface RedisReplication extends AsyncDisposable {
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  /** Turns the two around, once the replica has every write: it becomes the primary. */
  failOver(): Promise<void>;
}

/** Starts a Cluster of three masters without replicas and waits until every one of them calls it whole. */
export async function startRedisCluster(): Promise<RedisClusterServers> {
  const nodes = await Promise.all(
    [0, 1, 2].map(() =>
      startRedisServer(["--cluster-enabled", "yes", "--appendonly", "no"], async () => [
        "--cluster-port",
        String(await freePort()),
      ]),
    ),
  );
  const clients = nodes.map((node) => new Redis(node.port, node.host));
  try {
    const [first, ...others] = nodes;
    if (first === undefined) throw new Error("a cluster has nodes");
    await Promise.all(
      clients.map((client, index) => {
        const start = Math.floor((index * slotCount) / nodes.length);
        const end = Math.floor(((index + 1) * slotCount) / nodes.length) - 1;
        return client.call("CLUSTER", "ADDSLOTSRANGE", start, end);
      }),
    );
    await Promise.all(clients.map((client, index) => client.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1)));
    for (const node of others) {
      const busPort = await busPortOf(node);
      await clients[0]?.call("CLUSTER", "MEET", node.host, node.port, busPort);
    }
    await Promise.all(clients.map(async (client) => until(async () => isWhole(client, nodes.length))));
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    nodes,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

/** Starts a primary and a replica that follows it. */
export async function startRedisReplication(): Promise<RedisReplication> {
  const atOnce = ["--repl-diskless-sync-delay", "0"];
  const primary = await startRedisServer(atOnce);
  const replica = await startRedisServer([...atOnce, "--replicaof", primary.host, String(primary.port)]);
  const [first, second] = [new Redis(primary.port, primary.host), new Redis(replica.port, replica.host)];
  // The test may kill either server.
  for (const client of [first, second]) client.on("error", () => undefined);
  await until(async () => (await second.info("replication")).includes("master_link_status:up"));
  return {
    primary,
    replica,
    failOver: async () => {
      await until(async () => (await replicationOffset(first)) === (await replicationOffset(second)));
      await second.call("REPLICAOF", "NO", "ONE");
      await first.call("REPLICAOF", replica.host, replica.port);
      await until(async () => (await first.info("replication")).includes("role:slave"));
    },
    [Symbol.asyncDispose]: async () => {
      first.disconnect();
      second.disconnect();
      await Promise.all([primary[Symbol.asyncDispose](), replica[Symbol.asyncDispose]()]);
    },
  };
}

/** Starts a Sentinel that watches the primary under the name `primary` and needs no second opinion to fail over. */
export async function startSentinel(primary: RedisServer): Promise<{ readonly port: number } & AsyncDisposable> {
  const port = await freePort();
  const file = join(tmpdir(), `pangea-sentinel-${process.pid}-${port}.conf`);
  await writeFile(
    file,
    [
      `port ${port}`,
      "bind 127.0.0.1",
      `sentinel monitor primary ${primary.host} ${primary.port} 1`,
      "sentinel down-after-milliseconds primary 500",
      "sentinel failover-timeout primary 3000",
    ].join("\n"),
  );
  const child = await startProcess(redisProgram(), [file, "--sentinel"]);
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await rm(file, { force: true });
    },
  };
}

/** Asks again every 20 ms until the answer is yes. For what only a server process can say. */
export async function until(condition: () => Promise<boolean> | boolean, limit = 20_000): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > limit) throw new Error(`the condition did not come about in ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** How far in the primary's stream of writes a server is. */
async function replicationOffset(client: Redis): Promise<string | undefined> {
  const info = await client.info("replication");
  return /^(?:slave_repl_offset|master_repl_offset):(\d+)/m.exec(info)?.[1];
}

async function isWhole(client: Redis, nodeCount: number): Promise<boolean> {
  const info = String(await client.call("CLUSTER", "INFO"));
  return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${nodeCount}`);
}

async function busPortOf(node: RedisServer): Promise<number> {
  const client = new Redis(node.port, node.host);
  try {
    const setting = await client.call("CONFIG", "GET", "cluster-port");
    return Number(Array.isArray(setting) ? setting[1] : Number.NaN);
  } finally {
    client.disconnect();
  }
}
