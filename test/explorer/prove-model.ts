/**
 * Proves that the explorer notices when a rule is missing: takes out one after the other, in a copy of the tree, and runs
 * the flows that must break then. Prints a table, and fails where nothing breaks.
 *
 *     [SCHEDULES=1000] npx node test/explorer/prove-model.ts [part of a rule's name …]
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { proveRules } from "../support/prove-rules.ts";
import { knownFaults } from "./known-faults.ts";
import { modelRules } from "./model-rules.ts";

const schedules = Number(process.env.SCHEDULES ?? 1_000);

interface Broken {
  readonly flow: string;
  readonly invariant: string;
}

/** What breaks in these flows beside the known faults, in the tree at this path. */
async function breaking(tree: string, flows: readonly string[]): Promise<readonly string[]> {
  const script = join(tree, "test/explorer/explore.ts");
  const chosen = flows.flatMap((flow) => ["--flow", flow]);
  const text = await outputOf([script, "--json", "--schedules", String(schedules * flows.length), ...chosen]);
  const broken: readonly Broken[] = JSON.parse(text);
  return broken
    .filter(({ flow, invariant }) => !knownFaults[flow]?.includes(invariant))
    .map(({ flow, invariant }) => `${flow}: ${invariant}`);
}

function outputOf(commandLine: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, commandLine, { maxBuffer: 2 ** 26 }, (failure, text, errors) => {
      // The script fails where something broke; without an answer it did not run at all.
      if (text.startsWith("[")) resolve(text);
      else reject(failure ?? new Error(errors));
    });
  });
}

await proveRules("Rule", breaking, modelRules);
