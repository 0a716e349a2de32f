import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync } from "node:fs";
import { request } from "node:http";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { installOnce } from "../../.ci/install-once.ts";
import { freePorts } from "../support/free-port.ts";
import { connectWithLogin, sdkV1Client, sdkV2Client } from "../support/mcp-client.ts";
import type { UpstreamKind } from "../support/upstream-at.ts";
import { otherUpstreams, startUpstream, upstreamKinds } from "../support/upstream-scene.ts";

const root = resolve(import.meta.dirname, "../..");
const packages = join(root, "test/runtimes/node_modules");
const server = join(import.meta.dirname, "runtime-server.ts");
const ports = freePorts();

beforeAll(() => installOnce("test/runtimes"), 300_000);

/** The program of a runtime: that of this platform's package, or where the package's own script has put it. */
function program(...places: readonly string[]): string {
  const found = places.flatMap((place) => globSync(join(packages, place))).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`test/runtimes has none of ${places.join(", ")}.`);
  return found;
}

const runtimes = {
  Bun: () => [program("@oven/bun-*/bin/bun{,.exe}", "bun/bin/bun.exe"), server],
  Deno: () => [program("@deno/*/deno{,.exe}", "deno/deno"), "run", "--allow-all", "--no-lock", server],
} as const;

interface RunningServer extends AsyncDisposable {
  readonly baseUrl: string;
}

async function start(
  name: keyof typeof runtimes,
  kind: UpstreamKind = "Pangea AuthN",
  requests = 1_000,
): Promise<RunningServer> {
  await using parts = new AsyncDisposableStack();
  const { value: port } = await ports.next();
  const baseUrl = `http://127.0.0.1:${port}`;
  const upstream = { UPSTREAM: kind, UPSTREAM_URL: await startUpstream(kind, baseUrl, parts) };
  const [command = "", ...commandLine] = runtimes[name]();
  const env = { ...process.env, ...upstream, PORT: String(port), AUTHORIZE_REQUESTS: String(requests) };
  const child = spawn(command, commandLine, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "close");
  parts.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  let printed = "";
  const listening = new Promise<void>((found, failed) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        printed += text;
        if (printed.includes("The server listens.")) found();
      });
    }
    void exited.then(() => failed(new Error(`${name} ended:\n${printed}`)));
  });
  await listening;
  const running = parts.move();
  return { baseUrl, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** The status of a request that comes from an address of this computer. */
async function statusFrom(localAddress: string, url: string, headers: Record<string, string> = {}): Promise<number> {
  const sent = request(url, { localAddress, headers, agent: false }).end();
  const [response] = await once(sent, "response");
  response.resume();
  return response.statusCode;
}

describe.each(["Bun", "Deno"] as const)("the mount for Hono on %s", (name) => {
  it.each(["Pangea AuthN", ...otherUpstreams] as const)(
    "gets the MCP SDK's clients through a login and a tool call with %s as the upstream",
    async (kind) => {
      await using running = await start(name, kind);
      const mcpUrl = `${running.baseUrl}/mcp`;
      expect((await fetch(mcpUrl, { method: "POST" })).status).toBe(401);
      for (const newClient of [sdkV1Client, sdkV2Client]) {
        await using client = newClient(mcpUrl);
        await connectWithLogin(client);
        expect((await client.whoami()).split(" ")[0]).toBe(upstreamKinds[kind]);
      }
    },
  );

  it("limits each caller by the address of the connection, and believes no header", async () => {
    await using running = await start(name, undefined, 1);
    const url = `${running.baseUrl}/authorize`;
    expect(await statusFrom("127.0.0.1", url)).toBe(400);
    expect(await statusFrom("127.0.0.1", url)).toBe(429);
    expect(await statusFrom("127.0.0.1", url, { "x-forwarded-for": "203.0.113.7", "x-real-ip": "203.0.113.7" })).toBe(
      429,
    );
    expect(await statusFrom("127.0.0.2", url)).toBe(400);
    expect(await statusFrom("127.0.0.2", url)).toBe(429);
  });
});
