import { ConfigurationError } from "../../errors.ts";
import { requireDuration, requireHttpUrl, requireText } from "../../option-checks.ts";
import { createInMemoryRepositories, type ProviderRepositories } from "../../records/repositories.ts";
import { KeyRing } from "../../secrets/key-ring.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import { offlineAccess, requireScopes, scopesBeyond } from "../oauth/scopes.ts";
import type { ClientDocumentsOptions } from "./client-documents-options.ts";
import { type ConsentConfiguration, configureConsent } from "./consent-configuration.ts";
import type { ClientMetadataDocumentOptions, PangeaOAuthProviderOptions, PreRegisteredClient } from "./options.ts";
import { preRegisteredClients } from "./pre-registered-clients.ts";
import { configureRateLimits, type RateLimitConfiguration } from "./rate-limit-configuration.ts";

/** What the authorization server itself answers below the base URL. */
const ownPaths: ReadonlySet<string> = new Set([
  "/authorize",
  "/consent",
  "/pangea/callback",
  "/register",
  "/revoke",
  "/token",
]);
const day = 24 * 60 * 60;

/** The options of a provider, checked and complete. */
export interface ProviderConfiguration {
  readonly baseUrl: string;
  readonly issuer: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly requiredScopes: readonly string[];
  readonly upstream: {
    readonly issuer: string;
    readonly clientId: string;
    readonly clientSecret: string;
    readonly scopes: readonly string[];
    readonly timeout: number;
    readonly fetch: (request: Request) => Promise<Response>;
  };
  readonly repositories: ProviderRepositories;
  readonly registration: {
    readonly enabled: boolean;
    readonly validScopes: readonly string[];
    readonly defaultScopes: readonly string[];
    readonly clientSecretLifetime: number;
    readonly unusedLifetime: number;
    /** The hashes of the initial access tokens, one of which a registration needs; empty where anybody may register. */
    readonly initialAccessTokens: readonly string[];
  };
  /** How documents and keys of clients are fetched. */
  readonly documents: ClientDocumentsOptions;
  /** Whether clients may be identified by the URL of a document. */
  readonly documentsEnabled: boolean;
  readonly rateLimits: RateLimitConfiguration | undefined;
  readonly revocationEnabled: boolean;
  readonly serviceDocumentation: string | undefined;
  readonly consent: ConsentConfiguration;
  readonly preRegisteredClients: ReadonlyMap<string, PreRegisteredClient>;
  readonly keys: KeyRing;
  /** All in seconds. */
  readonly lifetimes: {
    readonly accessToken: number;
    readonly refreshToken: number;
    readonly grant: number;
    readonly authorizationCode: number;
    readonly login: number;
    readonly refreshGrace: number;
  };
  readonly invalidGrantStatus: 400 | 401;
  /** How long a request may take to arrive, in milliseconds. */
  readonly requestTimeout: number;
  /** How far the clocks of others may be off, in seconds. */
  readonly clockTolerance: number;
  readonly clock: () => number;
  /** Waits, in milliseconds. */
  readonly delay: (milliseconds: number) => Promise<void>;
}

/**
 * Checks the options of a provider and fills in the defaults.
 *
 * @throws `ConfigurationError` that names the option and says what it should be.
 */
