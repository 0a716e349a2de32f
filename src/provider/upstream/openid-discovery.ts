import type { ClientAuth, Configuration } from "openid-client";
import { UpstreamRejectedError } from "../../errors.ts";
import { clientFailure } from "./client-failure.ts";
import type { OpenedClient } from "./client-requests.ts";
import { type Client, fetchFor, loadClient } from "./openid-client.ts";

/** A discovery document is asked for again after this long, in milliseconds. */
const discoveryLifetime = 3_600_000;

/** The library for signatures, which is loaded with the first login. */
type Jose = typeof import("jose");

/** What discovery found. */
export interface Discovered extends OpenedClient {
  readonly jose: Jose;
  readonly keys: ReturnType<Jose["createRemoteJWKSet"]>;
}

/** The provider that is discovered, and as which of its clients. */
export interface DiscoveryTarget {
  readonly issuer: string;
  /** The upstream's name, for messages. */
  readonly name: string;
  readonly clientId: string;
  /** Makes what authenticates the client. */
  authentication(client: Client): ClientAuth | Promise<ClientAuth>;
  readonly idTokenSigningAlgorithm: string | undefined;
  /** In seconds. */
  readonly clockTolerance: number;
  /** The deadline of one call, in milliseconds. */
  readonly timeout: number;
  readonly send: (request: Request) => Promise<Response>;
}

/** The discovery document and the keys of an OpenID provider, asked for when they are needed and then kept for an hour. */
export class OpenIdDiscovery {
  readonly #target: DiscoveryTarget;
  #kept: { readonly found: Promise<Discovered>; readonly until: number } | undefined;

  constructor(target: DiscoveryTarget) {
    this.#target = target;
  }

  /**
   * @throws {UpstreamUnavailableError} when the provider does not answer.
   * @throws {UpstreamRejectedError} when what it answers cannot be accepted.
   */
  discover(): Promise<Discovered> {
    if (this.#kept !== undefined && performance.now() < this.#kept.until) return this.#kept.found;
    const found = this.#discoverNow();
    const kept = { found, until: performance.now() + discoveryLifetime };
    this.#kept = kept;
    found.catch(() => {
      // The next login asks again.
      if (this.#kept === kept) this.#kept = undefined;
    });
    return found;
  }

  async #discoverNow(): Promise<Discovered> {
    const [client, jose] = await Promise.all([loadClient(), import("jose")]);
    const { name, timeout, send } = this.#target;
    const configuration = await this.#configurationFor(client);
    const { jwks_uri: keySet } = configuration.serverMetadata();
    if (keySet === undefined || !URL.canParse(keySet)) {
      throw new UpstreamRejectedError("server_error", `${name} does not publish the keys of its ID tokens.`);
    }
    const keys = jose.createRemoteJWKSet(new URL(keySet), {
      [jose.customFetch]: (url, { method, headers, redirect, signal }) =>
        send(new Request(url, { method, headers, redirect, signal })),
      timeoutDuration: timeout,
      // ID tokens come from the token endpoint alone: nobody else can make this server ask for keys.
      cooldownDuration: 0,
    });
    return { client, configuration, jose, keys };
  }

  async #configurationFor(client: Client): Promise<Configuration> {
    const { name, clientId, clockTolerance, idTokenSigningAlgorithm, timeout, send } = this.#target;
    const issuer = new URL(this.#target.issuer);
    const authentication = await this.#target.authentication(client);
    const metadata = {
      [client.clockTolerance]: clockTolerance,
      ...(idTokenSigningAlgorithm !== undefined && { id_token_signed_response_alg: idTokenSigningAlgorithm }),
    };
    const settings = {
      [client.customFetch]: fetchFor((request) => send(request)),
      timeout: timeout / 1_000,
      execute: issuer.protocol === "http:" ? [client.allowInsecureRequests] : [],
    };
    try {
      return await client.discovery(issuer, clientId, metadata, authentication, settings);
    } catch (error) {
      throw clientFailure(error, name, "its discovery document");
    }
  }
}
