import { ConfigurationError } from "../errors.ts";
import { PangeaOAuthProvider } from "../provider/pangea-oauth-provider.ts";
import type { ProviderRepositories } from "../records/repositories.ts";
import { openStore } from "./store/open-store.ts";
import { readAddress } from "./store/store-address.ts";
import { readKeys, type StoreSettings } from "./store/store-settings.ts";
import { UsageError } from "./usage-error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that say what a provider is made from; those of the README's example, and of the emulator. */
const needed = ["MCP_BASE_URL", "PANGEA_AUTHN_ISSUER_URL", "PANGEA_AUTHN_CLIENT_ID", "PANGEA_AUTHN_CLIENT_SECRET"];

/** A provider, and whether the store of its server is known. */
export interface DescribedProvider {
  readonly provider: PangeaOAuthProvider;
  /** False where nothing names a store: the provider then keeps its state in memory, which its server may not do. */
  readonly hasStore: boolean;
}

/**
 * Makes the provider that the environment describes.
 *
 * @param words - What was typed of the store.
 * @param opening - `closers` gets what closes whatever is opened here, to be called from the last to the first; `installation`
 * is the line that makes a package available.
 * @throws {ConfigurationError} when a variable is missing, or what it says is wrong.
 */
export async function providerFromEnvironment(
  words: StoreWords,
  environment: Environment,
  opening: { readonly closers: (() => unknown)[]; readonly installation: (missing: string) => string },
): Promise<DescribedProvider> {
  const missing = needed.filter((name) => (environment[name] ?? "") === "");
  if (missing.length > 0) {
    throw new ConfigurationError(
      `Set ${missing.join(", ")} in the environment, or name a module that exports your provider: --config provider.js`,
    );
  }
  const text = (name: string): string => environment[name] ?? "";
  const list = (name: string): string[] | undefined => environment[name]?.split(/[\s,]+/).filter((part) => part !== "");
  const repositories = await repositoriesFrom(words, environment, opening);
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
  opening.closers.push(() => provider[Symbol.asyncDispose]());
  return { provider, hasStore: repositories !== undefined };
}

/** What was typed of the store. */
export interface StoreWords {
  /** The address, as `grants` and `migrate` take it. Default: what the environment names. */
  readonly store?: string | undefined;
  readonly namespace?: string | undefined;
  readonly table?: string | undefined;
}

/**
 * The store that was typed, or that the environment names; undefined where neither does.
 *
 * @throws {UsageError} when what was typed is no address.
 */
async function repositoriesFrom(
  { store, namespace, table }: StoreWords,
  environment: Environment,
  {
    closers,
    installation,
  }: { readonly closers: (() => unknown)[]; readonly installation: (missing: string) => string },
): Promise<ProviderRepositories | undefined> {
  const variable = (name: string): string | undefined => environment[name] || undefined;
  const [redisUrl, vaultToken] = [variable("REDIS_URL"), variable("PANGEA_VAULT_TOKEN")];
  if (store === undefined && redisUrl !== undefined && vaultToken !== undefined) {
    throw new ConfigurationError("Set REDIS_URL or PANGEA_VAULT_TOKEN, and not both: state is kept in one store.");
  }
  const named = store ?? (redisUrl !== undefined ? "redis:" : vaultToken !== undefined ? "vault:" : undefined);
  if (named === undefined) {
    const typed = namespace !== undefined || table !== undefined;
    if (typed) throw new UsageError("--namespace and --table need a store: --store, or REDIS_URL.");
    return undefined;
  }
  const address = readAddress(store === undefined ? "The store" : "--store", named, variable);
  if (table !== undefined && address.kind !== "postgres") throw new UsageError("--table is for postgres: addresses.");
  const origin = { variable: "STORAGE_SECRET", issuerOption: undefined, issuer: undefined };
  const folder = address.kind === "vault" ? address.folder : undefined;
  const settings: StoreSettings = {
    role: "store",
    address,
    namespace: namespace ?? (address.kind === "redis" ? variable("REDIS_NAMESPACE") : undefined),
    folder: folder ?? variable("PANGEA_VAULT_FOLDER"),
    table,
    takeOver: false,
    keys: readKeys(variable(origin.variable), origin),
    origin,
    variable,
  };
  const opened = await openStore(settings, { dryRun: false, command: "doctor", installation, isForProvider: true });
  closers.push(() => opened[Symbol.asyncDispose]());
  return opened.repositories;
}
