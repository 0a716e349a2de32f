import { requireOptions, requireThat } from "../../option-checks.ts";
import { clientKinds, type EmulatorOAuthClient } from "./options.ts";

/** A client as the account holds it. */
export interface RegisteredClient extends Required<Omit<EmulatorOAuthClient, "scopes">> {
  /** Undefined for a client that may ask for any scope. */
  readonly scopes?: readonly string[] | undefined;
  /** What the client is registered for. Refresh tokens come with `authorization_code`. */
  readonly grantTypes: readonly ("authorization_code" | "client_credentials")[];
  readonly tokenEndpointAuthMethod: "client_secret_basic" | "client_secret_post";
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch. Undefined for a secret that never expires. */
  readonly secretExpiresAt?: number;
}

const clientIdPattern = /^psa_[a-z2-7]{32}$/;
const clientSecretPattern = /^pck_[a-z2-7]{32}$/;
const scopePattern = /^[a-zA-Z0-9:*/_=-]+$/;
/** Every name of this machine: `localhost` and what is below it (RFC 6761), 127.0.0.0/8, and the IPv6 loopback. */
const loopbackHost = /^(?:(?:[a-z0-9-]+\.)*localhost\.?|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** The OAuth clients of the emulated account: those given in the options and those registered while it runs. */
export class EmulatedClients {
  readonly #clients = new Map<string, RegisteredClient>();
  readonly #clock: () => number;

  constructor(clients: readonly EmulatorOAuthClient[], clock: () => number) {
    this.#clock = clock;
    for (const client of clients) {
      requireThat(!this.#clients.has(client.clientId), `clients: the client id ${client.clientId} appears twice`);
      this.configure(client);
    }
  }

  /**
   * Adds or replaces a client that comes from configuration.
   *
   * @throws {ConfigurationError} when an id, a secret, a scope or a redirect URI has the wrong form.
   */
  configure(client: EmulatorOAuthClient): void {
    requireOptions("the emulator", client ?? null, clientKinds, "oauthClients[]");
    const { clientId, clientSecret, redirectUris, scopes, anyLoopbackRedirectUri = false } = client;
    requireThat(clientIdPattern.test(clientId), "clients: clientId must be psa_ and 32 characters of a-z2-7");
    requireThat(
      clientSecretPattern.test(clientSecret),
      "clients: clientSecret must be pck_ and 32 characters of a-z2-7",
    );
    requireThat(Array.isArray(redirectUris), "clients: redirectUris must be a list of URLs");
    requireThat(
      redirectUris.length > 0 || anyLoopbackRedirectUri,
      "clients: redirectUris must have a member unless anyLoopbackRedirectUri is on",
    );
    for (const uri of redirectUris) {
      const isUsable = isRegistrableRedirectUri(uri);
      requireThat(isUsable, `clients: ${uri} is no redirect URI; use http or https without a fragment`);
    }
    requireThat(
      scopes?.length !== 0 && (scopes ?? []).every((scope) => scopePattern.test(scope)),
      "clients: scopes must be names of a-z A-Z 0-9 : * / _ = -, or left out for any",
    );
    this.add({
      clientName: clientId,
      anyLoopbackRedirectUri,
      grantTypes: ["authorization_code", "client_credentials"],
      tokenEndpointAuthMethod: "client_secret_basic",
      createdAt: this.#clock(),
      ...structuredClone(client),
    });
  }

  add(client: RegisteredClient): void {
    this.#clients.set(client.clientId, client);
  }

  all(): readonly RegisteredClient[] {
    return [...this.#clients.values()];
  }

  find(clientId: string): RegisteredClient | undefined {
    return this.#clients.get(clientId);
  }

  isSecretExpired({ secretExpiresAt = Number.POSITIVE_INFINITY }: RegisteredClient): boolean {
    return secretExpiresAt <= this.#clock();
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
  return loopbackHost.test(new URL(redirectUri).hostname);
}
