import { PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "../../../src/index.ts";
import type { SharedStore } from "./shared-store.ts";
import type { Stage, StageDoor } from "./stage.ts";
import { type StubUpstream, upstreamTimeout } from "./stub-upstream.ts";

/** Where every instance is served. */
export const baseUrl = "http://localhost:8000";
/** Where the clients wait. */
export const redirectUri = "http://127.0.0.1:4999/callback";
const clientIds = ["editor", "terminal"] as const;

/** What all instances of a world share. */
export interface Surroundings {
  readonly stage: Stage;
  readonly store: SharedStore;
  readonly upstream: StubUpstream;
  /** The true time, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** One process that serves the provider. It can be killed, and begins anew then with nothing in its memory. */
export class Instance {
  readonly index: number;
  /** How far its clock is ahead, in milliseconds. */
  skew = 0;
  readonly #surroundings: Surroundings;
  readonly #underWay = new Set<() => void>();
  #options: Partial<PangeaOAuthProviderOptions>;
  #provider: PangeaOAuthProvider | undefined;
  /** The process that runs now. What one that is dead asks for reaches nobody. */
  #life = { isOver: false };

  constructor(index: number, surroundings: Surroundings, options: Partial<PangeaOAuthProviderOptions>) {
    this.index = index;
    this.#surroundings = surroundings;
    this.#options = options;
  }

  get provider(): PangeaOAuthProvider {
    // What begins when is for the schedule to say: nothing waits for a turn of the event loop.
    this.#provider ??= this.#begin(this.#life);
    return this.#provider;
  }

  /**
   * Does something in this process. Where the process is killed meanwhile, its caller gets `undefined` and whatever
   * comes of the work comes to nobody.
   */
  during<R>(work: (provider: PangeaOAuthProvider) => Promise<R>): Promise<R | undefined> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => resolve(undefined);
      this.#underWay.add(giveUp);
      work(this.provider)
        .then(resolve, reject)
        .finally(() => this.#underWay.delete(giveUp));
    });
  }

  /** True while somebody waits for the process. */
  get isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  /** Ends the process and begins it anew, with nothing in its memory. */
  renew(options: Partial<PangeaOAuthProviderOptions> = this.#options): void {
    for (const giveUp of this.#underWay) giveUp();
    this.#underWay.clear();
    this.#options = options;
    this.#life.isOver = true;
    this.#life = { isOver: false };
    // Nobody waits for what a dead process has under way; its timers would keep it in memory.
    this.#provider?.[Symbol.asyncDispose]().catch(() => undefined);
    this.#provider = undefined;
  }

  #begin(life: { readonly isOver: boolean }): PangeaOAuthProvider {
    const { stage, now } = this.#surroundings;
    const { index: instance } = this;
    const door: StageDoor = {
      pass: (request) => (life.isOver ? new Promise(() => undefined) : stage.pass(request)),
    };
    const options = { overload: false as const, ...this.#settings(door), ...this.#options };
    return new PangeaOAuthProvider(options, {
      delay: (milliseconds) =>
        door.pass({
          ...{ kind: "sleep", instance, effect: () => undefined },
          describe: () => `sleep ${milliseconds} ms`,
          wakesAt: now() + milliseconds,
        }),
      later: (milliseconds, effect) => {
        if (life.isOver) return () => {};
        const describe = (): string => `a timer of ${milliseconds} ms`;
        return stage.setTimer({ instance, effect, describe, wakesAt: now() + milliseconds });
      },
      // No skew: the time that goes by is the same for all.
      elapsed: now,
    });
  }

  #settings(door: StageDoor): PangeaOAuthProviderOptions {
    const { store, upstream, now } = this.#surroundings;
    const clock = (): number => now() + this.skew;
    return {
      mcpBaseUrl: baseUrl,
      mcpScopes: ["user", "admin"],
      pangeaAuthnIssuerUrl: "https://login.example",
      pangeaAuthnClientId: "psa_explorer",
      pangeaAuthnClientSecret: "pck_explorerexplorerexplorerexplorer",
      pangeaAuthnScopes: ["user"],
      logger: false,
      secret: "the secret of all instances of the explorer",
      repositories: store.repositoriesOf(door, this.index),
      rateLimits: false,
      upstreamTimeout,
      clients: clientIds.map((id) => ({
        client_id: id,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "none",
      })),
      fetch: upstream.fetchOf(door, this.index, now),
      clock,
    };
  }
}
