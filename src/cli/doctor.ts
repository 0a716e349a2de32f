import { guideTo } from "../documentation.ts";
import { PangeaAuthnError, StorageError } from "../errors.ts";
import type { ProviderCheck } from "../provider/diagnosis/diagnose.ts";
import type { Finding } from "../storage/finding.ts";
import { providerFromEnvironment, type StoreWords } from "./doctor-environment.ts";
import { exportedProvider } from "./exported-provider.ts";
import { FileWatch } from "./file-watch.ts";
import { UsageError } from "./usage-error.ts";

/** What `doctor` is asked for. */
export interface DoctorOptions extends StoreWords {
  /** A file that exports a provider, as `provider` or as its default. Default: the environment says what to look at. */
  readonly config?: string | undefined;
  /** Whether the findings are printed as JSON. Default: false. */
  readonly json?: boolean | undefined;
  /** Where variables of the environment are read. Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The line that makes a package available. */
  readonly installation: (missing: string) => string;
}

/**
 * Looks whether a provider's configuration, its upstream and its store fit together, and prints what it finds.
 *
 * @returns 1 where an error was found, 0 where none was.
 */
export async function runDoctor(options: DoctorOptions): Promise<0 | 1> {
  const { json = false } = options;
  const { findings, status } = await checked(options);
  console.log(json ? JSON.stringify({ status, findings }, undefined, 2) : rendered({ findings, status }));
  return status === "error" ? 1 : 0;
}

async function checked({
  config,
  environment = process.env,
  installation,
  ...words
}: DoctorOptions): Promise<ProviderCheck> {
  const closers: (() => unknown)[] = [];
  const file = config === undefined ? undefined : new FileWatch(config);
  try {
    const { provider, hasStore } =
      config === undefined
        ? await providerFromEnvironment(words, environment, { closers, installation })
        : { provider: await exportedProvider(config), hasStore: true };
    file?.look();
    const { findings } = await provider.check();
    return resultOf([...((await file?.findings()) ?? []), ...(hasStore ? findings : withoutStore(findings))]);
  } catch (failure) {
    if (!(failure instanceof PangeaAuthnError) || failure instanceof UsageError) throw failure;
    const isOfStore = failure instanceof StorageError;
    const finding: Finding = {
      check: isOfStore ? "store" : "configuration",
      status: "error",
      what: failure.message,
      why: isOfStore ? "The store cannot be opened." : "A provider with this configuration does not start.",
      remedy: "Change what the message names.",
    };
    return resultOf([finding, ...((await file?.findings()) ?? [])]);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** What was found of a store that stands in for one that nobody has named says nothing of the server's. */
function withoutStore(findings: readonly Finding[]): Finding[] {
  const others = findings.filter(({ check }) => !/^(?:store|secrets$|unknown-upstream$)/.test(check));
  const notLooked: Finding = {
    check: "store",
    status: "warning",
    what: "The store was not looked at: no --store is given, and neither REDIS_URL nor PANGEA_VAULT_TOKEN is set.",
    why: "Whether the server can keep its state there, and how safely, cannot be said.",
    remedy:
      "Name it, such as --store sqlite:state.db or --store postgres:, or give the module that exports the provider as --config. A server that keeps its state in memory has no store.",
  };
  return [...others, notLooked];
}

/** The findings with the worst of them. */
function resultOf(findings: readonly Finding[]): ProviderCheck {
  const has = (status: Finding["status"]) => findings.some((finding) => finding.status === status);
  return { status: has("error") ? "error" : has("warning") ? "warning" : "ok", findings };
}

/** The most characters in a line, so that no terminal breaks it. */
const width = 80;
const signs = { ok: "ok", warning: "warning", error: "ERROR" } as const;

/** The findings as a person reads them: the bad ones with why, and what to do. */
export function rendered({ findings, status }: ProviderCheck): string {
  const count = (wanted: Finding["status"]) => findings.filter((finding) => finding.status === wanted).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const numbers = `${errors} ${errors === 1 ? "error" : "errors"}, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
  const verdict = status === "ok" ? "Everything fits." : `${numbers}.`;
  return [...findings.map(renderedFinding), verdict].join("\n");
}

function renderedFinding({ check, status, what, why, remedy }: Finding): string {
  const lines = indented(`${signs[status].padEnd(9)}`, what);
  if (status === "ok") return lines;
  const more = [why && indented("  why    ", why), remedy && indented("  do     ", remedy)].filter(Boolean);
  return [lines, ...more, `  see    ${guideTo(check)}`, ""].join("\n");
}

/** A text in lines, the first one behind a word, the others below its beginning. */
function indented(word: string, text: string): string {
  const indent = " ".repeat(word.length);
  const lines = [word];
  for (const part of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    const isFirst = last === word || last === indent;
    if (!isFirst && last.length + part.length + 1 > width) lines.push(indent + part);
    else lines[lines.length - 1] = isFirst ? last + part : `${last} ${part}`;
  }
  return lines.join("\n");
}
