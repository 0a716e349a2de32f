export {
  createPostgresRepositories,
  type PostgresRepositories,
  type PostgresRepositoriesOptions,
} from "./records/create-postgres-repositories.ts";
export { PostgresInvalidation, type PostgresInvalidationOptions } from "./storage/postgres/invalidation-notify.ts";
export type { PostgresListener } from "./storage/postgres/listening-connection.ts";
export type { PostgresLike, PostgresResult } from "./storage/postgres/postgres-like.ts";
export {
  type PostgresPatience,
  postgresOptions,
  type RecommendedPostgresOptions,
} from "./storage/postgres/postgres-options.ts";
export { PostgresRepository, type PostgresRepositoryOptions } from "./storage/postgres/postgres-repository.ts";
export { createPostgresTables, postgresMigration } from "./storage/postgres/table.ts";
