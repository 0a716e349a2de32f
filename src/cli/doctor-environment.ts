import { ConfigurationError } from "../errors.ts";
import { PangeaOAuthProvider } from "../provider/pangea-oauth-provider.ts";
import type { ProviderRepositories } from "../records/repositories.ts";
import { KeyRing } from "../secrets/key-ring.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that say what a provider is made from; those of the README's example, and of the emulator. */
const needed = ["MCP_BASE_URL", "PANGEA_AUTHN_ISSUER_URL", "PANGEA_AUTHN_CLIENT_ID", "PANGEA_AUTHN_CLIENT_SECRET"];

/**
 * Makes the provider that the environment describes.
 *
 * @param closers - Gets what closes whatever is opened here: to be called from the last to the first.
 * @throws {ConfigurationError} when a variable is missing, or what it says is wrong.
 */
export async function providerFromEnvironment(
  environment: Environment,
  closers: (() => unknown)[],
): Promise<PangeaOAuthProvider> {
  const missing = needed.filter((name) => (environment[name] ?? "") === "");
  if (missing.length > 0) {
    throw new ConfigurationError(
      `Set ${missing.join(", ")} in the environment, or name a file that exports your provider: --config server.js`,
    );
  }
  const text = (name: string): string => environment[name] ?? "";
  const list = (name: string): string[] | undefined => environment[name]?.split(/[\s,]+/).filter((part) => part !== "");
  const repositories = await repositoriesFrom(environment, closers);
  const provider = new PangeaOAuthProvider({
    mcpBaseUrl: text("MCP_BASE_URL"),
    mcpScopes: list("MCP_SCOPES") ?? ["user"],
    pangeaAuthnIssuerUrl: text("PANGEA_AUTHN_ISSUER_URL"),
    pangeaAuthnClientId: text("PANGEA_AUTHN_CLIENT_ID"),
    pangeaAuthnClientSecret: list("PANGEA_AUTHN_CLIENT_SECRET") ?? [],
    pangeaAuthnScopes: list("PANGEA_AUTHN_SCOPES") ?? ["user"],
    ...(environment.MCP_PATH !== undefined && { mcpPath: environment.MCP_PATH }),
    ...(environment.MCP_SECRET !== undefined && { secret: list("MCP_SECRET") ?? [] }),
    ...(repositories !== undefined && { repositories }),
    logger: false,
  });
  closers.push(() => provider[Symbol.asyncDispose]());
  return provider;
}

/** The store that the environment names; undefined where it names none. */
async function repositoriesFrom(
  environment: Environment,
  closers: (() => unknown)[],
): Promise<ProviderRepositories | undefined> {
  const { REDIS_URL: redisUrl, PANGEA_VAULT_TOKEN: vaultToken, STORAGE_SECRET: secret } = environment;
  if (redisUrl !== undefined && vaultToken !== undefined) {
    throw new ConfigurationError("Set REDIS_URL or PANGEA_VAULT_TOKEN, and not both: state is kept in one store.");
  }
  if (redisUrl !== undefined) {
    const [{ openRedisClient }, { createRedisRepositories }] = await Promise.all([
      import("./open-redis-client.ts"),
      import("../records/create-redis-repositories.ts"),
    ]);
    const redis = await openRedisClient(redisUrl, notInstalled);
    closers.push(() => redis.end());
    const { REDIS_NAMESPACE: namespace } = environment;
    const repositories = createRedisRepositories(redis.client, {
      ...(namespace !== undefined && { namespace }),
      ...(secret !== undefined && { keys: KeyRing.from(secret.split(/[\s,]+/)) }),
    });
    closers.push(() => repositories[Symbol.asyncDispose]());
    return repositories;
  }
  if (vaultToken === undefined) return undefined;
  const { createVaultRepositories } = await installed(
    "pangea-node-sdk",
    import("../records/create-vault-repositories.ts"),
  );
  const { PANGEA_VAULT_FOLDER: folder, PANGEA_BASE_URL_TEMPLATE: baseUrlTemplate } = environment;
  const repositories = createVaultRepositories(vaultToken, {
    ...(folder !== undefined && { folder }),
    ...(baseUrlTemplate !== undefined && { baseUrlTemplate }),
  });
  closers.push(() => repositories[Symbol.asyncDispose]());
  return repositories;
}

/** @throws {ConfigurationError} when an optional package is missing; the message says how to install it. */
async function installed<Module>(name: string, module: Promise<Module>): Promise<Module> {
  try {
    return await module;
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing) throw cause;
    throw new ConfigurationError(notInstalled(name), { cause });
  }
}

function notInstalled(name: string): string {
  return `${name} is not installed: npm install ${name}`;
}
