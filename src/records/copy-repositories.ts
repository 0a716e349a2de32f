import { requireObject, requireOptions, requireThat } from "../option-checks.ts";
import {
  type CopyReport,
  type CopyRepositoryOptions,
  copyOptionKinds,
  copyRepository,
} from "../storage/copy-repository.ts";
import { isEnumerable } from "../storage/enumerable.ts";
import { type ProviderRecords, type ProviderRepositories, wrapRepositories } from "./repositories.ts";

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
  const copy = <Name extends keyof ProviderRecords>(name: Name): Promise<CopyReport> => {
    return copyRepository<ProviderRecords[Name]>(from[name], to[name], {
      ...options,
      ...(onProgress !== undefined && { onProgress: (report: CopyReport) => onProgress(name, report) }),
    });
  };
  return {
    grants: await copy("grants"),
    consentRevocations: await copy("consentRevocations"),
    clients: await copy("clients"),
    upstreamSessions: await copy("upstreamSessions"),
    upstreamRevocations: await copy("upstreamRevocations"),
    refreshTokens: await copy("refreshTokens"),
    accessTokens: await copy("accessTokens"),
    authorizationCodes: await copy("authorizationCodes"),
    clientAssertions: await copy("clientAssertions"),
    locks: await copy("locks"),
    keyAnnouncements: await copy("keyAnnouncements"),
  };
}
