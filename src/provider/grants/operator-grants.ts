import type { ProviderRepositories } from "../../records/repositories.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import { OperatorLog } from "../reporting/logger.ts";
import { Reporter } from "../reporting/reporter.ts";
import { type GrantFilter, type GrantSummary, listGrants, revokeGrants, summaryOf } from "./grant-directory.ts";
import { Grants, isRevoked } from "./grants.ts";

/** How long a tombstone without a grant is kept at least, in seconds: as long as a grant lives by default. */
const tombstoneLifetime = 90 * 24 * 60 * 60;

/** What an operator's tool needs beside the store. */
export interface OperatorSettings {
  /** The time in milliseconds since the epoch. */
  readonly clock: () => number;
  /** Takes a line for each decision, for a log that an auditor reads. */
  readonly tell: (line: string) => void;
}

/**
 * The grants of a store for an operator's tool, which has the store and no provider: whichever server they are of. A grant that
 * is ended here is over as if its server had ended it. The user's session upstream is ended by the server once somebody shows
 * a credential of the grant: nothing else opens it.
 */
export class OperatorGrants {
  readonly #parts: ConstructorParameters<typeof Grants>[0] & Parameters<typeof listGrants>[0];
  readonly #grants: Grants;

  constructor(repositories: ProviderRepositories, { clock, tell }: OperatorSettings) {
    const line = (text: unknown, details: unknown = {}): void => tell(`${String(text)} ${JSON.stringify(details)}`);
    const logger = { debug: () => {}, info: line, warn: line, error: line };
    const reporter = new Reporter(new OperatorLog(logger, clock));
    this.#parts = {
      repositories,
      storedGrants: repositories.grants,
      reporter,
      resource: undefined,
      upstreams: undefined,
      now: () => clock() / 1_000,
      lifetimes: { grant: tombstoneLifetime },
      meetForeignGrant: () => {},
      meetUnindexedGrants: () => reporter.tell("grants-unindexed", { issuer: "The store" }),
      // Only what opens a session can end it, and an operator's tool has nothing that does.
      upstreamRevocations: { end: async () => "kept" },
    };
    this.#grants = new Grants(this.#parts);
  }

  /** See {@link listGrants}. */
  list(filter: GrantFilter): AsyncIterable<GrantSummary> {
    return listGrants(this.#parts, filter);
  }

  /**
   * One grant by its id; undefined where there is none that is alive.
   *
   * @throws {StorageError} when the store fails.
   */
  async get(grantId: string): Promise<GrantSummary | undefined> {
    const grant = await getFresh(this.#parts.repositories.grants, grantId);
    return grant === undefined || isRevoked(grant) ? undefined : summaryOf(this.#parts, grantId, grant);
  }

  /**
   * Ends a grant. False where there was none.
   *
   * @throws {ConfigurationError} when there is none, and the id has not the form of one.
   * @throws {StorageError} when the store fails: call again.
   */
  revoke(grantId: string): Promise<boolean> {
    return this.#grants.revoke(grantId, { by: "operator" });
  }

  /** See {@link revokeGrants}. */
  revokeAll(filter: GrantFilter): Promise<number> {
    return revokeGrants(this.#grants, this.#parts, filter);
  }
}
