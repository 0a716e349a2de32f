import { randomBytes, randomUUID } from "node:crypto";
import { OAuthError } from "../../errors.ts";
import type { ClientAuthentication } from "../../records/authorization-code.ts";
import { clientKey } from "../../records/keys.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import type { Repository } from "../../storage/contract.ts";
import type { ClientDocuments } from "../client-documents/client-documents.ts";
import { isDocumentUrl } from "../client-documents/client-id-url.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { type ClientMetadata, parseClientMetadata } from "../oauth/client-metadata.ts";
import { formatClientSecret } from "../oauth/opaque-token.ts";
import { clientAuthenticationOf } from "./client-authentication.ts";
import { type ClientPresentation, displayName } from "./client-presentation.ts";
import { Registrations } from "./registrations.ts";

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
  | "instanceClockTolerance"
  | "keys"
  | "lifetimes"
  | "now"
  | "preRegisteredClients"
  | "privateUseSchemes"
  | "registration"
  | "reporter"
  | "repositories"
>;

/** Finds clients by their metadata documents, and keeps the document of one that somebody has logged in with. */
interface DocumentClients extends Pick<ClientDocuments, "find"> {
  keep?(clientId: string): Promise<void>;
  kept?(clientId: string): Promise<OAuthClientInformation | undefined>;
}

/** Knows, registers and renews clients. */
export class ClientRegistry {
  readonly #clients: Repository<string, OAuthClientInformation>;
  readonly #configuration: RegistrySettings;
  readonly #documents: DocumentClients | undefined;
  readonly #registrations: Registrations;

  constructor(configuration: RegistrySettings, documents: DocumentClients | undefined) {
    this.#configuration = configuration;
    this.#documents = documents;
    this.#clients = configuration.repositories.clients;
    this.#registrations = new Registrations(configuration);
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
   * Registers a client (RFC 7591). One without a secret is the same client each time that it registers the same metadata.
   * A confidential client is a new one each time, for a secret that two callers get is none. The secret is random, shown
   * this one time, and kept as a hash.
   *
   * @param beforeAdding - Is waited for before a record is added, and not for a client that is there already.
   * @throws {OAuthError} with `invalid_client_metadata` or `invalid_redirect_uri`; or what `beforeAdding` throws.
   * @throws {StorageError} when the store fails.
   */
  async register(input: unknown, beforeAdding: () => Promise<void> = async () => {}): Promise<RegisteredClient> {
    const { privateUseSchemes, registration } = this.#configuration;
    const { validScopes: valid, defaultScopes: defaults } = registration;
    const parsed = parseClientMetadata(input, { valid, defaults }, privateUseSchemes);
    const method = parsed.token_endpoint_auth_method ?? "client_secret_basic";
    const metadata = { ...parsed, token_endpoint_auth_method: method };
    const hasSecret = method === "client_secret_basic" || method === "client_secret_post";
    if (parsed.jwks_uri !== undefined && this.#documents === undefined) {
      throw new OAuthError("invalid_client_metadata", "This server asks no sites of clients; give the keys as jwks.");
    }
    const secret = hasSecret ? formatClientSecret(randomBytes(32)) : undefined;
    const information =
      secret === undefined
        ? await this.#registrations.recognise(metadata, beforeAdding)
        : await this.#addConfidential(metadata, secret, beforeAdding);
    emit("client-registered", { clientId: information.client_id, clientName: information.client_name });
    return shown(information, secret);
  }

  async #addConfidential(
    metadata: ClientMetadata & { readonly token_endpoint_auth_method: string },
    secret: string,
    beforeAdding: () => Promise<void>,
  ): Promise<OAuthClientInformation> {
    const { now, registration } = this.#configuration;
    const issuedAt = Math.floor(now());
    const clientId = randomUUID();
    const lifetime = registration.clientSecretLifetime;
    const information = {
      ...metadata,
      client_id: clientId,
      client_id_issued_at: issuedAt,
      client_secret_hash: tokenKey(secret),
      client_secret_expires_at: lifetime === 0 ? 0 : issuedAt + lifetime,
      expiresAt: this.#registrations.firstEnd,
    };
    await beforeAdding();
    await this.#clients.set(clientKey(clientId), information);
    return information;
  }

  /**
   * The registration that a page has to remember while it waits for a person's answer: one that may end meanwhile.
   * Undefined for one that is kept for long enough, and for a client that is known in another way.
   *
   * @param waits - How long the page waits, in seconds.
   */
  endingSoon({ source, information }: KnownClient, waits: number): OAuthClientInformation | undefined {
    const isEnding = source === "registered" && this.#registrations.endsBeforeLogin(information.expiresAt, waits);
    return isEnding ? information : undefined;
  }

  /**
   * Keeps a registration until a login that begins now has its tokens, where it would end before. Never rejects.
   *
   * @param known - What is known of the client since it was found.
   * @param ended - The registration as it was, for one that has ended since.
   */
  async keepForLogin(clientId: string, known: ClientAuthentication, ended?: OAuthClientInformation): Promise<void> {
    if (this.isConfigured(clientId) || isDocumentUrl(clientId)) return;
    if (!this.#registrations.endsBeforeLogin(known.registeredUntil)) return;
    await this.#registrations.keepForLogin(clientId, ended);
  }

  /**
   * What people are told of a client, by what is known without asking a site. It costs one read of the store at most, which is
   * sent in this turn. Never rejects: what cannot be read is left out.
   */
  async presented(clientId: string): Promise<ClientPresentation> {
    const configured = this.#configuration.preRegisteredClients.get(clientId);
    // Whoever asks has sent the id, and nobody has looked yet whether it can be the URL that it seems to be.
    const isDocument = configured === undefined && isDocumentUrl(clientId) && URL.canParse(clientId);
    let information: Pick<OAuthClientInformation, "client_name"> | undefined = configured;
    try {
      if (isDocument) information = await this.#documents?.kept?.(clientId);
      else information ??= await this.#clients.get(clientKey(clientId));
    } catch (failure) {
      this.#configuration.reporter.failure(failure);
    }
    const clientName = information && displayName(information);
    return {
      ...(clientName !== undefined && { clientName }),
      ...(isDocument && { clientHost: new URL(clientId).hostname }),
      ...((isDocument || configured !== undefined) && { clientVerified: true }),
    };
  }

  /**
   * Keeps the registration of a client with which somebody is logging in, as `Registrations.renewIfDue` says. Never rejects.
   *
   * @param known - What is known of the client since it was found; of a client that is not registered no end is known.
   */
  renewAtLogin(clientId: string, known: ClientAuthentication): Promise<void> {
    return this.#registrations.renewIfDue(clientId, known);
  }

  /**
   * Keeps what is known of a client that somebody has logged in with: its document, or its registration as
   * `Registrations.renewIfDue` says. Never rejects.
   */
  async renewIfDue(clientId: string, known?: ClientAuthentication): Promise<void> {
    if (this.isConfigured(clientId)) return;
    if (isDocumentUrl(clientId)) return this.#documents?.keep?.(clientId);
    await this.#registrations.renewIfDue(clientId, known);
  }
}

/** The client's information as RFC 7591 shows it: with its secret where it has one, without what only we store. */
function shown(stored: OAuthClientInformation, secret: string | undefined): RegisteredClient {
  const { client_secret_hash: _, expiresAt: __, ...information } = stored;
  return secret === undefined ? information : { ...information, client_secret: secret };
}
