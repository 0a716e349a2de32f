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

type KeptDocumentsParts = Pick<ProviderConfiguration, "reporter" | "repositories"> & {
  readonly documents: Pick<ProviderConfiguration["documents"], "maxStaleSeconds">;
};

/**
 * Metadata documents with a copy in the store, for instances that have none of their own: they were started since, or the
 * client's site gives them nothing. A document is stored once somebody has logged in with it, so strangers store none.
 */
export class KeptDocuments {
  readonly #documents: Pick<ClientDocuments, "adopt" | "find" | "known">;
  readonly #clients: Repository<string, OAuthClientInformation>;
  readonly #maxStaleSeconds: number;
  readonly #reporter: Reporter;
  /** What was stored last, as text, and of when it is. */
  readonly #stored = boundedCache<string, { readonly text: string; readonly fetchedAt: number }>(maxKnown);

  constructor(
    { reporter, repositories, documents: { maxStaleSeconds = 0 } }: KeptDocumentsParts,
    documents: Pick<ClientDocuments, "adopt" | "find" | "known">,
  ) {
    this.#documents = documents;
    this.#clients = repositories.clients;
    this.#maxStaleSeconds = maxStaleSeconds;
    this.#reporter = reporter;
  }

  /** Finds a client as `ClientDocuments` does, or by the copy where the client's site fails and no other copy is left. */
  async find(clientId: string): Promise<ClientDocument | undefined> {
    try {
      return await this.#documents.find(clientId);
    } catch (failure) {
      if (!(failure instanceof SiteFailure)) throw failure;
      const copy = await this.#read(clientId);
      if (copy?.client_id !== clientId || copy.expiresAt === undefined) throw failure;
      const { expiresAt, ...information } = copy;
      return this.#documents.adopt(information, (expiresAt - this.#maxStaleSeconds) * 1000);
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
    } catch (failure) {
      this.#reporter.failure(failure);
    }
  }

  /** The document of a client, as this instance or else the store has it. Asks no site, and never rejects. */
  async kept(clientId: string): Promise<OAuthClientInformation | undefined> {
    return this.#documents.known(clientId)?.information ?? (await this.#read(clientId));
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
