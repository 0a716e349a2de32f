import { concurrencyCases } from "./concurrency-cases.ts";
import { contractCases } from "./contract-cases.ts";
import { expiryCases } from "./expiry-cases.ts";
import { failureCases } from "./failure-cases.ts";
import type { CreateRepository, RepositoryCase, RepositoryUnderTest, Requirement } from "./subject.ts";

/** Every rule of the contract, for a runner of your own: see `runRepositoryCase`. */
export const repositoryCases: readonly RepositoryCase[] = [
  ...contractCases,
  ...expiryCases,
  ...concurrencyCases,
  ...failureCases,
];

/** The part of a test runner that the suite needs. `node:test` and vitest both have it. */
export interface TestRunner {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly it: (name: string, run: () => Promise<void>) => unknown;
}

/** How the suite is run. */
export interface TestRepositoryOptions {
  readonly runner: TestRunner;
  /**
   * The optional parts that the factory does not offer, each with the reason. Cases that need one are left out; a part
   * that is neither offered nor named here is a failing test, so that nothing is left unchecked by accident.
   */
  readonly without?: Partial<Record<Requirement, string>>;
}

/**
 * Runs one case on a repository that is made for it.
 *
 * @throws An `AssertionError` where the rule is broken, a `TypeError` where the factory lacks a part that it needs.
 */
export async function runRepositoryCase(repositoryCase: RepositoryCase, create: CreateRepository): Promise<void> {
  const subject = await create();
  try {
    const missing = missingParts(repositoryCase, subject);
    if (missing.length > 0) {
      throw new TypeError(
        `"${repositoryCase.name}" needs ${missing.join(" and ")}: offer it, or say in \`without\` why there is none.`,
      );
    }
    await repositoryCase.run(subject);
  } finally {
    await subject.dispose?.();
  }
}

/**
 * Defines the tests that every repository has to pass: contract, expiry, concurrency, failures.
 *
 * @param name - Names the repository in the test report.
 * @param create - Makes an empty repository for each case.
 *
 * @example
 * ```ts
 * import { describe, it } from "vitest"; // or node:test
 * import { testRepository } from "pangea-authn-fastmcp/conformance";
 *
 * testRepository("SqlRepository", () => ({ repository: new SqlRepository(sampleSchema, emptyTable()) }), {
 *   runner: { describe, it },
 *   without: { plant: "covered by the codec's own tests" },
 * });
 * ```
 */
export function testRepository(name: string, create: CreateRepository, options: TestRepositoryOptions): void {
  const { runner, without = {} } = options;
  runner.describe(`${name} keeps the repository contract:`, () => {
    for (const repositoryCase of repositoryCases) {
      if (repositoryCase.needs.some((part) => without[part] !== undefined)) continue;
      runner.it(repositoryCase.name, () => runRepositoryCase(repositoryCase, create));
    }
  });
}

function missingParts(repositoryCase: RepositoryCase, subject: RepositoryUnderTest): Requirement[] {
  return repositoryCase.needs.filter((part) => subject[part] === undefined);
}
