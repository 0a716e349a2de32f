import { UnreadableRecordsError } from "../errors.ts";
import { type OptionKinds, requireOptions } from "../option-checks.ts";
import { type KeyRing, requireKeyRing } from "../secrets/key-ring.ts";
import { LateLabels } from "../storage/codecs/late-labels.ts";
import { sealed } from "../storage/codecs/sealed.ts";
import { UnreadableRecords } from "../storage/unreadable-records.ts";
import { toVaultService } from "../storage/vault/connect.ts";
import { type PangeaVaultRepositoryOptions, readVaultOptions, vaultOptionKinds } from "../storage/vault/options.ts";
import { VaultFolder } from "../storage/vault/vault-folder.ts";
import { PangeaVaultRepository } from "../storage/vault/vault-repository.ts";
import type { VaultServiceLike } from "../storage/vault/vault-service.ts";
import { type AsksHolders, askHolders, leaveOutForeign, StoreHolders } from "./foreign-records.ts";
import { type Backend, createRepositories, type RepositoriesOf } from "./repositories.ts";
import { type Labelable, labelWith } from "./sealable.ts";

interface InVault extends Backend {
  readonly repository: PangeaVaultRepository<this["record"]>;
}

/** Every repository of a provider, in Vault. */
export interface VaultRepositories extends RepositoriesOf<InVault>, AsyncDisposable {
  /** The ids of the keys that records are sealed with, where they are. A provider announces them to its other instances. */
  readonly sealingKeyIds?: readonly string[];
  /**
   * Deletes what has expired, of every kind. Returns the number of items deleted. An item that does not say of itself
   * that this package has stored it is never touched, nor is what another server has sealed in the same folder: that is told
   * once, by the event `foreign-records` of the provider that uses these repositories, or else by a warning of the process
   * (`PANGEA_FOREIGN_RECORDS`).
   *
   * @throws {UnreadableRecordsError} once everything else is done, when there are records that cannot be read: nobody can
   * tell whether those have expired.
   * @throws {StorageFailure} when the store fails.
   */
  sweep(): Promise<number>;
}

/** The options of `createVaultRepositories`: those of a repository that concern all kinds alike. */
export interface VaultRepositoriesOptions
  extends Omit<PangeaVaultRepositoryOptions<never>, "kind" | "expiresAt" | "indexes"> {
  /**
   * Seals every record, so that whoever may read the Vault reads none of them, and who may write to it forges none. The
   * users' Pangea tokens are sealed in their grants either way. A folder that holds records without a seal, such as a Python
   * server's, is not read with it. Default: none, for Vault encrypts by itself what it keeps.
   */
  readonly keys?: KeyRing;
}

const { kind: _kind, expiresAt: _expiresAt, indexes: _indexes, ...sharedKinds } = vaultOptionKinds;
const optionKinds: OptionKinds<VaultRepositoriesOptions> = { ...sharedKinds, keys: "any" };

/**
 * Builds every repository of a provider in Vault. All kinds of record share one folder, told apart by the item's
 * metadata, which also has this package's mark: no other item of the folder is read or touched. Two servers on one Vault
 * need a `namespace` each. Where `folder` names a Python server's folder, its access tokens and clients go on working;
 * `folder: false` is for a Python server, or a first preview of this package, that was given no folder.
 *
 * @param tokenOrService - A Vault token (`pts_…`), or a `VaultService` of `pangea-node-sdk`.
 * @throws {ConfigurationError} when an option is wrong; the message names the option.
 *
 * @example
 * ```ts
 * const repositories = createVaultRepositories(process.env.PANGEA_VAULT_TOKEN, { namespace: "invoices" });
 * const provider = new PangeaOAuthProvider({ ...settings, repositories });
 * ```
 */
export function createVaultRepositories(
  tokenOrService: string | VaultServiceLike,
  options: VaultRepositoriesOptions = {},
): VaultRepositories {
  requireOptions("createVaultRepositories", options, optionKinds);
  const { keys, ...shared } = options;
  requireKeyRing(keys);
  // One view of the folder for all kinds: what a request reads of several kinds at once is one call.
  const folder = new VaultFolder(toVaultService(tokenOrService, shared), readVaultOptions(shared));
  const labels = new LateLabels();
  const repositories = createRepositories<InVault>(
    (schema, kind, indexes) =>
      new PangeaVaultRepository(keys === undefined ? labels.codec(schema) : sealed(schema, keys), folder, {
        ...shared,
        kind,
        indexes,
      }),
  );
  const labelable: Partial<Labelable> = keys === undefined ? { [labelWith]: (given) => labels.labelWith(given) } : {};
  const holders = new StoreHolders(repositories.keyAnnouncements, keys?.ids ?? []);
  const asking: AsksHolders = { [askHolders]: (holderOf) => holders.add(holderOf) };
  const all = Object.values(repositories);
  return {
    ...repositories,
    ...labelable,
    ...asking,
    ...(keys !== undefined && { sealingKeyIds: keys.ids }),
    async sweep() {
      const unreadable = new UnreadableRecords();
      let deleted = 0;
      for (const repository of all) deleted += await repository.sweepReadable(unreadable);
      try {
        unreadable.throwIfAny();
      } catch (failure) {
        if (!(failure instanceof UnreadableRecordsError)) throw failure;
        await leaveOutForeign(failure, holders.holderOf);
      }
      return deleted;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((repository) => repository[Symbol.asyncDispose]()));
    },
  };
}
