import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { z as zod3 } from "zod/v3";
import { startPangeaEmulator } from "../../../src/emulator.ts";
import {
  auth0,
  CachedRepository,
  cacheRepositories,
  copyRepositories,
  copyRepository,
  createInMemoryRepositories,
  gitHub,
  google,
  InMemoryRepository,
  inOneProcess,
  jsonCodec,
  KeyRing,
  keycloak,
  McpOAuthProvider,
  microsoftEntra,
  oAuth2,
  okta,
  openIdConnect,
  PangeaOAuthProvider,
  pangeaAuthn,
  retrying,
} from "../../../src/index.ts";
import * as express from "../../../src/integrations/express.ts";
import { fastmcpAuthenticate, mountOnFastMCP } from "../../../src/integrations/fastmcp.ts";
import * as hono from "../../../src/integrations/hono.ts";
import * as node from "../../../src/integrations/node.ts";
import {
  createPostgresRepositories,
  createPostgresTables,
  PostgresInvalidation,
  postgresOptions,
} from "../../../src/postgres.ts";
import { LockSchema } from "../../../src/records/lock.ts";
import {
  clusterOptions,
  createRedisRepositories,
  RedisPubSubInvalidation,
  RedisRepository,
  RedisTrackingInvalidation,
  redisOptions,
} from "../../../src/redis.ts";
import { createSqliteRepositories, openSqlite, SqliteRepository } from "../../../src/sqlite.ts";
import { createVaultRepositories, PangeaVaultRepository } from "../../../src/vault.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { providerOptions } from "../../support/provider-harness.ts";
import { expectRefusal, type Mistake } from "../../support/wrong-setting.ts";

/**
 * The mistakes that people make with options, as plain JavaScript would let them. Each row: what the mistake is, what makes
 * it, and how the message begins, which names the option, or has the remedy. A row more is all that a new one needs.
 */

// Nothing here is typed: it is the compiler that catches most of this, and not everybody has it.
// biome-ignore lint/suspicious/noExplicitAny: what is wrong must not be told by the types.
type Untyped = any;

const settings: Untyped = providerOptions("https://pdn-a.login.aws.us.pangea.cloud");
const pangea = (changes: Untyped) => () => new PangeaOAuthProvider({ ...settings, ...changes });
const general = (changes: Untyped) => () => {
  const options: Untyped = {
    baseUrl: "https://mcp.example",
    scopes: ["user"],
    upstream: new FakeUpstream(Date.now),
    secret: "s".repeat(40),
    ...changes,
  };
  return new McpOAuthProvider(options);
};
const upstream = (changes: Untyped) => () =>
  pangeaAuthn({
    issuerUrl: "https://login.example",
    clientId: "psa_a",
    clientSecret: "pck_a",
    scopes: ["user"],
    ...changes,
  });
const openId: Untyped = { issuer: "https://login.example", clientId: "a", clientSecret: "b" };
const oAuth: Untyped = {
  ...openId,
  id: "example",
  name: "Example",
  authorizationEndpoint: "https://login.example/authorize",
  tokenEndpoint: "https://login.example/token",
  identify: async () => ({ subject: "a" }),
};
const preset = (make: Untyped, changes: Untyped) => () =>
  make({ clientId: "a", clientSecret: "a".repeat(32), ...changes });
const ownClient = (changes: Untyped) =>
  pangea({ clients: [{ client_id: "a", redirect_uris: ["https://a.example/cb"], ...changes }] });
const memory = createInMemoryRepositories();
const { grants, ...withoutGrants } = memory;
const provider: Untyped = new PangeaOAuthProvider(settings);
const redis: Untyped = new Redis({ ...redisOptions(), lazyConnect: true });
const postgres: Untyped = { query() {} };
const untyped = (value: unknown): Untyped => value;
const vault =
  (token: unknown, options: Untyped = {}) =>
  () =>
    createVaultRepositories(untyped(token), options);
const emulator = (options: Untyped) => () => startPangeaEmulator(options);

