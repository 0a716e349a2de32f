import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programPath } from "../support/programs.ts";

/** A running client that somebody else wrote, as a process of its own. */
export interface ClientProgram extends AsyncDisposable {
  /** Everything that it has printed so far, to both streams. */
  output(): string;
  /** The first match in what it prints. Rejects where it ends without one. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code. */
  readonly exited: Promise<number | null>;
}

/** An empty home directory, so that a client keeps nothing on this machine and finds nothing from another run. */
export async function emptyHome(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "mcp-client-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The environment of a client that has this home and no browser to open. */
export function environmentOf(home: string): Record<string, string> {
  return { HOME: home, PATH: home, MCP_REMOTE_CONFIG_DIR: home, MCP_STORAGE_DIR: home };
}

/** Starts a program of `test/programs` with the Node.js that runs the tests. It is killed at the end of the scope. */
export function startClient(
  name: string,
  parameters: readonly string[],
  environment: Record<string, string>,
): ClientProgram {
  const child = spawn(process.execPath, [programPath(name), ...parameters], { env: environment, stdio: "pipe" });
  let text = "";
  const waiting = new Set<() => void>();
  const exited = once(child, "close").then(([code]: (number | null)[]) => code ?? null);
  let ended = false;
  const tell = (): void => {
    for (const look of [...waiting]) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      tell();
    });
  }
  void exited.then(() => {
    ended = true;
    tell();
  });
  return {
    exited,
    output: () => text,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(text);
          if (match === null && !ended) return;
          waiting.delete(look);
          if (match === null) reject(new Error(`${name} ended without ${pattern}:\n${text}`));
          else resolve(match);
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
