import { requireThat } from "../option-checks.ts";
import { withoutLastSlashes } from "../provider/oauth/paths.ts";
import type { AuthorizationServer } from "./mounted-provider.ts";

/** How the paths of requests, as a mount gets them, differ from the public ones. */
export interface PathMapping {
  /**
   * The path that a proxy takes off before it passes a request on. The base URL of the provider has it. Default: none.
   *
   * @example
   * ```ts
   * app.use(pangeaAuth(provider, { removedPrefix: "/auth" })); // mcpBaseUrl: "https://example.org/auth"
   * ```
   */
  readonly removedPrefix?: string;
  /**
   * The path that a proxy or a router puts before the public one. The base URL does not have it. Default: none.
   *
   * @example
   * ```ts
   * app.use(pangeaAuth(provider, { addedPrefix: "/internal" })); // mcpBaseUrl: "https://example.org"
   * ```
   */
  readonly addedPrefix?: string;
}

/** Finds the public path of requests to a mount. */
export class PublicPaths {
  readonly #provider: AuthorizationServer;
  readonly #removed: string;
  readonly #added: string;

  constructor(provider: AuthorizationServer, { removedPrefix = "", addedPrefix = "" }: PathMapping) {
    for (const [name, prefix] of Object.entries({ removedPrefix, addedPrefix })) {
      requireThat(/^(?:\/[^?#]*)?$/.test(prefix), `${name} must be a path that begins with a slash, such as "/auth".`);
    }
    this.#provider = provider;
    this.#removed = withoutLastSlashes(removedPrefix);
    this.#added = withoutLastSlashes(addedPrefix);
    requireThat(
      this.#removed === "" || this.#removed !== this.#added,
      `removedPrefix and addedPrefix are both ${this.#removed}, and a path that is put before and taken off again is none. Give removedPrefix where the base URL has it and requests lack it, addedPrefix where requests have it and the base URL lacks it.`,
    );
    provider.noteMount?.({ mapsPaths: this.mapsPaths });
  }

  /** Whether the paths differ at all. */
  get mapsPaths(): boolean {
    return this.#removed !== "" || this.#added !== "";
  }

  /** The public path where the provider serves it; undefined for a request that is somebody else's. */
  served(received: string, method: string | undefined): string | undefined {
    const isAdded = this.#added !== "" && received.startsWith(`${this.#added}/`);
    const path = isAdded ? received.slice(this.#added.length) : received;
    if (this.#removed !== "" && this.#provider.serves(this.#removed + path, method)) return this.#removed + path;
    return this.#provider.serves(path, method) ? path : undefined;
  }
}
