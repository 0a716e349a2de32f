import { PangeaAuthnError, UnreadableRecordsError } from "../../errors.ts";
import { copyOrder, copyRepositories } from "../../records/copy-repositories.ts";
import { type ProviderRecords, wrapRepositories } from "../../records/repositories.ts";
import type { CopyReport } from "../../storage/copy-repository.ts";
import { retrying } from "../../storage/retrying.ts";
import { openStore } from "../store/open-store.ts";
import { shownAddress } from "../store/store-address.ts";
import type { StoreSettings } from "../store/store-settings.ts";
import type { MigrateOptions } from "./migrate-options.ts";
import { PassingLogins } from "./passing-logins.ts";
import { Progress, type ProgressOutput } from "./progress.ts";
import { drawReport, type KindReports, reportOf, totalOf } from "./report.ts";

/** What the command needs of the process around it. */
export interface MigrateSurroundings {
  /** Where the report goes. */
  readonly output: { write(text: string): unknown };
  /** Where the progress goes, and what went wrong. */
  readonly progress: ProgressOutput;
  /** Ends the copying between two records. */
  readonly signal: AbortSignal;
  /** The line that makes a package available. */
  readonly installation: (missing: string) => string;
}

/** How the copying ended. */
export type MigrationOutcome = "complete" | "failed" | "stopped";

/** What is tried again until a store has had half a minute to recover. */
const patience = { attempts: 8, firstPause: 200, maxPause: 30_000 };

/**
 * Copies what a provider keeps from one store to another, and prints what was copied.
 *
 * @throws {ConfigurationError} before anything is copied, when a store is not there, or its client is not.
 * @throws {StorageError} before anything is copied, when a store cannot be opened.
 */
export async function migrate(
  options: MigrateOptions,
  { output, progress: errors, signal, installation }: MigrateSurroundings,
): Promise<MigrationOutcome> {
  const { from, to, dryRun, json, removeMissing, keep, rate } = options;
  const say = (text: string): unknown => errors.write(`${text}\n`);
  const opening = { dryRun, command: "migrate", installation };
  await using source = await openStore(from, opening);
  await using target = await openStore(to, opening);
  if (to.keys === undefined && to.address.kind !== "vault") say(plainTextWarning(to));
  const reports = new Map<keyof ProviderRecords, CopyReport>();
  const progress = new Progress(errors);
  const logins = new PassingLogins();
  const patient = wrapRepositories(source.repositories, (repository) => retrying(repository, patience));
  const started = performance.now();
  let failure: unknown;
  try {
    await copyRepositories(
      { ...patient, grants: logins.counting(patient.grants) },
      wrapRepositories(target.repositories, (repository) => retrying(repository, patience)),
      {
        dryRun,
        removeMissing,
        existing: keep ? "keep" : "replace",
        signal,
        ...(rate !== undefined && { recordsPerSecond: rate }),
        onProgress(name, report) {
          reports.set(name, report);
          progress.update(name, report);
        },
      },
    );
  } catch (error) {
    failure = error;
  }
  progress.end();
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const isStopped = failure !== undefined && signal.aborted && failure === signal.reason;
  const outcome: MigrationOutcome = isStopped ? "stopped" : failure === undefined ? "complete" : "failed";
  output.write(
    json
      ? `${JSON.stringify(asJson(options, reports, { outcome, seconds, failure, logins: logins.counts }), undefined, 2)}\n`
      : `${[drawReport(reports), verdict(options, outcome, seconds), logins.sentence].filter((part) => part !== "").join("\n\n")}\n`,
  );
  if (isStopped) say("Stopped between two records. Run the same command again: it goes on from here.");
  else if (failure !== undefined) say(explanation(failure, from, to));
  return outcome;
}

function verdict({ from, to, dryRun }: MigrateOptions, outcome: MigrationOutcome, seconds: number): string {
  const did = { complete: "Copied", failed: "Not everything was copied", stopped: "Copied a part" }[outcome];
  const what = dryRun ? "A dry run, nothing was written" : did;
  return `${what}, in ${seconds} s\n  from ${shownAddress(from.address)}\n  to   ${shownAddress(to.address)}`;
}

function plainTextWarning({ address }: StoreSettings): string {
  return `The records are not sealed in ${shownAddress(address)}: TO_STORAGE_SECRET is not set. A server that has\n\`keys\` for its repositories will not read them.`;
}

/** What went wrong, and what to do. */
function explanation(failure: unknown, from: StoreSettings, to: StoreSettings): string {
  const message = failure instanceof Error ? failure.message : String(failure);
  if (!(failure instanceof UnreadableRecordsError)) {
    const isOwn = failure instanceof PangeaAuthnError;
    const goOn = isOwn ? "\nWhat was copied stays. Run the same command again: it goes on from there." : "";
    return `${message}${goOn}`;
  }
  const variables = [from, to].map(({ role, keys }) => {
    const variable = role === "source" ? "FROM_STORAGE_SECRET" : "TO_STORAGE_SECRET";
    return `${variable} is ${keys === undefined ? "not set" : `of the keys ${keys.ids.join(", ")}`}`;
  });
  return `${message}\nEverything else was copied. ${variables.join("; ")}.`;
}

function asJson(
  { from, to, dryRun }: MigrateOptions,
  reports: KindReports,
  {
    outcome,
    seconds,
    failure,
    logins,
  }: {
    outcome: MigrationOutcome;
    seconds: number;
    failure: unknown;
    logins: Readonly<Record<string, number>>;
  },
): object {
  return {
    outcome,
    dryRun,
    from: shownAddress(from.address),
    to: shownAddress(to.address),
    seconds,
    records: Object.fromEntries(copyOrder.map((name) => [name, reportOf(reports, name)])),
    total: totalOf(reports),
    logins,
    ...(outcome === "failed" && { error: errorAsJson(failure) }),
  };
}

function errorAsJson(failure: unknown): object {
  return {
    message: failure instanceof Error ? failure.message : String(failure),
    ...(failure instanceof PangeaAuthnError && { code: failure.code }),
    ...(failure instanceof UnreadableRecordsError && { count: failure.count, keyIds: failure.keyIds }),
  };
}
