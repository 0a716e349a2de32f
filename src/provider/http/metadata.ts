import { assertionAlgorithms } from "../clients/assertion-refusal.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { paths } from "../oauth/paths.ts";
import { offlineAccess } from "../oauth/scopes.ts";

/**
 * Authorization server metadata (RFC 8414, RFC 9207). The issuer is the configured string, to the letter.
 *
 * @param endpoints - The URLs of the endpoints that clients call, under their names in the metadata.
 */
export function authorizationServerMetadata(
  configuration: ProviderConfiguration,
  endpoints: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const { baseUrl, documentsEnabled, issuer, revocationEnabled, scopes, serviceDocumentation } = configuration;
  const known = [...configuration.preRegisteredClients.values()];
  const hasKeys =
    documentsEnabled ||
    configuration.registration.enabled ||
    known.some((client) => client.token_endpoint_auth_method === "private_key_jwt");
  const byKeys = hasKeys ? ["private_key_jwt"] : [];
  const authenticationMethods = ["none", "client_secret_post", "client_secret_basic", ...byKeys];
  const signingAlgorithms = hasKeys ? assertionAlgorithms : undefined;
  return {
    issuer,
    authorization_endpoint: baseUrl + paths.authorize,
    ...endpoints,
    ...(revocationEnabled && {
      revocation_endpoint_auth_methods_supported: authenticationMethods,
      revocation_endpoint_auth_signing_alg_values_supported: signingAlgorithms,
    }),
    scopes_supported: [...scopes, offlineAccess],
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "refresh_token"],
    token_endpoint_auth_methods_supported: authenticationMethods,
    token_endpoint_auth_signing_alg_values_supported: signingAlgorithms,
    code_challenge_methods_supported: ["S256"],
    prompt_values_supported: ["none", "login", "consent", "select_account"],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: documentsEnabled,
    ...(serviceDocumentation !== undefined && { service_documentation: serviceDocumentation }),
  };
}

/**
 * The same as a client finds it who asks for OpenID Connect's metadata. Clients check the members that OpenID Connect
 * Discovery section 3 requires, the MCP SDK's and Cursor among them, though no ID token is ever asked for or issued.
 */
export function openIdMetadata(
  configuration: Pick<ProviderConfiguration, "baseUrl">,
  metadata: Record<string, unknown>,
): Record<string, unknown> {
  return {
    ...metadata,
    jwks_uri: configuration.baseUrl + paths.keys,
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
  };
}

/** Protected resource metadata (RFC 9728). */
export function protectedResourceMetadata(configuration: ProviderConfiguration): Record<string, unknown> {
  const { consent, issuer, resource, scopes, serviceDocumentation } = configuration;
  return {
    resource,
    resource_name: consent.brandName,
    authorization_servers: [issuer],
    scopes_supported: [...scopes],
    bearer_methods_supported: ["header"],
    ...(serviceDocumentation !== undefined && { resource_documentation: serviceDocumentation }),
  };
}
