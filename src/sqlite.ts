export {
  createSqliteRepositories,
  type SqliteRepositories,
  type SqliteRepositoriesOptions,
} from "./records/create-sqlite-repositories.ts";
export { type OpenSqliteOptions, openSqlite } from "./storage/sqlite/open-sqlite.ts";
export type { SqliteDriver } from "./storage/sqlite/sqlite-driver.ts";
export type { SqliteLike, SqliteStatementLike, SqliteValue } from "./storage/sqlite/sqlite-like.ts";
export { SqliteRepository, type SqliteRepositoryOptions } from "./storage/sqlite/sqlite-repository.ts";
