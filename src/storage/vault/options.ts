import { ConfigurationError } from "../../errors.ts";
import { type OptionKinds, requireExactText, requireOptions, requireTimeout } from "../../option-checks.ts";
import { type ExpiryOptions, expiryOptionKinds } from "../expiry.ts";
import type { IndexOptions } from "../indexed.ts";

/** How to reach Vault. */
export interface VaultConnectionOptions {
  /** The base URL with `{SERVICE_NAME}` in it. Default: `https://{SERVICE_NAME}.aws.us.pangea.cloud`. */
  readonly baseUrlTemplate?: string;
  /** The domain of the project's region, such as `aws.eu.pangea.cloud`. Not beside `baseUrlTemplate`. */
  readonly domain?: string;
  /** The deadline of one call with its retries, in milliseconds. Default: 10000. */
  readonly timeout?: number;
}

/** How a `PangeaVaultRepository` keeps its records. */
export interface PangeaVaultRepositoryOptions<V> extends VaultConnectionOptions, ExpiryOptions<V>, IndexOptions<V> {
  /**
   * The folder of the records. Every item that this package stores has its mark in the metadata. A key also leads to an
   * item of the folder without a mark, as the Python package and the first previews of this one wrote them; `entries` and
   * `sweep` pass over such items, unless their metadata names the `kind`. `false` is no folder: records are stored where
   * Vault puts them and looked for in all folders, as the Python package does by default, and as the first previews of
   * this package did. Default: `/pangea-authn-fastmcp`.
   */
  readonly folder?: string | false;
  /**
   * Keeps servers on one Vault apart: the name of a folder within the folder, 1 to 40 of `a-z`, `0-9`, `_` and `-`.
   * Servers of different namespaces share nothing. Default: none.
   */
  readonly namespace?: string;
  /**
   * Whether `entries` and `sweep` take every item of the folder without a mark for a record of this repository, if it can
   * be read as one. For a folder that the Python package has filled and no other application uses. Default: false.
   */
  readonly takeOver?: boolean;
  /**
   * The kind of the records, kept in the item's metadata: records of another kind in the same folder do not exist for
   * this repository. Vault keeps the names of a folder unique, so two kinds that share one need keys that differ; a `set`
   * under a key of another kind is rejected.
   */
  readonly kind?: string;
  /**
   * Claims a record by a rotation before it is deleted. So `take` and `delete` say what has happened even where the answer
   * of Vault was lost and the SDK has sent the request again, and they have one winner even if Vault lets an item be
   * deleted twice. `false` deletes without a claim and saves a call that nobody waits for: then a record whose deletion was
   * answered with a 502 is gone and reads as absent. Every instance needs the same, and the same `timeout`. Default: true.
   */
  readonly strictTake?: boolean;
  /** How many names' ids are remembered, to save look-ups. Default: 10000. */
  readonly maxKnownIds?: number;
}

/** What tests put in the place of chance and of timers. No public constructor takes it. */
export interface VaultInternals {
  /** A number from 0 up to 1, for the jitter of retries. Default: `Math.random`. */
  readonly random?: () => number;
  /** Waits before a retry, in milliseconds. Default: a timer. */
  readonly delay?: (milliseconds: number) => Promise<void>;
}

type OptionsWithDefaults = "strictTake" | "takeOver" | "timeout" | "maxKnownIds" | "clock";

/** The options with their defaults. */
export interface VaultRepositorySettings
  extends Required<Pick<PangeaVaultRepositoryOptions<never>, OptionsWithDefaults>>,
    Required<VaultInternals> {
  /** With a slash before it and none behind. Undefined: no folder. */
  readonly folder: string | undefined;
  readonly kind: string | undefined;
}

const defaultFolder = "/pangea-authn-fastmcp";

/** All options of a `PangeaVaultRepository`. */
export const vaultOptionKinds: OptionKinds<PangeaVaultRepositoryOptions<never>> = {
  ...expiryOptionKinds,
  baseUrlTemplate: "text",
  domain: "text",
  indexes: "object",
  timeout: "any",
  folder: "any",
  namespace: "any",
  takeOver: "boolean",
  kind: "text",
  strictTake: "boolean",
  maxKnownIds: "any",
};

/** What a `Map` of V8 holds at most. */
const maxEntries = 2 ** 24;

/**
 * Checks the options.
 *
 * @throws {ConfigurationError} when an option is wrong. The message names the option.
 */
export function readVaultOptions(
  options: PangeaVaultRepositoryOptions<never>,
  internals: VaultInternals = {},
): VaultRepositorySettings {
  requireOptions("PangeaVaultRepository", options, vaultOptionKinds);
  const { folder, namespace, kind, takeOver = false, timeout = 10_000, maxKnownIds = 10_000 } = options;
  for (const [name, value] of Object.entries({ folder, namespace })) {
    if (typeof value === "string") requireExactText(name, value);
  }
  if (folder !== undefined && folder !== false && !(typeof folder === "string" && /^[\w.\-/ ]+$/.test(folder))) {
    throw new ConfigurationError("folder may have letters, digits, spaces and any of _ . - / only, or be false.");
  }
  if (namespace !== undefined && !(typeof namespace === "string" && /^[a-z0-9_-]{1,40}$/.test(namespace))) {
    throw new ConfigurationError("namespace must be 1 to 40 of the characters a-z, 0-9, _ and -.");
  }
  if (namespace !== undefined && folder === false) {
    throw new ConfigurationError("namespace is a folder within the folder: it cannot be used with folder: false.");
  }
  if (kind !== undefined && !/^[a-z][a-z0-9_-]{0,63}$/.test(kind)) {
    throw new ConfigurationError("kind must be a short lower-case word, such as access_token.");
  }
  requireTimeout("timeout", timeout);
  if (!Number.isInteger(maxKnownIds) || maxKnownIds < 1 || maxKnownIds > maxEntries) {
    throw new ConfigurationError(`maxKnownIds must be a whole number from 1 to ${maxEntries}.`);
  }
  return {
    folder: folder === false ? undefined : folderPath(`${folder ?? defaultFolder}/${namespace ?? ""}`),
    kind,
    takeOver,
    strictTake: options.strictTake ?? true,
    timeout,
    maxKnownIds,
    clock: options.clock ?? Date.now,
    random: internals.random ?? Math.random,
    delay: internals.delay ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))),
  };
}

/** One spelling of a folder, as Vault sees it: where a sealed record was written is part of its seal. */
export function folderPath(folder: string): string {
  return `/${folder.split("/").filter(Boolean).join("/")}`;
}