export function configure(options: PangeaOAuthProviderOptions): ProviderConfiguration {
  if (typeof options !== "object" || options === null) {
    throw new ConfigurationError("PangeaOAuthProvider takes an object of options.");
  }
  const baseUrl = requireHttpUrl("mcpBaseUrl", options.mcpBaseUrl).replace(/\/+$/, "");
  const issuer = options.mcpIssuerUrl === undefined ? baseUrl : requireHttpUrl("mcpIssuerUrl", options.mcpIssuerUrl);
  const path = options.mcpPath ?? "/mcp";
  if (!/^(?:\/[\w.~!$&'()*+,;=:@%-]+)*\/?$/.test(path)) {
    throw new ConfigurationError('mcpPath must be a path that starts with a slash, such as "/mcp".');
  }
  if (ownPaths.has(path.replace(/\/$/, "")))
    throw new ConfigurationError(`mcpPath must not be ${path}: that is a path of OAuth.`);
  const scopes = requireScopes("mcpScopes", options.mcpScopes);
  if (scopes.includes(offlineAccess)) {
    throw new ConfigurationError(`mcpScopes must not list ${offlineAccess}: it is always understood.`);
  }
  const within = (name: string, list: readonly string[] | undefined): readonly string[] | undefined => {
    if (list === undefined) return undefined;
    const unknown = requireScopes(name, list).filter((scope) => !scopes.includes(scope));
    if (unknown.length > 0) throw new ConfigurationError(`${name} lists "${unknown[0]}", which mcpScopes lacks.`);
    return list;
  };
  const clock = options.clock ?? Date.now;
  const clientSecret = requireText("pangeaAuthnClientSecret", options.pangeaAuthnClientSecret);
  const registration = options.clientRegistration ?? {};
  const defaults = createInMemoryRepositories({ clock });
  const seconds = (name: string, value: number | undefined, fallback: number, max = 10 * 365 * day): number =>
    requireDuration(name, value, fallback, max, "seconds");
  const validScopes = within("clientRegistration.validScopes", registration.validScopes) ?? scopes;
  const defaultScopes = within("clientRegistration.defaultScopes", registration.defaultScopes) ?? validScopes;
  const beyond = scopesBeyond(defaultScopes, validScopes)[0];
  if (beyond !== undefined) {
    throw new ConfigurationError(`clientRegistration.defaultScopes lists "${beyond}", which validScopes lacks.`);
  }
  const ownClients = preRegisteredClients(options.clients ?? []);
  const { invalidGrantStatus = 400 } = options;
  if (invalidGrantStatus !== 400 && invalidGrantStatus !== 401) {
    throw new ConfigurationError("invalidGrantStatus must be 400 or 401.");
  }

  return {
    baseUrl,
    issuer,
    resource: baseUrl + path.replace(/\/$/, ""),
    scopes,
    requiredScopes: within("requiredScopes", options.requiredScopes) ?? [],
    upstream: {
      issuer: requireHttpUrl("pangeaAuthnIssuerUrl", options.pangeaAuthnIssuerUrl).replace(/\/+$/, ""),
      clientId: requireText("pangeaAuthnClientId", options.pangeaAuthnClientId),
      clientSecret,
      scopes: requireScopes("pangeaAuthnScopes", options.pangeaAuthnScopes),
      timeout: requireDuration("upstreamTimeout", options.upstreamTimeout, 10_000, 600_000, "milliseconds"),
      fetch: options.fetch ?? ((request) => fetch(request)),
    },
    repositories: { ...defaults, ...withoutUndefined(options.repositories ?? {}) },
    registration: {
      enabled: registration.enabled ?? true,
      validScopes,
      defaultScopes,
      clientSecretLifetime: seconds(
        "clientRegistration.clientSecretLifetimeSeconds",
        registration.clientSecretLifetimeSeconds,
        90 * day,
      ),
      unusedLifetime: seconds("clientRegistration.unusedLifetimeSeconds", registration.unusedLifetimeSeconds, 90 * day),
      initialAccessTokens: initialAccessTokens(registration.initialAccessToken),
    },
    documents: configureDocuments(
      options.clientMetadataDocuments ?? {},
      { validScopes, defaultScopes },
      ownClients.values(),
      clock,
    ),
    documentsEnabled: options.clientMetadataDocuments?.enabled ?? true,
    rateLimits: configureRateLimits(options.rateLimits),
    revocationEnabled: options.revocation?.enabled ?? true,
    serviceDocumentation:
      options.serviceDocumentationUrl === undefined
        ? undefined
        : requireHttpUrl("serviceDocumentationUrl", options.serviceDocumentationUrl),
    consent: configureConsent(options.consent ?? {}, baseUrl),
    preRegisteredClients: ownClients,
    // The client secret is shared by all instances already; every key is derived from it by HKDF.
    keys: KeyRing.from(options.secret ?? `pangea-authn-client-secret:${clientSecret}`.padEnd(64, ".")),
    lifetimes: {
      accessToken: seconds("accessTokenLifetimeSeconds", options.accessTokenLifetimeSeconds, 3600),
      refreshToken: seconds("refreshTokenLifetimeSeconds", options.refreshTokenLifetimeSeconds, 30 * day),
      grant: seconds("grantLifetimeSeconds", options.grantLifetimeSeconds, 90 * day),
      authorizationCode: seconds("authorizationCodeLifetimeSeconds", options.authorizationCodeLifetimeSeconds, 60, 300),
      login: seconds("loginLifetimeSeconds", options.loginLifetimeSeconds, 600, 3600),
      refreshGrace: seconds("refreshGraceSeconds", options.refreshGraceSeconds, 30, 600),
    },
    invalidGrantStatus,
    requestTimeout: requireDuration("requestTimeout", options.requestTimeout, 10_000, 600_000, "milliseconds"),
    clockTolerance:
      options.clockToleranceSeconds === 0
        ? 0
        : seconds("clockToleranceSeconds", options.clockToleranceSeconds, 30, 300),
    clock,
    delay: options.delay ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))),
  };
}

function withoutUndefined(given: Partial<ProviderRepositories>): Partial<ProviderRepositories> {
  return Object.fromEntries(Object.entries(given).filter(([, repository]) => repository !== undefined));
}

function initialAccessTokens(given: string | readonly string[] | undefined): readonly string[] {
  if (given === undefined) return [];
  const tokens = typeof given === "string" ? [given] : given;
  if (
    !Array.isArray(tokens) ||
    tokens.length === 0 ||
    !tokens.every((token) => typeof token === "string" && token.length >= 16)
  ) {
    throw new ConfigurationError(
      "clientRegistration.initialAccessToken must be a token of 16 characters or more, or a list of some.",
    );
  }
  return tokens.map((token: string) => tokenKey(token));
}

function configureDocuments(
  { enabled: _, ...options }: ClientMetadataDocumentOptions,
  scopes: { readonly validScopes: readonly string[]; readonly defaultScopes: readonly string[] },
  ownClients: Iterable<PreRegisteredClient>,
  clock: () => number,
): ClientDocumentsOptions {
  return {
    // A site that lets nobody keep its document would be asked for every refresh.
    minFreshSeconds: 60,
    ...options,
    scopes: { valid: scopes.validScopes, defaults: scopes.defaultScopes },
    trustedKeySets: [...ownClients].flatMap(({ jwks_uri: uri }) => (uri === undefined ? [] : [new URL(uri).href])),
    authenticationMethods: ["none", "private_key_jwt"],
    clock,
  };
}
