import type { Profiler } from "node:inspector";
import { basename } from "node:path";

/** A cost that a profile names. */
export interface Cost {
  readonly name: string;
  /** Its part of the time in which the process was busy. */
  readonly part: number;
}

/** What a process spends its time with, the most first, as parts of the time in which it was busy. */
export interface Costs {
  /** By what it is for, with all that is called for it. */
  readonly purposes: readonly Cost[];
  /** By function: its own time, without what it called. */
  readonly functions: readonly Cost[];
}

type Frame = Profiler.ProfileNode["callFrame"];

/** What a sample says where the process was: the innermost function first. */
type Stack = readonly Frame[];

/** Adds up a profile. */
export function costsOf({ nodes, samples = [] }: Profiler.Profile): Costs {
  const stacks = stacksOf(nodes);
  const counts = new Map<number, number>();
  for (const id of samples) counts.set(id, (counts.get(id) ?? 0) + 1);
  const byFunction = new Map<string, number>();
  const byPurpose = new Map<string, number>();
  for (const [id, count] of counts) {
    const stack = stacks.get(id) ?? [];
    const [innermost] = stack;
    if (innermost === undefined || ["(idle)", "(root)"].includes(innermost.functionName)) continue;
    const [own, purpose] = [nameOf(innermost), purposeOf(stack)];
    byFunction.set(own, (byFunction.get(own) ?? 0) + count);
    byPurpose.set(purpose, (byPurpose.get(purpose) ?? 0) + count);
  }
  return { purposes: hottest(byPurpose), functions: hottest(byFunction) };
}

function hottest(counts: ReadonlyMap<string, number>): readonly Cost[] {
  const busy = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...counts]
    .map(([name, count]) => ({ name, part: count / busy }))
    .sort((one, other) => other.part - one.part)
    .slice(0, 8);
}

/** The stack of each node of a profile. */
function stacksOf(nodes: readonly Profiler.ProfileNode[]): ReadonlyMap<number, Stack> {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const stackOf = (id: number): Stack => {
    const stack: Frame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = frames.get(at);
      if (frame !== undefined) stack.push(frame);
    }
    return stack;
  };
  return new Map(nodes.map(({ id }) => [id, stackOf(id)]));
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

function nameOf({ functionName, url }: Frame): string {
  if (url === "") return nativeNames[functionName] ?? (functionName || "(native)");
  return `${functionName || "(anonymous)"} of ${url.startsWith("node:") ? url : basename(url)}`;
}

/** What files are for. The innermost function of a stack that is in one of them says what its time is spent for. */
const purposes: readonly (readonly [file: RegExp, purpose: string])[] = [
  [/\/src\/secrets\//, "sealing, opening, hashing and deriving keys"],
  [/\/node_modules\/(?:ioredis|redis|pg|pg-[a-z-]+)\//, "the client of the store"],
  [/\/src\/(?:storage|records)\//, "records: the store's side of this package"],
  [/\/src\/provider\/http\/pages\//, "pages"],
  [
    /\/src\/provider\/(?:login|tokens|grants|keys|clients|oauth|configuration|upstream|reporting)\//,
    "the rules of logins, tokens and grants",
  ],
  [/\/src\/provider\//, "requests and answers of this package"],
  [/\/src\/integrations\/|\/@hono\/|node:internal\/deps\/undici/, "requests and answers as the Web has them"],
  [/^node:(?:_http|internal\/http|net$|internal\/(?:streams|stream_base))/, "node:http and its sockets"],
];

function purposeOf(stack: Stack): string {
  const [innermost] = stack;
  if (innermost?.functionName === "(garbage collector)") return "the garbage collector";
  if (innermost !== undefined && nameOf(innermost) === nativeNames.writev) return "system calls that write to sockets";
  for (const { url } of stack) {
    const purpose = purposes.find(([file]) => file.test(url))?.[1];
    if (purpose !== undefined) return purpose;
  }
  return "Node.js: the event loop and promises";
}
