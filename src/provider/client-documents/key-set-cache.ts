import { OAuthError } from "../../errors.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { hasPrivateKeys, type KeySet, parseKeySet } from "../oauth/key-set.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { DocumentCache, type DocumentCacheOptions, type FetchedDocument } from "./document-cache.ts";

/** The public keys of clients: in their documents, or on their sites (`jwks_uri`, RFC 7591 section 2). */
export class KeySetCache {
  readonly #documents: DocumentCache<KeySet>;
  readonly #mayAsk: (url: URL) => boolean;

  /** @param mayAsk - True for the URLs whose site may be asked. */
  constructor(options: Omit<DocumentCacheOptions<KeySet>, "parse">, mayAsk: (url: URL) => boolean) {
    this.#mayAsk = mayAsk;
    this.#documents = new DocumentCache({ ...options, parse: (_url, text) => readKeySet(text) });
  }

  /** @throws {OAuthError} with `invalid_client`; with `temporarily_unavailable` when the site does not answer. */
  async of({ jwks, jwks_uri: uri }: Pick<OAuthClientInformation, "jwks" | "jwks_uri">): Promise<KeySet> {
    if (uri === undefined) return parseKeySet(jwks) ?? { keys: [] };
    return (await this.#fetched(uri, (url) => this.#documents.get(uri, url))).content;
  }

  /** As `DocumentCache.latest`; throws as `of`. */
  async latest(uri: string): Promise<KeySet | undefined> {
    return (await this.#fetched(uri, (url) => this.#documents.latest(uri, url)))?.content;
  }

  async #fetched<Document extends FetchedDocument<KeySet> | undefined>(
    uri: string,
    fetch: (url: URL) => Promise<Document>,
  ): Promise<Document> {
    const url = new URL(uri);
    if (!this.#mayAsk(url)) {
      throw new OAuthError("invalid_client", "The client's jwks_uri has a port or a domain that is not trusted here.");
    }
    try {
      return await fetch(url);
    } catch (cause) {
      if (!(cause instanceof OAuthError)) throw cause;
      const { error, retryAfterSeconds } = cause;
      const what = error === "temporarily_unavailable" ? "fetched now" : "used";
      throw new OAuthError(error, `The key set at the client's jwks_uri cannot be ${what}.`, {
        cause,
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      });
    }
  }

  close(): Promise<void> {
    return this.#documents.close();
  }
}

function readKeySet(text: string): KeySet {
  const value = parseJson(text);
  const keySet = hasPrivateKeys(value) ? undefined : parseKeySet(value);
  if (keySet === undefined) throw new OAuthError("invalid_client", "It must be a set of public RSA, EC or OKP keys.");
  return keySet;
}
