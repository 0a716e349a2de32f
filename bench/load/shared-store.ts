import { readdirSync, readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { Client } from "pg";
import { startPostgresServer } from "../../test/support/postgres-server.ts";
import { startRedisServer } from "../../test/support/redis-server.ts";

/** A store that several servers share, in processes of its own. */
export interface SharedStore extends AsyncDisposable {
  readonly name: "Redis" | "Postgres";
  readonly url: string;
  /** The CPU time that its processes have used, in seconds. */
  cpuSeconds(): Promise<number>;
  /** The memory of its records, in bytes, where it tells. */
  usedMemory(): Promise<number | undefined>;
}

export async function startSharedRedis(): Promise<SharedStore> {
  const server = await startRedisServer();
  const client = new Redis(server.url);
  const figure = (info: string, name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1]);
  return {
    name: "Redis",
    url: server.url,
    cpuSeconds: async () => {
      const info = await client.info("cpu");
      return figure(info, "used_cpu_user") + figure(info, "used_cpu_sys");
    },
    usedMemory: async () => figure(await client.info("memory"), "used_memory"),
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

export async function startSharedPostgres(): Promise<SharedStore> {
  const server = await startPostgresServer();
  const client = new Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  const postmaster = statOf(Number(rows[0].pid))?.parent ?? 0;
  return {
    name: "Postgres",
    url: server.url,
    cpuSeconds: async () => cpuOfFamily(postmaster),
    usedMemory: async () => undefined,
    [Symbol.asyncDispose]: async () => {
      await client.end();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Clock ticks a second, as `/proc` counts them: 100 on every Linux of today. */
const ticks = 100;

/** The CPU time of a process and of its children, those that have ended included. `NaN` where there is no `/proc`. */
function cpuOfFamily(parent: number): number {
  const own = statOf(parent);
  if (own === undefined) return Number.NaN;
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const children = pids.map((pid) => statOf(Number(pid))).filter((stat) => stat?.parent === parent);
  return (own.own + own.ended + children.reduce((sum, stat) => sum + (stat?.own ?? 0), 0)) / ticks;
}

/** Of a process: its parent, its own time, and that of its children that have ended, in ticks. */
function statOf(pid: number): { readonly parent: number; readonly own: number; readonly ended: number } | undefined {
  try {
    // The name in parentheses may have spaces in it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    const [parent = 0, user = 0, system = 0, endedUser = 0, endedSystem = 0] = [1, 11, 12, 13, 14].map((index) =>
      Number(fields[index]),
    );
    return { parent, own: user + system, ended: endedUser + endedSystem };
  } catch {
    return undefined;
  }
}
