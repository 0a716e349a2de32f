import { ConfigurationError } from "../../errors.ts";
import { type OptionKinds, requireOptions, requireTimerLength } from "../../option-checks.ts";
import type { ReadExpiry } from "../expiry.ts";

/** How to reach Vault. */
export interface VaultConnectionOptions {
  /** The base URL with `{SERVICE_NAME}` in it. Default: `https://{SERVICE_NAME}.aws.us.pangea.cloud`. */
  readonly baseUrlTemplate?: string;
  /** The domain of the project's region, such as `aws.eu.pangea.cloud`. `baseUrlTemplate` wins over it. */
  readonly domain?: string;
  /** The deadline of one call with its retries, in milliseconds. Default: 10000. */
  readonly timeout?: number;
}

/** How a `PangeaVaultRepository` keeps its records. */
export interface PangeaVaultRepositoryOptions<V> extends VaultConnectionOptions {
  /**
   * The folder of the records. Without one, records are stored where Vault puts them and looked for in all folders, as
   * the Python package does by default.
   */
  readonly folder?: string;
  /**
   * The kind of the records, kept in the item's metadata: records of another kind in the same folder do not exist for
   * this repository. Items without a kind, as the Python package writes them, do. Vault keeps the names of a folder
   * unique, so two kinds that share one need keys that differ; a `set` under a key of another kind is rejected.
   */
  readonly kind?: string;
  /**
   * Claims a record by a rotation before it is deleted, so that `take` and `delete` have one winner even if Vault lets
   * an item be deleted twice. One call more each. Default: false.
   */
  readonly strictTake?: boolean;
  /** Reads a record's expiry, in epoch seconds. Default: its `expiresAt`. */
  readonly expiresAt?: ReadExpiry<V>;
  /** How many names' ids are remembered, to save look-ups. Default: 10000. */
  readonly maxKnownIds?: number;
  /** The time in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
}

/** What tests put in the place of chance and of timers. No public constructor takes it. */
export interface VaultInternals {
  /** A number from 0 up to 1, for the jitter of retries. Default: `Math.random`. */
  readonly random?: () => number;
  /** Waits before a retry, in milliseconds. Default: a timer. */
  readonly delay?: (milliseconds: number) => Promise<void>;
}

type OptionsWithDefaults = "strictTake" | "timeout" | "maxKnownIds" | "clock";

/** The options with their defaults. */
export interface VaultRepositorySettings
  extends Required<Pick<PangeaVaultRepositoryOptions<never>, OptionsWithDefaults>>,
    Required<VaultInternals> {
  readonly folder: string | undefined;
  readonly kind: string | undefined;
}

/** All options of a `PangeaVaultRepository`. */
export const vaultOptionKinds: OptionKinds<PangeaVaultRepositoryOptions<never>> = {
  baseUrlTemplate: "text",
  domain: "text",
  timeout: "any",
  folder: "any",
  kind: "text",
  strictTake: "boolean",
  expiresAt: "function",
  maxKnownIds: "any",
  clock: "function",
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
  const { folder, kind, timeout = 10_000, maxKnownIds = 10_000 } = options;
  if (folder !== undefined && !/^[0-9a-zA-Z_.\-/ ]+$/.test(folder)) {
    throw new ConfigurationError("folder may have letters, digits, spaces and any of _ . - / only.");
  }
  if (kind !== undefined && !/^[a-z][a-z0-9_-]{0,63}$/.test(kind)) {
    throw new ConfigurationError("kind must be a short lower-case word, such as access_token.");
  }
  requireTimerLength("timeout", timeout);
  if (!Number.isInteger(maxKnownIds) || maxKnownIds < 1 || maxKnownIds > maxEntries) {
    throw new ConfigurationError(`maxKnownIds must be a whole number from 1 to ${maxEntries}.`);
  }
  return {
    folder: folder === undefined ? undefined : normalised(folder),
    kind,
    strictTake: options.strictTake ?? false,
    timeout,
    maxKnownIds,
    clock: options.clock ?? Date.now,
    random: internals.random ?? Math.random,
    delay: internals.delay ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))),
  };
}

/** One spelling of a folder, as Vault sees it: where a sealed record was written is part of its seal. */
function normalised(folder: string): string {
  return `/${folder.split("/").filter(Boolean).join("/")}`;
}
