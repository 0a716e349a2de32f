import type { Profiler } from "node:inspector";

/** What a guard consists of, by the server that it is in: the files of its package, and what the server gave it to look tokens up. */
const guards: Readonly<Record<string, RegExp>> = {
  ours: /^(?!.*\/node_modules\/).*\/src\//,
  "SDK v2 over a Map": /\/@modelcontextprotocol\/express\/|\/bench\/guard\/map-verifier\.ts/,
  "workers-oauth-provider": /\/@cloudflare\/workers-oauth-provider\/|\/workers-oauth-provider\.ts/,
};

/**
 * The part of a process's busy time that its guard took, with what it called of Node.js: of each sample the innermost frame that
 * is no part of Node.js says whose it is. So what a guard calls at its end, the rest of the server, does not count as the
 * guard's. Samples without such a frame, the garbage collector's for one, are left out.
 *
 * @param server - Such as "express, ours": behind the comma stands whose guard it is.
 */
export function shareOfGuard(server: string, { nodes, samples = [] }: Profiler.Profile): number {
  const guard = guards[server.replace(/^.*?, /, "")];
  if (guard === undefined) throw new Error(`Nobody has said what the guard of "${server}" consists of.`);
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const urls = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.url]));
  const isOfGuard = (sample: number): boolean | undefined => {
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
      const url = urls.get(id) ?? "";
      if (url.startsWith("file:")) return guard.test(url);
    }
    return undefined;
  };
  const ofGuard = new Map(
    nodes.map(({ id, callFrame }) => [id, callFrame.functionName === "(idle)" ? undefined : isOfGuard(id)]),
  );
  const judged = samples.map((sample) => ofGuard.get(sample)).filter((judgement) => judgement !== undefined);
  return judged.filter(Boolean).length / judged.length;
}
