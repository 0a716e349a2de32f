import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Person } from "./clients.ts";
import type { Costs } from "./hottest.ts";

const program = fileURLToPath(new URL("server.ts", import.meta.url));

/** A server under load, in its own process. One question at a time. */
export class ServerProcess implements Disposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /**
   * @param store - `memory`, or the URL of a Redis or a Postgres.
   * @param overload - Whether the server refuses what it cannot begin.
   * @param iterations - Of PBKDF2, which each refresh does besides once `beSlow` was called.
   */
  static async start(store: string, overload: "on" | "off" = "on", iterations = 0): Promise<ServerProcess> {
    const child = fork(program, [store, overload, String(iterations)]);
    const { port } = await answerOf<{ port: number }>(child);
    return new ServerProcess(child, port);
  }

  /** Logs people in; gives back what their clients have. */
  logIn(count: number): Promise<Person[]> {
    return this.#ask("logIn", count);
  }

  /** From now on each refresh does the work that `start` was given besides. */
  async beSlow(): Promise<void> {
    await this.#ask("beSlow");
  }

  /** The CPU time that the process has used, in seconds. */
  async cpuSeconds(): Promise<number> {
    const { user, system } = await this.#ask<NodeJS.CpuUsage>("usage");
    return (user + system) / 1e6;
  }

  /** What the process spends its time with while something runs. */
  async profile(run: () => Promise<unknown>): Promise<Costs> {
    await this.#ask("startProfile");
    await run();
    return this.#ask("stopProfile");
  }

  #ask<Answer>(ask: string, count = 0): Promise<Answer> {
    this.#child.send({ ask, count });
    return answerOf<Answer>(this.#child);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const over = new AbortController();
  const { signal } = over;
  const ended = once(child, "exit", { signal }).then(() => {
    throw new Error("The server has ended.");
  });
  try {
    const [message] = await Promise.race([once(child, "message", { signal }), ended]);
    return message.answer;
  } finally {
    ended.catch(() => undefined);
    over.abort();
  }
}
