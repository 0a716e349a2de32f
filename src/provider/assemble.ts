import { ClientDocuments } from "./client-documents/client-documents.ts";
import { ClientAssertions } from "./clients/client-assertions.ts";
import { clientAuthenticator } from "./clients/client-authenticator.ts";
import { ClientRegistry } from "./clients/client-registry.ts";
import type { ProviderConfiguration } from "./configuration/configuration.ts";
import { GrantDirectory } from "./grants/grant-directory.ts";
import { Grants } from "./grants/grants.ts";
import { UpstreamSessions } from "./grants/upstream-sessions.ts";
import { AuthorizationEndpoint } from "./http/authorization-endpoint.ts";
import { BearerGuard } from "./http/bearer.ts";
import { registrationEndpoint } from "./http/registration-endpoint.ts";
import { Router } from "./http/router.ts";
import { TokenEndpoint } from "./http/token-endpoint.ts";
import { Login } from "./login/login.ts";
import { AccessTokenVerifier } from "./tokens/access-token-verifier.ts";
import { CodeRedemption } from "./tokens/code-redemption.ts";
import { RefreshRotation } from "./tokens/refresh-rotation.ts";
import { TokenRevoker } from "./tokens/token-revoker.ts";

/** What a provider is made of. */
export type ProviderParts = ReturnType<typeof assemble>;

/** Makes the parts of a provider and hands each the ones that it needs. */
export function assemble(configuration: ProviderConfiguration) {
  const documents = new ClientDocuments(configuration.documents);
  const registry = new ClientRegistry(configuration, configuration.documentsEnabled ? documents : undefined);
  const assertions = new ClientAssertions(configuration, documents);
  const authenticateClient = clientAuthenticator(registry, assertions, configuration.now);
  const grants = new Grants(configuration);
  const codes = new CodeRedemption(configuration, grants);
  const refreshes = new RefreshRotation(configuration, grants);
  const revoker = new TokenRevoker(configuration, grants);
  const verifier = new AccessTokenVerifier(configuration);
  const authorization = new AuthorizationEndpoint(configuration, registry, new Login(configuration));
  const token = new TokenEndpoint(configuration, { authenticateClient, registry, codes, refreshes, revoker });
  const register = registrationEndpoint(configuration, registry);
  return {
    documents,
    registry,
    grants,
    directory: new GrantDirectory(configuration.repositories.grants, grants),
    codes,
    refreshes,
    revoker,
    sessions: new UpstreamSessions(configuration, grants),
    verifier,
    guard: new BearerGuard(configuration, verifier),
    authorization,
    router: new Router(configuration, { authorization, token, register }),
  };
}
