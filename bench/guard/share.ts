import type { Profiler } from "node:inspector";

/**
 * The part of a process's busy time that the sources of this package took, with what they called of Node.js: of each sample
 * the innermost frame that is no part of Node.js says whose it is. So what a guard calls at its end, the rest of the server,
 * does not count as the guard's. Samples without such a frame, the garbage collector's for one, are left out.
 */
export function shareOfOurs({ nodes, samples = [] }: Profiler.Profile): number {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const urls = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.url]));
  const ownerOf = (sample: number): "ours" | "theirs" | undefined => {
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
      const url = urls.get(id) ?? "";
      if (url.startsWith("file:")) return isOurs(url) ? "ours" : "theirs";
    }
    return undefined;
  };
  const owners = new Map(
    nodes.map(({ id, callFrame }) => [id, callFrame.functionName === "(idle)" ? undefined : ownerOf(id)]),
  );
  let [ours, all] = [0, 0];
  for (const sample of samples) {
    const owner = owners.get(sample);
    if (owner !== undefined) all += 1;
    if (owner === "ours") ours += 1;
  }
  return ours / all;
}

function isOurs(url: string): boolean {
  return url.includes("/src/") && !url.includes("/node_modules/");
}
