import { describe, expect, it } from "vitest";
import { repositoryCases, runRepositoryCase } from "../../../src/conformance.ts";
import { buildRight, subjectOf } from "./text-repository.ts";
import { wrongBackends, wrongProcesses } from "./wrong-backends.ts";

describe("a repository that is right", () => {
  it.each(repositoryCases)("passes: $name", async (repositoryCase) => {
    await runRepositoryCase(repositoryCase, () => subjectOf(buildRight));
  });
});

describe("a repository that breaks a rule is found out:", () => {
  it.each(repositoryCases)("$name", async (repositoryCase) => {
    const { [repositoryCase.name]: wrong = buildRight } = wrongBackends;
    const { [repositoryCase.name]: mistake = "none" } = wrongProcesses;
    if (wrong === buildRight && mistake === "none") throw new Error("No backend breaks this rule.");
    await expect(runRepositoryCase(repositoryCase, () => subjectOf(wrong, undefined, mistake))).rejects.toMatchObject({
      code: "ERR_ASSERTION",
    });
  });

  it("by the rule that it breaks, of which there is one for each backend", () => {
    expect(Object.keys({ ...wrongBackends, ...wrongProcesses }).sort()).toEqual(
      repositoryCases.map(({ name }) => name).sort(),
    );
  });
});
