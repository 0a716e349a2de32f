import { ConfigurationError } from "../../errors.ts";
import type { EmulatorOAuthClient } from "./types.ts";

/** A grant that a client can be registered for. Refresh tokens come with `authorization_code`. */
type RegistrableGrantType = "authorization_code" | "client_credentials";

/** A client as it stands in the registry. */
export interface RegisteredClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clientName: string;
  readonly redirectUris: readonly string[];
  /** Undefined: any. */
  readonly scopes: readonly string[] | undefined;
  readonly grantTypes: readonly RegistrableGrantType[];
  readonly tokenEndpointAuthMethod: "client_secret_basic" | "client_secret_post";
  readonly anyLoopbackRedirectUri: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch. Undefined: never. */
  readonly secretExpiresAt: number | undefined;
}

const clientIdPattern = /^psa_[a-z2-7]{32}$/;
const clientSecretPattern = /^pck_[a-z2-7]{32}$/;
const scopePattern = /^[a-zA-Z0-9:*/_=-]+$/;
const loopbackHosts: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** The OAuth clients of the emulated account: those given in the options and those registered while it runs. */
export class ClientRegistry {
  readonly #clients = new Map<string, RegisteredClient>();
  readonly #clock: () => number;

  constructor(clients: readonly EmulatorOAuthClient[], clock: () => number) {
    this.#clock = clock;
    for (const client of clients) {
      if (this.#clients.has(client.clientId)) {
        throw new ConfigurationError(`clients: the client id ${client.clientId} appears twice`);
      }
      this.configure(client);
    }
  }

  /**
   * Adds or replaces a client that comes from configuration.
   *
   * @throws ConfigurationError when an id, a secret, a scope or a redirect URI has the wrong form.
   */
  configure(client: EmulatorOAuthClient): void {
    if (!clientIdPattern.test(client.clientId)) {
      throw new ConfigurationError("clients: clientId must be psa_ and 32 characters of a-z2-7");
    }
    if (!clientSecretPattern.test(client.clientSecret)) {
      throw new ConfigurationError("clients: clientSecret must be pck_ and 32 characters of a-z2-7");
    }
    const anyLoopbackRedirectUri = client.anyLoopbackRedirectUri ?? false;
    if (client.redirectUris.length === 0 && !anyLoopbackRedirectUri) {
      throw new ConfigurationError("clients: redirectUris must have a member unless anyLoopbackRedirectUri is on");
    }
    const unusable = client.redirectUris.find((uri) => !isRegistrableRedirectUri(uri));
    if (unusable !== undefined) {
      throw new ConfigurationError(`clients: ${unusable} is no redirect URI; use http or https without a fragment`);
    }
    const badScope = client.scopes?.find((scope) => !scopePattern.test(scope));
    if (badScope !== undefined || client.scopes?.length === 0) {
      throw new ConfigurationError("clients: scopes must be names of a-z A-Z 0-9 : * / _ = -, or left out for any");
    }
    this.add({
      clientId: client.clientId,
      clientSecret: client.clientSecret,
      clientName: client.clientName ?? client.clientId,
      redirectUris: [...client.redirectUris],
      scopes: client.scopes === undefined ? undefined : [...client.scopes],
      grantTypes: ["authorization_code", "client_credentials"],
      tokenEndpointAuthMethod: "client_secret_basic",
      anyLoopbackRedirectUri,
      createdAt: this.#clock(),
      secretExpiresAt: undefined,
    });
  }

  add(client: RegisteredClient): void {
    this.#clients.set(client.clientId, client);
  }

  find(clientId: string): RegisteredClient | undefined {
    return this.#clients.get(clientId);
  }

  isSecretExpired(client: RegisteredClient): boolean {
    return client.secretExpiresAt !== undefined && client.secretExpiresAt <= this.#clock();
  }

  /** The scopes of `requested` that the client may not have. */
  refusedScopes(clientId: string, requested: readonly string[]): string[] {
    const allowed = this.#clients.get(clientId)?.scopes;
    return allowed === undefined ? [] : requested.filter((scope) => !allowed.includes(scope));
  }

  /** What the client gets when it asks for no scope. */
  defaultScopes(clientId: string): readonly string[] {
    return this.#clients.get(clientId)?.scopes ?? ["user"];
  }

  /** Whether an authorization request of this client may name this redirect URI. */
  isRedirectUriAllowed(clientId: string, redirectUri: string): boolean {
    const client = this.#clients.get(clientId);
    if (client === undefined) return false;
    if (client.redirectUris.includes(redirectUri)) return true;
    return client.anyLoopbackRedirectUri && isRegistrableRedirectUri(redirectUri) && isLoopback(redirectUri);
  }
}

/** Whether a client can be registered with this redirect URI: absolute, `http` or `https`, no fragment. */
export function isRegistrableRedirectUri(redirectUri: string): boolean {
  if (!URL.canParse(redirectUri) || redirectUri.includes("#")) return false;
  const { protocol, username, password } = new URL(redirectUri);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}

function isLoopback(redirectUri: string): boolean {
  const { protocol, hostname } = new URL(redirectUri);
  return protocol === "http:" && loopbackHosts.has(hostname);
}
