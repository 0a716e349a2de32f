import { requireMethods, requireObject, requireText, requireThat } from "../../option-checks.ts";
import { isIndexedBy } from "../indexed.ts";
import { addCases } from "./add-cases.ts";
import { concurrencyCases } from "./concurrency-cases.ts";
import { contractCases } from "./contract-cases.ts";
import { expiryCases } from "./expiry-cases.ts";
import { failureCases } from "./failure-cases.ts";
import { indexCases } from "./index-cases.ts";
import { listCases } from "./list-cases.ts";
import { lostAnswerCases } from "./lost-answer-cases.ts";
import { processCases } from "./process-cases.ts";
import { raceCases } from "./race-cases.ts";
import type { CreateRepository, RepositoryCase, Requirement } from "./subject.ts";
import { unreadableCases } from "./unreadable-cases.ts";

/** Every rule of the contract, for a runner of your own: see `runRepositoryCase`. */
export const repositoryCases: readonly RepositoryCase[] = [
  ...contractCases,
  ...addCases,
  ...expiryCases,
  ...concurrencyCases,
  ...raceCases,
  ...failureCases,
  ...unreadableCases,
  ...lostAnswerCases,
  ...listCases,
  ...indexCases,
  ...processCases,
];

/** The part of a test runner that the suite needs. `node:test` and vitest both have it. */
export interface TestRunner {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly it: (name: string, run: (context: TestContext) => Promise<void>) => unknown;
}

/** What a runner hands to a test: both have a way to skip it. */
export interface TestContext {
  readonly skip?: (reason: string) => unknown;
}

/** How the suite is run. */
export interface TestRepositoryOptions {
  readonly runner: TestRunner;
  /**
   * The optional parts that the factory offers. Cases that need another one are left out. Default: every part that is not
   * named in `without`.
   */
  readonly capabilities?: readonly Requirement[];
  /**
   * The optional parts that the factory does not offer, each with the reason. Cases that need one are skipped with that
   * reason; where a part is neither offered nor named here they are skipped with a note, so that nothing is left unchecked
   * unseen. So are those of a list or an index that the repository does not have.
   */
  readonly without?: Partial<Record<Requirement, string>>;
}

/**
 * Runs one case on a repository that is made for it.
 *
 * @throws {AssertionError} when the rule is broken.
 * @throws {TypeError} when the factory lacks a part that the case needs.
 *
 * @example
 * ```ts
 * for (const one of repositoryCases) await runRepositoryCase(one, () => ({ repository: new SqlRepository(sampleSchema) }));
 * ```
 */
export async function runRepositoryCase(repositoryCase: RepositoryCase, create: CreateRepository): Promise<void> {
  const { needed } = await runIfPossible(repositoryCase, create);
  if (needed !== undefined) throw new TypeError(needed);
}

/**
 * Defines the tests that every repository has to pass: contract, expiry, concurrency, races, failures,
 * lost answers, lists, indexes, and races of processes.
 *
 * @param name - Names the repository in the test report.
 * @param create - Makes an empty repository for each case.
 * @throws {ConfigurationError} when an argument is of another kind.
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
  requireText("name", name);
  requireThat(typeof create === "function", "create must be a function that makes a repository for one case.");
  requireObject("options", options);
  const { runner, capabilities, without = {} } = options;
  requireMethods("runner", runner, ["describe", "it"], "give { describe, it } of your test runner");
  const isListed = (part: Requirement): boolean => capabilities === undefined || capabilities.includes(part);
  runner.describe(`${name} keeps the repository contract:`, () => {
    for (const repositoryCase of repositoryCases) {
      const reasons = repositoryCase.needs.flatMap((part) => without[part] ?? []);
      if (reasons.length === 0 && !repositoryCase.needs.every(isListed)) continue;
      runner.it(repositoryCase.name, async (context) => {
        // Who has said why a part is not there has said it for this report too; a runner that cannot skip leaves the case out.
        if (reasons.length > 0) return void context?.skip?.(reasons.join("; "));
        const { needed, absent } = await runIfPossible(repositoryCase, create);
        const reason = needed ?? absent;
        if (reason !== undefined) skip(context, reason);
      });
    }
  });
}

/** Why a case was not run: what the factory has to offer for it, or what the repository need not have and has not. */
interface Unrun {
  readonly needed?: string;
  readonly absent?: string;
}

async function runIfPossible(repositoryCase: RepositoryCase, create: CreateRepository): Promise<Unrun> {
  const { name, needs, of } = repositoryCase;
  const subject = await create();
  try {
    const missing = needs.filter((part) => subject[part] === undefined);
    if (missing.length > 0) {
      return { needed: `"${name}" needs ${missing.join(" and ")}: offer it, or say in \`without\` why there is none.` };
    }
    if (of !== undefined && !(of in subject.repository)) return { absent: hasNone(of) };
    await repositoryCase.run(subject);
    // There may be an index once the store has shown what it can do.
    return of === "entriesBy" && !isIndexedBy(subject.repository, "name") ? { absent: hasNone(of) } : {};
  } finally {
    await subject.dispose?.();
  }
}

const hasNone = (of: "entries" | "entriesBy"): string =>
  of === "entries"
    ? "The repository has no entries(), which it need not have."
    : "The repository finds nothing by the index of sampleIndexes, which it need not have.";

function skip(context: TestContext, reason: string): void {
  if (context?.skip === undefined) throw new TypeError(reason);
  context.skip(reason);
}
