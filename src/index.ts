export * from "./errors.ts";
export type {
  ClientMetadataDocumentOptions,
  ClientRegistrationOptions,
  PreRegisteredClient,
} from "./provider/configuration/client-options.ts";
export type { ConsentOptions, ConsentTexts } from "./provider/configuration/consent-options.ts";
export type {
  AccountOptions,
  GrantUseOptions,
  McpOAuthProviderOptions,
  RevocationOptions,
} from "./provider/configuration/options.ts";
export type {
  OverloadOptions,
  RateLimit,
  RateLimitedRoute,
  RateLimiter,
  RateLimitOptions,
} from "./provider/configuration/request-limit-options.ts";
export type { ProviderCheck } from "./provider/diagnosis/diagnose.ts";
export {
  type AccountEvent,
  type FailureCause,
  type FailureDescription,
  type ProviderEvents,
  providerEventChannels,
  type TokenEvent,
} from "./provider/events.ts";
export type { GrantFilter, GrantSummary } from "./provider/grants/grant-directory.ts";
export type { UpstreamUserToken, UpstreamUserToken as PangeaUserToken } from "./provider/grants/upstream-sessions.ts";
export type { AuthenticateOptions } from "./provider/http/demand.ts";
export { McpOAuthProvider } from "./provider/mcp-oauth-provider.ts";
export { PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "./provider/pangea-oauth-provider.ts";
export type { Logger } from "./provider/reporting/logger.ts";
export type { AuthInfo } from "./provider/tokens/access-token-verifier.ts";
export type { UserClaims } from "./provider/upstream/claimed-identity.ts";
export type {
  Upstream,
  UpstreamCodeExchange,
  UpstreamIdentity,
  UpstreamIdentity as PangeaIdentity,
  UpstreamLoginRequest,
  UpstreamTokens,
} from "./provider/upstream/contract.ts";
export { type OAuth2Options, oAuth2, type UserRequest } from "./provider/upstream/oauth2.ts";
export { type OpenIdConnectOptions, openIdConnect } from "./provider/upstream/openid-connect.ts";
export { type PangeaAuthnOptions, pangeaAuthn } from "./provider/upstream/pangea-authn.ts";
export {
  auth0,
  type GitHubOptions,
  gitHub,
  google,
  keycloak,
  microsoftEntra,
  okta,
} from "./provider/upstream/presets.ts";
export { type AccessToken, AccessTokenSchema } from "./records/access-token.ts";
export {
  type AuthorizationCode,
  AuthorizationCodeSchema,
  type ClientAuthentication,
} from "./records/authorization-code.ts";
export { type CacheRepositoriesOptions, cacheRepositories } from "./records/cache-repositories.ts";
export { type ClientAssertion, ClientAssertionSchema } from "./records/client-assertion.ts";
export { type CopyReports, type CopyRepositoriesOptions, copyRepositories } from "./records/copy-repositories.ts";
export { type Grant, GrantSchema } from "./records/grant.ts";
export { type OAuthClientInformation, OAuthClientInformationSchema } from "./records/oauth-client-information.ts";
export { type PangeaAccessToken, PangeaAccessTokenSchema } from "./records/pangea-access-token.ts";
export { type RefreshToken, RefreshTokenSchema } from "./records/refresh-token.ts";
export {
  type Backend,
  createInMemoryRepositories,
  createRepositories,
  type ProviderRecords,
  type ProviderRepositories,
  type RecordKind,
  type RepositoriesOf,
  wrapRepositories,
} from "./records/repositories.ts";
export { type DerivedKey, type DerivedKeys, KeyRing } from "./secrets/key-ring.ts";
export { type TokenKey, tokenKey } from "./secrets/storage-key.ts";
export { CachedRepository } from "./storage/cached/cached-repository.ts";
export { InMemoryInvalidationChannel } from "./storage/cached/in-memory-invalidation-channel.ts";
export {
  type InvalidationChannel,
  type InvalidationConnection,
  type InvalidationSource,
  type InvalidationSubscriber,
  type InvalidationSubscription,
  sha256Name,
} from "./storage/cached/invalidation.ts";
export type { CachedRepositoryOptions, StaleIfErrorOptions } from "./storage/cached/options.ts";
export type { RepositoryMethod } from "./storage/capabilities.ts";
export { asCodec, type SchemaOrCodec } from "./storage/codecs/as-codec.ts";
export type { Codec, IndexLabel, RecordLocation } from "./storage/codecs/codec.ts";
export { jsonCodec } from "./storage/codecs/json-codec.ts";
export { sealed } from "./storage/codecs/sealed.ts";
export type { Repository } from "./storage/contract.ts";
export { type CopyReport, type CopyRepositoryOptions, copyRepository } from "./storage/copy-repository.ts";
export { type EnumerableRepository, isEnumerable } from "./storage/enumerable.ts";
export type { ExpiryOptions, ReadExpiry, ReadsExpiry } from "./storage/expiry.ts";
export type { Diagnosable, Finding } from "./storage/finding.ts";
export { InMemoryRepository, type InMemoryRepositoryOptions } from "./storage/in-memory.ts";
export { type BasicRepository, inOneProcess } from "./storage/in-one-process.ts";
export {
  type IndexedRepository,
  type Indexes,
  type IndexOptions,
  isIndexedBy,
  type ReadIndexValue,
} from "./storage/indexed.ts";
export { observed, type RepositoryCall, type RepositoryCallSink } from "./storage/observed.ts";
export type { ReadsBack } from "./storage/read-back.ts";
export type {
  ExpiringRecord,
  ExpiryArguments,
  ExplicitExpiry,
  ReadableExpiry,
} from "./storage/readable-expiry.ts";
export { type IndexEntry, type IndexQuery, RecordIndexes } from "./storage/record-indexes.ts";
export { type EncodedRecord, RecordText } from "./storage/record-text.ts";
export { type RetryingOptions, retrying } from "./storage/retrying.ts";
