import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync } from "node:fs";
import { request } from "node:http";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { installOnce } from "../../.ci/install-once.ts";
import { freePorts } from "../support/free-port.ts";
import { connectWithLogin, sdkV1Client, sdkV2Client } from "../support/mcp-client.ts";
import { useEmulator } from "../support/use-emulator.ts";

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

async function start(name: keyof typeof runtimes, issuerUrl: string, requests: number): Promise<RunningServer> {
  const { value: port } = await ports.next();
  const [command = "", ...commandLine] = runtimes[name]();
  const env = { ...process.env, ISSUER_URL: issuerUrl, PORT: String(port), AUTHORIZE_REQUESTS: String(requests) };
  const child = spawn(command, commandLine, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "close");
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
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** The status of a request that comes from an address of this computer. */
async function statusFrom(localAddress: string, url: string, headers: Record<string, string> = {}): Promise<number> {
  const sent = request(url, { localAddress, headers, agent: false }).end();
  const [response] = await once(sent, "response");
  response.resume();
  return response.statusCode;
}

describe.each(["Bun", "Deno"] as const)("the mount for Hono on %s", (name) => {
  const emulator = useEmulator({ users: [{ username: "ada@example.com" }] });

  it.each([
    ["v1", sdkV1Client],
    ["v2", sdkV2Client],
  ])("gets the MCP SDK's %s client through a login and a tool call", async (_, newClient) => {
    await using running = await start(name, emulator.issuerUrl, 1_000);
    const mcpUrl = `${running.baseUrl}/mcp`;
    expect((await fetch(mcpUrl, { method: "POST" })).status).toBe(401);
    await using client = newClient(mcpUrl);
    await connectWithLogin(client);
    expect(await client.whoami()).toBe("ada@example.com ptu_");
  });

  it("limits each caller by the address of the connection, and believes no header", async () => {
    await using running = await start(name, emulator.issuerUrl, 1);
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
