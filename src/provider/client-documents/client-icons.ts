import type { LRUCache } from "lru-cache";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import { DocumentCache, type DocumentCacheOptions } from "./document-cache.ts";
import { documentRefused } from "./document-failure.ts";
import type { FetchedContent } from "./json-fetcher.ts";

/** The longest icon, in bytes: it is shown within the page. */
export const maxIconBytes = 32 * 1024;

/** The longest time that a page waits for an icon, in milliseconds: a person sees the page without it sooner. */
export const iconTimeout = 1500;

/** How long a site is left alone after an icon could not be had, in milliseconds. */
const askAgainAfter = 10 * 60_000;

/** Images of pixels. SVG is left out: it is a document of its own, in which things can refer to others. */
export const iconContent: FetchedContent = {
  accept: "image/png, image/webp, image/jpeg",
  types: /^image\/(?:png|webp|jpeg)\s*(?:;|$)/i,
  rule: "must be served as image/png, image/webp or image/jpeg",
  encoding: "base64",
};

/** The kinds of images, by how their bytes begin, in hexadecimal: what a site says of them is not believed. */
const beginnings: readonly (readonly [type: string, bytes: RegExp])[] = [
  ["image/png", /^89504e470d0a1a0a/],
  ["image/webp", /^52494646.{8}57454250/],
  ["image/jpeg", /^ffd8ff/],
];

/**
 * The icons of clients with metadata documents, as data for a page: the person's browser asks nobody for them, so no site
 * learns who is about to log in. Each is fetched as documents are, and kept as long as its site allows.
 */
export class ClientIcons {
  readonly #icons: DocumentCache<string>;
  readonly #mayAsk: (url: URL) => boolean;
  readonly #clock: () => number;
  /** Until when a site is left alone, by the URL of its icon, in milliseconds since the epoch. */
  readonly #failed: LRUCache<string, number>;

  /** @param mayAsk - True for the URLs whose site may be asked. */
  constructor(options: Omit<DocumentCacheOptions<string>, "parse">, mayAsk: (url: URL) => boolean) {
    this.#icons = new DocumentCache({ ...options, parse: (_url, base64) => dataUrl(base64) });
    this.#mayAsk = mayAsk;
    this.#clock = options.clock;
    this.#failed = boundedCache(options.maxCached);
  }

  /** The icon as a `data:` URL. Undefined where there is none, or none that can be had at once; never rejects. */
  async of({ logo_uri: uri }: Pick<OAuthClientInformation, "logo_uri">): Promise<string | undefined> {
    if (uri === undefined || !URL.canParse(uri)) return undefined;
    const url = new URL(uri);
    const isPlain = url.protocol === "https:" && url.username === "" && url.password === "";
    if (!isPlain || !this.#mayAsk(url) || this.#clock() < (this.#failed.get(uri) ?? 0)) return undefined;
    try {
      return (await this.#icons.get(uri, url)).content;
    } catch {
      this.#failed.set(uri, this.#clock() + askAgainAfter);
      return undefined;
    }
  }

  close(): Promise<void> {
    return this.#icons.close();
  }
}

function dataUrl(base64: string): string {
  const start = Buffer.from(base64.slice(0, 24), "base64").toString("hex");
  const known = beginnings.find(([, bytes]) => bytes.test(start));
  if (known === undefined) throw documentRefused("must have an icon that is a PNG, WebP or JPEG image");
  return `data:${known[0]};base64,${base64}`;
}
