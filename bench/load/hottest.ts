import type { Profiler } from "node:inspector";
import { basename } from "node:path";

/** A cost that a profile names. */
export interface Cost {
  readonly name: string;
  /** Its own part of the time in which the process was busy, without what it called. */
  readonly part: number;
}

/** What a process spends its time with: own time by function, the most first, as parts of the time in which it was busy. */
export function hottest({ nodes, samples = [] }: Profiler.Profile): readonly Cost[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const counts = new Map<string, number>();
  for (const id of samples) {
    const name = names.get(id) ?? "(program)";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  counts.delete("(idle)");
  counts.delete("(root)");
  const busy = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...counts]
    .map(([name, count]) => ({ name, part: count / busy }))
    .sort((one, other) => other.part - one.part)
    .slice(0, 8);
}

/** Native functions whose names say little by themselves. */
const nativeNames: Readonly<Record<string, string>> = {
  writeUtf8String: "system calls that write to sockets",
  writeLatin1String: "system calls that write to sockets",
  writeBuffer: "system calls that write to sockets",
  writev: "system calls that write to sockets",
  init: "OpenSSL: a new HMAC or hash",
  run: "OpenSSL: random bytes",
};

function nameOf({ functionName, url }: { readonly functionName: string; readonly url: string }): string {
  if (url === "") return nativeNames[functionName] ?? (functionName || "(native)");
  return `${functionName || "(anonymous)"} of ${url.startsWith("node:") ? url : basename(url)}`;
}
