import { RecordTooLargeError, UnreadableRecordsError } from "../errors.ts";
import { requireObject, requireOptions, requireThat } from "../option-checks.ts";
import {
  type CopyReport,
  type CopyRepositoryOptions,
  copyOptionKinds,
  copyRepository,
} from "../storage/copy-repository.ts";
import { isEnumerable } from "../storage/enumerable.ts";
import { UnreadableRecords } from "../storage/unreadable-records.ts";
import { forEachKind, type ProviderRecords, type ProviderRepositories, wrapRepositories } from "./repositories.ts";

/** How `copyRepositories` copies: as `copyRepository` does, one kind of record after the other. */
export interface CopyRepositoriesOptions extends Omit<CopyRepositoryOptions, "onProgress"> {
  /** Told after each record, with its kind. What it throws ends the copying. */
  readonly onProgress?: (name: keyof ProviderRecords, report: CopyReport) => void;
}

/** What has been copied of each kind of record. */
export type CopyReports = Readonly<Record<keyof ProviderRecords, CopyReport>>;

/**
 * Copies all that a provider keeps from one store to another, see {@link copyRepository}. Grants are copied first, so that
 * no token is in the target before the tombstone of its grant.
 *
 * @throws {ConfigurationError} when an option is wrong, or a repository of the source cannot list its records.
 * @throws {UnreadableRecordsError} once everything else of every kind is copied, when there are records that cannot be read
 * in the source or the target.
 * @throws {RecordTooLargeError} once everything else of every kind is copied, when the target does not take a record for its
 * size.
 * @throws {StorageError} when a store fails. What was written until then stays.
 *
 * @example
 * ```ts
 * const reports = await copyRepositories(createVaultRepositories(token), createRedisRepositories(redis, { keys }));
 * console.log(reports.grants.written);
 * ```
 */
export async function copyRepositories(
  from: ProviderRepositories,
  to: ProviderRepositories,
  copyOptions: CopyRepositoriesOptions = {},
): Promise<CopyReports> {
  requireOptions("copyRepositories", copyOptions ?? null, copyOptionKinds);
  requireObject("The target", to);
  const { onProgress, ...options } = copyOptions;
  wrapRepositories(from, (source, name) => {
    requireThat(isEnumerable(source), `The source cannot list its ${name}: its repository needs a method entries().`);
    return source;
  });
  const unreadable = new UnreadableRecords();
  let tooLarge: RecordTooLargeError | undefined;
  const copy = async <Name extends keyof ProviderRecords>(name: Name): Promise<CopyReport> => {
    let last = nothing;
    const told = (report: CopyReport): void => {
      last = report;
      onProgress?.(name, report);
    };
    try {
      return await copyRepository<ProviderRecords[Name]>(from[name], to[name], { ...options, onProgress: told });
    } catch (failure) {
      if (failure instanceof UnreadableRecordsError) unreadable.addAll(failure);
      else if (failure instanceof RecordTooLargeError) tooLarge ??= failure;
      else throw failure;
      return last;
    }
  };
  const reports = forEachKind(nothing);
  for (const name of copyOrder) reports[name] = await copy(name);
  unreadable.throwIfAny();
  if (tooLarge !== undefined) throw tooLarge;
  return reports;
}

const nothing: CopyReport = { written: 0, unchanged: 0, kept: 0, gone: 0, failed: 0, removed: 0 };

const kinds = forEachKind(true);
const isKind = (name: string): name is keyof ProviderRecords => Object.hasOwn(kinds, name);

/** The kinds of records in the order in which they are copied: no token is in the target before its grant. */
export const copyOrder: readonly (keyof ProviderRecords)[] = Object.keys(kinds).filter(isKind);
