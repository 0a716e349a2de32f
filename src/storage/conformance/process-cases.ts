import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { ProcessAnswer } from "./process-protocol.ts";
import { StartedProcesses } from "./repository-processes.ts";
import { type Having, rule } from "./rule.ts";
import type { RepositoryCase } from "./subject.ts";

const processCount = 4;
const rounds = 2;
const keysPerRound = 400;

/** Keys that nothing else uses. */
function freshKeys(): string[] {
  const round = randomUUID();
  return Array.from({ length: keysPerRound }, (_, index) => `${round} ${index}`);
}

/** For each key, how many of the processes won it. */
function wins(keys: readonly string[], answers: readonly (readonly ProcessAnswer[])[]): number[] {
  return keys.map((_, index) => answers.filter((ofProcess) => isWin(ofProcess[index])).length);
}

function isWin(answer: ProcessAnswer | undefined): boolean {
  assert.ok(answer !== undefined && !("failed" in answer), `no call fails: ${JSON.stringify(answer)}`);
  return "found" in answer ? answer.found !== null : answer.done;
}

function assertOneWinnerEach(
  keys: readonly string[],
  answers: readonly (readonly ProcessAnswer[])[],
  what: string,
): void {
  const counts = wins(keys, answers);
  assert.equal(counts.filter((count) => count > 1).length, 0, `keys of ${keys.length} that two processes ${what}`);
  assert.equal(counts.filter((count) => count === 0).length, 0, `keys of ${keys.length} that no process ${what}`);
}

/** A round of a race: on keys that nothing else uses. */
type Round = (processes: StartedProcesses, keys: readonly string[]) => Promise<void>;

/** Starts the processes, runs some rounds, and ends the processes. */
async function race({ processes: command }: Having<"processes">, round: Round): Promise<void> {
  const processes = await StartedProcesses.start(command, processCount);
  try {
    for (let number = 0; number < rounds; number += 1) await round(processes, freshKeys());
  } finally {
    await processes[Symbol.asyncDispose]();
  }
}

const takes: Round = async (processes, keys) => {
  await processes.first({ method: "set", keys, name: "one" });
  assertOneWinnerEach(keys, await processes.all(() => ({ method: "take", keys, name: "" })), "took");
};

const deletes: Round = async (processes, keys) => {
  await processes.first({ method: "set", keys, name: "one" });
  assertOneWinnerEach(keys, await processes.all(() => ({ method: "delete", keys, name: "" })), "deleted");
};

const adds: Round = async (processes, keys) => {
  const answers = await processes.all((index) => ({ method: "add", keys, name: `${index}` }));
  assertOneWinnerEach(keys, answers, "added");
  const stayed = await processes.first({ method: "get", keys, name: "" });
  const winners = keys.map((_, index) => ({ found: `${answers.findIndex((each) => isWin(each[index]))}` }));
  assert.deepEqual(stayed, winners, "the records that stay");
};

/**
 * Races of processes. What one process does without awaiting anything in between is one step there, and none between two
 * processes: only here a read and a delete beside each other are told from a take.
 */
export const processCases: readonly RepositoryCase[] = [
  rule("of the takes of several processes one gets each record", ["processes"], (subject) => race(subject, takes)),
  rule("of the deletes of several processes one is true for each record", ["processes"], (subject) => {
    return race(subject, deletes);
  }),
  rule("of the adds of several processes one is true for each key, and its record stays", ["processes"], (subject) => {
    return race(subject, adds);
  }),
];
