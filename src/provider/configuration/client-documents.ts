import type { ClientDocumentsOptions } from "./client-documents-options.ts";
import type { PreRegisteredClient } from "./client-options.ts";
import type { ProviderInternals } from "./internals.ts";
import { day } from "./lifetimes.ts";
import type { McpOAuthProviderOptions } from "./options.ts";
import type { RegistrationConfiguration } from "./registration.ts";

/** How documents and keys of clients are fetched: as the options say, for the scopes that clients may register for. */
export function configureDocuments(
  { clientMetadataDocuments: { enabled: _, ...options } = {}, clock = Date.now }: McpOAuthProviderOptions,
  { validScopes, defaultScopes }: RegistrationConfiguration,
  privateUseSchemes: readonly string[],
  ownClients: Iterable<PreRegisteredClient>,
  { resolve, connect }: ProviderInternals,
): ClientDocumentsOptions {
  return {
    // A site that lets nobody keep its document would be asked for every refresh.
    minFreshSeconds: 60,
    // Bot protection and outages of a client's site last for days.
    maxStaleSeconds: 7 * day,
    ...options,
    resolve,
    connect,
    scopes: { valid: validScopes, defaults: defaultScopes },
    privateUseSchemes,
    trustedKeySets: [...ownClients].flatMap(({ jwks_uri: uri }) => (uri === undefined ? [] : [new URL(uri).href])),
    authenticationMethods: ["none", "private_key_jwt"],
    clock,
  };
}
