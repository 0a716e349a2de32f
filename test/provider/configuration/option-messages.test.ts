import { Redis } from "ioredis";
import { it } from "vitest";
import { KeyRing, keycloak, McpOAuthProvider, oAuth2, openIdConnect, PangeaOAuthProvider } from "../../../src/index.ts";
import { protectMcp } from "../../../src/integrations/node.ts";
import { createPostgresRepositories } from "../../../src/postgres.ts";
import { createRedisRepositories, redisOptions } from "../../../src/redis.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { createVaultRepositories } from "../../../src/vault.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { providerOptions } from "../../support/provider-harness.ts";
import { expectRefusal } from "../../support/wrong-setting.ts";

// Nothing here is typed: it is the compiler that catches most of this, and not everybody has it.
// biome-ignore lint/suspicious/noExplicitAny: what is wrong must not be told by the types.
type Untyped = any;

const settings: Untyped = { ...providerOptions("https://login.example"), logger: false };
const pangea = (changes: Untyped) => () => new PangeaOAuthProvider({ ...settings, ...changes });
const upstream = new FakeUpstream(Date.now);
const secret = "0123456789abcdef0123456789abcdef";
const general = (changes: Untyped) => () =>
  new McpOAuthProvider({
    baseUrl: "https://mcp.example",
    scopes: ["user"],
    upstream,
    secret,
    logger: false,
    ...changes,
  });
const login = { clientId: "a", clientSecret: "b", issuer: "https://login.example" };
const oAuth: Untyped = {
  ...login,
  id: "example",
  name: "Example",
  authorizationEndpoint: "https://login.example/authorize",
  tokenEndpoint: "https://login.example/token",
  identify: async () => ({ subject: "a" }),
};
const redis: Untyped = new Redis({ ...redisOptions(), lazyConnect: true });
const stores: readonly (readonly [store: string, make: (keys: Untyped) => unknown])[] = [
  ["Redis", (keys) => createRedisRepositories(redis, { keys })],
  ["Postgres", (keys) => createPostgresRepositories({ query: async () => ({ rows: [] }) }, { keys })],
  ["Vault", (keys) => createVaultRepositories("pts_demo", { keys })],
];

/**
 * What is wrong, what makes it, the option that the message has to name as it is written, and the remedy that it has to have.
 * A row more is all that a new message needs.
 */
