import { describe, expect, it } from "vitest";
import {
  auth0,
  KeyRing,
  keycloak,
  McpOAuthProvider,
  microsoftEntra,
  oAuth2,
  openIdConnect,
  PangeaOAuthProvider,
} from "../../../src/index.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { createVaultRepositories } from "../../../src/vault.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";
import { providerOptions } from "../../support/provider-harness.ts";
import { expectRefusal, type Mistake } from "../../support/wrong-setting.ts";

// Nothing here is typed: what comes from the environment has no types.
// biome-ignore lint/suspicious/noExplicitAny: what is wrong must not be told by the types.
type Untyped = any;

const settings: Untyped = { ...providerOptions("https://pdn-a.login.aws.us.pangea.cloud"), logger: false };
const pangea = (changes: Untyped) => new PangeaOAuthProvider({ ...settings, ...changes });
const secret = "0123456789abcdef0123456789abcdef";
const ids = { clientId: "a-client", clientSecret: "b" };
const client = { ...ids, issuer: "https://login.example" };
const oAuth = {
  ...client,
  id: "example",
  name: "Example",
  authorizationEndpoint: "https://login.example/authorize",
  tokenEndpoint: "https://login.example/token",
  identify: async () => ({ subject: "a" }),
};
const general = (changes: Untyped) =>
  new McpOAuthProvider({
    baseUrl: "https://a.example",
    scopes: ["a"],
    secret,
    upstream: new FakeUpstream(Date.now),
    logger: false,
    ...changes,
  });
const ownClient = (changes: object) =>
  pangea({ clients: [{ client_id: "a", redirect_uris: ["https://a.example/cb"], ...changes }] });

/** Every option that is a text as it is sent or compared, what takes it, and a value that is right. A row more is all that a new one needs. */
const options: readonly (readonly [option: string, right: string, give: (value: string) => unknown])[] = [
  ["mcpBaseUrl", "https://mcp.example", (mcpBaseUrl) => pangea({ mcpBaseUrl })],
  ["mcpIssuerUrl", "https://mcp.example", (mcpIssuerUrl) => pangea({ mcpIssuerUrl })],
  [
    "pangeaAuthnIssuerUrl",
    "https://pdn-a.login.aws.us.pangea.cloud",
    (pangeaAuthnIssuerUrl) => pangea({ pangeaAuthnIssuerUrl }),
  ],
  ["pangeaAuthnClientId", "psa_abc", (pangeaAuthnClientId) => pangea({ pangeaAuthnClientId })],
  ["pangeaAuthnClientSecret", `pck_${secret}`, (pangeaAuthnClientSecret) => pangea({ pangeaAuthnClientSecret })],
  [
    "pangeaAuthnClientSecret",
    `pck_${secret}`,
    (value) => pangea({ pangeaAuthnClientSecret: [`pck_1${secret}`, value] }),
  ],
  ["secret", secret, (value) => pangea({ secret: value })],
  ["secret", secret, (value) => pangea({ secret: [`1${secret}`, value] })],
  ["serviceDocumentationUrl", "https://docs.example", (value) => pangea({ serviceDocumentationUrl: value })],
  ["formerIssuer", "https://login.example", (formerIssuer) => general({ formerIssuer })],
  ["consent.brandName", "Notes", (brandName) => pangea({ consent: { brandName } })],
  [
    "clientRegistration.initialAccessToken",
    secret,
    (initialAccessToken) => pangea({ clientRegistration: { initialAccessToken } }),
  ],
  ["clients[].client_id", "a", (client_id) => ownClient({ client_id })],
  ["client_secret", secret, (client_secret) => ownClient({ client_secret })],
  ["redirect_uris", "https://a.example/cb", (uri) => ownClient({ redirect_uris: [uri] })],
  ["KeyRing.from", secret, (value) => KeyRing.from(value)],
  ["context", "notes", (context) => KeyRing.from(secret, { context })],
  ["openIdConnect: issuer", "https://login.example", (issuer) => openIdConnect({ ...client, issuer })],
  ["openIdConnect: clientId", "a-client", (clientId) => openIdConnect({ ...client, clientId })],
  ["openIdConnect: clientSecret", secret, (clientSecret) => openIdConnect({ ...client, clientSecret })],
  ["oAuth2: issuer", "https://login.example", (issuer) => oAuth2({ ...oAuth, issuer })],
  ["oAuth2: tokenEndpoint", "https://login.example/t", (tokenEndpoint) => oAuth2({ ...oAuth, tokenEndpoint })],
  ["oAuth2: clientId", "a-client", (clientId) => oAuth2({ ...oAuth, clientId })],
  ["oAuth2: clientSecret", secret, (clientSecret) => oAuth2({ ...oAuth, clientSecret })],
  ["keycloak: url", "https://id.example", (url) => keycloak({ ...ids, realm: "staff", url })],
  ["keycloak: realm", "staff", (realm) => keycloak({ ...ids, url: "https://id.example", realm })],
  ["auth0: domain", "example.eu.auth0.com", (domain) => auth0({ ...ids, domain })],
  ["microsoftEntra: tenant", "11111111-2222-3333-4444-555555555555", (tenant) => microsoftEntra({ ...ids, tenant })],
  ["The Vault token", "pts_demo", (token) => createVaultRepositories(token)],
  ["folder", "/notes", (folder) => createVaultRepositories("pts_demo", { folder })],
  ["namespace", "notes", (namespace) => createVaultRepositories("pts_demo", { namespace })],
  ["domain", "aws.eu.pangea.cloud", (domain) => createVaultRepositories("pts_demo", { domain })],
  [
    "baseUrlTemplate",
    "https://{SERVICE_NAME}.example",
    (baseUrlTemplate) => createVaultRepositories("pts_demo", { baseUrlTemplate }),
  ],
  ["path", ":memory:", (path) => createSqliteRepositories(path).close()],
  ["namespace", "notes", (namespace) => createSqliteRepositories(":memory:", { namespace }).close()],
];

