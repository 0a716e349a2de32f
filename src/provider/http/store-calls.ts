import type { ProviderRepositories } from "../../records/repositories.ts";
import { wrapped } from "../../storage/capabilities.ts";
import type { Repository } from "../../storage/contract.ts";

/** How many calls may be under way to the store before nothing new is begun. */
const maxUnderWay = 200;

/**
 * Counts the calls to the store that are under way for the authorization server's own requests. A store that has less time
 * than it is asked for answers ever later, while this process looks idle.
 *
 * Counted are the kinds of record that every such request reads or writes, and that no guarded call does: a guarded call has
 * nothing to pay for this.
 */
export class StoreCalls {
  #underWay = 0;
  #answered: () => void = () => undefined;

  /** Whether so many calls are under way that nothing new should begin. */
  get areMany(): boolean {
    return this.#underWay >= maxUnderWay;
  }

  /** Tells of every call that the store has answered. */
  onAnswer(answered: () => void): void {
    this.#answered = answered;
  }

  /** The same repositories, with their calls counted. */
  counted(repositories: ProviderRepositories): ProviderRepositories {
    const { authorizationCodes, clients, refreshTokens } = repositories;
    return {
      ...repositories,
      authorizationCodes: this.#counting(authorizationCodes),
      clients: this.#counting(clients),
      refreshTokens: this.#counting(refreshTokens),
    };
  }

  #counting<V>(repository: Repository<string, V>): Repository<string, V> {
    return wrapped(repository, async (_method, run) => {
      this.#underWay += 1;
      try {
        return await run();
      } finally {
        this.#underWay -= 1;
        this.#answered();
      }
    });
  }
}
