import { createRequire } from "node:module";
import { requireThat } from "../../option-checks.ts";
import { noDriver } from "./sqlite-failure.ts";
import type { SqliteLike } from "./sqlite-like.ts";

/** The drivers that a database can be opened with. */
export type SqliteDriver = "node:sqlite" | "better-sqlite3";

/** Opens a connection to a database file. */
export type Connect = (path: string) => SqliteLike;

/** Finds a module by its name; throws, or answers `undefined`, where there is none. */
export type FindModule = (name: SqliteDriver) => unknown;

const drivers: readonly (readonly [name: SqliteDriver, exported: string | undefined])[] = [
  ["node:sqlite", "DatabaseSync"],
  ["better-sqlite3", undefined],
];

/**
 * Finds a driver.
 *
 * @param wanted - The only driver to take. Default: `node:sqlite` where this Node.js has it, else better-sqlite3.
 * @throws {ConfigurationError} when there is none. The message says what to install.
 */
export function findDriver(wanted?: SqliteDriver, find: FindModule = findModule): Connect {
  const eligible = drivers.filter(([name]) => wanted === undefined || name === wanted);
  requireThat(eligible.length > 0, 'driver must be "node:sqlite" or "better-sqlite3".');
  let cause: unknown;
  for (const [name, exported] of eligible) {
    try {
      const found = find(name);
      const Database: unknown = exported === undefined ? found : Object(found)[exported];
      if (isDatabaseClass(Database)) return (path) => new Database(path);
    } catch (error) {
      cause = error;
    }
  }
  throw noDriver(wanted ?? "any", cause);
}

function findModule(name: SqliteDriver): unknown {
  // A require of node:sqlite would make bundlers and Node.js 20 look for a package of that name.
  return name === "node:sqlite" ? process.getBuiltinModule(name) : createRequire(import.meta.url)(name);
}

function isDatabaseClass(value: unknown): value is new (path: string) => SqliteLike {
  return typeof value === "function" && typeof Object(value.prototype).prepare === "function";
}