/** What a file of environment variables makes of a value, or leaves in its place. */
const forms: readonly (readonly [form: string, make: (right: string) => string, remedy: RegExp])[] = [
  ["in quotes", (right) => `"${right}"`, /quotes .*take them off/],
  ["in single quotes", (right) => `'${right}'`, /quotes .*take them off/],
  ["behind its name", (right) => `MCP_VALUE=${right}`, /behind the =/],
  ["behind export", (right) => `export MCP_VALUE=${right}`, /behind the =/],
  ["with a line break in it", (right) => `${right}\r\n${right}`, /line break/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what was not replaced.
  ["not replaced", () => "${MCP_VALUE}", /nothing has filled in/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what was not replaced.
  ["with a default that was not replaced", (right) => `${right}${"${MCP_VALUE:-a}"}`, /nothing has filled in/],
  ["not replaced by a shell", () => "$MCP_VALUE", /nothing has filled in/],
  ["not replaced by a template", () => "{{ .Values.mcp }}", /nothing has filled in/],
  ["undefined", () => "undefined", /is the environment variable set/],
  ["null", () => "null", /is the environment variable set/],
];

describe.each(options)("%s (%s)", (option, right, give) => {
  it("is taken as it is meant", async () => {
    await give(right);
  });

  it.each(forms)("is refused %s", async (_, make, remedy) => {
    const name = option.replaceAll(/[[\].]/g, "\\$&");
    await expectRefusal(() => give(make(right)), new RegExp(`${name}[\\s\\S]*${remedy.source}`));
  });
});

/** What else is one value for another, by the option's name and the remedy. */
const mistakes: readonly Mistake[] = [
  [
    "two base URLs",
    () => pangea({ mcpBaseUrl: "https://a.example.org,https://b.example.org" }),
    /^mcpBaseUrl .*give one/,
  ],
  ["two hosts", () => pangea({ mcpBaseUrl: "https://a.example.org,b.example.org" }), /^mcpBaseUrl .*give one/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what was not replaced.
  ["a host that was not replaced", () => pangea({ mcpBaseUrl: "https://${HOST}" }), /^mcpBaseUrl has a variable/],
  ["a host that is missing", () => pangea({ mcpBaseUrl: "https://undefined" }), /^mcpBaseUrl .*variable set/],
  ["a name that is missing", () => pangea({ mcpBaseUrl: "https://undefined.example" }), /^mcpBaseUrl .*variable set/],
  ["a path that is missing", () => pangea({ mcpBaseUrl: "https://a.example/undefined" }), /^mcpBaseUrl .*variable set/],
  ["an address to listen at", () => pangea({ mcpBaseUrl: "https://0.0.0.0:3000" }), /^mcpBaseUrl .*listen.*clients/],
  ["the same without TLS", () => pangea({ mcpBaseUrl: "http://0.0.0.0:3000" }), /^mcpBaseUrl .*listen.*localhost/],
  ["the same of IPv6", () => pangea({ mcpBaseUrl: "http://[::]:3000" }), /^mcpBaseUrl .*listen.*localhost/],
  ["a host for all", () => pangea({ mcpBaseUrl: "https://*.example.org" }), /^mcpBaseUrl has a \*/],
  ["the endpoint of SSE", () => pangea({ mcpBaseUrl: "https://a.example/sse" }), /^mcpBaseUrl .*Leave \/sse off/],
  ["the endpoint in capitals", () => pangea({ mcpBaseUrl: "https://a.example/MCP" }), /^mcpBaseUrl .*Leave \/MCP off/],
  ["all paths", () => pangea({ mcpPath: "/mcp/*" }), /^mcpPath is a pattern/],
  ["a path of a route", () => pangea({ mcpPath: "/:tenant/mcp" }), /^mcpPath is a pattern/],
  ["a realm that is a path", () => keycloak({ ...ids, url: "https://id.example", realm: "/r" }), /^keycloak: realm /],
  [
    "domains in one text",
    () => pangea({ clientMetadataDocuments: { allowedDomains: ["claude.ai,chatgpt.com"] } }),
    /^clientMetadataDocuments\.allowedDomains .*"claude\.ai","chatgpt\.com"/,
  ],
  [
    "a domain in quotes",
    () => pangea({ clientMetadataDocuments: { allowedDomains: ['"claude.ai"'] } }),
    /^clientMetadataDocuments\.allowedDomains /,
  ],
  [
    "redirect URIs in one text",
    () => ownClient({ redirect_uris: ["https://a.example,https://b.example"] }),
    /by itself/,
  ],
  ["ids in one text", () => pangea({ pangeaAuthnClientId: "psa_a,psa_b" }), /^pangeaAuthnClientId has a comma/],
  ["secrets in one text", () => pangea({ pangeaAuthnClientSecret: "pck_a,pck_b" }), /^pangeaAuthnClientSecret .*list/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what was not replaced.
  ["a file that was not replaced", () => createSqliteRepositories("${STATE}.db"), /^path has a variable/],
  ["a file of nothing", () => createSqliteRepositories("undefined.db"), /^path .*variable set/],
  ["a folder of nothing", () => createSqliteRepositories("undefined/state.db"), /^path .*variable set/],
  ["a file with a line break", () => createSqliteRepositories("nl.db\n"), /^path has white space/],
  ["a file with a space before it", () => createSqliteRepositories(" sp.db"), /^path has white space/],
  ["a file with a mark of byte order", () => createSqliteRepositories("\uFEFFbom.db"), /^path has white space/],
  ...[
    "accessTokenLifetimeSeconds",
    "refreshTokenLifetimeSeconds",
    "grantLifetimeSeconds",
    "authorizationCodeLifetimeSeconds",
    "loginLifetimeSeconds",
    "refreshGraceSeconds",
  ].map((name): Mistake => {
    return [`half a second for ${name}`, () => pangea({ [name]: 0.5 }), new RegExp(`^${name} .*give 1 or more`)];
  }),
  [
    "half a second of a session",
    () => pangea({ account: { sessionSeconds: 0.5 } }),
    /^account\.sessionSeconds .*1 or more/,
  ],
];

it.each(mistakes)("%s says so", (_, make, message) => expectRefusal(make, message));

/** What looks a little like the above, and can be meant. */
const real: readonly (readonly [what: string, make: () => unknown])[] = [
  ["a secret with a quote at its end", () => pangea({ secret: `${secret}"` })],
  ["a secret between two different quotes", () => pangea({ secret: `"${secret}'` })],
  ["a secret in base64", () => pangea({ secret: "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo==" })],
  ["a secret in base32 with its padding", () => pangea({ secret: `${"ABCDEFGH".repeat(4)}====` })],
  ["a secret with signs of a shell", () => pangea({ secret: `a$b{c}%d%e=f${secret}` })],
  ["a secret that begins with a dollar", () => pangea({ secret: `$2b$10$${secret}` })],
  ["a secret with a letter and =", () => pangea({ secret: `X=${secret}` })],
  ["a host that begins with null", () => pangea({ mcpBaseUrl: "https://null.example.org" })],
  ["a path with a comma", () => pangea({ mcpBaseUrl: "https://a.example/x,y" })],
  ["a base URL at /sse, with its path", () => pangea({ mcpBaseUrl: "https://a.example/sse", mcpPath: "/mcp" })],
  ["a lifetime of a second and a half", () => pangea({ accessTokenLifetimeSeconds: 1.5 })],
  ["clocks half a second apart", () => pangea({ clockToleranceSeconds: 0 })],
  ["a realm with a space", () => keycloak({ ...ids, url: "https://id.example", realm: "our staff" })],
];

it.each(real)("%s goes on", (_, make) => {
  expect(make).not.toThrow();
});
