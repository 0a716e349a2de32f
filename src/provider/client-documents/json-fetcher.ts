import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request } from "node:https";
import { isIP } from "node:net";
import { OAuthError } from "../../errors.ts";
import type { ConnectPinned, ResolveHost } from "../configuration/client-documents-options.ts";
import { documentRefused, documentUnavailable } from "./document-failure.ts";
import { isPublicAddress } from "./public-address.ts";

/** What a site answered: a document, or that the one we have is still the current one. */
export type JsonReply =
  | { readonly status: "fetched"; readonly headers: IncomingHttpHeaders; readonly text: string }
  | { readonly status: "not modified"; readonly headers: IncomingHttpHeaders };

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

/** The seams and limits of a `JsonFetcher`. */
export interface JsonFetcherOptions {
  /** The longest document, in bytes. */
  readonly maxBytes: number;
  /** For everything from the name lookup to the last byte, in milliseconds. */
  readonly timeout: number;
  readonly resolve: ResolveHost;
  readonly connect: ConnectPinned;
  /** Default: JSON. */
  readonly content?: FetchedContent;
}

const maxHeaderBytes = 8 * 1024;

/**
 * Fetches JSON from a URL that a stranger chose (server-side request forgery, draft section 8.6). The name is looked up
 * once, every address must be public, and the connection goes to these addresses and no others. Redirects, proxies,
 * compressed and oversized replies are refused.
 *
 * It is made of `node:https`, not `fetch`: Node's `fetch` can only be held to an address through a dispatcher of the
 * undici package, which need not be the undici that Node has inside.
 */
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
      const addresses = await this.#publicAddresses(url, limit.signal);
      return await this.#request(url, addresses, validators, limit.signal);
    } catch (failure) {
      limit.signal.throwIfAborted();
      throw failure instanceof OAuthError ? failure : documentUnavailable("its site cannot be asked", failure);
    } finally {
      clearTimeout(timer);
      closed.removeEventListener("abort", close);
    }
  }

  /** One private address among public ones refuses the host: no honest site has such a set. */
  async #publicAddresses(url: URL, limit: AbortSignal): Promise<readonly string[]> {
    const hostname = hostOf(url);
    const addresses = isIP(hostname) === 0 ? await this.#resolve(hostname, limit) : [hostname];
    // An absent name and a private address get the same answer, so that nobody can map the names of our network.
    if (addresses.length === 0 || !addresses.every(isPublicAddress)) {
      throw documentRefused("must be on a host that has public addresses, and no others");
    }
    return addresses;
  }

  async #resolve(hostname: string, limit: AbortSignal): Promise<readonly string[]> {
    try {
      return await Promise.race([this.#options.resolve(hostname, limit), rejection(limit)]);
    } catch (failure) {
      throw documentUnavailable("the name of its host cannot be looked up", failure);
    }
  }

  async #request(
    url: URL,
    addresses: readonly string[],
    validators: Readonly<Record<string, string>>,
    limit: AbortSignal,
  ): Promise<JsonReply> {
    limit.throwIfAborted();
    const hostname = hostOf(url);
    const port = Number(url.port || 443);
    const outgoing = request({
      method: "GET",
      hostname,
      port,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        accept: (this.#options.content ?? jsonContent).accept,
        "accept-encoding": "identity",
        "user-agent": "pangea-authn-fastmcp",
        ...validators,
      },
      maxHeaderSize: maxHeaderBytes,
      signal: limit,
      // Without an agent there is no connection to reuse and no proxy from the environment.
      createConnection: () => this.#options.connect({ hostname, port, addresses }),
    });
    try {
      const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
        const broken = (cause?: unknown): void => reject(documentUnavailable("its site does not answer", cause));
        outgoing.on("response", resolve).on("error", broken).on("close", broken);
        outgoing.end();
      });
      return await this.#read(incoming);
    } finally {
      outgoing.destroy();
    }
  }

  async #read(incoming: IncomingMessage): Promise<JsonReply> {
    const { headers, statusCode = 0 } = incoming;
    if (statusCode === 304) return { status: "not modified", headers };
    if (statusCode === 408 || statusCode === 429 || statusCode >= 500) {
      throw documentUnavailable(`its site answers with status ${statusCode}`);
    }
    if (statusCode !== 200) throw documentRefused(`must be served with status 200, not ${statusCode}`);
    const { types, rule } = this.#options.content ?? jsonContent;
    if (!types.test(headers["content-type"] ?? "")) throw documentRefused(rule);
    if (!/^(?:identity)?$/i.test(headers["content-encoding"] ?? "")) {
      throw documentRefused("must be served without compression");
    }
    return { status: "fetched", headers, text: await this.#text(incoming) };
  }

  async #text(incoming: IncomingMessage): Promise<string> {
    const { maxBytes, content = jsonContent } = this.#options;
    const tooLong = `must have ${maxBytes} bytes at the most`;
    if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) throw documentRefused(tooLong);
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of incoming) {
        const bytes = Buffer.from(chunk);
        length += bytes.length;
        if (length > maxBytes) break;
        chunks.push(bytes);
      }
    } catch (failure) {
      throw documentUnavailable("its site ended the reply early", failure);
    }
    if (length > maxBytes) throw documentRefused(tooLong);
    if (content.encoding === "base64") return Buffer.concat(chunks).toString("base64");
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
    } catch {
      throw documentRefused("must be written in UTF-8");
    }
  }
}

/** The host without the brackets that a URL puts around an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
