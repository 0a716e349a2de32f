/**
 * What importing the main entry costs, against importing zod, which it needs: the CPU of fresh processes, in turns. It
 * measures what is published, so build it first:
 *
 *     npm run build && npx node bench/import.ts [rounds, 25 unless given]
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { printGoal } from "./goal.ts";
import { machine } from "./machine.ts";

const rounds = Number(process.argv[2] ?? 25);
const contenders = ["zod", "pangea-authn-fastmcp", "jose", "@hono/node-server"] as const;
const root = fileURLToPath(new URL("..", import.meta.url));

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
for (const figure of figures) {
  const [cpu, wall] = [median(figure.cpu), median(figure.wall)].map((value) => `${value.toFixed(1).padStart(7)} ms`);
  console.log(`  ${figure.name.padEnd(24)} ${cpu}  ${ratio(figure, zod).toFixed(2)}  ${wall}`);
}
console.log();
printGoal("CPU of importing the main entry to that of zod", ratio(ours, zod), "at most", 1.3);

function ratio(one: Figures, other: Figures): number {
  return median(one.cpu.map((value, round) => value / (other.cpu[round] ?? Number.NaN)));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
