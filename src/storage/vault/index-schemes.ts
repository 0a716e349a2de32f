import { StorageRejectedError } from "../../errors.ts";
import { ownWriter, writerMember } from "./item-metadata.ts";
import type { VaultRepositorySettings } from "./options.ts";
import type { SecretLookup } from "./secret-lookup.ts";
import type { VaultCalls } from "./vault-calls.ts";

/** The kind of the items that name a scheme: no repository has a kind with a dot. */
const schemeKind = "index.scheme";

/** Begins the name of an item that names a scheme. */
const nameStart = "index of pangea-authn-fastmcp: ";

/** In milliseconds. */
const pauseAfterFailure = 60_000;

/**
 * The schemes of labels that items of a folder may have. Vault can be asked for the items of a scheme, and not for those of
 * any other: so an instance announces its scheme, by an item of the folder, before the first item that has it is stored. A
 * search asks for the announced ones. Where a search does not see its own among them, Vault's filters do not work as they
 * should, and nothing is found by them.
 */
export class IndexSchemes {
  readonly #calls: VaultCalls;
  readonly #lookup: SecretLookup;
  readonly #folder: string | undefined;
  readonly #clock: () => number;
  /** What the repositories of the folder make labels by. */
  readonly #wanted = new Set<() => string | undefined>();
  readonly #announced = new Set<string>();
  readonly #refused = new Set<string>();
  #underWay: Promise<void> | undefined;
  /** In milliseconds since the epoch. */
  #pausedUntil = 0;

  constructor(
    calls: VaultCalls,
    lookup: SecretLookup,
    { folder, clock }: Pick<VaultRepositorySettings, "folder" | "clock">,
  ) {
    this.#calls = calls;
    this.#lookup = lookup;
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Has the scheme of a repository announced once something is written to the folder. */
  want(scheme: () => string | undefined): void {
    this.#wanted.add(scheme);
  }

  /** True for a scheme that items may be stored with. */
  isAnnounced(scheme: string): boolean {
    return this.#announced.has(scheme);
  }

  /**
   * Announces the schemes that are not announced yet. Resolves when that is over, and rejects never: without an announcement
   * items have no place in the index, and every search looks at them. Where it fails, writes do not wait for another one
   * before a minute is over.
   */
  async announce(): Promise<void> {
    if (this.#underWay === undefined) {
      if (this.#clock() < this.#pausedUntil) return;
      const schemes = [...this.#wanted].map((scheme) => scheme()).filter((scheme) => scheme !== undefined);
      const missing = [...new Set(schemes)].filter(
        (scheme) => !this.#announced.has(scheme) && !this.#refused.has(scheme),
      );
      if (missing.length === 0) return;
      this.#underWay = Promise.all(missing.map((scheme) => this.#announceOne(scheme))).then(() => {
        this.#underWay = undefined;
      });
    }
    await this.#underWay;
  }

  /** Resolves once no announcement is under way. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  /** The schemes that were announced for the folder, by any instance. */
  async all(): Promise<ReadonlySet<string>> {
    const items = await this.#lookup.withMetadata({ kind: schemeKind });
    return new Set(
      items.flatMap(({ kind, name }) =>
        kind === schemeKind && name.startsWith(nameStart) ? [name.slice(nameStart.length)] : [],
      ),
    );
  }

  async #announceOne(scheme: string): Promise<void> {
    const name = `${nameStart}${scheme}`;
    try {
      if (!(await this.#isThere(name))) await this.#store(name, scheme);
      this.#announced.add(scheme);
    } catch (failure) {
      // An outage ends. A refusal stays one.
      if (failure instanceof StorageRejectedError) this.#refused.add(scheme);
      else this.#pausedUntil = this.#clock() + pauseAfterFailure;
    }
  }

  async #isThere(name: string): Promise<boolean> {
    return (await this.#lookup.findOne(name)).some(({ kind }) => kind === schemeKind);
  }

  async #store(name: string, scheme: string): Promise<void> {
    try {
      await this.#calls.store({
        name,
        // The name says everything, and Vault keeps no empty secret.
        secret: scheme,
        ...(this.#folder !== undefined && { folder: this.#folder }),
        metadata: { [writerMember]: ownWriter, kind: schemeKind },
      });
    } catch (refusal) {
      // Another instance was faster.
      if (!(refusal instanceof StorageRejectedError) || !(await this.#isThere(name))) throw refusal;
    }
  }
}
