import { existsSync } from "node:fs";
import { ConfigurationError, PangeaAuthnError } from "../../errors.ts";
import { createInMemoryRepositories, type ProviderRepositories } from "../../records/repositories.ts";
import { placed } from "./placed-failure.ts";
import { shownAddress } from "./store-address.ts";
import type { StoreSettings } from "./store-settings.ts";

/** A store that is open. */
export interface OpenStore extends AsyncDisposable {
  readonly repositories: ProviderRepositories;
  /**
   * Tells the caches of running servers that a record has changed, or that everything may have where there is no key. Undefined
   * for a store over which nothing can be told.
   *
   * @throws {StorageError} when it could not be told.
   */
  readonly announce?: (key: string | undefined) => Promise<unknown>;
}

/** How a store is opened. */
export interface OpeningOptions {
  /** Nothing is created: a target that is not there yet is an empty one. */
  readonly dryRun: boolean;
  /** The name of the command, for messages. */
  readonly command: string;
  /** The line that makes a package available. */
  readonly installation: (missing: string) => string;
  /**
   * Whether a SQLite file without a secret is left to be sealed by the provider that gets the repositories. Default: false,
   * its records are in plain text.
   */
  readonly isForProvider?: boolean;
}

/** How long a call may take, in milliseconds: nobody waits for an answer here, and a store that is busy is no failure. */
const timeout = 10_000;

/**
 * Opens the store of one side. Its client is loaded now, and no other.
 *
 * @throws {ConfigurationError} when the client is not installed, a source is not there, or a setting is missing or wrong.
 * @throws {StorageError} when the store cannot be opened. The message has its address.
 */
export async function openStore(settings: StoreSettings, options: OpeningOptions): Promise<OpenStore> {
  try {
    return await openAt(settings, options);
  } catch (failure) {
    throw placed(failure, settings.address);
  }
}

async function openAt(settings: StoreSettings, options: OpeningOptions): Promise<OpenStore> {
  switch (settings.address.kind) {
    case "vault":
      return openVault(settings, options);
    case "redis":
      return openRedis(settings, settings.address.url, options);
    case "sqlite":
      return openSqliteFile(settings, settings.address.path, options);
    case "postgres":
      return openPostgres(settings, settings.address.url, options);
  }
}

async function openVault(settings: StoreSettings, options: OpeningOptions): Promise<OpenStore> {
  const { folder, namespace, keys, takeOver, role, variable } = settings;
  const token = variable("PANGEA_VAULT_TOKEN");
  if (token === undefined) {
    throw new ConfigurationError(`The ${role} is a Vault: set its token in the variable PANGEA_VAULT_TOKEN.`);
  }
  await installed("pangea-node-sdk", () => import("pangea-node-sdk"), options);
  const { createVaultRepositories } = await import("../../records/create-vault-repositories.ts");
  const baseUrlTemplate = variable("PANGEA_BASE_URL_TEMPLATE");
  const domain = variable("PANGEA_DOMAIN");
  const repositories = createVaultRepositories(token, {
    takeOver,
    timeout,
    ...(folder !== undefined && { folder }),
    ...(namespace !== undefined && { namespace }),
    ...(keys !== undefined && { keys }),
    ...(baseUrlTemplate !== undefined && { baseUrlTemplate }),
    ...(domain !== undefined && { domain }),
  });
  return { repositories, [Symbol.asyncDispose]: () => repositories[Symbol.asyncDispose]() };
}

async function openRedis(settings: StoreSettings, url: string, options: OpeningOptions): Promise<OpenStore> {
  const { namespace, keys } = settings;
  const { openRedisClient } = await import("../open-redis-client.ts");
  const { createRedisRepositories } = await import("../../records/create-redis-repositories.ts");
  const { requireDatabase } = await import("../../storage/redis/database.ts");
  const { publishToAll } = await import("../../storage/redis/publish-to-all.ts");
  const patience = { connectTimeout: timeout, socketTimeout: timeout };
  const redis = await openRedisClient(url, (name) => notInstalled(name, options), patience);
  const end = onceOnly(() => redis.end());
  try {
    // A provider that gets the repositories looks by itself.
    if (options.isForProvider !== true) await requireDatabase(redis.client, timeout);
    const repositories = createRedisRepositories(redis.client, {
      timeout,
      ...(namespace !== undefined && { namespace }),
      ...(keys !== undefined && { keys }),
    });
    return closedBefore(end, repositories, (key) => publishToAll(redis.client, key, timeout));
  } catch (failure) {
    end();
    throw failure;
  }
}

