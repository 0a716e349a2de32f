import { randomBytes, randomUUID } from "node:crypto";
import type { ClientAuthentication } from "../../records/authorization-code.ts";
import { clientKey } from "../../records/keys.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import type { Repository } from "../../storage/contract.ts";
import type { ClientDocuments } from "../client-documents/client-documents.ts";
import { isDocumentUrl } from "../client-documents/client-id-url.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { parseClientMetadata } from "../oauth/client-metadata.ts";
import { formatClientSecret } from "../oauth/opaque-token.ts";
import { reportFailure } from "../oauth-failure.ts";
import { clientAuthenticationOf } from "./client-authentication.ts";

/** A client that this server knows. */
export interface KnownClient {
  readonly information: OAuthClientInformation;
  /** Where it is known from: the options, the repository, or a metadata document of its own. */
  readonly source: "configured" | "registered" | "document";
  /** The domain that vouches for the client's metadata: of a metadata document. */
  readonly verifiedDomain: string | undefined;
  /** True where a URL parser rewrote the redirect URIs before they were stored, as the Python package did. */
  readonly normalisedRedirectUris: boolean;
}

/**
 * What may be stored or carried along of how a client authenticates. The hash of a configured secret is left out: an
 * operator has chosen that secret, whoever gets hold of a hash can test guesses, and every instance has the options.
 */
export function portableAuthenticationOf({ information, source }: KnownClient): ClientAuthentication {
  const { secretHash, ...others } = clientAuthenticationOf(information);
  return source === "configured" || secretHash === undefined ? others : { ...others, secretHash };
}

/** A registration's answer: the client's record, and the secret, which is shown this one time. */
export type RegisteredClient = OAuthClientInformation & { readonly client_secret?: string };

type RegistrySettings = Pick<
  ProviderConfiguration,
  "now" | "preRegisteredClients" | "privateUseSchemes" | "registration" | "repositories"
>;

/** Finds clients by their metadata documents, and keeps the document of one that somebody has logged in with. */
interface DocumentClients extends Pick<ClientDocuments, "find"> {
  keep?(clientId: string): Promise<void>;
}

/** Knows, registers and renews clients. */
export class ClientRegistry {
  readonly #clients: Repository<string, OAuthClientInformation>;
  readonly #configuration: RegistrySettings;
  readonly #documents: DocumentClients | undefined;

  constructor(configuration: RegistrySettings, documents: DocumentClients | undefined) {
    this.#configuration = configuration;
    this.#documents = documents;
    this.#clients = configuration.repositories.clients;
  }

  /** Whether the options name the client. */
  isConfigured(clientId: string): boolean {
    return this.#configuration.preRegisteredClients.has(clientId);
  }

  /**
   * Finds a client by its id, or `undefined` where nobody has registered it.
   *
   * @throws {OAuthError} with `invalid_client` or `temporarily_unavailable` when the id is the URL of a document that is
   * refused or cannot be fetched.
   * @throws {StorageError} when the store fails.
   */
  async find(clientId: string): Promise<KnownClient | undefined> {
    const unlessSaid = { verifiedDomain: undefined, normalisedRedirectUris: false };
    const configured = this.#configuration.preRegisteredClients.get(clientId);
    if (configured !== undefined) {
      const information = { grant_types: ["authorization_code", "refresh_token"], ...configured };
      return { ...unlessSaid, information, source: "configured" };
    }
    const document = await this.#documents?.find(clientId);
    if (document !== undefined) {
      return { ...unlessSaid, information: document.information, source: "document", verifiedDomain: document.domain };
    }
    const information = await this.#clients.get(clientKey(clientId));
    if (information?.client_id !== clientId) return undefined;
    const normalisedRedirectUris = information.expiresAt === undefined;
    return { ...unlessSaid, information, source: "registered", normalisedRedirectUris };
  }

  /**
   * Registers a client (RFC 7591). A confidential client's secret is random, shown this one time, and kept as a hash.
   *
   * @throws {OAuthError} with `invalid_client_metadata` or `invalid_redirect_uri`.
   */
  async register(input: unknown): Promise<RegisteredClient> {
    const { privateUseSchemes, registration } = this.#configuration;
    const { validScopes: valid, defaultScopes: defaults } = registration;
    const metadata = parseClientMetadata(input, { valid, defaults }, privateUseSchemes);
    const method = metadata.token_endpoint_auth_method ?? "client_secret_basic";
    const issuedAt = Math.floor(this.#configuration.now());
    const clientId = randomUUID();
    const secret = method === "none" ? undefined : formatClientSecret(randomBytes(32));
    const information: OAuthClientInformation = {
      ...metadata,
      token_endpoint_auth_method: method,
      client_id: clientId,
      client_id_issued_at: issuedAt,
      ...(secret !== undefined && {
        client_secret_hash: tokenKey(secret),
        client_secret_expires_at: issuedAt + registration.clientSecretLifetime,
      }),
      expiresAt: issuedAt + registration.unusedLifetime,
    };
    await this.#clients.set(clientKey(clientId), information);
    emit("client-registered", { clientId, clientName: information.client_name });
    return shown(information, secret);
  }

  /**
   * Keeps a registration that somebody has logged in with: renewed when it is used in the second half of its life. What
   * needs no login, such as looking at the consent page, does not count: it would keep junk alive. It is called when
   * tokens have been issued, which are good whatever becomes of this: the next refresh tries again.
   *
   * @param known - What a record at hand says of the client; saves a read of the client's own where nothing is due.
   */
  async renewIfDue(clientId: string, known?: ClientAuthentication): Promise<void> {
    const { registration } = this.#configuration;
    const now = this.#configuration.now();
    const isDue = (until: number | undefined) => until !== undefined && until - now <= registration.unusedLifetime / 2;
    if (this.isConfigured(clientId)) return;
    if (isDocumentUrl(clientId)) return this.#documents?.keep?.(clientId);
    if (known !== undefined && !isDue(known.registeredUntil)) return;
    try {
      const client = await this.#clients.get(clientKey(clientId));
      if (client?.client_id !== clientId || !isDue(client.expiresAt)) return;
      const expiresAt = Math.floor(now) + registration.unusedLifetime;
      await this.#clients.set(clientKey(clientId), { ...client, expiresAt });
    } catch (failure) {
      reportFailure(failure);
    }
  }
}

/** The client's information as RFC 7591 shows it: with its secret where it has one, without what only we store. */
function shown(stored: OAuthClientInformation, secret: string | undefined): RegisteredClient {
  const { client_secret_hash: _, expiresAt: __, ...information } = stored;
  return secret === undefined ? information : { ...information, client_secret: secret };
}
