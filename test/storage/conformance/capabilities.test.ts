import { expect, it } from "vitest";
import {
  type Requirement,
  repositoryCases,
  type TestRepositoryOptions,
  testRepository,
} from "../../../src/conformance.ts";
import { buildRight, subjectOf } from "./text-repository.ts";

/** The names of the tests that the suite defines. */
function defined(options: { capabilities?: readonly Requirement[]; without?: Partial<Record<Requirement, string>> }) {
  const names: string[] = [];
  const runner = { describe: (_name: string, define: () => void) => define(), it: (name: string) => names.push(name) };
  testRepository("any", () => subjectOf(buildRight), { runner, ...options });
  return names;
}

const needing = (...parts: readonly Requirement[]) =>
  repositoryCases.filter(({ needs }) => needs.every((need) => parts.includes(need))).map(({ name }) => name);

it("without a word about capabilities every rule is a test", () => {
  expect(defined({})).toEqual(repositoryCases.map(({ name }) => name));
});

it("with capabilities, the rules that can be checked with them are the tests", () => {
  expect(defined({ capabilities: [] })).toEqual(needing());
  expect(defined({ capabilities: ["advanceSeconds", "plant"] })).toEqual(needing("advanceSeconds", "plant"));
  expect(needing()).not.toHaveLength(0);
  expect(needing("advanceSeconds")).not.toEqual(needing());
});

/** Runs the tests that the suite defines, and answers why each that was skipped was. */
async function skipped(build: typeof buildRight, options: Omit<TestRepositoryOptions, "runner">) {
  const reasons = new Map<string, string>();
  const tests: (() => Promise<void>)[] = [];
  testRepository("any", () => subjectOf(build), {
    runner: {
      describe: (_name: string, define: () => void) => define(),
      it: (name, run) => tests.push(() => run({ skip: (reason) => reasons.set(name, reason) })),
    },
    ...options,
  });
  for (const test of tests) await test();
  return reasons;
}

it("what is not there for a reason is skipped with it, whatever the capabilities are", async () => {
  const reasons = await skipped(buildRight, { capabilities: ["plant"], without: { plant: "tables have columns" } });
  const ofPlant = needing("plant").filter((name) => !needing().includes(name));
  expect(ofPlant).not.toEqual([]);
  expect(ofPlant.map((name) => reasons.get(name))).toEqual(ofPlant.map(() => "tables have columns"));
});

it("what a repository need not have, and has not, is skipped and not passed", async () => {
  const reasons = await skipped(
    (...given) => {
      const whole = buildRight(...given);
      return {
        get: (key) => whole.get(key),
        set: (key, value) => whole.set(key, value),
        add: (key, value) => whole.add(key, value),
        take: (key) => whole.take(key),
        delete: (key) => whole.delete(key),
      };
    },
    { capabilities: [] },
  );
  for (const { name, needs, of } of repositoryCases) {
    if (needs.length === 0) expect([name, reasons.has(name)]).toEqual([name, of !== undefined]);
  }
  expect(await skipped(buildRight, { capabilities: [] })).toEqual(new Map());
});
