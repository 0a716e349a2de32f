import type { GrantFilter } from "../../provider/grants/grant-directory.ts";
import type { CommandLineValues } from "../commands.ts";
import { meantAmong } from "../meant-among.ts";
import { readAddress } from "../store/store-address.ts";
import { type Environment, readKeys, type StoreSettings } from "../store/store-settings.ts";
import { UsageError } from "../usage-error.ts";

/** What `grants` is asked for. */
export interface GrantsOptions {
  readonly action: "list" | "show" | "revoke";
  /** The one grant that is meant; undefined where a filter says which are. */
  readonly grantId: string | undefined;
  readonly filter: GrantFilter;
  readonly store: StoreSettings;
  /** Whether grants are ended without a question. */
  readonly isConfirmed: boolean;
  readonly json: boolean;
}

const actions = ["list", "show", "revoke"] as const;

/**
 * Reads what was typed behind `grants`, and what the environment says of the store.
 *
 * @throws {UsageError} when something is missing or wrong.
 * @throws {ConfigurationError} when a secret is too short.
 */
export function readGrantsOptions(
  [action, grantId, ...more]: readonly string[],
  values: CommandLineValues,
  environment: Environment,
): GrantsOptions {
  const known = actions.find((one) => one === action);
  if (known === undefined) {
    const choice = actions.join(", ");
    if (action === undefined) throw new UsageError(`grants needs an action: ${choice}.`);
    const lack = `${JSON.stringify(action)} is no action of grants: there are ${choice}.`;
    throw new UsageError(lack + meantAmong(action, actions));
  }
  if (more.length > 0) throw new UsageError("grants takes one grant; --subject and --client are for several.");
  const subject = textOf(values, "subject");
  const clientId = textOf(values, "client");
  const upstreamIssuer = textOf(values, "upstream-issuer");
  const hasFilter = subject !== undefined || clientId !== undefined || upstreamIssuer !== undefined;
  const isForAll = values.all === true;
  if (isForAll && hasFilter) throw new UsageError("Give --all, or --subject, --upstream-issuer and --client.");
  if (grantId !== undefined && (isForAll || hasFilter)) throw new UsageError("Give a grant, or say which ones.");
  if (known === "list" && grantId !== undefined) throw new UsageError("grants list takes no grant; grants show does.");
  if (known === "show" && grantId === undefined) throw new UsageError("grants show needs the id of a grant.");
  if (known === "revoke" && grantId === undefined && !hasFilter && !isForAll) {
    throw new UsageError(
      "grants revoke needs a grant, --subject, --upstream-issuer, --client, or --all for every one.",
    );
  }
  if (known !== "revoke" && values.yes === true) throw new UsageError("--yes is for grants revoke.");
  return {
    action: known,
    grantId,
    filter: {
      ...(subject !== undefined && { subject }),
      ...(upstreamIssuer !== undefined && { upstreamIssuer }),
      ...(clientId !== undefined && { clientId }),
    },
    store: readStore(values, environment),
    isConfirmed: values.yes === true,
    json: values.json === true,
  };
}

function readStore(values: CommandLineValues, environment: Environment): StoreSettings {
  const text = textOf(values, "store");
  if (text === undefined) throw new UsageError("grants needs --store, the address of the server's store.");
  const variable = (name: string): string | undefined => {
    const value = environment[name];
    return value === "" ? undefined : value;
  };
  const address = readAddress("--store", text, variable);
  const folder = textOf(values, "folder");
  const table = textOf(values, "table");
  const namespace = textOf(values, "namespace");
  if (folder !== undefined && address.kind !== "vault") throw new UsageError("--folder is for vault: addresses.");
  if (table !== undefined && address.kind !== "postgres") throw new UsageError("--table is for postgres: addresses.");
  if (address.kind === "vault" && address.folder !== undefined && folder !== undefined) {
    throw new UsageError("The folder of --store is given twice.");
  }
  if (namespace !== undefined && !/^[a-z0-9_-]{1,40}$/.test(namespace)) {
    throw new UsageError("A namespace must be 1 to 40 of the characters a-z, 0-9, _ and -.");
  }
  const origin = { variable: "STORAGE_SECRET", issuerOption: "--issuer", issuer: textOf(values, "issuer") };
  return {
    role: "store",
    address,
    namespace,
    folder: folder ?? (address.kind === "vault" ? address.folder : undefined),
    table,
    takeOver: false,
    keys: readKeys(variable(origin.variable), origin),
    origin,
    variable,
  };
}

/** An empty text names nobody, and must not come to mean everybody. */
function textOf(values: CommandLineValues, name: string): string | undefined {
  const value = values[name];
  if (value === "") throw new UsageError(`--${name} is empty.`);
  return typeof value === "string" ? value : undefined;
}
