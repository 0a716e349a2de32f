import { PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "../../../src/index.ts";
import type { SharedStore } from "./shared-store.ts";
import type { Stage } from "./stage.ts";
import type { StubUpstream } from "./stub-upstream.ts";

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
  /**
   * The beginnings from which something went that it may have in its memory, such as what a store did not take. It must
   * not serve a schedule from such a beginning again, for the grants there have the same ids.
   */
  readonly #taints = new Set<number>();
  readonly #surroundings: Surroundings;
  readonly #underWay = new Set<() => void>();
  #options: Partial<PangeaOAuthProviderOptions>;
  #provider: PangeaOAuthProvider | undefined;

  constructor(index: number, surroundings: Surroundings, options: Partial<PangeaOAuthProviderOptions>) {
    this.index = index;
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** Made when it is first needed, since making one takes as long as ten requests. */
  get provider(): PangeaOAuthProvider {
    this.#provider ??= new PangeaOAuthProvider({ ...this.#settings(), ...this.#options }, { delay: this.#delay });
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

  /** Says that it may remember something of what began there. */
  taint(beginning: number): void {
    this.#taints.add(beginning);
  }

  isTainted(beginning: number): boolean {
    return this.#taints.has(beginning);
  }

  /** True while somebody waits for the process. */
  get isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  /** Ends the process and begins it anew, with other options where some are given. */
  restart(options: Partial<PangeaOAuthProviderOptions> = this.#options): void {
    this.#options = options;
    this.#provider = undefined;
    this.#taints.clear();
    for (const giveUp of this.#underWay) giveUp();
    this.#underWay.clear();
  }

  #settings(): PangeaOAuthProviderOptions {
    const { stage, store, upstream, now } = this.#surroundings;
    const clock = (): number => now() + this.skew;
    return {
      mcpBaseUrl: baseUrl,
      mcpScopes: ["user", "admin"],
      pangeaAuthnIssuerUrl: "https://login.example",
      pangeaAuthnClientId: "psa_explorer",
      pangeaAuthnClientSecret: "pck_explorerexplorerexplorerexplorer",
      pangeaAuthnScopes: ["user"],
      secret: "the secret of all instances of the explorer",
      repositories: store.repositoriesOf(stage, this.index),
      rateLimits: false,
      upstreamTimeout: 1000,
      clients: clientIds.map((id) => ({
        client_id: id,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "none",
      })),
      fetch: upstream.fetchOf(stage, this.index),
      clock,
    };
  }

  readonly #delay = (milliseconds: number): Promise<void> => {
    const { stage, now } = this.#surroundings;
    return stage.pass({
      kind: "sleep",
      instance: this.index,
      describe: () => `sleep ${milliseconds} ms`,
      effect: () => undefined,
      wakesAt: now() + milliseconds,
    });
  };
}
