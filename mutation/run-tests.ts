/** Runs tests in the instrumented copy. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Which tests run, and how. */
export interface Tests {
  /** Of the instrumented copy. */
  readonly tree: string;
  /** Files below the root of the project. */
  readonly files: readonly string[];
  readonly pass: "cover" | "kill" | "static";
  /** The mutant that is there from the beginning. */
  readonly mutant?: string;
}

/** What a test may take in milliseconds; more than that is a mutant that hangs. */
const timeout = 10_000;

/** @returns Whether all tests have passed, and what was printed. */
export function runTests({ tree, files, pass, mutant }: Tests): { readonly passed: boolean; readonly printed: string } {
  const configuration = join(tree, "mutants.config.ts");
  writeFileSync(
    configuration,
    `import { defineConfig } from "vitest/config";
export default defineConfig({
  test: {
    root: ${JSON.stringify(tree)},
    runner: ${JSON.stringify(join(import.meta.dirname, "switching-runner.ts"))},
    include: ${JSON.stringify(files)},
    globalSetup: ["test/support/install-packages.ts", "test/support/build-drivers.ts"],
    hookTimeout: 120_000,
    testTimeout: ${timeout},
    maxWorkers: ${pass === "static" ? 1 : 2},
    isolate: ${pass === "static"},
    dangerouslyIgnoreUnhandledErrors: ${pass !== "static"},
    ...(${pass === "static"} && { bail: 1 }),
  },
});
`,
  );
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(tree, "node_modules/vitest/vitest.mjs"), "run", "--config", configuration],
    {
      cwd: tree,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      env: { ...process.env, MUTANTS_TREE: tree, MUTANTS_PASS: pass, ...(mutant !== undefined && { MUTANT: mutant }) },
    },
  );
  return { passed: status === 0, printed: `${stdout}\n${stderr}` };
}
