import { type MigrationStore, migrationStores, type StoreKind } from "./migration-stores.ts";
import { findPostgres } from "./postgres-server.ts";
import { findRedis } from "./redis-server.ts";
import { setUp } from "./set-up.ts";
import { sqliteDirectory } from "./sqlite-subject.ts";

/** Every kind of store for the tests of a file. What it gives can be used once the tests run. */
export function useMigrationStores(emulator: { readonly baseUrlTemplate: string }): {
  readonly stores: Record<StoreKind, MigrationStore>;
  readonly directory: Awaited<ReturnType<typeof sqliteDirectory>>;
} {
  let started: ReturnType<typeof useMigrationStores> | undefined;
  setUp("file", async (parts) => {
    const directory = parts.use(await sqliteDirectory());
    const redis = parts.use(await findRedis());
    const postgres = parts.use(await findPostgres());
    const stores = await migrationStores({
      baseUrlTemplate: emulator.baseUrlTemplate,
      redisUrl: redis.url,
      postgresUrl: postgres.url,
      file: directory.file(),
    });
    for (const store of Object.values(stores)) parts.use(store);
    started = { stores, directory };
  });
  const ready = () => {
    if (started === undefined) throw new Error("The stores are there once the tests run.");
    return started;
  };
  return {
    get stores() {
      return ready().stores;
    },
    get directory() {
      return ready().directory;
    },
  };
}