const messages: readonly (readonly [what: string, make: () => unknown, option: string, remedy: RegExp])[] = [
  // What looks like another unit, and is not.
  [
    "an hour for a code",
    pangea({ authorizationCodeLifetimeSeconds: 3600 }),
    "authorizationCodeLifetimeSeconds",
    /300\.$/,
  ],
  [
    "five minutes and a second",
    pangea({ authorizationCodeLifetimeSeconds: 301 }),
    "authorizationCodeLifetimeSeconds",
    /300\.$/,
  ],
  ["a day and an hour for a login", pangea({ loginLifetimeSeconds: 90_001 }), "loginLifetimeSeconds", /3600\.$/],

  // Which secret.
  ["a short secret", pangea({ secret: "short" }), "secret", /at least 32 characters/],
  ["a short client secret in its place", pangea({ pangeaAuthnClientSecret: "short" }), "secret", /Give secret 32/],
  ["secrets with commas", pangea({ secret: `${secret},${secret}1` }), "secret", /split\(","\)/],
  ["a secret twice", pangea({ secret: [secret, secret] }), "secret", /leave one out/],
  ["no secrets", pangea({ secret: [] }), "secret", /at least one secret/],
  [
    "a client secret twice",
    pangea({ pangeaAuthnClientSecret: [secret, secret] }),
    "The client secret of Pangea AuthN, which stands in for secret,",
    /leave one out/,
  ],
  ["a short secret of a key ring", () => KeyRing.from("short"), "KeyRing.from", /at least 32 characters/],
  ["a secret of a key ring twice", () => KeyRing.from([secret, secret]), "KeyRing.from", /leave one out/],
  ["no secrets of a key ring", () => KeyRing.from([]), "KeyRing.from", /at least one secret/],
  ["white space around a key ring's context", () => KeyRing.from(secret, { context: " a" }), "context", /trim/],
  [
    "an option that a key ring has not",
    () => Reflect.apply(KeyRing.from, KeyRing, [secret, { contexts: "a" }]),
    "contexts",
    /KeyRing\.from.+context/,
  ],

  // Keys.
  ...stores.flatMap(([store, make]) => [
    [`a secret for the keys of ${store}`, () => make(secret), "keys", /KeyRing\.from\(secret\)\.$/] as const,
    [`plain text in ${store}`, () => make("none"), "keys", /SQLite alone: leave keys out/] as const,
    [`keys of ${store} that are a list`, () => make([secret]), "keys", /KeyRing\.from\(secret\)\.$/] as const,
  ]),
  [
    "a secret for the keys of SQLite",
    () => createSqliteRepositories(":memory:", { keys: secret as Untyped }),
    "keys",
    /KeyRing\.from\(secret\)\.$/,
  ],

  // What is switched off.
  ...["account", "revocation", "clientRegistration", "clientMetadataDocuments"].flatMap((option) => [
    [`no ${option}`, pangea({ [option]: false }), option, new RegExp(`${option}: \\{ enabled: false \\}`)] as const,
    [`no ${option}, as text`, pangea({ [option]: "false" }), option, /\{ enabled: false \}/] as const,
    [`${option} that is true`, pangea({ [option]: true }), option, /\{ enabled: true \}/] as const,
  ]),
  ["no use of grants", pangea({ grantUse: false }), "grantUse", /grantUse: \{ recorded: false \}/],
  ["limits of a text", pangea({ rateLimits: "false" }), "rateLimits", /or false for none/],
  ["overload of a text", pangea({ overload: "false" }), "overload", /or false/],
  ["overload that is true", pangea({ overload: true }), "overload", /or false/],

  // What belongs to the other class.
  ...["upstream", "upstreams", "emailDomains", "formerIssuer"].map(
    (option) => [`${option} for Pangea alone`, pangea({ [option]: {} }), option, /new McpOAuthProvider\(/] as const,
  ),
  ...["pangeaAuthnIssuerUrl", "pangeaAuthnClientId", "pangeaAuthnClientSecret", "pangeaAuthnScopes"].map(
    (option) => [`${option} for any`, general({ [option]: "a" }), option, /upstream: pangeaAuthn\(/] as const,
  ),
  ["several upstreams for one", general({ upstream: [upstream] }), "upstream", /upstreams: \[a, b\]/],
  ["an upstream that is not awaited", general({ upstream: Promise.resolve(upstream) }), "upstream", /await it/],
  ["upstreams in each other", general({ upstream: undefined, upstreams: [[upstream]] }), "upstreams[0]", /list/],
  ["no listener", () => protectMcp(pangea({})(), undefined as Untyped), "protectMcp: the listener", /a function/],

  // Examples of what is meant.
  ["no issuer", pangea({ pangeaAuthnIssuerUrl: "login" }), "pangeaAuthnIssuerUrl", /login\.aws\.us\.pangea\.cloud/],
  [
    "no URL of Keycloak",
    () => keycloak({ clientId: "a", clientSecret: "b", url: "id", realm: "r" }),
    "keycloak: url",
    /id\.example/,
  ],
  ["no former issuer", general({ formerIssuer: "login" }), "formerIssuer", /https:\/\/login\.example/],
  [
    "no issuer of OpenID",
    () => openIdConnect({ ...login, issuer: "login" }),
    "openIdConnect: issuer",
    /https:\/\/login\./,
  ],
  ["no issuer of OAuth", () => oAuth2({ ...oAuth, issuer: "login" }), "oAuth2: issuer", /https:\/\/login\./],
  ["no endpoint", () => oAuth2({ ...oAuth, tokenEndpoint: "t" }), "oAuth2: tokenEndpoint", /\/token/],
  ["no documentation", pangea({ serviceDocumentationUrl: "docs" }), "serviceDocumentationUrl", /https:\/\/docs\./],

  // Options that there are not.
  [
    "an option of nobody",
    pangea({ colour: "red" }),
    "colour",
    /There are accessTokenLifetimeSeconds, account, .* upstreamTimeout\.$/,
  ],
  ["an option of consent", pangea({ consent: { colour: "red" } }), "consent.colour", /no option of consent\. /],
  ["an option of limits", pangea({ rateLimits: { colour: 5 } }), "rateLimits.colour", /no option of rateLimits\. /],
];

it.each(messages)("%s: the message names the option and the remedy", async (_, make, option, remedy) => {
  const name = option.replaceAll(/[[\].]/g, "\\$&");
  await expectRefusal(make, new RegExp(`(?:^|[^\\w.])${name}(?![\\w])`));
  await expectRefusal(make, remedy);
});
