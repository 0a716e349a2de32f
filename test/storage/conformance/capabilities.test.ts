import { expect, it } from "vitest";
import { type Requirement, repositoryCases, testRepository } from "../../../src/conformance.ts";
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

it("what is left out with a reason is left out, whatever the capabilities are", () => {
  const options = { capabilities: ["advanceSeconds", "plant"], without: { plant: "tables have columns" } } as const;
  expect(defined(options)).toEqual(needing("advanceSeconds"));
});
