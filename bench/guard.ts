/**
 * What a guard costs an MCP server: the CPU of a tool call over HTTP, by the server's own account, against the same server
 * without a guard and with the guards of others. Each server is a process of its own, and they take turns of a few hundred
 * requests: what else the machine does makes the same work cost more or less from one second to the next.
 *
 *     npx node bench/guard.ts [rounds of 3,000 requests, 3 unless given] [of one framework: node, express, fetch or fastmcp]
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { printGoal } from "./goal.ts";
import { machine } from "./machine.ts";
import { type Estimate, isInReport, isShort, medianOf, recordResult } from "./results.ts";

const requestsPerRound = isShort ? 60 : 3_000;
const requestsPerTurn = isShort ? 30 : 300;
const concurrency = 16;
/** The report runs it as often as it is told to. */
const rounds = isShort || isInReport ? 1 : Number(process.argv[2] ?? 3);
const framework = process.argv[3] ?? "";
const all = [
  "node, no guard",
  "node, ours",
  "express, no guard",
  "express, ours",
  "express, SDK v2 over a Map",
  "fetch, no guard",
  "fetch, ours",
  "fetch, workers-oauth-provider",
  "fastmcp, no guard",
  "fastmcp, ours",
  "fastmcp, its OAuthProxy",
] as const;
type Name = (typeof all)[number];
const titles: Readonly<Record<string, string>> = {
  node: "node:http",
  express: "Express",
  fetch: "Web requests",
  fastmcp: "FastMCP",
};
const names = all.filter((name) => name.startsWith(framework));

interface Server {
  readonly name: Name;
  readonly child: ChildProcess;
  readonly port: number;
  readonly token: string;
  /** Microseconds of CPU for a request, one entry a turn. */
  readonly figures: number[];
}

const call = Buffer.from(
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "ping", arguments: {} } }),
);

async function started(name: Name): Promise<Server> {
  const child = fork(join(import.meta.dirname, "guard", "server.ts"), [name]);
  const [{ port, token }] = await once(child, "message");
  return { name, child, port, token, figures: [] };
}

/** Calls the tool, and fails where it does not answer. */
function callTool({ port, token, name }: Server, agent: Agent): Promise<void> {
  const headers = {
    accept: "application/json, text/event-stream",
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "content-length": call.length,
    "mcp-protocol-version": "2025-06-18",
  };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: "127.0.0.1", port, path: "/mcp", method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => {
        if (text.includes("pong")) resolve();
        else reject(new Error(`${name} answered with ${response.statusCode}: ${text.slice(0, 300)}`));
      });
    });
    sent.on("error", reject).end(call);
  });
}

