import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { type Repository, requireRepository } from "../contract.ts";
import { type ProcessAnswer, type ProcessRequest, processRequestSchema } from "./process-protocol.ts";
import type { SampleRecord } from "./subject.ts";

/** Where the requests come from and where the answers go. */
export interface ServeRepositoryOptions {
  /** Default: `process.stdin`. */
  readonly input?: Readable;
  /** Default: `process.stdout`: nothing else may write to it. */
  readonly output?: Writable;
}

/**
 * Serves a repository to the suite in a process of its own: see `processes` of {@link RepositoryUnderTest}. Resolves when the
 * suite has ended the requests.
 *
 * Requests and answers are lines of JSON. The first line out is `{"ready":true}`. Then each line in is
 * `{"method":"take","keys":["a","b"],"name":"","at":0}`, and each line out has an answer for every key:
 * `{"answers":[{"found":"the name of a's record"},{"found":null}]}`. `set`, `add` and `delete` answer `{"done":true}` or
 * `{"done":false}`; what fails answers `{"failed":"ERR_STORAGE_UNAVAILABLE"}`. So a process can be of any language.
 *
 * @param repository - Opened by this process, on the store that the other processes open too.
 * @throws {ConfigurationError} when it is no repository.
 *
 * @example
 * ```ts
 * await serveRepository(new SqlRepository(sampleSchema, process.argv[2]));
 * ```
 */
export async function serveRepository(
  repository: Repository<string, SampleRecord>,
  options: ServeRepositoryOptions = {},
): Promise<void> {
  requireRepository("The repository", repository);
  const { input = process.stdin, output = process.stdout } = options;
  const tell = (line: object): void => void output.write(`${JSON.stringify(line)}\n`);
  tell({ ready: true });
  for await (const line of createInterface({ input })) {
    if (line.trim() === "") continue;
    const request = processRequestSchema.parse(JSON.parse(line));
    await until(request.at);
    const answers: ProcessAnswer[] = [];
    // One after the other: the processes race each other, and not their own calls.
    for (const key of request.keys) answers.push(await answer(repository, request, key));
    tell({ answers });
  }
}

async function answer(
  repository: Repository<string, SampleRecord>,
  { method, name }: ProcessRequest,
  key: string,
): Promise<ProcessAnswer> {
  try {
    switch (method) {
      case "get":
      case "take":
        return { found: (await repository[method](key))?.name ?? null };
      case "delete":
        return { done: await repository.delete(key) };
      case "add":
        return { done: await repository.add(key, { name, list: [] }) };
      case "set":
        await repository.set(key, { name, list: [] });
        return { done: true };
    }
  } catch (error) {
    return { failed: error instanceof Error && "code" in error ? String(error.code) : "ERR_UNEXPECTED" };
  }
}

/** Waits without giving up the processor at the end, so that the processes begin within a fraction of a millisecond. */
async function until(time: number): Promise<void> {
  const rest = time - Date.now();
  if (rest > 5) await new Promise((resolve) => setTimeout(resolve, rest - 5));
  while (Date.now() < time);
}
