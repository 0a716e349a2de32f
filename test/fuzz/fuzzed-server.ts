import {
  McpOAuthProvider,
  oAuth2,
  openIdConnect,
  PangeaOAuthProvider,
  pangeaAuthn,
  type Upstream,
} from "../../src/index.ts";
import type { ManualClock } from "../support/manual-clock.ts";
import { FuzzedStore } from "./fuzzed-store.ts";
import { clientAtUpstreams, FuzzedUpstream, type UpstreamId, upstreamIds, upstreamUrls } from "./fuzzed-upstream.ts";
import { baseUrl, HonestClient, type Progress } from "./honest-client.ts";
import type { Random } from "./random.ts";

const keptLogins = 16;

const settings = {
  logger: false,
  rateLimits: false,
  // Short, so that what a long run leaves behind stays a bounded number of records.
  clientRegistration: { unusedLifetimeSeconds: 600 },
  refreshTokenLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 600,
  grantLifetimeSeconds: 600,
} as const;
const internals = { delay: async () => {}, resolve: async () => [] };

/** What the fuzzer sends requests to: a provider, its store and its upstreams, and those who log in there. */
export class FuzzedServer implements AsyncDisposable {
  readonly store: FuzzedStore;
  readonly upstream = new FuzzedUpstream();
  readonly honest: HonestClient;
  readonly #upstreams: readonly UpstreamId[];
  readonly #clock: ManualClock;
  readonly #logins: Progress[] = [];
  #provider: McpOAuthProvider;
  #users = 0;

  /** @param upstreams - Pangea AuthN alone makes a `PangeaOAuthProvider`. */
  constructor(clock: ManualClock, upstreams: readonly UpstreamId[]) {
    this.#clock = clock;
    this.#upstreams = upstreams;
    this.store = new FuzzedStore(clock.read, upstreams.length > 1);
    this.#provider = this.#start();
    this.honest = new HonestClient(() => this.#provider, upstreams.length > 1);
  }

  get provider(): McpOAuthProvider {
    return this.#provider;
  }

  /** Where people may log in. */
  get upstreams(): readonly UpstreamId[] {
    return this.#upstreams;
  }

  /** One of the last logins. */
  login(random: Random): Progress {
    return random.pick(this.#logins);
  }

  /** Somebody new logs in. */
  async logInHonestly(random: Random): Promise<void> {
    this.#users += 1;
    const login = {
      user: `pui_${this.#users}`,
      upstream: random.pick(this.#upstreams),
      isConfidential: random.oneIn(2),
    };
    this.#logins.push(await this.honest.logIn(login));
    if (this.#logins.length > keptLogins) this.#logins.shift();
  }

  /** Ends the process, as it were, and starts another one on the store. */
  async restart(): Promise<void> {
    const before = this.#provider;
    this.#provider = this.#start();
    await before[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider[Symbol.asyncDispose]();
  }

  #start(): McpOAuthProvider {
    const { read: clock } = this.#clock;
    const { fetch } = this.upstream;
    const shared = { ...settings, repositories: this.store.repositories, clock };
    const { id: clientId, secret: clientSecret } = clientAtUpstreams;
    if (this.#upstreams.length === 1) {
      const pangea = {
        mcpBaseUrl: baseUrl,
        mcpScopes: ["user", "admin"],
        pangeaAuthnIssuerUrl: upstreamUrls.pangea,
        pangeaAuthnClientId: clientId,
        pangeaAuthnClientSecret: clientSecret,
        pangeaAuthnScopes: ["user"],
        upstreamTimeout: 1000,
        fetch,
      };
      return new PangeaOAuthProvider({ ...shared, ...pangea }, internals);
    }
    const client = { clientId, clientSecret, timeout: 1000, fetch };
    const made: Readonly<Record<UpstreamId, () => Upstream>> = {
      pangea: () => pangeaAuthn({ ...client, issuerUrl: upstreamUrls.pangea, scopes: ["user"], clock }),
      oidc: () => openIdConnect({ ...client, issuer: upstreamUrls.oidc }),
      hub: () =>
        oAuth2({
          ...client,
          id: "hub",
          name: "Hub",
          issuer: upstreamUrls.hub,
          authorizationEndpoint: `${upstreamUrls.hub}/authorize`,
          tokenEndpoint: `${upstreamUrls.hub}/token`,
          identify: async ({ get }) => {
            const user: unknown = await get(`${upstreamUrls.hub}/user`);
            return { subject: String(Object(user).id ?? "") };
          },
        }),
    };
    const [first = "pangea", ...others] = this.#upstreams;
    return new McpOAuthProvider(
      {
        ...shared,
        baseUrl,
        scopes: ["user", "admin"],
        secret: "the secret of this server, which is long enough",
        upstreams: [made[first](), ...others.map((id) => made[id]())],
        emailDomains: { "example.org": "oidc" },
      },
      internals,
    );
  }
}

/** A server of Pangea AuthN alone, and one where people choose among all upstreams and whose store has indexes. */
export function fuzzedServers(clock: ManualClock): FuzzedServer[] {
  return [new FuzzedServer(clock, ["pangea"]), new FuzzedServer(clock, upstreamIds)];
}
