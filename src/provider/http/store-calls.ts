import type { ProviderRepositories } from "../../records/repositories.ts";
import { wrapped } from "../../storage/capabilities.ts";
import type { Repository } from "../../storage/contract.ts";

/** How many calls may be under way to the store before nothing new is begun. */
const maxUnderWay = 200;
/** After so many milliseconds a call counts no longer: its client has gone, and its store may never answer it. */
const longestCount = 10_000;

/**
 * Counts the calls to the store that are under way for the authorization server's own requests. A store that has less time
 * than it is asked for answers ever later, while this process looks idle.
 *
 * Counted are the kinds of record that every such request reads or writes, and that no guarded call does: a guarded call has
 * nothing to pay for this.
 */
export class StoreCalls {
  /** When each call that is under way began, in milliseconds, the oldest first. */
  readonly #begun = new Map<symbol, number>();
  readonly #elapsed: () => number;
  #answered: () => void = () => undefined;

  /** @param elapsed - Milliseconds since any moment, which never go back. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** Whether so many calls are under way that nothing new should begin. */
  get areMany(): boolean {
    if (this.#begun.size < maxUnderWay) return false;
    const oldest = this.#elapsed() - longestCount;
    for (const [call, since] of this.#begun) {
      if (since > oldest) break;
      this.#begun.delete(call);
    }
    return this.#begun.size >= maxUnderWay;
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
      const call = Symbol();
      this.#begun.set(call, this.#elapsed());
      try {
        return await run();
      } finally {
        this.#begun.delete(call);
        this.#answered();
      }
    });
  }
}
