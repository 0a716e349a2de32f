/**
 * 1,000,000 requests of the fuzzer of `test/fuzz`, and what the process holds in memory meanwhile. It fails where a
 * request was answered with a 5xx without an outage, was granted and must not be, or made the provider throw.
 *
 *     npx node --expose-gc bench/fuzz.ts [requests] [seed]
 */
import { fuzz } from "../test/fuzz/fuzz.ts";
import { printGoal } from "./goal.ts";
import { machine } from "./machine.ts";

const requests = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const samples = 20;
const { gc } = globalThis;
if (gc === undefined) throw new Error("Start it with --expose-gc, so that what is garbage is not counted.");

let rejections = 0;
process.on("unhandledRejection", () => {
  rejections += 1;
});

console.log(machine());
console.log(`seed ${seed}`);
const heap: number[] = [];
const start = performance.now();
const report = await fuzz(seed, requests, ({ requests: done }) => {
  if (done < (requests / samples) * heap.length) return;
  gc();
  heap.push(process.memoryUsage().heapUsed / 2 ** 20);
});
const seconds = (performance.now() - start) / 1000;

console.log(`\n${report.requests} requests in ${seconds.toFixed(0)} s`);
console.log(
  `by status: ${[...report.statuses]
    .sort(([one], [other]) => one - other)
    .map((pair) => pair.join(": "))
    .join(", ")}`,
);
console.log(`granted: ${[...report.granted].map((pair) => pair.join(": ")).join(", ")}`);
console.log(`corrupt records read: ${[...report.corrupted].map((pair) => pair.join(": ")).join(", ")}`);
console.log(`heap in MiB, at each twentieth: ${heap.map((mebibytes) => mebibytes.toFixed(1)).join(" ")}\n`);
for (const fault of report.faults) console.log(fault);

// The clock of the run needs a while until the first records expire; from then on there should be no growth.
const half = Math.floor(heap.length / 2);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const fiveHundreds = [...report.statuses].reduce((sum, [status, count]) => sum + (status === 500 ? count : 0), 0);
printGoal("answers with status 500", fiveHundreds, "at most", 0);
printGoal("faults, 5xx without an outage among them", report.faultCount, "at most", 0);
printGoal("calls that rejected, and rejections that nobody handled", report.crashes + rejections, "at most", 0);
printGoal(
  "heap in the last quarter to that in the second",
  mean(heap.slice(-half / 2)) / mean(heap.slice(half / 2, half)),
  "at most",
  1.05,
);
