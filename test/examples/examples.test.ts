import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { freePorts } from "../support/free-port.ts";
import { connectWithLogin, sdkV1Client, sdkV2Client } from "../support/mcp-client.ts";

const root = new URL("../..", import.meta.url);
const node = new URL("node_modules/.bin/node", root).pathname;
const ports = freePorts();

interface RunningExample extends AsyncDisposable {
  readonly mcpUrl: string;
  /** What it prints once it has started. */
  readonly output: Readable;
}

/** Runs an example as a person would, on the sources. */
async function run(example: string, loadedFirst: readonly string[] = []): Promise<RunningExample> {
  const { value: port } = await ports.next();
  const { PANGEA_AUTHN_ISSUER_URL: _, MCP_BASE_URL: __, ...env } = process.env;
  const imports = loadedFirst.map((path) => `--import=./${path}`);
  const child = spawn(node, ["--conditions=pangea-authn-fastmcp-source", ...imports, `examples/${example}.ts`], {
    cwd: root,
    env: { ...env, PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => errors.push(chunk));
  for await (const line of createInterface(child.stdout)) {
    const mcpUrl = /^MCP endpoint: (.+)$/.exec(line)?.[1];
    if (mcpUrl === undefined) continue;
    child.stdout.resume();
    return { mcpUrl, output: child.stdout, [Symbol.asyncDispose]: () => stop(child) };
  }
  throw new Error(`examples/${example}.ts did not start: ${errors.join("")}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

describe.each(["node", "express", "hono", "fastmcp"])("examples/%s.ts", (example) => {
  it("starts by itself and gets both generations of the MCP SDK's client through", async () => {
    await using server = await run(example);
    for (const newClient of [sdkV1Client, sdkV2Client]) {
      await using client = newClient(server.mcpUrl);
      await connectWithLogin(client);
      expect(await client.whoami()).toBe("You are ada@example.com.");
    }
  });
});

describe("examples/opentelemetry.ts", () => {
  it("counts what the server does", async () => {
    await using server = await run("opentelemetry", ["test/examples/console-metrics.ts"]);
    await using client = sdkV1Client(server.mcpUrl);
    await connectWithLogin(client);
    let printed = "";
    server.output.on("data", (text) => {
      printed += String(text);
    });
    const counted = () => [...printed.matchAll(/event: ['"]([a-z-]+)['"]/g)].map(([, name]) => name);
    await expect
      .poll(counted, { timeout: 10_000 })
      .toEqual(expect.arrayContaining(["client-registered", "consent", "login", "token-issued"]));
    const measured = () =>
      [...printed.matchAll(/kind: ['"]([A-Za-z]+)['"],\s+method: ['"]([a-z]+)['"]/gi)].map(
        ([, kind, method]) => `${kind} ${method}`,
      );
    await expect
      .poll(measured, { timeout: 10_000 })
      .toEqual(expect.arrayContaining(["grants add", "accessTokens add"]));
  });
});
