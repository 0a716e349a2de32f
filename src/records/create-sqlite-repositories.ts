import type { ZodType } from "zod";
import { PangeaAuthnError } from "../errors.ts";
import { type OptionKinds, requireExactText, requireOptions, requireThat } from "../option-checks.ts";
import { type KeyRing, requireKeyRing } from "../secrets/key-ring.ts";
import type { SchemaOrCodec } from "../storage/codecs/as-codec.ts";
import { LateSeal } from "../storage/codecs/late-seal.ts";
import { sealed } from "../storage/codecs/sealed.ts";
import { type OpenSqliteOptions, openSqlite, openSqliteOptionKinds } from "../storage/sqlite/open-sqlite.ts";
import { claimDatabase } from "../storage/sqlite/schema-version.ts";
import { SharedConnection } from "../storage/sqlite/shared-connection.ts";
import { sqliteFailure } from "../storage/sqlite/sqlite-failure.ts";
import {
  SqliteRepository,
  type SqliteRepositoryOptions,
  sqliteRepositoryOptionKinds,
} from "../storage/sqlite/sqlite-repository.ts";
import { keptInMemory } from "./kept-in-memory.ts";
import { type Backend, createRepositories, type RepositoriesOf, recordKinds } from "./repositories.ts";
import { type Sealable, sealWith } from "./sealable.ts";

interface InSqlite extends Backend {
  readonly repository: SqliteRepository<this["record"]>;
}

/** Every repository of a provider, in one SQLite file. */
export interface SqliteRepositories extends RepositoriesOf<InSqlite>, AsyncDisposable {
  /** The ids of the keys that records are sealed with, where keys were given. A provider announces them to its other instances. */
  readonly sealingKeyIds?: readonly string[];
  /** Waits for the calls under way and closes the file. The same as `Symbol.asyncDispose`. */
  close(): Promise<void>;
}

/** The options of {@link createSqliteRepositories}. */
export interface SqliteRepositoriesOptions
  extends Omit<SqliteRepositoryOptions<never>, "table" | "expiresAt" | "indexes">,
    OpenSqliteOptions {
  /**
   * What the table of every kind of record begins with: 1 to 40 of `a-z`, `0-9`, `_` and `-`. Default: `pangea`, with which
   * access tokens are in the table `pangea-access_token`.
   */
  readonly namespace?: string;
  /**
   * Seals every record. Default: the keys of the provider that the repositories are given to, which follow from its secret.
   * With `"none"` records are kept in plain text: who reads the file then reads which client acts for which user, and who
   * writes to it can forge records.
   */
  readonly keys?: KeyRing | "none";
}

const { table: _table, expiresAt: _expiresAt, indexes: _indexes, ...sharedKinds } = sqliteRepositoryOptionKinds;
const optionKinds: OptionKinds<SqliteRepositoriesOptions> = {
  ...sharedKinds,
  ...openSqliteOptionKinds,
  namespace: "any",
  keys: "any",
};

/**
 * Opens a SQLite file and builds every repository of a provider in it: state that survives restarts, for one machine and
 * any number of processes on it. It needs Node.js 22.13 or later, which has `node:sqlite`, or better-sqlite3 12.
 *
 * The file is created where there is none, for this user only. It is this package's own: the tables of your application
 * belong in another one.
 *
 * @param path - Of the file, as text or a `file:` URL. Its directory must be there.
 * @throws {ConfigurationError} when an option is wrong, or there is no driver: the message says what to install.
 * @throws {StorageError} when the file cannot be used: it is locked, damaged, no database, another program's, of a newer
 * version, or not this user's to write. The message says what to do.
 *
 * @example
 * ```ts
 * const provider = new PangeaOAuthProvider({ ...settings, repositories: createSqliteRepositories("state.db") });
 * ```
 */
export function createSqliteRepositories(
  path: string | URL,
  options: SqliteRepositoriesOptions = {},
): SqliteRepositories {
  requireOptions("createSqliteRepositories", options ?? null, optionKinds);
  const { namespace = "pangea", keys, driver, timeout, ...common } = options;
  requireExactText("namespace", namespace);
  requireThat(
    typeof namespace === "string" && /^(?!sqlite_)[a-z0-9_-]{1,40}$/.test(namespace),
    "namespace must be 1 to 40 of the characters a-z, 0-9, _ and -, and not begin with sqlite_.",
  );
  if (keys !== "none") requireKeyRing(keys);
  const tableOf = (kind: string): string => `${namespace}-${kind}`;
  const seal = new LateSeal();
  const codecOf = <V>(schema: ZodType<V>): SchemaOrCodec<V> => {
    if (keys === undefined) return seal.codec(schema);
    return keys === "none" ? schema : sealed(schema, keys);
  };
  const database = openSqlite(path, driver === undefined ? {} : { driver });
  try {
    claimDatabase(database, recordKinds.map(tableOf));
    // One view of the file for all kinds: what a request writes of several kinds at once is one transaction.
    const connection = new SharedConnection(database, timeout);
    const repositories = createRepositories<InSqlite>(
      (schema, kind, indexes) =>
        new SqliteRepository(codecOf(schema), connection, { ...common, table: tableOf(kind), indexes }),
    );
    const close = onceOnly(async () => {
      await Promise.all(Object.values(repositories).map((repository) => repository[Symbol.asyncDispose]()));
      database.close();
    });
    const sealable: Partial<Sealable> = keys === undefined ? { [sealWith]: (given) => seal.sealWith(given) } : {};
    const announced = keys === undefined || keys === "none" ? {} : { sealingKeyIds: keys.ids };
    // SQLite's name for a database that ends with its connection.
    const inMemory = path === ":memory:" && { [keptInMemory]: Object.keys(repositories) };
    return { ...repositories, ...sealable, ...announced, ...inMemory, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    database.close();
    throw error instanceof PangeaAuthnError ? error : sqliteFailure(error, "open");
  }
}

/** A function that does its work at the first call, and answers every later one with the same promise. */
function onceOnly(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
