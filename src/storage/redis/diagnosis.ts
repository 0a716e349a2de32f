import { clockFinding } from "../clock-finding.ts";
import type { Finding } from "../finding.ts";
import { databaseFinding } from "./database.ts";
import type { RedisNode } from "./redis-like.ts";
import type { SharedClient } from "./shared-client.ts";
import { serversOf } from "./slot-master.ts";

/** A node with the commands that tell of its settings and its time. */
interface TalkativeNode extends RedisNode {
  info(section: string): Promise<string>;
  time(): Promise<unknown>;
}

/**
 * Looks at the settings of each Redis server that may lose records, and at its clock.
 *
 * @param clock - This machine's time in milliseconds since the epoch.
 * @throws {StorageFailure} when Redis does not answer.
 */
export async function diagnoseRedis({ redis, sender }: SharedClient, clock: () => number): Promise<Finding[]> {
  const nodes = await serversOf(redis, sender);
  const findings: Finding[] = [];
  for (const node of nodes.filter(isTalkative)) {
    const ask = <T>(send: () => Promise<T>) => sender.send({ operation: "get", redisKeys: [], node, send });
    const memory = await ask(() => node.info("memory"));
    const persistence = await ask(() => node.info("persistence"));
    const database = await databaseFinding(node, ask);
    if (database !== undefined) findings.push(database);
    findings.push(evictionFinding(/^maxmemory_policy:(\S+)/m.exec(memory)?.[1]));
    findings.push(persistenceFinding(persistence));
    const before = clock();
    const answered = secondsOf(await ask(() => node.time()));
    const here = (before + clock()) / 2000;
    if (answered !== undefined) findings.push(clockFinding("store-clock", "Redis", here - answered));
  }
  return worstOfEach(findings);
}

function evictionFinding(policy: string | undefined): Finding {
  const check = "store-eviction";
  if (policy === "noeviction")
    return { check, status: "ok", what: "Redis evicts nothing (maxmemory-policy noeviction)." };
  return {
    check,
    status: policy === undefined ? "warning" : "error",
    what:
      policy === undefined
        ? "Redis does not say which maxmemory-policy it has."
        : `Redis may evict records (maxmemory-policy ${policy}).`,
    why: "A record that says that something was used or revoked must not be dropped when memory is short.",
    remedy:
      policy === undefined
        ? "Let the Redis user run INFO (+info)."
        : "Set maxmemory-policy to noeviction, and take another Redis for caches.",
  };
}

function persistenceFinding(information: string): Finding {
  const check = "store-persistence";
  const value = (name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(information)?.[1];
  const why =
    "After a restart whoever has logged in since the last snapshot logs in again, and a revocation is forgotten.";
  if (value("aof_enabled") === "1") {
    if (value("aof_last_write_status") !== "err")
      return { check, status: "ok", what: "Redis keeps an append-only file." };
    const remedy = "Look at Redis's log and its disk.";
    return { check, status: "error", what: "Redis cannot write its append-only file.", why, remedy };
  }
  const unknown = value("aof_enabled") === undefined;
  return {
    check,
    status: "warning",
    what: unknown
      ? "Redis does not say how it keeps its data."
      : "Redis keeps no append-only file, only snapshots if any.",
    why,
    remedy: unknown ? "Let the Redis user run INFO (+info)." : "Set appendonly to yes, with appendfsync everysec.",
  };
}

function isTalkative(node: object): node is TalkativeNode {
  return ["info", "time"].every((name) => typeof Reflect.get(node, name) === "function");
}

/** The reply to TIME: seconds and microseconds. */
function secondsOf(reply: unknown): number | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [seconds, microseconds] = reply.map(Number);
  const time = (seconds ?? Number.NaN) + (microseconds ?? Number.NaN) / 1e6;
  return Number.isFinite(time) ? time : undefined;
}

/** One finding of each check: that of the node which fares worst. */
function worstOfEach(findings: readonly Finding[]): Finding[] {
  const order = ["ok", "warning", "error"];
  const worst = new Map<string, Finding>();
  for (const finding of findings) {
    const known = worst.get(finding.check);
    if (known === undefined || order.indexOf(finding.status) > order.indexOf(known.status)) {
      worst.set(finding.check, finding);
    }
  }
  return [...worst.values()];
}
