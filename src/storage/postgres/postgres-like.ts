/** What a query answers with: the rows alone, as Neon's `neon()` gives them, or an object that has them. */
export type PostgresResult = readonly unknown[] | { readonly rows: readonly unknown[] };

/**
 * The part of a Postgres client that a repository uses. The pools and clients of `pg` and of Neon, and PGlite, have it.
 *
 * @example
 * ```ts
 * const postgres: PostgresLike = new Pool({ connectionString: process.env.DATABASE_URL, ...postgresOptions() });
 * ```
 */
export interface PostgresLike {
  query(text: string, values: unknown[]): Promise<PostgresResult>;
}

/** The rows of a result, whatever form the client gives it. */
export function rowsOf(result: PostgresResult): readonly unknown[] {
  return "rows" in result ? result.rows : result;
}

/** The text in a column of a row, or `undefined` where there is none. */
export function textIn(row: unknown, column: string): string | undefined {
  if (typeof row !== "object" || row === null || !(column in row)) return undefined;
  const text: unknown = Reflect.get(row, column);
  return typeof text === "string" ? text : undefined;
}
