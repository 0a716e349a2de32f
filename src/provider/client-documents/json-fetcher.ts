import { OAuthError } from "../../errors.ts";
import { documentRefused, documentUnavailable, documentWithheld } from "./document-failure.ts";
import type { SiteReply, SiteTransport } from "./site-transport.ts";

/** What a site answered: a document, or that the one we have is still the current one. */
export type JsonReply =
  | { readonly status: "fetched"; readonly headers: SiteReply["headers"]; readonly text: string }
  | { readonly status: "not modified"; readonly headers: SiteReply["headers"] };

/** What is fetched. */
export interface FetchedContent {
  /** The `Accept` header. */
  readonly accept: string;
  /** The content types that are taken. */
  readonly types: RegExp;
  /** Follows "The client's metadata document" where the content type is another. */
  readonly rule: string;
  /** How the bytes become `JsonReply.text`. */
  readonly encoding: "utf-8" | "base64";
}

const jsonContent: FetchedContent = {
  accept: "application/json",
  types: /^application\/(?:json|[\w.!#$&^-]+\+json)\s*(?:;|$)/i,
  rule: "must be served as application/json",
  encoding: "utf-8",
};

/** The limits of a `JsonFetcher`, and how it asks. */
export interface JsonFetcherOptions {
  /** The longest document, in bytes. */
  readonly maxBytes: number;
  /** For everything from the name lookup to the last byte, in milliseconds. */
  readonly timeout: number;
  readonly transport: SiteTransport;
  /** Default: JSON. */
  readonly content?: FetchedContent;
}

/** Fetches JSON from a URL that a stranger chose. Redirects, compressed and oversized replies are refused. */
export class JsonFetcher {
  readonly #options: JsonFetcherOptions;

  constructor(options: JsonFetcherOptions) {
    this.#options = options;
  }

  /**
   * Asks for a document.
   *
   * @param validators - `if-none-match` and `if-modified-since`, where a copy is held.
   * @throws {OAuthError} with `invalid_client` when the reply cannot be used, `temporarily_unavailable` when the site
   * does not answer in time or says that it is out of service.
   */
  async fetch(url: URL, validators: Readonly<Record<string, string>>, closed: AbortSignal): Promise<JsonReply> {
    const limit = new AbortController();
    const expire = (): void => limit.abort(documentUnavailable("its site does not answer in time"));
    const close = (): void => limit.abort(documentUnavailable("this server is closing"));
    const timer = setTimeout(expire, this.#options.timeout).unref();
    closed.addEventListener("abort", close, { once: true });
    if (closed.aborted) close();
    try {
      // Neither a name server nor a fetch of the operator's has to heed the signal.
      return await Promise.race([this.#ask(url, validators, limit.signal), rejection(limit.signal)]);
    } catch (failure) {
      limit.signal.throwIfAborted();
      throw failure instanceof OAuthError ? failure : documentUnavailable("its site cannot be asked", failure);
    } finally {
      clearTimeout(timer);
      closed.removeEventListener("abort", close);
    }
  }

  async #ask(url: URL, validators: Readonly<Record<string, string>>, limit: AbortSignal): Promise<JsonReply> {
    const headers = {
      accept: (this.#options.content ?? jsonContent).accept,
      "accept-encoding": "identity",
      "user-agent": "pangea-authn-fastmcp",
      ...validators,
    };
    limit.throwIfAborted();
    const reply = await this.#options.transport(url, headers, limit);
    try {
      return await this.#read(reply, limit);
    } finally {
      reply.end();
    }
  }

  async #read(reply: SiteReply, limit: AbortSignal): Promise<JsonReply> {
    const { headers, status } = reply;
    if (status === 304) return { status: "not modified", headers };
    if (status === 408 || status === 429 || status >= 500) {
      throw documentUnavailable(`its site answers with status ${status}`);
    }
    const otherStatus = `must be served with status 200, not ${status}`;
    if (status === 404 || status === 410) throw documentRefused(otherStatus);
    // A site that takes this server for a robot, or a proxy that does not know it, says nothing of the document.
    if (status !== 200) throw documentWithheld(otherStatus);
    const { types, rule } = this.#options.content ?? jsonContent;
    if (!types.test(headerOf(reply, "content-type"))) throw documentWithheld(rule);
    if (!/^(?:identity)?$/i.test(headerOf(reply, "content-encoding"))) {
      throw documentRefused("must be served without compression");
    }
    const text = await this.#text(reply, limit);
    if (text.trim() === "") throw documentWithheld("must not be empty");
    return { status: "fetched", headers, text };
  }

  async #text(reply: SiteReply, limit: AbortSignal): Promise<string> {
    const { maxBytes, content = jsonContent } = this.#options;
    const tooLong = `must have ${maxBytes} bytes at the most`;
    if (Number(headerOf(reply, "content-length")) > maxBytes) throw documentRefused(tooLong);
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const bytes of reply.body) {
        length += bytes.length;
        if (length > maxBytes || limit.aborted) break;
        chunks.push(bytes);
      }
    } catch (failure) {
      throw documentUnavailable("its site ended the reply early", failure);
    }
    limit.throwIfAborted();
    if (length > maxBytes) throw documentRefused(tooLong);
    if (content.encoding === "base64") return Buffer.concat(chunks).toString("base64");
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
    } catch {
      throw documentRefused("must be written in UTF-8");
    }
  }
}

function headerOf({ headers }: SiteReply, name: string): string {
  return headers[name]?.toString() ?? "";
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
