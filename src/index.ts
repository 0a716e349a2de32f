export { type AccessToken, AccessTokenSchema } from "./codecs/access-token.ts";
export { asCodec, type SchemaOrCodec } from "./codecs/as-codec.ts";
export {
  type AuthorizationCode,
  AuthorizationCodeSchema,
  type ClientAuthentication,
} from "./codecs/authorization-code.ts";
export { type ClientAssertion, ClientAssertionSchema } from "./codecs/client-assertion.ts";
export type { Codec, RecordLocation } from "./codecs/codec.ts";
export { type Grant, GrantSchema } from "./codecs/grant.ts";
export { jsonCodec } from "./codecs/json-codec.ts";
export { type OAuthClientInformation, OAuthClientInformationSchema } from "./codecs/oauth-client-information.ts";
export { type PangeaAccessToken, PangeaAccessTokenSchema } from "./codecs/pangea-access-token.ts";
export { type RefreshToken, RefreshTokenSchema } from "./codecs/refresh-token.ts";
export { sealed } from "./codecs/sealed.ts";
export * from "./errors.ts";
export {
  type AuthorizationParameters,
  type AuthorizationResponseWriter,
  PangeaOAuthProvider,
} from "./pangea-oauth-provider.ts";
export type { AuthInfo } from "./provider/access-token-verifier.ts";
export { type CacheRepositoriesOptions, cacheRepositories } from "./provider/cached-repositories.ts";
export type { ConnectPinned, PinnedTarget } from "./provider/client-documents/pinned-connection.ts";
export type { ResolveHost } from "./provider/client-documents/resolve-host.ts";
export type { RegisteredClient } from "./provider/client-registry.ts";
export { type ProviderEvents, providerEventChannels, type TokenEvent } from "./provider/events.ts";
export type { GrantFilter, GrantSummary } from "./provider/grant-directory.ts";
export type {
  ClientMetadataDocumentOptions,
  ClientRegistrationOptions,
  ConsentOptions,
  ConsentTexts,
  PangeaOAuthProviderOptions,
  PreRegisteredClient,
  RateLimit,
  RateLimitedRoute,
  RateLimiter,
  RateLimitOptions,
  RevocationOptions,
} from "./provider/options.ts";
export type { PangeaIdentity } from "./provider/pangea-authn.ts";
export {
  createInMemoryRepositories,
  createRepositories,
  type ProviderRepositories,
  type RecordKind,
} from "./provider/repositories.ts";
export type { TokenResponse } from "./provider/token-records.ts";
export type { PangeaUserToken } from "./provider/upstream-sessions.ts";
export * from "./repository/cached/index.ts";
export type { Repository } from "./repository/contract.ts";
export { type EnumerableRepository, isEnumerable } from "./repository/enumerable.ts";
export type { ReadExpiry } from "./repository/expiry.ts";
export { InMemoryRepository, type InMemoryRepositoryOptions } from "./repository/in-memory.ts";
export { type DerivedKey, type DerivedKeys, KeyRing } from "./secrets/key-ring.ts";
export { type TokenKey, tokenKey } from "./secrets/token-key.ts";
