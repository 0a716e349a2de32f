import { availableParallelism } from "node:os";
import { isShort, recordResult } from "../results.ts";
import { Clients } from "./clients.ts";
import type { Cost, Costs } from "./hottest.ts";
import { openLoad, summarise } from "./open-loop.ts";
import { flowNames, flowsOf, fraction, good, peakOf, seconds, whole } from "./peak.ts";
import { ServerProcess } from "./server-process.ts";
import type { SharedStore } from "./shared-store.ts";

type Rows = readonly (readonly (string | number)[])[];

/** What the tables of costs have. */
export const costColumns = ["flow", "by", "1", "2", "3"] as const;

/** The three hottest costs of a flow, by what they are for and by function. */
export function costRows(flow: string, { purposes, functions }: Costs): Rows {
  const three = (costs: readonly Cost[]) =>
    costs.slice(0, 3).map(({ name, part }) => `${name} (${Math.round(part * 100)} %)`);
  return [
    [flow, "purpose, with all that it calls", ...three(purposes)],
    [flow, "function, its own time", ...three(functions)],
  ];
}

/** What the table of a shared store has. */
const columns = [
  "processes",
  "flow",
  "peak a second",
  "p50 ms at half of it",
  "p99 ms",
  "p99.9 ms",
  "ms CPU of servers each",
  "of the store",
  "of a core: the busiest server",
  "the store",
  "the clients",
  "full first",
] as const;

/**
 * One process and four that share a store: what they serve at their peak, how fast they are at half of it, and what each
 * party has of the cores meanwhile.
 */
export async function measureShared(
  store: SharedStore,
): Promise<{ readonly columns: typeof columns; readonly rows: Rows; readonly costs: Rows }> {
  const rows: (string | number)[][] = [];
  const costs: (readonly (string | number)[])[] = [];
  for (const count of isShort ? [2] : [1, 4]) {
    const servers: ServerProcess[] = [];
    // The first one makes the tables.
    for (let index = 0; index < count; index++) servers.push(await ServerProcess.start(store.url));
    using clients = new Clients(servers.map(({ port }) => port));
    const [first] = servers;
    const memory = await store.usedMemory();
    const people = (await first?.logIn(isShort ? 40 : 200)) ?? [];
    const after = await store.usedMemory();
    if (count > 1 && memory !== undefined && after !== undefined) {
      const value = (after - memory) / people.length;
      recordResult({ kind: "figure", name: "Redis memory of a login (bytes)", value });
    }
    const flows = flowsOf(clients, people);
    for (const name of flowNames) {
      const flow = flows[name];
      await peakOf(flow, (seconds * 1000) / 4);
      const before = await used(servers, store);
      const start = performance.now();
      const peak = await peakOf(flow, (seconds * 1000) / 2);
      const took = (performance.now() - start) / 1000;
      const now = await used(servers, store);
      const spent = {
        servers: now.servers.map((cpu, index) => cpu - (before.servers[index] ?? 0)),
        store: now.store - before.store,
        clients: now.clients - before.clients,
      };
      const load = { perSecond: peak / 2, duration: (seconds * 1000) / 2 };
      const calm = good(summarise(await openLoad({ ...load, run: flow }), load));
      const ofServers = spent.servers.reduce((sum, cpu) => sum + cpu, 0);
      const each = (cpu: number): string => fraction((cpu * 1000) / (peak * took));
      const parts = {
        server: Math.max(...spent.servers) / took,
        store: spent.store / took,
        clients: spent.clients / took,
        all: (ofServers + spent.store + spent.clients) / took,
      };
      rows.push([
        `${count}`,
        name,
        whole(peak),
        ...[calm?.p50, calm?.p99, calm?.p999].map(fraction),
        each(ofServers),
        each(spent.store),
        ...[parts.server, parts.store, parts.clients].map((part) => `${Math.round(part * 100)} %`),
        fullFirst(parts, store.name),
      ]);
      if (count > 1 && first !== undefined) {
        const named = await first.profile(() => peakOf(flow, (seconds * 1000) / 2));
        costs.push(...costRows(name, named));
      }
    }
    for (const server of servers) server[Symbol.dispose]();
  }
  return { columns, rows, costs };
}

/**
 * Which party has nothing left. A server is one thread, and so are the clients and Redis; Postgres has as many as there are
 * connections. Nine tenths of a core count as all of it: nobody gets more beside others.
 */
export function fullFirst(
  { server, store, clients, all }: Readonly<Record<"server" | "store" | "clients" | "all", number>>,
  storeName?: SharedStore["name"],
): string {
  const full = 0.9;
  if (store > full && storeName === "Redis") return "Redis";
  if (server > full) return "a server's thread";
  if (clients > full) return "the clients";
  if (all > availableParallelism() * 0.8) return "the cores, shared by all";
  // On a machine that does other things meanwhile nobody gets a whole core: whoever uses the most would be the first.
  const parties = { "a server's thread": server, [storeName ?? "a store"]: store, "the clients": clients };
  const [[next] = [""]] = Object.entries(parties).sort(([, one], [, other]) => other - one);
  return `none, beside other programs; next: ${next}`;
}

async function used(servers: readonly ServerProcess[], store: SharedStore) {
  const { user, system } = process.cpuUsage();
  return {
    servers: await Promise.all(servers.map((server) => server.cpuSeconds())),
    store: await store.cpuSeconds(),
    clients: (user + system) / 1e6,
  };
}