const mistakes: readonly Mistake[] = [
  // Options that there are not.
  ["a misspelt option", pangea({ mcpBaseURl: "https://mcp.example" }), /^mcpBaseURl .*mcpBaseUrl\?/],
  ["another case", pangea({ MCPPath: "/mcp" }), /^MCPPath .*mcpPath\?/],
  ["the Python package's spelling", pangea({ mcp_path: "/mcp" }), /^mcp_path .*mcpPath\?/],
  [
    "the general provider's name",
    pangea({ issuerUrl: "https://a.example" }),
    /^issuerUrl .*mcpIssuerUrl or .*pangeaAuthnIssuerUrl\?/,
  ],
  ["a word too few", pangea({ accessTokenLifetime: 60 }), /^accessTokenLifetime .*accessTokenLifetimeSeconds\?/],
  ["the other provider's option", general({ mcpScopes: ["user"] }), /^mcpScopes .*McpOAuthProvider.*scopes/],
  ["an option of something else", general({ colour: "red" }), /^colour .*There are .*baseUrl, /],
  ["an option of consent", pangea({ consent: { brandname: "Notes" } }), /^consent\.brandname .*consent\.brandName\?/],
  [
    "a text of consent",
    pangea({ consent: { texts: { titel: "Hi" } } }),
    /^consent\.texts\.titel .*consent\.texts\.title\?/,
  ],
  [
    "an option of registration",
    pangea({ clientRegistration: { enable: false } }),
    /^clientRegistration\.enable .*enabled\?/,
  ],
  [
    "an option of documents",
    pangea({ clientMetadataDocuments: { allowDomains: [] } }),
    /^clientMetadataDocuments\.allowDomains .*allowedDomains\?/,
  ],
  ["an option of revocation", pangea({ revocation: { enable: false } }), /^revocation\.enable .*enabled\?/],
  ["an option of limits", pangea({ rateLimits: { perCall: {} } }), /^rateLimits\.perCall .*perCaller\?/],
  ["a limit of an unknown route", pangea({ rateLimits: { total: { tokens: false } } }), /^rateLimits\.total .*tokens/],
  [
    "a scope without words",
    pangea({ consent: { scopeDescriptions: { usr: "Read" } } }),
    /^consent\.scopeDescriptions\.usr .*user\?/,
  ],
  ["an option of the upstream", upstream({ scope: ["user"] }), /^scope .*pangeaAuthn.*scopes\?/],
  [
    "an option of Express's mount",
    () => express.pangeaAuth(provider, untyped({ callers: () => "a" })),
    /^callers .*caller\?/,
  ],
  [
    "an option of Express's guard",
    () => express.requireBearer(provider, untyped({ scopes: ["a"] })),
    /^scopes .*requiredScopes\?/,
  ],
  ["an option of Hono's mount", () => hono.pangeaAuth(provider, untyped({ trustProxy: true })), /^trustProxy .*caller/],
  [
    "an option of Hono's guard",
    () => hono.requireBearer(provider, untyped({ requiredScope: [] })),
    /^requiredScope .*requiredScopes\?/,
  ],
  ["an option of Node's mount", () => node.pangeaAuth(provider, () => {}, untyped({ address: "a" })), /^address /],
  [
    "an option of Node's guard",
    () => node.requireBearer(provider, () => {}, untyped({ requiredscopes: [] })),
    /^requiredscopes /,
  ],
  ["an option of Node's whole server", () => node.protectMcp(provider, () => {}, untyped({ scope: [] })), /^scope /],
  [
    "an option of FastMCP's mount",
    () => mountOnFastMCP({ getApp: untyped(() => {}) }, provider, untyped({ call: 1 })),
    /^call /,
  ],
  [
    "an option of FastMCP's guard",
    () => fastmcpAuthenticate(provider, untyped({ required: [] })),
    /^required .*requiredScopes\?/,
  ],
  [
    "an option of OpenID Connect",
    () => openIdConnect(untyped({ issuer: "https://login.example", clientID: "a", clientSecret: "b" })),
    /^clientID .*openIdConnect.*clientId\?/,
  ],
  [
    "a claim of OpenID Connect",
    () => openIdConnect(untyped({ ...openId, claims: { sub: "oid" } })),
    /^claims\.sub .*claims\.subject\?/,
  ],
  ["a switch of OpenID Connect", () => openIdConnect(untyped({ ...openId, userinfo: "no" })), /^userinfo /],
  [
    "a method of OpenID Connect",
    () => openIdConnect(untyped({ ...openId, clientAuthentication: "basic" })),
    /clientAuthentication must be one of client_secret_basic/,
  ],
  ["an option of a preset", preset(google, { domain: "a.example" }), /^domain /],
  ["nothing for OpenID Connect", () => openIdConnect(untyped(undefined)), /openIdConnect takes an object/],
  ["an option of OAuth 2.0", () => oAuth2(untyped({ ...oAuth, tokenUrl: "a" })), /^tokenUrl .*oAuth2/],
  [
    "a method of OAuth 2.0",
    () => oAuth2(untyped({ ...oAuth, clientAuthentication: "post" })),
    /clientAuthentication must be one of client_secret_basic/,
  ],
  ["nothing for OAuth 2.0", () => oAuth2(untyped(null)), /oAuth2 takes an object/],
  [
    "an option of Postgres' messages",
    () => new PostgresInvalidation(postgres, untyped({ prefix: "a", listener: () => postgres, beat: 5 })),
    /^beat .*PostgresInvalidation.*heartbeat\?/,
  ],
  ["no client for tables", () => createPostgresTables(untyped({ connect() {} })), /lacks query/],
  [
    "options for the name of a table",
    () => createPostgresTables(postgres, untyped({ table: "records" })),
    /^table must be a name/,
  ],
  [
    "an option of copying",
    () => copyRepository(grants, grants, untyped({ dryrun: true })),
    /^dryrun .*copyRepository.*dryRun\?/,
  ],
  [
    "an option of copying everything",
    () => copyRepositories(memory, memory, untyped({ remove: true })),
    /^remove .*copyRepositories.*removeMissing\?/,
  ],
  ["an option in memory", () => createInMemoryRepositories(untyped({ clok: Date.now })), /^clok .*clock\?/],
  [
    "an option of a repository in memory",
    () => new InMemoryRepository(untyped({ expires: () => 1 })),
    /^expires .*expiresAt\?/,
  ],
  [
    "an option of SQLite",
    () => createSqliteRepositories(":memory:", untyped({ path: "a" })),
    /^path .*SqliteRepositories/,
  ],
  [
    "an option of opening SQLite",
    () => openSqlite(":memory:", untyped({ timeout: 5 })),
    /^timeout .*openSqlite.*driver/,
  ],
  [
    "an option of a repository in SQLite",
    () => new SqliteRepository(LockSchema, openSqlite(":memory:"), untyped({ table: "a", prefix: "b" })),
    /^prefix .*SqliteRepository/,
  ],
  ["an option in one process", () => inOneProcess(grants, untyped({ expiry: () => 1 })), /^expiry /],
  [
    "an option of the cache",
    () => cacheRepositories(memory, untyped({ maxStaleness: 5000, maxEntries: 3 })),
    /^maxEntries /,
  ],
  [
    "an option of one cache",
    () => new CachedRepository(grants, untyped({ max: 3, maxStale: 5000 })),
    /^maxStale .*maxStaleness\?/,
  ],
  [
    "a kind that is not cached",
    () => cacheRepositories(memory, untyped({ maxStaleness: 5000, invalidation: { grants: {}, codes: {} } })),
    /^invalidation\.codes /,
  ],
  ["an option of Redis", () => createRedisRepositories(redis, untyped({ nameSpace: "a" })), /^nameSpace .*namespace\?/],
  ["an option of one kind, for all", () => createRedisRepositories(redis, untyped({ prefix: "a" })), /^prefix /],
  [
    "an option of one repository in Redis",
    () => new RedisRepository(LockSchema, redis, untyped({ prefix: "a", ttl: 3 })),
    /^ttl /,
  ],
  ["an option of Redis's client", () => redisOptions(untyped({ timeout: 3 })), /^timeout /],
  ["an option of Redis's Cluster client", () => clusterOptions(untyped({ timeout: 3 })), /^timeout /],
  ["an option of pub/sub", () => new RedisPubSubInvalidation(redis, untyped({ prefix: "a", beat: 3 })), /^beat /],
  [
    "an option of tracking",
    () => new RedisTrackingInvalidation(redis, untyped({ heartBeat: 3 })),
    /^heartBeat .*heartbeat\?/,
  ],
  ["an option of Postgres", () => createPostgresRepositories(postgres, untyped({ tabel: "a" })), /^tabel .*table\?/],
  ["an option of Postgres' client", () => postgresOptions(untyped({ timeOut: 3 })), /^timeOut .*timeout\?/],
  ["an option of retries", () => retrying(grants, untyped({ tries: 3 })), /^tries /],
  ["an option of a copy", () => copyRepository(grants, grants, untyped({ dry: true })), /^dry .*dryRun\?/],
  ["an option of Vault", vault("pts_demo", { folders: "/mcp" }), /^folders .*folder\?/],
  [
    "an option of one repository in Vault",
    () => new PangeaVaultRepository(LockSchema, "pts_demo", untyped({ dir: "/mcp" })),
    /^dir /,
  ],
  ["an option of a codec", () => jsonCodec(LockSchema, untyped({ max: 3 })), /^max .*maxLength\?/],
  ["an option of the key ring", () => KeyRing.from("s".repeat(32), untyped({ purpose: "a" })), /^purpose /],
  ["an option of the emulator", emulator({ ports: 0 }), /^ports .*port\?/],
  [
    "an option of the emulated AuthN",
    emulator({ authn: { autologin: "ada" } }),
    /^authn\.autologin .*authn\.autoLogin\?/,
  ],
  ["a member of an emulated user", emulator({ users: [{ username: "ada", mail: "a" }] }), /^users\[\]\.mail .*email\?/],

  ["an option of Google's preset", preset(google, { hostedDomians: "acme.org" }), /^hostedDomians .*hostedDomain\?/],
  ["an option of GitHub's preset", preset(gitHub, { organisation: "acme" }), /^organisation .*organization\?/],
  ["an option of Entra's preset", preset(microsoftEntra, { tenants: "a" }), /^tenants .*tenant\?/],
  ["an option of Okta's preset", preset(okta, { domains: "a" }), /^domains .*domain\?/],
  ["an option of Auth0's preset", preset(auth0, { domains: "a" }), /^domains .*domain\?/],
  ["an option of Keycloak's preset", preset(keycloak, { relm: "a" }), /^relm .*realm\?/],
  ["an issuer of another provider", preset(google, { issuer: "https://id.example" }), /^issuer is no option of google/],

  // No options, or no object.
  ["no options of Google's preset", () => untyped(google)(), /^google takes an object/],
  ["options of GitHub's preset that are null", () => untyped(gitHub)(null), /^gitHub takes an object/],
  ["no options of Entra's preset", () => untyped(microsoftEntra)(), /^microsoftEntra takes an object/],
  ["no options of Okta's preset", () => untyped(okta)(), /^okta takes an object/],
  ["no options of Auth0's preset", () => untyped(auth0)(), /^auth0 takes an object/],
  ["no options of Keycloak's preset", () => untyped(keycloak)(), /^keycloak takes an object/],
  ["no options", () => Reflect.construct(PangeaOAuthProvider, []), /^PangeaOAuthProvider takes an object/],
  [
    "options that are null",
    () => Reflect.construct(PangeaOAuthProvider, [null]),
    /^PangeaOAuthProvider takes an object/,
  ],
  [
    "a text for options",
    () => Reflect.construct(McpOAuthProvider, ["https://mcp.example"]),
    /^McpOAuthProvider takes an object/,
  ],
  ["no options of the upstream", () => untyped(pangeaAuthn)(), /^pangeaAuthn takes an object/],
  ["no options of a cache", () => Reflect.construct(CachedRepository, [grants]), /^CachedRepository takes an object/],
  ["no options of caches", () => untyped(cacheRepositories)(memory), /^cacheRepositories takes an object/],
  [
    "no options of a repository in Redis",
    () => Reflect.construct(RedisRepository, [LockSchema, redis]),
    /^RedisRepository takes an object/,
  ],
  [
    "a number for options in memory",
    () => createInMemoryRepositories(untyped(5)),
    /^createInMemoryRepositories takes an object/,
  ],

  // What is kept, and where.
  [
    "repositories that are a function",
    pangea({ repositories: createInMemoryRepositories }),
    /^repositories is a function: call it/,
  ],
  [
    "repositories that nobody has awaited",
    pangea({ repositories: Promise.resolve(memory) }),
    /^repositories is a promise: await it/,
  ],
  ["repositories that are a text", pangea({ repositories: "redis://127.0.0.1" }), /^repositories must be an object/],
  ["one repository for all", pangea({ repositories: grants }), /^repositories has no repository of any kind/],
  ["a client of Redis", pangea({ repositories: redis }), /^repositories has no repository of any kind/],
  [
    "repositories in a list",
    pangea({ repositories: Object.values(memory) }),
    /^repositories has no repository of any kind/,
  ],
  [
    "a kind that was forgotten",
    pangea({ repositories: withoutGrants }),
    /^repositories has no grants\b.*create…Repositories/,
  ],
  [
    "a kind that is undefined",
    pangea({ repositories: { ...memory, locks: undefined } }),
    /^repositories has no locks\b/,
  ],
  [
    "a kind that is misspelt",
    pangea({ repositories: { ...withoutGrants, grant: grants } }),
    /^repositories has no grants \(is it "grant"\?\)/,
  ],
  ["a member that is a number", pangea({ repositories: { ...memory, grants: 5 } }), /^repositories\.grants /],
  [
    "a member that is a Map",
    pangea({ repositories: { ...memory, grants: new Map() } }),
    /^repositories\.grants lacks take, add/,
  ],
  [
    "no repository behind a cache",
    () => new CachedRepository(untyped(undefined), { max: 3, maxStaleness: 5_000 }),
    /^CachedRepository: the repository/,
  ],
  [
    "no repositories behind caches",
    () => cacheRepositories(untyped(undefined), { maxStaleness: 5_000 }),
    /^cacheRepositories: accessTokens /,
  ],
  [
    "a cached kind that is missing",
    () => cacheRepositories(untyped(withoutGrants), { maxStaleness: 5_000 }),
    /^cacheRepositories: grants /,
  ],
  ["no backend in one process", () => inOneProcess(untyped(undefined)), /^inOneProcess: the backend /],
  [
    "a backend of two methods",
    () => inOneProcess(untyped({ get() {}, set() {} })),
    /^inOneProcess: the backend lacks delete/,
  ],
  ["a schema of Zod 3", () => jsonCodecOf(zod3.object({ a: zod3.string() })), /Zod 3.*npm install zod@4/],
  ["no schema", () => jsonCodecOf(undefined), /^The schema is missing/],
  ["a class for a schema", () => jsonCodecOf(class Record {}), /^The schema is missing/],
  ["half a codec", () => jsonCodecOf({ encode: () => "" }), /^The schema is missing/],
  ["a URL for Redis", () => createRedisRepositories(untyped("redis://127.0.0.1")), /^The Redis client .*ioredis/],
  ["no client of Redis", () => createRedisRepositories(untyped(undefined)), /^The Redis client .*ioredis/],
  [
    "a client of another package",
    () => createRedisRepositories(untyped({ get() {}, set() {}, on() {}, del: 5 })),
    /^The Redis client lacks del/,
  ],
  [
    "a secret for keys",
    () => createRedisRepositories(redis, untyped({ keys: "s".repeat(40) })),
    /^keys must be a key ring/,
  ],
  [
    "keys of another kind",
    () => createRedisRepositories(redis, untyped({ keys: { secret: "s" } })),
    /^keys .*KeyRing\.from/,
  ],
  ["a namespace that is a number", () => createRedisRepositories(redis, untyped({ namespace: 5 })), /^namespace /],
  ["no Vault token", vault(undefined), /^The Vault token is missing.*environment variable/],
  ["an empty Vault token", vault(""), /^The Vault token is missing/],
  ["a Vault token that is null", vault(null), /^The Vault token is missing/],
  ["a Vault token of another form", vault("pck_abc"), /^The Vault token .*pts_/],
  ["a Vault token with its scheme", vault("Bearer pts_demo"), /^The Vault token .*pts_/],
  ["a Vault token with a line break", vault("pts_demo\n"), /^The Vault token has white space/],
  ["the Vault token of an example", vault("pts_…"), /^The Vault token has the …/],
  ["something else for a Vault service", vault({}), /^The Vault service lacks secretStore/],
  ["a URL for a domain", vault("pts_demo", { domain: "https://aws.eu.pangea.cloud" }), /^domain /],
  ["an empty domain", vault("pts_demo", { domain: "" }), /^domain /],
  ["a switch that is a text", vault("pts_demo", { strictTake: "false" }), /^strictTake must be a boolean/],

  // Addresses.
  [
    "an issuer that is its document",
    general({ issuerUrl: "https://a.example/.well-known/oauth-authorization-server" }),
    /^issuerUrl .*leave \/\.well-known\/oauth-authorization-server off/,
  ],
  [
    "a base URL that is a document",
    general({ baseUrl: "https://a.example/.well-known/openid-configuration" }),
    /^baseUrl .*leave \/\.well-known\/openid-configuration off/,
  ],
  ["a base URL that ends in the path", pangea({ mcpBaseUrl: "https://mcp.example/mcp" }), /^mcpBaseUrl ends in \/mcp/],
  ["the same with a slash", pangea({ mcpBaseUrl: "https://mcp.example/mcp/" }), /^mcpBaseUrl ends in \/mcp/],
  ["the same as a URL", general({ baseUrl: new URL("https://a.example/b/mcp") }), /^baseUrl ends in \/mcp/],
  [
    "a redirect URI for the base URL",
    pangea({ mcpBaseUrl: "https://mcp.example/pangea/callback" }),
    /^mcpBaseUrl ends in \/pangea\/callback/,
  ],
  ["a base URL with a query", pangea({ mcpBaseUrl: "https://mcp.example?a=1" }), /^mcpBaseUrl must not have/],
  ["a base URL with a fragment", pangea({ mcpBaseUrl: "https://mcp.example#a" }), /^mcpBaseUrl must not have/],
  ["a base URL with credentials", pangea({ mcpBaseUrl: "https://a:b@mcp.example" }), /^mcpBaseUrl must not have/],
  ["http on a public host", pangea({ mcpBaseUrl: "http://mcp.example" }), /^mcpBaseUrl must use https/],
  ["http in a private network", pangea({ mcpBaseUrl: "http://10.0.0.3:3000" }), /^mcpBaseUrl must use https/],
  ["http on all addresses", pangea({ mcpBaseUrl: "http://0.0.0.0:3000" }), /^mcpBaseUrl has an address to listen at/],
  ["no scheme", pangea({ mcpBaseUrl: "mcp.example" }), /^mcpBaseUrl must be an absolute URL/],
  ["white space around a URL", pangea({ mcpBaseUrl: " https://mcp.example" }), /^mcpBaseUrl has white space/],
  ["a line break after a URL", pangea({ mcpBaseUrl: "https://mcp.example\n" }), /^mcpBaseUrl has white space/],
  ["a base URL that is empty", pangea({ mcpBaseUrl: "" }), /^mcpBaseUrl is missing.*environment variable/],
  ["a base URL that is a number", pangea({ mcpBaseUrl: 3000 }), /^mcpBaseUrl must be/],
  ["an empty issuer", pangea({ mcpIssuerUrl: "" }), /^mcpIssuerUrl is missing/],
  ["an empty path", pangea({ mcpPath: "" }), /^mcpPath must be a path/],
  ["a URL for a path", pangea({ mcpPath: "https://mcp.example/mcp" }), /^mcpPath must be a path/],
  ["an empty page of documentation", pangea({ serviceDocumentationUrl: "" }), /^serviceDocumentationUrl is missing/],
  ["an empty logo", pangea({ consent: { logoUrl: "" } }), /^consent\.logoUrl is missing/],
  [
    "a console URL for the issuer",
    pangea({ pangeaAuthnIssuerUrl: "https://console.pangea.cloud/service/authn" }),
    /^pangeaAuthnIssuerUrl .*console.*Hosted Login URL/,
  ],
  [
    "a service URL for the issuer",
    pangea({ pangeaAuthnIssuerUrl: "https://authn.aws.us.pangea.cloud" }),
    /^pangeaAuthnIssuerUrl .*Hosted Login URL/,
  ],
  [
    "an endpoint for the issuer",
    pangea({ pangeaAuthnIssuerUrl: "https://login.example/v2/oauth/authorize" }),
    /^pangeaAuthnIssuerUrl .*endpoint/,
  ],
  [
    "a metadata URL for the issuer",
    pangea({ pangeaAuthnIssuerUrl: "https://pdn-a.login.aws.us.pangea.cloud/.well-known/oauth-authorization-server" }),
    /^pangeaAuthnIssuerUrl .*endpoint/,
  ],
  [
    "the issuer of an example",
    pangea({ pangeaAuthnIssuerUrl: "https://pdn-….login.aws.us.pangea.cloud" }),
    /^pangeaAuthnIssuerUrl has the …/,
  ],
  [
    "this server for the issuer",
    pangea({ pangeaAuthnIssuerUrl: settings.mcpBaseUrl }),
    /^The issuer of Pangea AuthN is this server's own/,
  ],

  // Ids and secrets.
  [
    "an id and a secret that are swapped",
    pangea({
      pangeaAuthnClientId: settings.pangeaAuthnClientSecret,
      pangeaAuthnClientSecret: settings.pangeaAuthnClientId,
    }),
    /^pangeaAuthnClientId and pangeaAuthnClientSecret are swapped/,
  ],
  ["a secret for the id", pangea({ pangeaAuthnClientId: "pck_abc" }), /^pangeaAuthnClientId begins with pck_/],
  ["an id for the secret", pangea({ pangeaAuthnClientSecret: "psa_abc" }), /^pangeaAuthnClientSecret begins with psa_/],
  [
    "a service token for the id",
    pangea({ pangeaAuthnClientId: "pts_abc" }),
    /^pangeaAuthnClientId begins with pts_: that is a service token/,
  ],
  [
    "a service token for the secret",
    pangea({ pangeaAuthnClientSecret: "pts_abc" }),
    /^pangeaAuthnClientSecret begins with pts_/,
  ],
  ["a project for the id", pangea({ pangeaAuthnClientId: "ppi_abc" }), /^pangeaAuthnClientId begins with ppi_/],
  ["the id of an example", pangea({ pangeaAuthnClientId: "psa_…" }), /^pangeaAuthnClientId has the …/],
  ["a space after the id", pangea({ pangeaAuthnClientId: "psa_abc " }), /^pangeaAuthnClientId has white space/],
  [
    "a line break after the secret",
    pangea({ pangeaAuthnClientSecret: `${settings.pangeaAuthnClientSecret}\n` }),
    /^pangeaAuthnClientSecret has white space/,
  ],
  [
    "one in a list of secrets",
    pangea({ pangeaAuthnClientSecret: ["pck_a", "pck_b\r\n"] }),
    /^pangeaAuthnClientSecret has white space/,
  ],
  ["a line break after the own secret", pangea({ secret: `${"s".repeat(40)}\n` }), /^secret has white space/],
  ["an own secret that is empty", pangea({ secret: "" }), /^secret is missing.*environment variable/],
  ["an own secret that is a number", pangea({ secret: 5 }), /^secret must be a string/],
  [
    "a line break after the key ring's",
    () => KeyRing.from(`${"s".repeat(40)}\n`),
    /^The secret of KeyRing\.from has white space/,
  ],
  [
    "no secret for the key ring",
    () => KeyRing.from(untyped(undefined)),
    /^The secret of KeyRing\.from must be a string/,
  ],
  [
    "a line break in an initial token",
    pangea({ clientRegistration: { initialAccessToken: `${"t".repeat(20)}\n` } }),
    /^clientRegistration\.initialAccessToken /,
  ],
  [
    "an initial token that is empty",
    pangea({ clientRegistration: { initialAccessToken: "" } }),
    /^clientRegistration\.initialAccessToken /,
  ],
  [
    "a space in the id of a client",
    pangea({ clients: [{ client_id: "a ", redirect_uris: ["https://a.example/cb"] }] }),
    /^clients\[\]\.client_id has white space/,
  ],
  [
    "a line break in the secret of a client",
    pangea({
      clients: [{ client_id: "a", client_secret: `${"s".repeat(40)}\n`, redirect_uris: ["https://a.example/cb"] }],
    }),
    /^clients: client_secret of "a" has white space/,
  ],
  [
    "a client in camelCase",
    pangea({ clients: [{ clientId: "a", redirectUris: ["https://a.example/cb"] }] }),
    /^clients\[\]\.clientId .*client_id\?/,
  ],
  [
    "a member of a client that is misspelt",
    pangea({ clients: [{ client_id: "a", redirect_urls: ["https://a.example/cb"] }] }),
    /^clients\[\]\.redirect_urls .*redirect_uris\?/,
  ],

  // Scopes.
  ["no scopes", pangea({ mcpScopes: [] }), /^mcpScopes needs one scope/],
  ["no scopes of the general provider", general({ scopes: [] }), /^scopes needs one scope/],
  ["no scopes upstream", pangea({ pangeaAuthnScopes: [] }), /^pangeaAuthnScopes needs one scope/],
  ["scopes of an unset variable", pangea({ mcpScopes: "".split(" ") }), /^mcpScopes must be a list/],
  ["scopes that are undefined", pangea({ mcpScopes: undefined }), /^mcpScopes must be a list.*such as \["user"\]\.$/],
  ["scopes in a text", pangea({ mcpScopes: "user,admin" }), /^mcpScopes must be a list/],
  [
    "a scope that the server does not know, at a guard of Express",
    () => express.requireBearer(provider, { requiredScopes: ["user", "tols"] }),
    /^requiredScopes lists "tols", which is not among/,
  ],
  [
    "a scope that the server does not know, at a guard of Hono",
    () => hono.requireBearer(provider, { requiredScopes: ["tols"] }),
    /^requiredScopes lists "tols", which is not among/,
  ],
  [
    "a scope that the server does not know, at a guard of node:http",
    () => node.requireBearer(provider, () => {}, { requiredScopes: ["tols"] }),
    /^requiredScopes lists "tols", which is not among/,
  ],
  [
    "a scope that the server does not know, at a guard of fastmcp",
    () => fastmcpAuthenticate(provider, { requiredScopes: ["tols"] }),
    /^requiredScopes lists "tols", which is not among/,
  ],
  [
    "a guard whose scopes are a text",
    () => express.requireBearer(provider, untyped({ requiredScopes: "user" })),
    /^requiredScopes must be a list/,
  ],
  [
    "a guard of Hono's whose scopes are a text",
    () => hono.requireBearer(provider, untyped({ requiredScopes: "user" })),
    /^requiredScopes must be a list/,
  ],

  // Numbers, times and switches.
  [
    "a lifetime in milliseconds",
    pangea({ accessTokenLifetimeSeconds: 3_600_000 }),
    /^accessTokenLifetimeSeconds .*milliseconds: give 3600\./,
  ],
  [
    "thirty days in milliseconds",
    pangea({ refreshTokenLifetimeSeconds: 30 * 86_400_000 }),
    /^refreshTokenLifetimeSeconds .*give 2592000\./,
  ],
  [
    "a grant in milliseconds",
    pangea({ grantLifetimeSeconds: 90 * 86_400_000 }),
    /^grantLifetimeSeconds .*give 7776000\./,
  ],
  [
    "a code in milliseconds",
    pangea({ authorizationCodeLifetimeSeconds: 60_000 }),
    /^authorizationCodeLifetimeSeconds .*give 60\./,
  ],
  ["a login in milliseconds", pangea({ loginLifetimeSeconds: 600_000 }), /^loginLifetimeSeconds .*give 600\./],
  ["a grace in milliseconds", pangea({ refreshGraceSeconds: 30_000 }), /^refreshGraceSeconds .*give 30\./],
  ["a tolerance in milliseconds", pangea({ clockToleranceSeconds: 30_000 }), /^clockToleranceSeconds .*give 30\./],
  [
    "what is remembered in milliseconds",
    pangea({ consent: { rememberSeconds: 90 * 86_400_000 } }),
    /^consent\.rememberSeconds .*give 7776000\./,
  ],
  [
    "a limit in milliseconds",
    pangea({ rateLimits: { perCaller: { token: { requests: 9, perSeconds: 3_600_000 } } } }),
    /^rateLimits\.perCaller\.token\.perSeconds /,
  ],
  [
    "a registration in milliseconds",
    pangea({ clientRegistration: { unusedLifetimeSeconds: 90 * 86_400_000 } }),
    /^clientRegistration\.unusedLifetimeSeconds .*give 7776000\./,
  ],
  ["staleness of a month", () => cacheRepositories(memory, { maxStaleness: 30 * 86_400_000 }), /^maxStaleness /],
  ["a timeout in seconds", pangea({ requestTimeout: 10 }), /^requestTimeout .*seconds: give 10000\./],
  ["an upstream's timeout in seconds", pangea({ upstreamTimeout: 5 }), /^upstreamTimeout .*seconds: give 5000\./],
  [
    "a lifetime that is a text",
    pangea({ accessTokenLifetimeSeconds: "3600" }),
    /^accessTokenLifetimeSeconds must be a number/,
  ],
  [
    "a lifetime that is no number",
    pangea({ accessTokenLifetimeSeconds: Number("1h") }),
    /^accessTokenLifetimeSeconds must be a number/,
  ],
  [
    "a refresh token that ends before its access token",
    pangea({ accessTokenLifetimeSeconds: 86_400, refreshTokenLifetimeSeconds: 3600 }),
    /^refreshTokenLifetimeSeconds \(3600\) is shorter than accessTokenLifetimeSeconds \(86400\).*swapped/,
  ],
  [
    "a refresh token that ends before an access token of the default",
    general({ refreshTokenLifetimeSeconds: 600 }),
    /^refreshTokenLifetimeSeconds \(600\) is shorter than accessTokenLifetimeSeconds \(3600\)/,
  ],
  ["a lifetime below 0", pangea({ grantLifetimeSeconds: -1 }), /^grantLifetimeSeconds must be a number/],
  ["a lifetime of 0", pangea({ refreshTokenLifetimeSeconds: 0 }), /^refreshTokenLifetimeSeconds must be a number/],
  [
    "a lifetime without end",
    pangea({ grantLifetimeSeconds: Number.POSITIVE_INFINITY }),
    /^grantLifetimeSeconds must be a number/,
  ],
  ["a lifetime that is null", pangea({ grantLifetimeSeconds: null }), /^grantLifetimeSeconds is null/],
  [
    "a limit that is a number",
    pangea({ rateLimits: { perCaller: { token: 5 } } }),
    /^rateLimits\.perCaller\.token must be an object/,
  ],
  [
    "a limit that is null",
    pangea({ rateLimits: { perCaller: { token: null } } }),
    /^rateLimits\.perCaller\.token must be an object/,
  ],
  [
    "a limit by the minute",
    pangea({ rateLimits: { perCaller: { token: { requests: 5, perMinute: 1 } } } }),
    /^rateLimits\.perCaller\.token /,
  ],
  ["limits that are a text", pangea({ rateLimits: "false" }), /^rateLimits must be an object/],
  ["limits that are true", pangea({ rateLimits: true }), /^rateLimits must be an object/],
  ["registration that is a switch", pangea({ clientRegistration: false }), /^clientRegistration must be an object/],
  [
    "a switch of registration",
    pangea({ clientRegistration: { enabled: "false" } }),
    /^clientRegistration\.enabled must be a boolean.*=== "true"/,
  ],
  ["a switch that is a number", pangea({ revocation: { enabled: 0 } }), /^revocation\.enabled must be a boolean/],
  [
    "an empty switch",
    pangea({ clientMetadataDocuments: { enabled: "" } }),
    /^clientMetadataDocuments\.enabled must be a boolean/,
  ],
  ["a clock in seconds", pangea({ clock: () => Date.now() / 1000 }), /^clock must give the time in milliseconds/],
  ["a clock of dates", pangea({ clock: () => new Date() }), /^clock must give the time in milliseconds/],
  [
    "an old copy for no number",
    () => cacheRepositories(memory, { maxStaleness: 5_000, clientsStaleIfError: Number.NaN }),
    /^clientsStaleIfError /,
  ],
  [
    "a heartbeat that is a text",
    () => new RedisTrackingInvalidation(redis, untyped({ heartbeat: "5000" })),
    /^heartbeat /,
  ],
  ["a client's timeout that is a text", () => redisOptions(untyped({ connectTimeout: "5000" })), /^connectTimeout /],
  ["a length that is a text", () => jsonCodec(LockSchema, untyped({ maxLength: "9" })), /^maxLength /],
  ["a port that is a text", emulator({ port: "4000" }), /^port must be a whole number/],
  ["a port that there is not", emulator({ port: 65_536 }), /^port must be a whole number/],
  ["no host", emulator({ host: "" }), /^host is missing/],
  ["a token in no list", emulator({ tokens: "pts_demo" }), /^tokens must be a list/],
  ["a token that is no text", emulator({ tokens: [5] }), /^tokens\[\] must be/],
  ["a token with white space", emulator({ tokens: ["pts_a\n"] }), /^tokens\[\] has white space/],
  ["a user in no list", emulator({ users: { username: "ada" } }), /^users must be a list/],
  [
    "a switch of the emulator",
    emulator({ authn: { refreshTokens: "false" } }),
    /^authn\.refreshTokens must be a boolean/,
  ],
  ["AuthN that is a switch", emulator({ authn: true }), /^authn must be an object/],

  // What is public for what is secret, and one thing for another.
  [
    "the id for the secret at an OpenID provider",
    () => openIdConnect({ ...openId, clientSecret: openId.clientId }),
    /^openIdConnect: clientSecret is the clientId/,
  ],
  [
    "the id among the secrets at an OpenID provider",
    () => openIdConnect({ ...openId, clientSecret: ["b", "a"] }),
    /^openIdConnect: clientSecret is the clientId/,
  ],
  ["the id for the secret at OAuth 2.0", () => oAuth2({ ...oAuth, clientSecret: "a" }), /^oAuth2: clientSecret is the/],
  [
    "the id for the secret at GitHub",
    () => oAuth2(gitHub({ clientId: "0123456789abcdef0123", clientSecret: "0123456789abcdef0123" })),
    /^oAuth2: clientSecret is the clientId/,
  ],
  [
    "the id for the secret at Pangea",
    upstream({ clientId: "my-own-client", clientSecret: "my-own-client" }),
    /^pangeaAuthn: clientSecret is the same as .*clientId, which is public/,
  ],
  [
    "the id for the secret of the whole provider",
    pangea({ pangeaAuthnClientId: "m".repeat(40), pangeaAuthnClientSecret: "m".repeat(40) }),
    /^pangeaAuthnClientSecret is the same as pangeaAuthnClientId/,
  ],
  [
    "the id for the secret of a client",
    ownClient({ client_id: "c".repeat(40), client_secret: "c".repeat(40) }),
    /has its client_id for a client_secret/,
  ],
  [
    "an id and a secret of GitHub's, swapped",
    preset(gitHub, { clientId: "0123456789".repeat(4), clientSecret: "Ov23li0123456789abcd" }),
    /^gitHub: clientSecret begins with Ov23.*id/,
  ],
  [
    "an id and a secret of Google's, swapped",
    preset(google, { clientId: "GOCSPX-a", clientSecret: "1-a.apps.googleusercontent.com" }),
    /^google: clientSecret ends in \.apps\.googleusercontent\.com.*id/,
  ],
  [
    "a secret of Google's for the id",
    preset(google, { clientId: "GOCSPX-a" }),
    /^google: clientId begins with GOCSPX-/,
  ],
  [
    "the id of a secret of Entra's",
    preset(microsoftEntra, {
      tenant: "11111111-2222-3333-4444-555555555555",
      clientSecret: "22222222-2222-3333-4444-555555555555",
    }),
    /^microsoftEntra: clientSecret is a Secret ID.*Value/,
  ],

  [
    "the path of a private key",
    () => openIdConnect({ ...openId, clientSecret: undefined, privateKey: "./key.pem" }),
    /^openIdConnect: privateKey must be the text of a PEM file.*path/,
  ],
  [
    "a private key of another form",
    () => openIdConnect({ ...openId, clientSecret: undefined, privateKey: "-----BEGIN RSA PRIVATE KEY-----\nA" }),
    /^openIdConnect: privateKey must be the text of a PEM file in PKCS #8.*openssl/,
  ],
  [
    "a public key for the private one",
    () => openIdConnect({ ...openId, clientSecret: undefined, privateKey: { kty: "EC", x: "a", y: "b" } }),
    /^openIdConnect: privateKey must be .*private member d/,
  ],
  [
    "the algorithm of a key that there is not",
    () => openIdConnect({ ...openId, privateKeyAlgorithm: "ES256" }),
    /^openIdConnect: privateKeyAlgorithm is for a privateKey/,
  ],
  [
    "a secret's way for a key",
    () =>
      openIdConnect({
        ...openId,
        clientSecret: undefined,
        privateKey: { kty: "EC", d: "a" },
        clientAuthentication: "client_secret_post",
      }),
    /^openIdConnect: clientAuthentication .*leave it out/,
  ],
  ...["HS256", "none", "rs256", "RS", "RS256 "].map(
    (algorithm): Mistake => [
      `ID tokens that are signed by ${algorithm}`,
      () => openIdConnect({ ...openId, idTokenSigningAlgorithm: algorithm }),
      /^openIdConnect: idTokenSigningAlgorithm must be an algorithm of public keys/,
    ],
  ),
  [
    "white space around a claim",
    () => openIdConnect({ ...openId, claims: { subject: "oid " } }),
    /^openIdConnect: claims\.subject has white space/,
  ],

  // Null for what has a default.
  ...["requiredScopes", "privateUseSchemes", "secret", "clients", "mcpPath", "clientMetadataDocuments"].map(
    (name): Mistake => [`${name} that is null`, pangea({ [name]: null }), new RegExp(`^${name} (?:is null|must be)`)],
  ),
  ...["timeout", "maxConcurrent", "maxFreshSeconds", "minFreshSeconds", "maxStaleSeconds", "allowedDomains"].map(
    (name): Mistake => [
      `${name} of documents that is null`,
      pangea({ clientMetadataDocuments: { [name]: null } }),
      new RegExp(`^clientMetadataDocuments\\.${name} is null`),
    ],
  ),
  ["scopes of OAuth 2.0 that are null", () => oAuth2({ ...oAuth, scopes: null }), /^scopes is null/],
  ["scopes of OAuth 2.0 that are empty text", () => oAuth2({ ...oAuth, scopes: "" }), /^oAuth2: scopes must be a list/],

  // Documents of clients.
  [
    "no domains of documents",
    pangea({ clientMetadataDocuments: { allowedDomains: [] } }),
    /^clientMetadataDocuments\.allowedDomains is empty.*enabled: false/,
  ],
  [
    "a timeout of documents in seconds",
    pangea({ clientMetadataDocuments: { timeout: 5 } }),
    /^timeout of the client documents .*seconds: give 5000\.$/,
  ],
  ...["maxFreshSeconds", "minFreshSeconds", "maxStaleSeconds"].map(
    (name): Mistake => [
      `${name} of documents in milliseconds`,
      pangea({ clientMetadataDocuments: { [name]: 86_400_000 } }),
      new RegExp(`^${name} of the client documents .*milliseconds: give 86400\\.$`),
    ],
  ),

  // Several scopes in one text.
  ["scopes with commas", pangea({ mcpScopes: "user,admin" }), /^mcpScopes .*such as \["user","admin"\]\.$/],
  ["scopes with spaces", pangea({ mcpScopes: "user admin" }), /^mcpScopes .*such as \["user","admin"\]\.$/],
  ["scopes with quotes", pangea({ mcpScopes: 'user "root" admin' }), /^mcpScopes .*such as \["user","admin"\]\.$/],
  ["scopes with commas in a list", general({ scopes: ["user,admin"] }), /^scopes has .*\["user","admin"\]\.$/],
  ["scopes with spaces in a list", general({ scopes: ["user admin"] }), /^scopes .*such as \["user","admin"\]\.$/],
  ["required scopes with commas", pangea({ requiredScopes: ["user,admin"] }), /^requiredScopes has .*"admin"\]\.$/],
  ["scopes of Pangea with commas", pangea({ pangeaAuthnScopes: ["a,b"] }), /^pangeaAuthnScopes has .*\["a","b"\]\.$/],
  [
    "scopes of an OpenID provider with commas",
    () => openIdConnect({ ...openId, scopes: ["openid,email"] }),
    /^openIdConnect: scopes has .*\["openid","email"\]\.$/,
  ],
  ["scopes of OAuth 2.0 in a text", () => oAuth2({ ...oAuth, scopes: "a,b" }), /^oAuth2: scopes .*\["a","b"\]\.$/],
  [
    "scopes of a guard with commas",
    () => express.requireBearer(provider, { requiredScopes: ["user,admin"] }),
    /^requiredScopes has /,
  ],

  // Values that could never do anything.
  ["a client's unknown scope", ownClient({ scope: "user nope" }), /^clients: "a": scope lists "nope"/],
  ["a client's other grant", ownClient({ grant_types: ["implicit"] }), /^clients: "a" needs authorization_code/],
  ["a client's other response", ownClient({ response_types: ["token"] }), /^clients: "a" needs code among/],
  ["a client's secret that ended in 1970", ownClient({ client_secret_expires_at: 5 }), /client_secret_expires_at must/],
  ["a client's secret in milliseconds", ownClient({ client_secret_expires_at: 2e12 }), /client_secret_expires_at must/],
  ["no valid scopes", pangea({ clientRegistration: { validScopes: [] } }), /^clientRegistration\.validScopes is empty/],
  [
    "no default scopes",
    pangea({ clientRegistration: { defaultScopes: [] } }),
    /^clientRegistration\.defaultScopes is empty/,
  ],
  ["implied scopes in a Map", pangea({ scopeImplies: new Map([["user", []]]) }), /^scopeImplies .*Object\.fromEntries/],
  [
    "descriptions in a Map",
    pangea({ consent: { scopeDescriptions: new Map([["user", "Read"]]) } }),
    /^consent\.scopeDescriptions .*Object\.fromEntries/,
  ],
  [
    "words for a scope that the upstream is not asked for",
    general({
      upstream: Object.assign(new FakeUpstream(Date.now), { scopes: ["email"] }),
      consent: { upstreamScopeDescriptions: { emial: "Your address" } },
    }),
    /^consent\.upstreamScopeDescriptions\.emial .*email\?/,
  ],
  [
    "a misspelt placeholder",
    pangea({ consent: { texts: { title: "Allow {clinet}?" } } }),
    /^consent\.texts\.title has \{clinet\}.*\{client\}\?/,
  ],
  [
    "a limiter that cannot count",
    pangea({ rateLimits: { limiter: () => ({ count() {} }) } }),
    /rateLimits\.limiter .*lacks consume/,
  ],
  ["a limiter that is nothing", pangea({ rateLimits: { limiter: () => null } }), /rateLimits\.limiter .*missing/],

  // What is mounted.
  ["no provider for Express", () => express.pangeaAuth(untyped(undefined)), /^pangeaAuth: the provider is missing/],
  [
    "no provider for a guard of Express's",
    () => express.requireBearer(untyped(undefined)),
    /^requireBearer: the provider is missing/,
  ],
  [
    "options in place of the provider",
    () => hono.pangeaAuth(untyped(settings)),
    /^pangeaAuth: the provider lacks serves, fetch/,
  ],
  [
    "no provider for Hono's guard",
    () => hono.requireBearer(untyped({})),
    /^requireBearer: the provider lacks authenticate/,
  ],
  ["no listener", () => node.pangeaAuth(provider, untyped(undefined)), /^pangeaAuth: the listener must be a function/],
  [
    "no listener behind a guard",
    () => node.requireBearer(provider, untyped({})),
    /^requireBearer: the listener must be a function/,
  ],
  [
    "no provider for FastMCP",
    () => mountOnFastMCP({ getApp: untyped(() => {}) }, untyped(undefined)),
    /^mountOnFastMCP: the provider is missing/,
  ],
  [
    "a FastMCP server that is none",
    () => mountOnFastMCP(untyped(provider), provider),
    /^mountOnFastMCP: the server lacks getApp/,
  ],
  ["no upstream", general({ upstream: undefined }), /^upstream is missing/],
  [
    "a preset of OpenID Connect for the upstream",
    general({ upstream: google({ clientId: "a" }) }),
    /openIdConnect\(\)/,
  ],
  ["a preset of OAuth 2.0 for the upstream", general({ upstream: preset(gitHub, {})() }), /^upstream .*oAuth2\(\)/],
  ["options of Pangea for the upstream", general({ upstream: { clientId: "a", issuerUrl: "b" } }), /pangeaAuthn\(\)/],
  ["options for the upstream", general({ upstream: { issuerUrl: "https://login.example" } }), /^upstream\.id /],
];

