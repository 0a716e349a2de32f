import { giveHolders } from "../records/foreign-records.ts";
import { markOfMemory } from "../records/kept-in-memory.ts";
import type { ProviderRepositories } from "../records/repositories.ts";
import { ClientDocuments } from "./client-documents/client-documents.ts";
import { ClientAssertions } from "./clients/client-assertions.ts";
import { clientAuthenticator } from "./clients/client-authenticator.ts";
import { ClientRegistry } from "./clients/client-registry.ts";
import { KeptDocuments } from "./clients/kept-documents.ts";
import type { ProviderConfiguration } from "./configuration/configuration.ts";
import { GrantUses } from "./grants/grant-uses.ts";
import { Grants } from "./grants/grants.ts";
import { UpstreamRefreshLock } from "./grants/upstream-refresh-lock.ts";
import { UpstreamRevocations } from "./grants/upstream-revocations.ts";
import { UpstreamSessions } from "./grants/upstream-sessions.ts";
import { AccountEndpoint } from "./http/account-endpoint.ts";
import { Admission } from "./http/admission.ts";
import { AuthorizationEndpoint } from "./http/authorization-endpoint.ts";
import { BearerGuard } from "./http/bearer.ts";
import { ErrorAnswers } from "./http/error-answers.ts";
import { MountWatch } from "./http/mount-watch.ts";
import { RateLimits } from "./http/rate-limits.ts";
import { registrationEndpoint } from "./http/registration-endpoint.ts";
import { Router } from "./http/router.ts";
import { StoreCalls } from "./http/store-calls.ts";
import { TokenEndpoint } from "./http/token-endpoint.ts";
import { KeyAnnouncements } from "./keys/key-announcements.ts";
import { LostRecords } from "./keys/lost-records.ts";
import { AccountLogin } from "./login/account-login.ts";
import { Login } from "./login/login.ts";
import { pathBelow, paths, wellKnownUrl } from "./oauth/paths.ts";
import { AccessTokenVerifier } from "./tokens/access-token-verifier.ts";
import { CodeRedemption } from "./tokens/code-redemption.ts";
import { RefreshRotation } from "./tokens/refresh-rotation.ts";
import { TokenIssue } from "./tokens/token-issue.ts";

/** What a provider is made of. */
export type ProviderParts = ReturnType<typeof assemble>;

/** Makes the parts of a provider and hands each the ones that it needs. */
export function assemble(given: ProviderConfiguration) {
  const announcements = new KeyAnnouncements(given);
  giveHolders(given.repositories, (keyId) => announcements.holderOf(keyId));
  const storeCalls = new StoreCalls(given.elapsed);
  const stored = storeCalls.counted(given.repositories);
  const repositories: ProviderRepositories = {
    ...new LostRecords(announcements, given.reporter, given.now).without(stored),
    ...markOfMemory(given.repositories),
  };
  const configuration = { ...given, repositories };
  const documents = new ClientDocuments(configuration.documents);
  const kept = configuration.documentsEnabled ? new KeptDocuments(configuration, documents) : undefined;
  const registry = new ClientRegistry(configuration, kept);
  const assertions = new ClientAssertions(configuration, documents);
  const authenticateClient = clientAuthenticator(registry, assertions, configuration.now);
  const upstreamRevocations = new UpstreamRevocations({ ...configuration, announcements });
  const grants = new Grants({
    ...configuration,
    storedGrants: stored.grants,
    upstreamRevocations,
    // Grants write the end of a consent under this name. A clock that was set back since has another one.
    get instance() {
      return configuration.clockName();
    },
  });
  const lock = new UpstreamRefreshLock(configuration);
  const issue = new TokenIssue(configuration);
  const parts = { ...configuration, announcements, authenticateClient, grants, issue, lock, registry };
  const codes = new CodeRedemption(parts);
  const refreshes = new RefreshRotation(parts);
  const login = new Login({ ...configuration, upstreamRevocations });
  const errors = new ErrorAnswers(configuration);
  const authorization = new AuthorizationEndpoint(configuration, registry, login, documents, errors);
  const account = configuration.account.enabled
    ? new AccountEndpoint(configuration, {
        announcements,
        grants,
        registry,
        login: new AccountLogin({ ...configuration, upstreamRevocations }),
      })
    : undefined;
  const { reporter } = configuration;
  const watch = mountWatch(configuration);
  const token = new TokenEndpoint({ ...parts, codes, refreshes });
  const rateLimits = new RateLimits(configuration);
  const register = registrationEndpoint(configuration, registry, rateLimits);
  const sessions = new UpstreamSessions(parts);
  const verifier = new AccessTokenVerifier(configuration);
  void loadForRequests(configuration);
  const background = (nowSeconds?: number): void => {
    announcements.announce(nowSeconds);
    upstreamRevocations.retries.begin(nowSeconds);
    sessions.unstored.begin(nowSeconds);
  };
  return {
    background,
    configuration,
    documents,
    grants,
    grantUses: new GrantUses(configuration),
    sessions,
    upstreamRevocations,
    announcements,
    watch,
    verifier,
    guard: new BearerGuard(configuration, verifier, watch),
    router: new Router(configuration, {
      authorization,
      errors,
      account,
      token,
      register,
      announcements,
      admission: new Admission(configuration, storeCalls),
      rateLimits,
      reporter,
      watch,
      background,
    }),
  };
}

/**
 * Loads what the first requests need beside what importing this package loads. A request would find out too late that a file
 * cannot be read: in a process that has no file descriptor left, or while another version takes this one's place on the disk.
 * Node.js 20 does not try such a load again.
 */
async function loadForRequests({ documentsEnabled, reporter }: ProviderConfiguration): Promise<void> {
  try {
    await Promise.all([
      import("./http/pages/pages.ts"),
      import("./http/caller-identity.ts"),
      import("./oauth/caller-address.ts"),
      ...(documentsEnabled
        ? [import("./client-documents/freshness.ts"), import("./client-documents/own-transport.ts")]
        : []),
    ]);
  } catch (failure) {
    reporter.failure(failure);
  }
}

/** Knows the endpoints by their paths, and what is this provider's alone: where nobody else has anything. */
function mountWatch(configuration: ProviderConfiguration): MountWatch {
  const { baseUrl, issuer, resource, upstreams } = configuration;
  const callbacks = upstreams.all.map((upstream) => new URL(upstreams.callbackUrl(upstream)).pathname);
  const endpoints = Object.values(paths).map((path) => pathBelow(baseUrl) + path);
  const documents = [
    wellKnownUrl(issuer, "oauth-authorization-server"),
    wellKnownUrl(resource, "oauth-protected-resource"),
    wellKnownUrl(baseUrl, "oauth-protected-resource"),
  ].map((url) => new URL(url).pathname);
  return new MountWatch(configuration, [...endpoints, ...callbacks], [...documents, ...callbacks]);
}
