import type { ProviderRepositories } from "../../records/repositories.ts";
import { wrapped } from "../../storage/capabilities.ts";
import type { OpenStore } from "../store/open-store.ts";

/**
 * The grants of a store, each change of which is told to the caches of running servers as soon as it is written: without
 * that a token of a grant that was ended is served from memory for as long as a copy may be old.
 */
export class AnnouncedGrants {
  readonly repositories: ProviderRepositories;
  readonly #announce: OpenStore["announce"];
  #changes = 0;
  #untold = 0;

  constructor({ repositories, announce }: OpenStore) {
    this.#announce = announce;
    const grants = wrapped(repositories.grants, async (method, call, key) => {
      const answer = await call();
      if (method === "set" || method === "delete") await this.#tell(key);
      return answer;
    });
    this.repositories = { ...repositories, grants };
  }

  /** What an operator has to know of caches, once grants were ended. */
  sentence(): string | undefined {
    if (this.#changes === 0) return undefined;
    if (this.#announce === undefined) {
      return "Nothing can be told over this store: a server with a cache in front of it may take the tokens until its\nmaxStaleness is over. Where that is too long, restart the server.";
    }
    const told =
      "Servers whose caches listen to this store know of it now; any other cache may serve a copy until its\nmaxStaleness is over.";
    if (this.#untold === 0) return told;
    return `Of ${this.#changes} changes ${this.#untold} could not be told to the caches of running servers, which may serve their\ncopies until maxStaleness is over. To do so, the user of the store needs what its invalidation needs.`;
  }

  /** The grant is over in the store, whoever hears of it. */
  async #tell(key: string): Promise<void> {
    this.#changes += 1;
    try {
      await this.#announce?.(key);
    } catch {
      this.#untold += 1;
    }
  }
}
