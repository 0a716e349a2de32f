/**
 * What a record costs in memory that a cache keeps: the heap after a collection, with it and without, a process for each
 * measurement. Each entry is another object with another key, as records of a store are.
 *
 *     npx node bench/memory.ts
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { machine } from "./machine.ts";
import { isShort, recordResult } from "./results.ts";

const program = fileURLToPath(new URL("memory-of-cache.ts", import.meta.url));
const sizes = isShort ? [1_000] : [1_000, 100_000, 1_000_000];
/** Where a million entries are measured too. */
const large = ["Map", "lru-cache", "CachedRepository"];
const caches = [...large, "cache-manager", "keyv", "bentocache", "layered-loader"];

console.log(machine());
const rows: (readonly (string | number)[])[] = [];
const points: { line: string; x: number; y: number }[] = [];
for (const cache of caches) {
  const ownSizes = sizes.filter((size) => size < 1_000_000 || large.includes(cache));
  const bytes = ownSizes.map((size) => {
    const commandLine = ["--expose-gc", "--max-old-space-size=6000", program, cache, String(size)];
    return Number(execFileSync(process.execPath, commandLine, { encoding: "utf8" }));
  });
  rows.push([cache, ...sizes.map((_, index) => (bytes[index] === undefined ? "–" : Math.round(bytes[index])))]);
  for (const [index, y] of bytes.entries()) points.push({ line: cache, x: sizes[index] ?? 0, y });
  console.log(cache.padEnd(20), bytes.map((each) => `${each.toFixed(0)} bytes`).join("  "));
}
const title = "Bytes of the heap for each entry, its record and key among them";
recordResult({
  kind: "table",
  title,
  columns: ["cache", ...sizes.map((size) => `${size.toLocaleString("en")} entries`)],
  rows,
});
recordResult({ kind: "plot", title, x: "entries", y: "bytes each", scales: { x: "log" }, points });
