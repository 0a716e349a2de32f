import { type OptionKinds, requireExactText, requireOptions, requireThat } from "../option-checks.ts";
import { type KeyRing, requireKeyRing } from "../secrets/key-ring.ts";
import { sealed } from "../storage/codecs/sealed.ts";
import type { PostgresLike } from "../storage/postgres/postgres-like.ts";
import {
  PostgresRepository,
  type PostgresRepositoryOptions,
  postgresRepositoryOptionKinds,
} from "../storage/postgres/postgres-repository.ts";
import { SharedPostgres } from "../storage/postgres/shared-postgres.ts";
import { defaultTable, quotedTable } from "../storage/postgres/table.ts";
import { type Backend, createRepositories, type RepositoriesOf } from "./repositories.ts";

interface InPostgres extends Backend {
  readonly repository: PostgresRepository<this["record"]>;
}

/** Every repository of a provider, in Postgres. */
export interface PostgresRepositories extends RepositoriesOf<InPostgres>, AsyncDisposable {
  /** The ids of the keys that records are sealed with, where they are. A provider announces them to its other instances. */
  readonly sealingKeyIds?: readonly string[];
}

/** The options of {@link createPostgresRepositories}. */
export interface PostgresRepositoriesOptions
  extends Omit<PostgresRepositoryOptions<never>, "prefix" | "expiresAt" | "indexes"> {
  /**
   * What the prefix of every kind of record begins with: 1 to 40 of `a-z`, `0-9`, `_` and `-`. Two servers on one table need
   * one each. Default: `pangea`, with which access tokens have the prefix `pangea-access_token`.
   */
  readonly namespace?: string;
  /**
   * Seals every record. Without it who reads the database or a backup of it reads which client acts for which user with
   * which scopes, and who can write to it can forge records. The users' Pangea tokens cannot be read either way: the provider
   * seals them in their grants.
   */
  readonly keys?: KeyRing;
}

const { prefix: _prefix, expiresAt: _expiresAt, indexes: _indexes, ...sharedKinds } = postgresRepositoryOptionKinds;
const optionKinds: OptionKinds<PostgresRepositoriesOptions> = { ...sharedKinds, namespace: "any", keys: "any" };

/**
 * Builds every repository of a provider in one table of Postgres. `createPostgresTables()` creates the table.
 *
 * @param postgres - A Pool of `pg` with the settings of `postgresOptions()`, for one. It stays open.
 * @throws {ConfigurationError} when an option is wrong; the message names the option.
 *
 * @example
 * ```ts
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL, ...postgresOptions() });
 * await createPostgresTables(pool);
 * const repositories = createPostgresRepositories(pool, { keys: KeyRing.from(process.env.STORAGE_SECRET) });
 * const provider = new PangeaOAuthProvider({ ...settings, repositories });
 * ```
 */
export function createPostgresRepositories(
  postgres: PostgresLike,
  options: PostgresRepositoriesOptions = {},
): PostgresRepositories {
  requireOptions("createPostgresRepositories", options, optionKinds);
  const { namespace = "pangea", keys, ...common } = options;
  requireKeyRing(keys);
  requireExactText("namespace", namespace);
  requireThat(
    typeof namespace === "string" && /^[a-z0-9_-]{1,40}$/.test(namespace),
    "namespace must be 1 to 40 of the characters a-z, 0-9, _ and -.",
  );
  quotedTable(options.table ?? defaultTable);
  // One view of the client for all kinds: what a request reads of several kinds at once is one statement.
  const shared = new SharedPostgres(postgres, options.timeout);
  const repositories = createRepositories<InPostgres>(
    (schema, kind, indexes) =>
      new PostgresRepository(keys === undefined ? schema : sealed(schema, keys), shared, {
        ...common,
        prefix: `${namespace}-${kind}`,
        indexes,
      }),
  );
  return {
    ...repositories,
    ...(keys !== undefined && { sealingKeyIds: keys.ids }),
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(repositories).map((repository) => repository[Symbol.asyncDispose]()));
    },
  };
}
