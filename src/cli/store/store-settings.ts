import { ConfigurationError } from "../../errors.ts";
import { KeyRing, minSecretLength } from "../../secrets/key-ring.ts";
import { UsageError } from "../usage-error.ts";
import type { StoreAddress } from "./store-address.ts";

/** Where variables of the environment are read. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A store that a command works on. */
export interface StoreSettings {
  /** What the store is to the command: what records are copied from or to, or the one store of the command. */
  readonly role: "source" | "target" | "store";
  readonly address: StoreAddress;
  /** What keeps this server's records apart from those of others in the same store. */
  readonly namespace: string | undefined;
  /** The folder of a Vault. */
  readonly folder: string | undefined;
  /** The table of a Postgres. */
  readonly table: string | undefined;
  /** Whether all items of a Vault's folder are this package's. */
  readonly takeOver: boolean;
  /** What records are sealed with. Without it they are kept in plain text. */
  readonly keys: KeyRing | undefined;
  /** Where those keys come from. */
  readonly origin: KeyOrigin;
  /** Reads a variable of the environment. */
  readonly variable: (name: string) => string | undefined;
}

/** Where the keys of a store come from, for messages: the secret itself is not among it. */
export interface KeyOrigin {
  /** The variable that has the secret. */
  readonly variable: string;
  /** The option for the URL of the server that seals its records by itself; undefined where a command has none. */
  readonly issuerOption: string | undefined;
  /** What was given for it. */
  readonly issuer: string | undefined;
}

/**
 * The keys that records are sealed with. Several secrets are separated by commas or white space: the first one seals, all of
 * them open. A comma between what is too short for a secret is a part of one.
 *
 * @throws {UsageError} when there is an issuer and no secret.
 * @throws {ConfigurationError} when a secret is too short. The message names the variable.
 */
export function readKeys(
  secret: string | undefined,
  { issuer, variable, issuerOption }: KeyOrigin,
): KeyRing | undefined {
  if (secret === undefined && issuer !== undefined) throw new UsageError(`${issuerOption} needs ${variable}.`);
  if (secret === undefined) return undefined;
  const parts = secret.split(/[\s,]+/).filter((part) => part !== "");
  const areSecrets = parts.every((part) => part.length >= minSecretLength);
  try {
    return KeyRing.from(areSecrets ? parts : secret, issuer === undefined ? {} : { context: issuer });
  } catch (failure) {
    if (!(failure instanceof ConfigurationError)) throw failure;
    throw new ConfigurationError(`The variable ${variable}: ${failure.message}`, { cause: failure });
  }
}

/**
 * What a person has to look at where records of a store do not open: whether the secret was given at all, and what else
 * the keys follow from.
 */
export function adviceOnKeys({ address, keys, origin }: StoreSettings): string {
  const { variable, issuerOption, issuer } = origin;
  const isSqlite = address.kind === "sqlite" && issuerOption !== undefined;
  if (keys === undefined) {
    const also = isSqlite ? `, and ${issuerOption} to the server's URL where the server itself seals its file` : "";
    return `${variable} is not set: set it to the secret that the records were sealed with${also}.`;
  }
  const given = `${variable} gives the keys ${keys.ids.join(", ")}`;
  if (issuer?.endsWith("/")) {
    return `${given} with ${issuerOption}, which ends in a slash here: leave that off, unless the server's mcpIssuerUrl has it.`;
  }
  if (issuer !== undefined)
    return `${given} with ${issuerOption} ${issuer}: it has to be the server's issuer, letter by letter.`;
  return isSqlite
    ? `${given}; where the server itself seals its file, they need ${issuerOption} as well.`
    : `${given}.`;
}
