import { OAuthError } from "../../errors.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { hasPrivateKeys, type KeySet, parseKeySet } from "../oauth/key-set.ts";
import { DocumentCache, type DocumentCacheOptions } from "./document-cache.ts";

/** Whoever shows unknown keys cannot make this server ask a site more often than this, in milliseconds. */
const refetchAfter = 30_000;

/** The public keys of clients: in their documents, or on their sites (`jwks_uri`, RFC 7591 section 2). */
export class KeySets {
  readonly #documents: DocumentCache<KeySet>;
  readonly #clock: () => number;

  readonly #ports: readonly number[];
  readonly #isAllowed: (url: URL) => boolean;

  /**
   * @param ports - The ports that may be asked.
   * @param isAllowed - True for the URLs that may be asked.
   */
  constructor(
    options: Omit<DocumentCacheOptions<KeySet>, "parse">,
    ports: readonly number[],
    isAllowed: (url: URL) => boolean,
  ) {
    this.#ports = ports;
    this.#isAllowed = isAllowed;
    this.#documents = new DocumentCache({ ...options, parse: (_url, text) => readKeySet(text) });
    this.#clock = options.clock;
  }

  /** @throws `OAuthError`: `invalid_client`, or `temporarily_unavailable` where the site does not answer. */
  async of(client: Pick<OAuthClientInformation, "jwks" | "jwks_uri">, latest: boolean): Promise<KeySet> {
    if (client.jwks_uri === undefined) return parseKeySet(client.jwks) ?? { keys: [] };
    const url = new URL(client.jwks_uri);
    if (!this.#ports.includes(Number(url.port || 443))) {
      throw new OAuthError("invalid_client", "The client's jwks_uri has a port that is not asked here.");
    }
    if (!this.#isAllowed(url)) {
      throw new OAuthError("invalid_client", "The client's jwks_uri is on a domain that is not trusted here.");
    }
    const notBefore = latest ? this.#clock() - refetchAfter : undefined;
    try {
      return (await this.#documents.get(client.jwks_uri, url, notBefore)).content;
    } catch (failure) {
      if (!(failure instanceof OAuthError)) throw failure;
      const { error, retryAfterSeconds } = failure;
      const what = error === "temporarily_unavailable" ? "fetched now" : "used";
      throw new OAuthError(error, `The key set at the client's jwks_uri cannot be ${what}.`, {
        cause: failure,
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      });
    }
  }

  close(): Promise<void> {
    return this.#documents.close();
  }
}

function readKeySet(text: string): KeySet {
  const keySet = parseKeySet(parseJson(text));
  if (keySet === undefined) throw new OAuthError("invalid_client", "It must be a set of public RSA, EC or OKP keys.");
  return keySet;
}

/** JSON without private keys; undefined for anything else. */
function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return hasPrivateKeys(value) ? undefined : value;
  } catch {
    return undefined;
  }
}
