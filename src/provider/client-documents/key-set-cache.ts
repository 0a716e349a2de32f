import { OAuthError } from "../../errors.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { hasPrivateKeys, type KeySet, parseKeySet } from "../oauth/key-set.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { DocumentCache, type DocumentCacheOptions } from "./document-cache.ts";

/** Whoever shows unknown keys cannot make this server ask a site more often than this, in milliseconds. */
const refetchAfter = 30_000;

/** The public keys of clients: in their documents, or on their sites (`jwks_uri`, RFC 7591 section 2). */
export class KeySetCache {
  readonly #documents: DocumentCache<KeySet>;
  readonly #clock: () => number;
  readonly #mayAsk: (url: URL) => boolean;

  /** @param mayAsk - True for the URLs whose site may be asked. */
  constructor(options: Omit<DocumentCacheOptions<KeySet>, "parse">, mayAsk: (url: URL) => boolean) {
    this.#mayAsk = mayAsk;
    this.#documents = new DocumentCache({ ...options, parse: (_url, text) => readKeySet(text) });
    this.#clock = options.clock;
  }

  /** @throws {OAuthError} with `invalid_client` when the keys cannot be used, `temporarily_unavailable` when nobody answers. */
  async of(client: Pick<OAuthClientInformation, "jwks" | "jwks_uri">, latest: boolean): Promise<KeySet> {
    if (client.jwks_uri === undefined) return parseKeySet(client.jwks) ?? { keys: [] };
    const url = new URL(client.jwks_uri);
    if (!this.#mayAsk(url)) {
      throw new OAuthError("invalid_client", "The client's jwks_uri has a port or a domain that is not trusted here.");
    }
    const notBefore = latest ? this.#clock() - refetchAfter : undefined;
    try {
      return (await this.#documents.get(client.jwks_uri, url, notBefore)).content;
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