function jsonCodecOf(schema: unknown): unknown {
  return new RedisRepository(untyped(schema), redis, { prefix: "a" });
}

it.each(mistakes)("%s", (_, make, message) => expectRefusal(make, message));

it("no message shows a secret", async () => {
  const given = [settings.pangeaAuthnClientSecret, "s".repeat(40), "pck_abc", "pts_demo\n", "t".repeat(20)];
  for (const [, make] of mistakes) {
    const failure = await Promise.resolve()
      .then(make)
      .catch((error: unknown) => error);
    for (const secret of given) expect(String(failure)).not.toContain(secret);
  }
});

it.each<readonly [option: string, make: () => unknown]>([
  ["an option that is undefined", pangea({ requiredScopes: undefined, consent: undefined, repositories: undefined })],
  ["an unknown one that is undefined", pangea({ requiredScope: undefined })],
  ["a member that is undefined", pangea({ consent: { brandName: undefined, texts: { title: undefined } } })],
  ["a switch that is undefined", pangea({ clientRegistration: { enabled: undefined } })],
  ["undefined options of a mount", () => express.pangeaAuth(provider, undefined)],
  ["an undefined option of a mount", () => express.requireBearer(provider, untyped({ requiredScopes: undefined }))],
  ["what comes with repositories", pangea({ repositories: { ...memory, sweep: () => 0, note: "mine" } })],
  [
    "a repository that is a function",
    pangea({ repositories: { ...memory, grants: Object.assign(() => {}, methodsOf(grants)) } }),
  ],
  ["a path that is meant twice", pangea({ mcpBaseUrl: "https://mcp.example/mcp", mcpPath: "/mcp" })],
  ["the root for a path", pangea({ mcpPath: "/" })],
  ["an id of no known form", pangea({ pangeaAuthnClientId: "my-client" })],
  ["an issuer of a domain of one's own", pangea({ pangeaAuthnIssuerUrl: "https://login.example.org" })],
  ["an empty list of required scopes", pangea({ requiredScopes: [] })],
  ["consent that is never remembered", pangea({ consent: { rememberSeconds: 0 } })],
  ["a limiter for some limits", pangea({ rateLimits: { limiter: () => ({ consume() {} }) } })],
  [
    "a client with all that is served",
    ownClient({
      scope: "user offline_access",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      client_secret_expires_at: 2_000_000_000,
    }),
  ],
  [
    "a text with every placeholder",
    pangea({ consent: { texts: { title: "{client} {brand} {host} {place} {scope}" } } }),
  ],
  ["no limits", pangea({ rateLimits: false })],
])("is fine: %s", async (_, make) => {
  await expect(Promise.resolve().then(make)).resolves.toBeDefined();
});

function methodsOf(repository: typeof grants): object {
  return {
    get: repository.get.bind(repository),
    set: repository.set.bind(repository),
    delete: repository.delete.bind(repository),
    take: repository.take.bind(repository),
    add: repository.add.bind(repository),
  };
}