async function callTools(server: Server, count: number): Promise<void> {
  let left = count;
  // With connections of its own: a server closes those that have waited for their next turn.
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const caller = async (): Promise<void> => {
    while (left-- > 0) await callTool(server, agent);
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  agent.destroy();
}

async function cpuOf(server: Server): Promise<number> {
  const { user, system } = await ask<NodeJS.CpuUsage>(server, "usage");
  return user + system;
}

/** Which part of a server's CPU is its guard's, by a profile: what else the machine does falls on both parts alike. */
async function shareOf(server: Server): Promise<number> {
  await ask(server, "watch");
  await callTools(server, requestsPerRound);
  return ask<number>(server, "share");
}

async function ask<Answer>({ child }: Server, question: "usage" | "watch" | "share"): Promise<Answer> {
  child.send(question);
  const [{ answer }] = await once(child, "message");
  return answer;
}

const servers: Server[] = [];
const shares = new Map<Name, number>();
try {
  console.log(machine());
  for (const name of names) servers.push(await started(name));
  for (const server of servers) await callTools(server, requestsPerRound / 2);
  for (let turn = 0; turn < (rounds * requestsPerRound) / requestsPerTurn; turn++) {
    // Another order each time.
    for (const server of [...servers.slice(turn % names.length), ...servers.slice(0, turn % names.length)]) {
      const before = await cpuOf(server);
      await callTools(server, requestsPerTurn);
      server.figures.push(((await cpuOf(server)) - before) / requestsPerTurn);
    }
  }
  for (const server of servers) {
    if (isProfiled(server.name)) shares.set(server.name, await shareOf(server));
  }
} finally {
  for (const { child } of servers) child.kill();
}

const figuresOf = (wanted: Name): readonly number[] => servers.find(({ name }) => name === wanted)?.figures ?? [];
const ratio = (name: Name, other: Name): Estimate =>
  medianOf(figuresOf(name).map((figure, turn) => figure / (figuresOf(other)[turn] ?? Number.NaN)));

console.log("\nCPU of one tool call, and how many times that of the same server without a guard");
for (const bare of names.filter((name) => name.endsWith(", no guard"))) {
  const [of = ""] = bare.split(",");
  const rows = servers
    .filter(({ name }) => name.startsWith(`${of},`))
    .map(({ name, figures }) => ({ name, time: medianOf(figures), ratio: ratio(name, bare) }));
  for (const { name, time, ratio: times } of rows) {
    console.log(`  ${name.padEnd(32)} ${time.value.toFixed(0).padStart(6)} µs  ${times.value.toFixed(3)}`);
  }
  recordResult({ kind: "comparison", title: `CPU of one tool call on ${titles[of] ?? of}`, baseline: bare, rows });
}
/** How many times the server's CPU without the guard it has with it. */
const byProfile = (name: Name): number => 1 / (1 - (shares.get(name) ?? Number.NaN));
for (const name of shares.keys()) {
  const title = titles[name.split(",")[0] ?? ""];
  if (!name.endsWith(", ours")) continue;
  printGoal(`CPU with our guard to none, on ${title}, by profile`, byProfile(name), "at most", 1.03);
}
profileGoal(
  "express",
  "CPU with SDK v2's guard over a Map to ours, by profile",
  "express, SDK v2 over a Map",
  "express, ours",
);
profileGoal(
  "fetch",
  "CPU with workers-oauth-provider's to ours, by profile",
  "fetch, workers-oauth-provider",
  "fetch, ours",
);
goal("node", "CPU with our guard to none, on node:http", "node, ours", "node, no guard", "at most", 1.03);
goal("express", "CPU with our guard to none, on Express", "express, ours", "express, no guard", "at most", 1.03);
goal("fetch", "CPU with our guard to none, on Web requests", "fetch, ours", "fetch, no guard", "at most", 1.03);
goal("fastmcp", "CPU with our guard to none, on FastMCP", "fastmcp, ours", "fastmcp, no guard", "at most", 1.03);
goal(
  "express",
  "CPU with SDK v2's guard over a Map to ours",
  "express, SDK v2 over a Map",
  "express, ours",
  "at least",
  1,
);
goal(
  "fetch",
  "CPU with workers-oauth-provider's to ours",
  "fetch, workers-oauth-provider",
  "fetch, ours",
  "at least",
  1,
);
goal("fastmcp", "CPU with fastmcp's to ours", "fastmcp, its OAuthProxy", "fastmcp, ours", "at least", 1);

/** A guard that is a part of its server's package, as FastMCP's is, cannot be told apart from it. */
function isProfiled(name: Name): boolean {
  return !name.endsWith("no guard") && name !== "fastmcp, its OAuthProxy";
}

function profileGoal(of: string, what: string, name: Name, other: Name): void {
  if (of.startsWith(framework)) printGoal(what, byProfile(name) / byProfile(other), "at least", 1);
}

function goal(of: string, what: string, name: Name, other: Name, bound: "at most" | "at least", limit: number): void {
  if (!of.startsWith(framework)) return;
  const estimate = ratio(name, other);
  printGoal(what, estimate.value, bound, limit, estimate);
}
