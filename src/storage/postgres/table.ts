import { StorageUnauthorizedError } from "../../errors.ts";
import { requireMethods, requireThat } from "../../option-checks.ts";
import { maxIndexes } from "../record-indexes.ts";
import { postgresFailure } from "./postgres-failure.ts";
import { type PostgresLike, rowsOf } from "./postgres-like.ts";

const mayNotCreate =
  "This Postgres user may not create tables: grant it CREATE on the schema, or create them as another user by postgresMigration().";

/** The table of records where none is named. */
export const defaultTable = "pangea_records";

/** A name that needs no quotes, with a schema before it or not. */
const tableForm = /^(?:[a-z_][a-z0-9_]{0,47}\.)?[a-z_][a-z0-9_]{0,47}$/;

/**
 * A table's name as it stands in a statement.
 *
 * @throws {ConfigurationError} for a name that is not of `a-z`, `0-9` and `_`.
 */
export function quotedTable(table: string): string {
  requireThat(
    typeof table === "string" && tableForm.test(table),
    "table must be a name of up to 48 of the characters a-z, 0-9 and _, with its schema and a dot before it or not.",
  );
  return table
    .split(".")
    .map((part) => `"${part}"`)
    .join(".");
}

/**
 * The indexes of what records are found by. The first label of a row is its scheme, which says how the others were made; each
 * of the others is of one index. Rows without labels have an index too: a search has to read those of its repository. The key is
 * part of each, so that a page of rows in the order of the keys is a part of the index.
 */
function labelIndexes(quoted: string, plain: string): string[] {
  const labels = Array.from({ length: 1 + maxIndexes }, (_, position) => position + 1);
  return [
    `CREATE INDEX IF NOT EXISTS "${plain}_unlabelled" ON ${quoted} (key) WHERE labels IS NULL`,
    ...labels.map(
      (position) =>
        `CREATE INDEX IF NOT EXISTS "${plain}_label_${position}" ON ${quoted} ((${labelAt(position)}), key) WHERE labels IS NOT NULL`,
    ),
  ];
}

/** A label of a row, as it stands in the index and has to stand in what asks the index. */
export function labelAt(position: number): string {
  return `labels[${position}] COLLATE "C"`;
}

/**
 * The statements that create the table of the records where it is missing. Each can be repeated.
 *
 * The keys are compared byte by byte, whatever the database's collation: it is faster, and no collation makes two keys one.
 */
function statementsOf(table: string): readonly string[] {
  const quoted = quotedTable(table);
  const plain = table.split(".").at(-1) ?? table;
  return [
    `CREATE TABLE IF NOT EXISTS ${quoted} (
  key text COLLATE "C" PRIMARY KEY,
  value text NOT NULL,
  expires_at double precision,
  labels text[]
)`,
    `CREATE INDEX IF NOT EXISTS "${plain}_expiry" ON ${quoted} (expires_at) WHERE expires_at IS NOT NULL`,
    ...labelIndexes(quoted, plain),
  ];
}

/**
 * The table of the records, as SQL for a migration tool. It can be run again.
 *
 * @param table - Default: `pangea_records`.
 * @throws {ConfigurationError} for a name that is not of `a-z`, `0-9` and `_`.
 *
 * @example
 * ```ts
 * await writeFile("migrations/0007_pangea_records.sql", postgresMigration());
 * ```
 */
export function postgresMigration(table: string = defaultTable): string {
  return `${statementsOf(table).join(";\n\n")};\n`;
}

/** What two processes that create the same table at once may be told: it is there by then. */
const alreadyThere = new Set(["23505", "42P07", "42710"]);

/**
 * Creates the table of the records where it is missing. Several instances may do so at once.
 *
 * @param postgres - Its user may create tables.
 * @param table - Default: `pangea_records`.
 * @throws {ConfigurationError} for a name that is not of `a-z`, `0-9` and `_`, and for a client without a method `query`.
 * @throws {StorageError} when Postgres refuses or does not answer: what it said is the cause.
 *
 * @example
 * ```ts
 * await createPostgresTables(new Pool({ connectionString: process.env.DATABASE_URL, ...postgresOptions() }));
 * ```
 */
export async function createPostgresTables(postgres: PostgresLike, table: string = defaultTable): Promise<void> {
  requireMethods("The Postgres client", postgres, ["query"], "give one with query(), such as a Pool of pg");
  for (const statement of statementsOf(table)) {
    try {
      rowsOf(await postgres.query(statement, []));
    } catch (error) {
      const code: unknown = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
      if (code === "42501") throw new StorageUnauthorizedError(mayNotCreate, { effect: "none", cause: error });
      if (typeof code !== "string" || !alreadyThere.has(code)) throw postgresFailure(error, "write");
    }
  }
}
