import { ConfigurationError, UnreadableRecordsError } from "../errors.ts";
import { type OptionKinds, requireObject, requireOptions, requireThat } from "../option-checks.ts";
import type { Repository } from "../storage/contract.ts";
import {
  type CopyReport,
  type CopyRepositoryOptions,
  copyOptionKinds,
  copyRepository,
  isRefusedRecord,
  type RefusedRecord,
} from "../storage/copy-repository.ts";
import { isEnumerable } from "../storage/enumerable.ts";
import { UnreadableRecords } from "../storage/unreadable-records.ts";
import { type OutlastingRules, outlasting } from "./outlasting.ts";
import { compareRefreshChains } from "./refresh-chains.ts";
import { forEachKind, type ProviderRecords, type ProviderRepositories, wrapRepositories } from "./repositories.ts";

/** How `copyRepositories` copies: as `copyRepository` does, one kind of record after the other. */
export interface CopyRepositoriesOptions extends Omit<CopyRepositoryOptions, "onProgress" | "outlasts" | "isOver"> {
  /**
   * Whether a source without grants, tokens and clients is meant, where `removeMissing` deletes all of them in the target.
   * Default: false, such a copy is refused.
   */
  readonly allowEmptySource?: boolean;
  /** Told after each record, with its kind. What it throws ends the copying. */
  readonly onProgress?: (name: keyof ProviderRecords, report: CopyReport) => void;
}

/** What has been copied of each kind of record. */
export type CopyReports = Readonly<Record<keyof ProviderRecords, CopyReport>>;

/**
 * Copies all that a provider keeps from one store to another, see {@link copyRepository}. Grants are copied first, so that
 * no token is in the target before the tombstone of its grant.
 *
 * What says in the target that something was revoked or used stays there: the tombstones of grants and access tokens, used
 * refresh tokens and client assertions, revoked consent. An older state does not bring back what is over. Of a grant's
 * refresh tokens those of the store count that has the newest one; with `keep`, those of the target. To compare them, the
 * refresh tokens of both stores are listed first. It is kept in memory when each was issued of which the target has the
 * grant: some 130 megabytes for a million.
 *
 * @throws {ConfigurationError} when an option is wrong, a repository of the source cannot list its records, or
 * `removeMissing` is given and the source is empty.
 * @throws {UnreadableRecordsError} once everything else of every kind is copied, when there are records that cannot be read
 * in the source or the target.
 * @throws {RecordTooLargeError | InvalidRecordError | InvalidKeyError} once everything else of every kind is copied, when the
 * target does not take a record: for its size, its members or its expiry, or its key.
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
  requireOptions("copyRepositories", copyOptions ?? null, optionKinds);
  requireObject("The target", to);
  const { onProgress, allowEmptySource = false, ...options } = copyOptions;
  wrapRepositories(from, (source, name) => {
    requireThat(isEnumerable(source), `The source cannot list its ${name}: its repository needs a method entries().`);
    return source;
  });
  if (options.removeMissing === true && !allowEmptySource) await requireRecords(from);
  const chains = await compareRefreshChains(from.refreshTokens, to.refreshTokens, options);
  const outlasts: OutlastingRules = { ...outlasting, refreshTokens: chains.outlasts };
  const isOver: OverRules = { ...forEachKind(() => false), refreshTokens: chains.isOver };
  const unreadable = new UnreadableRecords();
  let refused: RefusedRecord | undefined;
  const copy = async <Name extends keyof ProviderRecords>(name: Name): Promise<CopyReport> => {
    let last = nothing;
    const told = (report: CopyReport): void => {
      last = report;
      onProgress?.(name, report);
    };
    try {
      return await copyRepository<ProviderRecords[Name]>(from[name], to[name], {
        ...options,
        outlasts: outlasts[name],
        isOver: isOver[name],
        onProgress: told,
      });
    } catch (failure) {
      if (failure instanceof UnreadableRecordsError) unreadable.addAll(failure);
      else if (isRefusedRecord(failure)) refused ??= failure;
      else throw failure;
      return last;
    }
  };
  const reports = forEachKind(nothing);
  for (const name of copyOrder) reports[name] = await copy(name);
  unreadable.throwIfAny();
  if (refused !== undefined) throw refused;
  return reports;
}

const { outlasts: _, isOver: __, ...sharedKinds } = copyOptionKinds;
const optionKinds: OptionKinds<CopyRepositoriesOptions> = { ...sharedKinds, allowEmptySource: "boolean" };

/** Whether a record of the source is not brought to a target that has nothing under its key, for each kind. */
type OverRules = { readonly [Name in keyof ProviderRecords]: (given: ProviderRecords[Name]) => boolean };

/** What a store has that a server has begun to use: whatever else is in it comes and goes by itself. */
const lastingKinds = [
  "grants",
  "clients",
  "refreshTokens",
  "accessTokens",
] as const satisfies (keyof ProviderRecords)[];

/** @throws {ConfigurationError} when a store has none of what a server keeps for long: it is hardly the one that is meant. */
async function requireRecords(from: ProviderRepositories): Promise<void> {
  for (const name of lastingKinds) if (await hasRecords<unknown>(from[name])) return;
  throw new ConfigurationError(
    "The source has no grant, client or token, and removeMissing would delete all those of the target: look at its address, namespace, folder and table. A source that is meant to be empty is allowed by allowEmptySource, of migrate --allow-empty-source. Nothing was changed.",
  );
}

async function hasRecords<V>(repository: Repository<string, V>): Promise<boolean> {
  if (!isEnumerable(repository)) return true;
  try {
    for await (const _record of repository.entries()) return true;
    return false;
  } catch (failure) {
    // There are some, and the copy will say of them that they cannot be read.
    if (failure instanceof UnreadableRecordsError) return true;
    throw failure;
  }
}

const nothing: CopyReport = { written: 0, unchanged: 0, kept: 0, gone: 0, failed: 0, removed: 0 };

const kinds = forEachKind(true);
const isKind = (name: string): name is keyof ProviderRecords => Object.hasOwn(kinds, name);

/** The kinds of records in the order in which they are copied: no token is in the target before its grant. */
export const copyOrder: readonly (keyof ProviderRecords)[] = Object.keys(kinds).filter(isKind);
