import { recordKey } from "../../records/keys.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import type { Repository } from "../../storage/contract.ts";
import type { ClientDocument, ClientDocuments } from "../client-documents/client-documents.ts";
import { SiteFailure } from "../client-documents/document-failure.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { Reporter } from "../reporting/reporter.ts";

/** How much younger a document has to be than its copy in the store to be stored again, in milliseconds. */
const storedAgainAfter = 24 * 60 * 60 * 1000;
/** How many documents this instance knows to be in the store. */
const maxKnown = 1000;

type KeptDocumentsParts = Pick<ProviderConfiguration, "instanceClockTolerance" | "reporter" | "repositories"> & {
  readonly documents: Pick<ProviderConfiguration["documents"], "maxStaleSeconds">;
};

/**
 * Metadata documents with a copy in the store, for instances that have none of their own: they were started since, or the
 * client's site gives them nothing. A document is stored once somebody has logged in with it, so strangers store none. The copy
 * of a document that its client has withdrawn is removed.
 */
export class KeptDocuments {
  readonly #documents: Pick<ClientDocuments, "adopt" | "find" | "known" | "whenWithdrawn">;
  readonly #clients: Repository<string, OAuthClientInformation>;
  readonly #maxStaleSeconds: number;
  readonly #reporter: Reporter;
  readonly #clockTolerance: number;
  /** When this instance has found documents gone, in milliseconds since the epoch: no copy from before counts. */
  readonly #goneAt = boundedCache<string, number>(maxKnown);
  /** Documents whose copies could not be removed from the store yet. */
  readonly #unremoved = boundedCache<string, true>(maxKnown);
  /** What was stored last, as text, and of when it is. */
  readonly #stored = boundedCache<string, { readonly text: string; readonly fetchedAt: number }>(maxKnown);

  constructor(
    { instanceClockTolerance, reporter, repositories, documents: { maxStaleSeconds = 0 } }: KeptDocumentsParts,
    documents: Pick<ClientDocuments, "adopt" | "find" | "known" | "whenWithdrawn">,
  ) {
    this.#documents = documents;
    this.#clients = repositories.clients;
    this.#maxStaleSeconds = maxStaleSeconds;
    this.#clockTolerance = instanceClockTolerance * 1000;
    this.#reporter = reporter;
    documents.whenWithdrawn(async (clientId, askedAt) => {
      this.#stored.delete(clientId);
      if (maxStaleSeconds === 0) return;
      this.#goneAt.set(clientId, askedAt);
      await this.#remove(clientId);
    });
  }

  /** Finds a client as `ClientDocuments` does, or by the copy where the client's site fails and no other copy is left. */
  async find(clientId: string): Promise<ClientDocument | undefined> {
    if (this.#unremoved.has(clientId)) await this.#remove(clientId);
    try {
      const document = await this.#documents.find(clientId);
      // The client is back.
      this.#goneAt.delete(clientId);
      return document;
    } catch (failure) {
      if (!(failure instanceof SiteFailure)) throw failure;
      const copy = await this.#read(clientId);
      if (copy?.client_id !== clientId || copy.expiresAt === undefined) throw failure;
      const { expiresAt, ...information } = copy;
      const fetchedAt = (expiresAt - this.#maxStaleSeconds) * 1000;
      if (this.#isGoneSince(clientId, fetchedAt)) {
        await this.#remove(clientId);
        throw failure;
      }
      return this.#documents.adopt(information, fetchedAt);
    }
  }

  /** Stores the document of a client that somebody has logged in with, where that is due. Never throws. */
  async keep(clientId: string): Promise<void> {
    const document = this.#documents.known(clientId);
    if (document === undefined || this.#maxStaleSeconds === 0) return;
    const { information, fetchedAt } = document;
    const text = JSON.stringify(information);
    const last = this.#stored.get(clientId);
    if (last?.text === text && fetchedAt - last.fetchedAt < storedAgainAfter) return;
    const expiresAt = Math.floor(fetchedAt / 1000) + this.#maxStaleSeconds;
    try {
      await this.#clients.set(keyOf(clientId), { ...information, expiresAt });
      this.#stored.set(clientId, { text, fetchedAt });
      // It may have been withdrawn meanwhile, and its removal may have come before this.
      if (this.#isGoneSince(clientId, fetchedAt)) await this.#remove(clientId);
    } catch (failure) {
      this.#reporter.failure(failure);
    }
  }

  /** The document of a client, as this instance or else the store has it. Asks no site, and never rejects. */
  async kept(clientId: string): Promise<OAuthClientInformation | undefined> {
    return this.#documents.known(clientId)?.information ?? (await this.#read(clientId));
  }

  /** Whether a document may be from before it was found gone: another instance may have fetched it, by its own clock. */
  #isGoneSince(clientId: string, fetchedAt: number): boolean {
    const goneAt = this.#goneAt.get(clientId);
    return goneAt !== undefined && fetchedAt <= goneAt + this.#clockTolerance;
  }

  /** Removes the copy of a document. Where that fails it is tried again when the client is next looked for. Never throws. */
  async #remove(clientId: string): Promise<void> {
    try {
      await this.#clients.delete(keyOf(clientId));
      this.#stored.delete(clientId);
      this.#unremoved.delete(clientId);
    } catch (failure) {
      this.#unremoved.set(clientId, true);
      this.#reporter.failure(failure);
    }
  }

  /** A store that fails must not hide what is wrong with the site. */
  async #read(clientId: string): Promise<OAuthClientInformation | undefined> {
    if (this.#maxStaleSeconds === 0) return undefined;
    try {
      return await this.#clients.get(keyOf(clientId));
    } catch (failure) {
      this.#reporter.failure(failure);
      return undefined;
    }
  }
}

/** Another key than a registration of this id would have, so that a copy never passes for a registration. */
function keyOf(clientId: string): string {
  return recordKey("client", "document", clientId);
}
