import { AuthorizationEndpoint } from "./http/authorization-endpoint.ts";
import { BearerGuard } from "./http/bearer.ts";
import { RegistrationEndpoint } from "./http/registration-endpoint.ts";
import { Router } from "./http/router.ts";
import { TokenEndpoint } from "./http/token-endpoint.ts";
import { AccessTokenVerifier } from "./provider/access-token-verifier.ts";
import { ClientAssertions } from "./provider/client-assertions.ts";
import { ClientAuthenticator } from "./provider/client-authenticator.ts";
import { ClientDocuments } from "./provider/client-documents/client-documents.ts";
import { ClientRegistry } from "./provider/client-registry.ts";
import { CodeRedemption } from "./provider/code-redemption.ts";
import type { ProviderConfiguration } from "./provider/configuration.ts";
import { GrantDirectory } from "./provider/grant-directory.ts";
import { Grants } from "./provider/grants.ts";
import { Login } from "./provider/login.ts";
import { PangeaAuthn } from "./provider/pangea-authn.ts";
import { RefreshRotation } from "./provider/refresh-rotation.ts";
import { TokenRevoker } from "./provider/token-revoker.ts";
import { UpstreamSessions } from "./provider/upstream-sessions.ts";

/** What a provider is made of. */
export type ProviderParts = ReturnType<typeof assemble>;

/** Makes the parts of a provider and hands each the ones that it needs. */
export function assemble(configuration: ProviderConfiguration) {
  const pangeaAuthn = new PangeaAuthn(configuration);
  const documents = new ClientDocuments(configuration.documents);
  const registry = new ClientRegistry(configuration, configuration.documentsEnabled ? documents : undefined);
  const authenticator = new ClientAuthenticator(
    configuration,
    registry,
    new ClientAssertions(configuration, documents),
  );
  const grants = new Grants(configuration, pangeaAuthn);
  const codes = new CodeRedemption(configuration, grants);
  const refreshes = new RefreshRotation(configuration, grants);
  const revoker = new TokenRevoker(configuration, grants);
  const verifier = new AccessTokenVerifier(configuration);
  const authorization = new AuthorizationEndpoint(
    configuration,
    registry,
    new Login(configuration, pangeaAuthn, grants),
  );
  const token = new TokenEndpoint(configuration, { authenticator, registry, codes, refreshes, revoker });
  const registration = new RegistrationEndpoint(configuration, registry);
  return {
    documents,
    registry,
    grants,
    directory: new GrantDirectory(configuration.repositories.grants, grants),
    codes,
    refreshes,
    revoker,
    sessions: new UpstreamSessions(configuration, grants, pangeaAuthn),
    verifier,
    guard: new BearerGuard(configuration, verifier),
    authorization,
    router: new Router(configuration, { authorization, token, registration }),
  };
}
