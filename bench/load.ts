/**
 * A whole server under load: what one process serves, how fast while it has time, what it spends its time with, and what
 * becomes of three times as much as it can serve, with the option `overload` and without. Then four processes that share a
 * Redis, and four that share a Postgres: what each party has of the cores, and which is full first. Clients are in this
 * process, each server in its own; on two cores they and the store share what there is.
 *
 *     npx node bench/load.ts
 */
import { availableParallelism } from "node:os";
import { Clients } from "./load/clients.ts";
import { openLoad, percentile, summarise } from "./load/open-loop.ts";
import { flowNames, flowsOf, fraction, good, peakOf, seconds, whole } from "./load/peak.ts";
import { ServerProcess } from "./load/server-process.ts";
import { costColumns, costRows, fullFirst, measureShared } from "./load/shared-load.ts";
import { startSharedPostgres, startSharedRedis } from "./load/shared-store.ts";
import { machine } from "./machine.ts";
import { isShort, recordResult } from "./results.ts";

const peopleCount = isShort ? 50 : 600;

console.log(machine());
const title = "One process, in memory, while it has time (half of its peak)";
const rows: (readonly (string | number)[])[] = [];
const costs: (readonly (string | number)[])[] = [];
let refreshPeak = 0;
{
  using server = await ServerProcess.start("memory");
  using clients = new Clients([server.port]);
  const flows = flowsOf(clients, await server.logIn(peopleCount));
  for (const name of flowNames) {
    const flow = flows[name];
    await peakOf(flow, (seconds * 1000) / 4);
    const before = await server.cpuSeconds();
    const ownBefore = process.cpuUsage();
    const start = performance.now();
    const peak = await peakOf(flow);
    const took = (performance.now() - start) / 1000;
    const used = (await server.cpuSeconds()) - before;
    const own = process.cpuUsage(ownBefore);
    const ofCores = { server: used / took, clients: (own.user + own.system) / 1e6 / took, store: 0 };
    if (name === "refresh") refreshPeak = peak;
    const figure = name === "guarded" ? "guarded call" : name;
    recordResult({ kind: "figure", name: `CPU of a ${figure} (ms)`, value: (used * 1000) / (peak * took) });
    const load = { perSecond: peak / 2, duration: seconds * 1000 };
    const calm = good(summarise(await openLoad({ ...load, run: flow }), load));
    rows.push([
      name,
      whole(peak),
      fraction((used * 1000) / (peak * took)),
      `${Math.round(ofCores.server * 100)} %`,
      `${Math.round(ofCores.clients * 100)} %`,
      fullFirst({ ...ofCores, all: ofCores.server + ofCores.clients }),
      ...[calm?.p50, calm?.p99, calm?.p999].map(fraction),
    ]);
    const named = await server.profile(() => peakOf(flow, (seconds * 1000) / 2));
    costs.push(...costRows(name, named));
  }
}
table(
  title,
  [
    "flow",
    "peak a second",
    "ms CPU each",
    "of a core: the server",
    "the clients",
    "full first",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
  ],
  rows,
);
table("What a process at its peak spends its time with, by profile", costColumns, costs);

const overloads: (readonly (string | number)[])[] = [];
const points: { line: string; x: number; y: number }[] = [];
for (const overload of ["off", "on"] as const) {
  using server = await ServerProcess.start("memory", overload, isShort ? 2_000 : 20_000);
  using clients = new Clients([server.port]);
  const people = await server.logIn(peopleCount);
  await server.beSlow();
  const { refresh, guarded } = flowsOf(clients, people);
  await peakOf(refresh, (seconds * 1000) / 4);
  // What a whole core serves: on a machine that does other things too, the server has less than that.
  const before = await server.cpuSeconds();
  const start = performance.now();
  const peak = await peakOf(refresh, (seconds * 1000) / 2);
  const took = (performance.now() - start) / 1000;
  const ofCore = (peak * took) / Math.max((await server.cpuSeconds()) - before, 0.001);
  const load = { perSecond: ofCore * 3, duration: seconds * 1000 };
  const beside = { perSecond: Math.max(5, ofCore / 20), duration: seconds * 1000, seed: 2 };
  const [refreshes, calls] = await Promise.all([
    openLoad({ ...load, run: refresh }),
    openLoad({ ...beside, run: guarded }),
  ]);
  const after = { perSecond: Math.max(5, peak / 4), duration: (seconds * 1000) / 4, seed: 3 };
  const recovered = good(summarise(await openLoad({ ...after, run: refresh }), after));
  const met = summarise(refreshes, load);
  const [served, refused] = [good(met), met.kinds["503"]];
  overloads.push([
    overload,
    whole(ofCore),
    whole(peak),
    whole(load.perSecond),
    whole(served?.perSecond),
    ...[served?.p50, served?.p99].map(whole),
    whole(refused?.perSecond),
    whole(refused?.p99),
    ...[good(summarise(calls, beside))?.p50, good(summarise(calls, beside))?.p99].map(whole),
    whole(recovered?.p99),
    whole(
      percentile(
        refreshes.map(({ lag }) => lag),
        0.99,
      ),
    ),
  ]);
  for (const { due, milliseconds, kind } of refreshes) {
    if (kind === "200" || kind === "503") {
      points.push({ line: `overload: ${overload}, ${kind}`, x: due / 1000, y: milliseconds });
    }
  }
}
table(
  "Three times as many refreshes as a process can serve, each slowed by 20,000 iterations of PBKDF2, and guarded calls beside",
  [
    "overload",
    "a core serves a second",
    "peak before",
    "offered a second",
    "served",
    "p50 ms",
    "p99 ms",
    "503 a second",
    "p99 ms of a 503",
    "guarded p50 ms",
    "guarded p99 ms",
    "p99 ms of refreshes afterwards",
    "p99 ms that the clients lag",
  ],
  overloads,
);
recordResult({
  kind: "plot",
  title: "Time of each refresh at three times the peak, by when it was due",
  x: "seconds since the load began",
  y: "milliseconds until the answer",
  scales: { y: "log" },
  points: thinned(points),
});

for (const start of [startSharedRedis, startSharedPostgres]) {
  await using store = await start();
  const { columns, rows, costs } = await measureShared(store);
  const cores = availableParallelism();
  table(`Processes that share ${store.name}, with a cache each (${cores} cores for all)`, columns, rows);
  table(`What one of four processes over ${store.name} spends its time with, by profile`, costColumns, costs);
}
if (refreshPeak === 0) throw new Error("No refresh got through.");
process.exit();

function table(title: string, columns: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  console.log(`\n${title}`);
  console.table(rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))));
  recordResult({ kind: "table", title, columns, rows });
}

/** No more points than a plot can show. */
function thinned<T>(values: readonly T[]): readonly T[] {
  const step = Math.ceil(values.length / 2000);
  return values.filter((_, index) => index % step === 0);
}
