/**
 * Runs each test once under every mutant that it reaches, in one process: the mutants are all in the code, and a number says
 * which of them is there. To begin a process for each, as Stryker does, takes a hundred times as long.
 *
 * In the first pass (`cover`) it writes down which mutants a test reaches. In the second (`kill`) it repeats the test: as the
 * code is, then under each of these mutants that no test has killed yet, then as the code is once more. A test that fails in
 * the end has kept something of the mutants, so what it has killed does not count.
 *
 * A mutant of what is run while a module is loaded cannot be switched on later: such a one is there from the beginning, in
 * a process of its own (`static`).
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type RunnerTask, type RunnerTestCase, TestRunner, type TestTryOptions } from "vitest";
import { type Line, readLines } from "./lines.ts";

/** What Stryker's instrumented code looks at. */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: {
    static: Record<string, number>;
    perTest: Record<string, Record<string, number>>;
  };
}

/** So often one test may reach the mutant that is on: more often is a loop that does not end. */
const hitLimit = 20_000;
const { MUTANTS_TREE: tree = "", MUTANTS_PASS: pass = "", MUTANT: fromTheBeginning } = process.env;
const linesFile = join(tree, "lines.jsonl");

const coverage: NonNullable<Switches["mutantCoverage"]> = { static: {}, perTest: {} };
const switches: Switches = { mutantCoverage: coverage };
Object.assign(globalThis, { __stryker__: switches });
if (pass === "static") switches.activeMutant = fromTheBeginning;

export default class SwitchingRunner extends TestRunner {
  /** Which mutants each test that runs in this file is to be repeated under. */
  readonly #plans = new WeakMap<RunnerTask, readonly string[]>();
  readonly #current = new WeakMap<RunnerTask, string>();
  readonly #written = new Set<string>();
  #reached: ReadonlyMap<string, readonly string[]> | undefined;

  override async onBeforeRunTask(test: RunnerTask): Promise<void> {
    await super.onBeforeRunTask(test);
    if (pass !== "kill" || test.type !== "test") return;
    const lines = readLines(tree);
    this.#reached ??= new Map(
      lines.flatMap((line) => (line.kind === "covered" && !line.failed ? [[line.test, line.mutants] as const] : [])),
    );
    // What a test has killed that failed in the end is for others to kill.
    const broken = new Set(lines.flatMap((line) => (line.kind === "broken" ? [line.test] : [])));
    const killed = new Set(
      lines.flatMap((line) => (line.kind === "killed" && !broken.has(line.test) ? [line.mutant] : [])),
    );
    if (broken.has(nameOf(test))) test.mode = "skip";
    const plan = (this.#reached.get(nameOf(test)) ?? []).filter((mutant) => !killed.has(mutant));
    this.#plans.set(test, plan);
    if (plan.length === 0) test.mode = "skip";
    else test.repeats = plan.length + 1;
  }

  override onBeforeTryTask(test: RunnerTask, attempt: TestTryOptions): void {
    super.onBeforeTryTask(test, attempt);
    // What an assertion still waits for under a mutant that hangs would be waited for by every later attempt.
    Reflect.deleteProperty(test, "promises");
    if (pass === "static") return;
    switches.hitCount = 0;
    switches.hitLimit = hitLimit;
    if (pass === "cover") {
      switches.currentTestId = nameOf(test);
      coverage.perTest[switches.currentTestId] ??= {};
      return;
    }
    this.#tellOfLate(test, attempt.repeats - 1);
    const mutant = this.#plans.get(test)?.[attempt.repeats - 1];
    if (mutant === undefined) this.#current.delete(test);
    else this.#current.set(test, mutant);
    switches.activeMutant = mutant;
  }

  override async onAfterRetryTask(test: RunnerTestCase, attempt: TestTryOptions): Promise<void> {
    await super.onAfterRetryTask(test, attempt);
    if (pass === "static") return;
    const name = nameOf(test);
    const failed = test.result?.state === "fail";
    switches.activeMutant = undefined;
    if (pass === "cover") {
      switches.currentTestId = undefined;
      tell({ kind: "covered", test: name, failed, mutants: Object.keys(coverage.perTest[name] ?? {}) });
      return;
    }
    const mutant = this.#current.get(test);
    if (!failed || test.result === undefined) return;
    if (mutant === undefined) {
      tell({ kind: "broken", test: name, reason: String(test.result.errors?.at(-1)?.message).slice(0, 200) });
      return;
    }
    this.#tellKilled(name, mutant);
    // The next mutant begins with a test that has not failed.
    test.result.state = "pass";
    delete test.result.errors;
  }

  override onAfterRunTask(test: RunnerTask): void {
    if (pass === "kill") this.#tellOfLate(test, this.#plans.get(test)?.length ?? 0);
    super.onAfterRunTask(test);
  }

  override onAfterRunFiles(files: Parameters<TestRunner["onAfterRunFiles"]>[0]): void {
    super.onAfterRunFiles(files);
    if (pass === "cover") tell({ kind: "static", mutants: Object.keys(coverage.static) });
  }

  /** Some failures are noted only when an attempt is over, such as those of hooks. */
  #tellOfLate(test: RunnerTask, repeats: number): void {
    const mutant = this.#plans.get(test)?.[repeats - 1];
    if (mutant === undefined || test.type !== "test") return;
    if (test.result?.attempts?.[repeats]?.state !== "fail") return;
    this.#tellKilled(nameOf(test), mutant);
  }

  #tellKilled(test: string, mutant: string): void {
    const name = JSON.stringify([test, mutant]);
    if (this.#written.has(name)) return;
    this.#written.add(name);
    tell({ kind: "killed", test, mutant });
  }
}

function nameOf(test: RunnerTask): string {
  const names = [test.name];
  for (let suite = test.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
  return [test.file.name, ...names].join(" > ");
}

function tell(line: Line): void {
  appendFileSync(linesFile, `${JSON.stringify(line)}\n`);
}
