import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { type ProcessAnswer, type ProcessRequest, processLineSchema } from "./process-protocol.ts";
import type { RepositoryProcesses } from "./subject.ts";

/** Further processes on one store, each of which serves its repository. */
export class StartedProcesses implements AsyncDisposable {
  readonly #processes: readonly ServingProcess[];

  private constructor(processes: readonly ServingProcess[]) {
    this.#processes = processes;
  }

  /** Starts so many processes and waits until all are ready. */
  static async start(command: RepositoryProcesses, count: number): Promise<StartedProcesses> {
    const started = new StartedProcesses(Array.from({ length: count }, () => new ServingProcess(command)));
    try {
      for (const each of started.#processes) {
        assert.ok("ready" in (await each.nextLine()), "the first line of a process says that it is ready");
      }
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Lets the first process do something. */
  async first(request: Omit<ProcessRequest, "at">): Promise<readonly ProcessAnswer[]> {
    const [first] = this.#processes;
    assert.ok(first !== undefined);
    return first.ask({ ...request, at: 0 });
  }

  /** Lets all of them do something at the same time. */
  all(requestOf: (index: number) => Omit<ProcessRequest, "at">): Promise<(readonly ProcessAnswer[])[]> {
    const at = Date.now() + 50;
    return Promise.all(this.#processes.map((each, index) => each.ask({ ...requestOf(index), at })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((each) => each[Symbol.asyncDispose]()));
  }
}

/** How long a process may take to end by itself, in milliseconds. */
const patience = 5_000;

class ServingProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  constructor({ command, args = [], env = {} }: RepositoryProcesses) {
    // What it says of its failures is for whoever runs the tests.
    this.#child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    // A process that could not be started ends with an error.
    this.#ended = once(this.#child, "exit").catch((error: unknown) => error);
    this.#child.stdin.on("error", () => undefined);
  }

  async ask(request: ProcessRequest): Promise<readonly ProcessAnswer[]> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.nextLine();
    assert.ok("answers" in line && line.answers.length === request.keys.length, "a process answers for every key");
    return line.answers;
  }

  async nextLine() {
    const next = await this.#lines.next();
    assert.ok(next.done !== true, "a process of the suite ended too early: see what it printed");
    return processLineSchema.parse(JSON.parse(next.value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), patience);
    await this.#ended;
    clearTimeout(timer);
  }
}