async function openSqliteFile(
  settings: StoreSettings,
  path: string,
  { dryRun, isForProvider = false }: OpeningOptions,
): Promise<OpenStore> {
  const { namespace, keys, role } = settings;
  if (!existsSync(path)) {
    if (role !== "target") throw new ConfigurationError(`There is no file ${path}.`);
    if (dryRun) return emptyStore();
  }
  const { createSqliteRepositories } = await import("../../records/create-sqlite-repositories.ts");
  const repositories = createSqliteRepositories(path, {
    timeout,
    ...(keys !== undefined && { keys }),
    ...(keys === undefined && !isForProvider && { keys: "none" }),
    ...(namespace !== undefined && { namespace }),
  });
  return { repositories, [Symbol.asyncDispose]: () => repositories.close() };
}

async function openPostgres(settings: StoreSettings, url: string, options: OpeningOptions): Promise<OpenStore> {
  const { dryRun } = options;
  const { namespace, keys, role, address } = settings;
  const { default: pg } = await installed("pg", () => import("pg"), options);
  const { createPostgresRepositories } = await import("../../records/create-postgres-repositories.ts");
  const { createPostgresTables, defaultTable, quotedTable } = await import("../../storage/postgres/table.ts");
  const { postgresOptions } = await import("../../storage/postgres/postgres-options.ts");
  const { postgresFailure } = await import("../../storage/postgres/postgres-failure.ts");
  const { notifyAll } = await import("../../storage/postgres/invalidation-notify.ts");
  const table = settings.table ?? defaultTable;
  const quoted = quotedTable(table);
  // A pooler that shares connections between transactions may be in between: nothing here needs what it refuses.
  const pool = new pg.Pool({ connectionString: url, max: 8, ...postgresOptions({ timeout, viaPooler: true }) });
  // What fails is told by the call that needs the connection.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const end = onceOnly(() => pool.end());
  try {
    const { rows } = await pool.query("SELECT to_regclass($1) IS NOT NULL AS present", [quoted]);
    const isThere = rows[0]?.present === true;
    if (!isThere && role !== "target") {
      throw new ConfigurationError(`There is no table ${table} at ${shownAddress(address)}.`);
    }
    if (!isThere && dryRun) {
      await end();
      return emptyStore();
    }
    if (!isThere) await createPostgresTables(pool, table);
    const repositories = createPostgresRepositories(pool, {
      table,
      timeout,
      ...(namespace !== undefined && { namespace }),
      ...(keys !== undefined && { keys }),
    });
    return closedBefore(end, repositories, (key) => notifyAll(pool, key, timeout));
  } catch (failure) {
    await end();
    throw failure instanceof PangeaAuthnError ? failure : postgresFailure(failure, "read");
  }
}

/** A target that is not there yet, in a dry run. */
function emptyStore(): OpenStore {
  return { repositories: createInMemoryRepositories(), [Symbol.asyncDispose]: async () => undefined };
}

/** @throws {ConfigurationError} when the package is not installed; the message has the line that installs it. */
async function installed<Module>(
  name: string,
  load: () => Promise<Module>,
  { command, installation }: OpeningOptions,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw cause;
    throw new ConfigurationError(notInstalled(name, { command, installation }), { cause });
  }
}

function notInstalled(
  name: string,
  { command, installation }: Pick<OpeningOptions, "command" | "installation">,
): string {
  return `"${command}" needs what is not installed: ${name}.\n\n  ${installation(name)}`;
}

function onceOnly<T>(run: () => T): () => T {
  let done: { readonly result: T } | undefined;
  return () => {
    done ??= { result: run() };
    return done.result;
  };
}

/** A store whose repositories are closed before its connection ends. */
function closedBefore(
  end: () => unknown,
  repositories: ProviderRepositories & AsyncDisposable,
  announce: NonNullable<OpenStore["announce"]>,
): OpenStore {
  return {
    repositories,
    announce,
    async [Symbol.asyncDispose]() {
      await repositories[Symbol.asyncDispose]();
      await end();
    },
  };
}
