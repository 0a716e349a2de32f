import { expect, test } from "vitest";
import { isDiagnosable } from "../../src/storage/finding.ts";

test.each([
  ["can say more of its store", { diagnose: async () => [] }, true],
  ["has no such method", {}, false],
  ["has something else of the name", { diagnose: [] }, false],
])("a repository that %s", (_, repository, isIt) => {
  expect(isDiagnosable(repository)).toBe(isIt);
});
