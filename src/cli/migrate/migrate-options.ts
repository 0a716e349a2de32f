import type { CommandLineValues } from "../commands.ts";
import { readAddress, type StoreAddress } from "../store/store-address.ts";
import { type Environment, readKeys, type StoreSettings } from "../store/store-settings.ts";
import { UsageError } from "../usage-error.ts";

/** What `migrate` is asked for. */
export interface MigrateOptions {
  readonly from: StoreSettings;
  readonly to: StoreSettings;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly removeMissing: boolean;
  /** Whether removing what is missing may empty the target. */
  readonly allowEmptySource: boolean;
  readonly keep: boolean;
  /** How many records are copied in a second at most. */
  readonly rate: number | undefined;
}

type Side = "from" | "to";

/**
 * Reads what was typed behind `migrate`, and what the environment says of the stores.
 *
 * @throws {UsageError} when something is missing or wrong.
 * @throws {ConfigurationError} when a secret is too short.
 */
export function readMigrateOptions(values: CommandLineValues, environment: Environment): MigrateOptions {
  const options: MigrateOptions = {
    from: readStore("from", values, environment),
    to: readStore("to", values, environment),
    dryRun: values["dry-run"] === true,
    json: values.json === true,
    removeMissing: values["remove-missing"] === true,
    allowEmptySource: values["allow-empty-source"] === true,
    keep: values.keep === true,
    rate: readRate(textOf(values, "rate")),
  };
  if (options.keep && options.removeMissing) throw new UsageError("Give --keep or --remove-missing, and not both.");
  if (options.allowEmptySource && !options.removeMissing) {
    throw new UsageError("--allow-empty-source is for --remove-missing.");
  }
  if (placeOf(options.from) === placeOf(options.to)) throw new UsageError("--from and --to name the same records.");
  return options;
}

function readStore(side: Side, values: CommandLineValues, environment: Environment): StoreSettings {
  const text = textOf(values, side);
  if (text === undefined) throw new UsageError(`migrate needs --from and --to; --${side} is missing.`);
  const own = (name: string): string | undefined => nonEmpty(environment[`${side.toUpperCase()}_${name}`]);
  const variable = (name: string): string | undefined => own(name) ?? nonEmpty(environment[name]);
  const address = readAddress(`--${side}`, text, variable);
  const folder = onlyFor("vault", address, side, "folder", values);
  if (address.kind === "vault" && address.folder !== undefined && folder !== undefined) {
    throw new UsageError(`The folder of --${side} is given twice.`);
  }
  const takeOver = side === "from" && values["take-over"] === true;
  if (takeOver && address.kind !== "vault") throw new UsageError("--take-over is for a source in Vault.");
  const namespace = textOf(values, `${side}-namespace`) ?? textOf(values, "namespace");
  if (namespace !== undefined && !/^[a-z0-9_-]{1,40}$/.test(namespace)) {
    throw new UsageError("A namespace must be 1 to 40 of the characters a-z, 0-9, _ and -.");
  }
  const origin = {
    variable: `${side.toUpperCase()}_STORAGE_SECRET`,
    issuerOption: `--${side}-issuer`,
    issuer: textOf(values, `${side}-issuer`),
  };
  return {
    role: side === "from" ? "source" : "target",
    address,
    namespace,
    folder: folder ?? (address.kind === "vault" ? address.folder : undefined),
    table: onlyFor("postgres", address, side, "table", values),
    takeOver,
    // A variable for both sides would be one too easily set: records of one side are sealed, and those of the other are not.
    keys: readKeys(own("STORAGE_SECRET"), origin),
    origin,
    variable,
  };
}

function onlyFor(
  kind: StoreAddress["kind"],
  address: StoreAddress,
  side: Side,
  name: string,
  values: CommandLineValues,
): string | undefined {
  const text = textOf(values, `${side}-${name}`);
  if (text !== undefined && address.kind !== kind) {
    throw new UsageError(`--${side}-${name} is for ${kind}: addresses.`);
  }
  return text;
}

function readRate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rate = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || rate <= 0) {
    throw new UsageError("--rate must be a number of records in a second, above 0.");
  }
  return rate;
}

function textOf(values: CommandLineValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

/** Two sides with the same text are the same records. */
function placeOf({ address, namespace, folder, table, variable }: StoreSettings): string {
  const vault = address.kind === "vault" && [variable("PANGEA_VAULT_TOKEN"), variable("PANGEA_BASE_URL_TEMPLATE")];
  const where = address.kind === "vault" ? {} : address;
  return JSON.stringify([where, vault, namespace ?? "", folder ?? "", table ?? ""]);
}
