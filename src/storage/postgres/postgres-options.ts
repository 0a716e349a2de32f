import { type OptionKinds, requireOptions, requireTimeout } from "../../option-checks.ts";

/** How long a Pool waits, and for what. */
export interface PostgresPatience {
  /** How long a call may take, in milliseconds. Default: 2,000. */
  readonly timeout?: number;
  /** Leaves out what a pooler that shares connections between transactions refuses. Default: false. */
  readonly viaPooler?: boolean;
}

const patienceKinds: OptionKinds<PostgresPatience> = { timeout: "any", viaPooler: "boolean" };

/** The settings of `pg`'s Pool that {@link postgresOptions} gives. */
export interface RecommendedPostgresOptions {
  /** How long a caller waits for a connection, in milliseconds. */
  readonly connectionTimeoutMillis: number;
  /** After how many milliseconds Postgres cancels a statement. */
  readonly statement_timeout?: number;
  /** After how many milliseconds Postgres gives up waiting for another statement's lock. */
  readonly lock_timeout?: number;
  /** After how many milliseconds the client gives up waiting for an answer. */
  readonly query_timeout: number;
  /** A connection that died without a word is found out. */
  readonly keepAlive: true;
  readonly application_name: string;
}

/**
 * The settings with which a Pool of `pg` fails in time instead of hanging: deadlines for a connection, a statement, a lock.
 * Postgres itself cancels a statement whose caller has given up, so nothing lands late.
 *
 * Behind a pooler that shares connections between transactions, `statement_timeout` and `lock_timeout` are not accepted
 * (PgBouncer: `unsupported startup parameter`): set them for the user in Postgres, and give `viaPooler`.
 *
 * @throws {ConfigurationError} when the timeout is not positive.
 *
 * @example
 * ```ts
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10, ...postgresOptions() });
 * ```
 */
export function postgresOptions(options: PostgresPatience = {}): RecommendedPostgresOptions {
  requireOptions("postgresOptions", options, patienceKinds);
  const { timeout = 2_000, viaPooler = false } = options;
  requireTimeout("timeout", timeout);
  const inPostgres = Math.max(1, Math.floor(timeout * 0.9));
  return {
    connectionTimeoutMillis: timeout,
    query_timeout: timeout,
    keepAlive: true,
    application_name: "pangea-authn-fastmcp",
    ...(!viaPooler && { statement_timeout: inPostgres, lock_timeout: inPostgres }),
  };
}
