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
  /** Reads a variable of the environment. */
  readonly variable: (name: string) => string | undefined;
}

/** A secret, and where it is given. */
interface GivenSecret {
  readonly secret: string | undefined;
  readonly issuer: string | undefined;
  readonly variable: string;
  readonly issuerOption: string;
}

/**
 * The keys that records are sealed with. Several secrets are separated by commas or white space: the first one seals, all of
 * them open. A comma between what is too short for a secret is a part of one.
 *
 * @throws {UsageError} when there is an issuer and no secret.
 * @throws {ConfigurationError} when a secret is too short.
 */
export function readKeys({ secret, issuer, variable, issuerOption }: GivenSecret): KeyRing | undefined {
  if (secret === undefined && issuer !== undefined) throw new UsageError(`${issuerOption} needs ${variable}.`);
  if (secret === undefined) return undefined;
  const parts = secret.split(/[\s,]+/).filter((part) => part !== "");
  const areSecrets = parts.every((part) => part.length >= minSecretLength);
  return KeyRing.from(areSecrets ? parts : secret, issuer === undefined ? {} : { context: issuer });
}
