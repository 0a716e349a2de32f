import { Redis } from "ioredis";
import { KeyRing, type ProviderRepositories } from "../../src/index.ts";
import { createPostgresRepositories, createPostgresTables, postgresOptions } from "../../src/postgres.ts";
import { createRedisRepositories, redisOptions } from "../../src/redis.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";
import { createVaultRepositories } from "../../src/vault.ts";
import { openPostgresPool } from "./postgres-pool.ts";

/** How a test opens the records of a namespace. */
export interface OpeningSettings {
  readonly namespace: string;
  /** Seals the records; without it they are in plain text. */
  readonly secret?: string;
  readonly clock?: () => number;
}

/** A store that records are moved from or to. */
export interface MigrationStore extends AsyncDisposable {
  /** As it is written behind `--from` and `--to`. */
  readonly address: string;
  open(settings: OpeningSettings): Promise<ProviderRepositories & AsyncDisposable>;
}

/** The kinds of stores that `migrate` knows. */
export type StoreKind = "vault" | "redis" | "sqlite" | "postgres";

/** Where the servers of the stores are. */
export interface MigrationServers {
  readonly baseUrlTemplate: string;
  readonly redisUrl: string;
  readonly postgresUrl: string;
  readonly file: string;
}

/** Every kind of store, each on its server. */
export async function migrationStores(servers: MigrationServers): Promise<Record<StoreKind, MigrationStore>> {
  const { baseUrlTemplate, redisUrl, postgresUrl, file } = servers;
  const redis = new Redis(redisUrl, redisOptions({ connectTimeout: 60_000, socketTimeout: 60_000 }));
  const pool = openPostgresPool({ connectionString: postgresUrl, max: 8, ...postgresOptions({ timeout: 60_000 }) });
  await createPostgresTables(pool);
  const common = ({ namespace, secret, clock }: OpeningSettings) => ({
    namespace,
    timeout: 60_000,
    ...(secret !== undefined && { keys: KeyRing.from(secret) }),
    ...(clock !== undefined && { clock }),
  });
  return {
    vault: {
      address: "vault:/moved",
      open: async (settings) =>
        createVaultRepositories("pts_test", { ...common(settings), baseUrlTemplate, folder: "/moved" }),
      [Symbol.asyncDispose]: async () => undefined,
    },
    redis: {
      address: redisUrl,
      open: async (settings) => createRedisRepositories(redis, common(settings)),
      [Symbol.asyncDispose]: async () => redis.disconnect(),
    },
    sqlite: {
      address: `sqlite:${file}`,
      open: async (settings) => createSqliteRepositories(file, { keys: "none", ...common(settings) }),
      [Symbol.asyncDispose]: async () => undefined,
    },
    postgres: {
      address: postgresUrl,
      open: async (settings) => createPostgresRepositories(pool, common(settings)),
      [Symbol.asyncDispose]: () => pool.end(),
    },
  };
}
