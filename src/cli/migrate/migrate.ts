import { ConfigurationError, PangeaAuthnError, UnreadableRecordsError } from "../../errors.ts";
import { copyOrder, copyRepositories } from "../../records/copy-repositories.ts";
import { type ProviderRecords, wrapRepositories } from "../../records/repositories.ts";
import type { CopyReport } from "../../storage/copy-repository.ts";
import { retrying } from "../../storage/retrying.ts";
import { type OpenStore, openStore } from "../store/open-store.ts";
import { shownAddress } from "../store/store-address.ts";
import { adviceOnKeys, type StoreSettings } from "../store/store-settings.ts";
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
  const { from, to, dryRun, json, removeMissing, allowEmptySource, keep, rate } = options;
  const say = (text: string): unknown => errors.write(`${text}\n`);
  const opening = { dryRun, command: "migrate", installation };
  await using source = await openStore(from, opening);
  await using target = await openStore(to, opening);
  const warning = warningOfKeys(to);
  if (warning !== undefined) say(warning);
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
        allowEmptySource,
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
  // Found before anything was copied.
  if (failure instanceof ConfigurationError) throw failure;
  const changes = totalOf(reports);
  const isChanged = !dryRun && changes.written + changes.removed + changes.gone > 0;
  if (isChanged) await announceChanges(target, say);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const isStopped = failure !== undefined && signal.aborted && failure === signal.reason;
  const outcome: MigrationOutcome = isStopped ? "stopped" : failure === undefined ? "complete" : "failed";
  output.write(
    json
      ? `${JSON.stringify(asJson(options, reports, { outcome, seconds, failure, logins: logins.counts }), undefined, 2)}\n`
      : `${[drawReport(reports), verdict(options, outcome, seconds), logins.sentence].filter((part) => part !== "").join("\n\n")}\n`,
  );
  if (isStopped) say("Stopped between two records. Run the same command again: it goes on from here.");
  else if (failure !== undefined)
    say(explanation(failure, changes.written + changes.unchanged + changes.kept, from, to));
  return outcome;
}

/** A server that runs on the target already, with a cache, has copies of what was there before. */
async function announceChanges({ announce }: OpenStore, say: (text: string) => unknown): Promise<void> {
  try {
    await announce?.(undefined);
  } catch {
    say(
      "Caches of servers that run on the target could not be told. They may serve what was there until maxStaleness is over.",
    );
  }
}

function verdict({ from, to, dryRun }: MigrateOptions, outcome: MigrationOutcome, seconds: number): string {
  const did = { complete: "Copied", failed: "Not everything was copied", stopped: "Copied a part" }[outcome];
  const what = dryRun ? "A dry run, nothing was written" : did;
  return `${what}, in ${seconds} s\n  from ${shownAddress(from.address)}\n  to   ${shownAddress(to.address)}`;
}

/** What has to be known of the target before it is filled: with what keys a server reads it. */
function warningOfKeys({ address, keys, origin }: StoreSettings): string | undefined {
  const place = shownAddress(address);
  const { variable, issuer } = origin;
  if (address.kind === "sqlite" && issuer === undefined) {
    const how = keys === undefined ? `not sealed (${variable} is not set)` : `sealed by the keys of ${variable} alone`;
    const wanted = keys === undefined ? 'keys: "none"' : "keys: KeyRing.from(…) of that secret";
    return `The records are ${how} in ${place}. A server reads them with\ncreateSqliteRepositories(file, { ${wanted} }), and not without keys: there it\nseals by the provider's own secret. For that one set ${variable} to that secret, and\n${origin.issuerOption} to the server's URL (mcpIssuerUrl, or mcpBaseUrl without a slash at its end).`;
  }
  if (keys !== undefined || address.kind === "vault") return undefined;
  return `The records are not sealed in ${place}: ${variable} is not set. A server that has\n\`keys\` for its repositories will not read them.`;
}

/** What went wrong, and what to do. */
function explanation(failure: unknown, copied: number, from: StoreSettings, to: StoreSettings): string {
  const message = failure instanceof Error ? failure.message : String(failure);
  if (!(failure instanceof UnreadableRecordsError)) {
    const isOwn = failure instanceof PangeaAuthnError;
    const goOn = isOwn ? "\nWhat was copied stays. Run the same command again: it goes on from there." : "";
    return `${message}${goOn}`;
  }
  const rest = copied > 0 ? "Everything else was copied." : "There was nothing else to copy.";
  return [`${message} ${rest}`, adviceOnKeys(from), adviceOnKeys(to)].join("\n");
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
