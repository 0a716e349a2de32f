/**
 * What importing the main entry costs, against importing zod, which it needs: the CPU of fresh processes, in turns. It
 * measures what is published, as it was built last; it is built where it is not there:
 *
 *     npm run build && npx node bench/import.ts [rounds, 25 unless given]
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { printGoal } from "./goal.ts";
import { machine } from "./machine.ts";
import { type Estimate, isShort, medianOf, recordResult } from "./results.ts";

const rounds = isShort ? 2 : Number(process.argv[2] ?? 25);
const contenders = ["zod", "pangea-authn-fastmcp", "jose", "@hono/node-server"] as const;
const root = fileURLToPath(new URL("..", import.meta.url));
if (!existsSync(join(root, "dist", "index.js"))) execFileSync("npm", ["run", "build"], { cwd: root, stdio: "inherit" });

/** CPU and time of an import in a process of its own, in milliseconds. */
function importing(specifier: string): { readonly cpu: number; readonly wall: number } {
  const program = `
    const [began, used] = [performance.now(), process.cpuUsage()];
    await import(${JSON.stringify(specifier)});
    const { user, system } = process.cpuUsage(used);
    console.log(JSON.stringify({ cpu: (user + system) / 1_000, wall: performance.now() - began }));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${specifier} cannot be imported: ${stderr}`);
  const { cpu, wall }: { cpu: number; wall: number } = JSON.parse(stdout);
  return { cpu, wall };
}

interface Figures {
  readonly name: string;
  readonly cpu: number[];
  readonly wall: number[];
}

const figures = contenders.map((name): Figures => ({ name, cpu: [], wall: [] }));
console.log(machine());
for (let round = 0; round < rounds; round++) {
  const first = round % figures.length;
  for (const { name, cpu, wall } of [...figures.slice(first), ...figures.slice(0, first)]) {
    const figure = importing(name);
    cpu.push(figure.cpu);
    wall.push(figure.wall);
  }
}

const [zod, ours] = figures;
if (zod === undefined || ours === undefined) throw new Error("There is nothing to compare.");
console.log("\nOne import: CPU, how many times that of zod, and the time on the clock");
const rows = figures.map((figure) => ({ name: figure.name, time: medianOf(figure.cpu), ratio: ratio(figure, zod) }));
for (const { name, time, ratio: times } of rows) {
  const wall = medianOf(figures.find((figure) => figure.name === name)?.wall ?? []);
  const [cpu, clock] = [time.value, wall.value].map((value) => `${value.toFixed(1).padStart(7)} ms`);
  console.log(`  ${name.padEnd(24)} ${cpu}  ${times.value.toFixed(2)}  ${clock}`);
}
const inMicroseconds = ({ value, low, high }: Estimate): Estimate => ({
  value: value * 1_000,
  low: low * 1_000,
  high: high * 1_000,
});
recordResult({
  kind: "comparison",
  title: "CPU of an import in a fresh process",
  baseline: "zod",
  rows: rows.map((row) => ({ ...row, time: inMicroseconds(row.time) })),
});
console.log();
const estimate = ratio(ours, zod);
printGoal("CPU of importing the main entry to that of zod", estimate.value, "at most", 1.3, estimate);

function ratio(one: Figures, other: Figures): Estimate {
  return medianOf(one.cpu.map((value, round) => value / (other.cpu[round] ?? Number.NaN)));
}
