import { describe, expect, it } from "vitest";
import { ConfigurationError, PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "../../../src/index.ts";
import { providerOptions } from "../../support/provider-harness.ts";

const options = providerOptions("https://login.example");

const client = (members: Record<string, unknown>) => ({
  clients: [{ client_id: "a", redirect_uris: ["https://app.example/cb"], ...members }],
});

it("a text that is undefined is the default", () => {
  const consent = { texts: { title: undefined } };
  expect(() => Reflect.construct(PangeaOAuthProvider, [{ ...options, consent }])).not.toThrow();
});

it.each<[string, Partial<PangeaOAuthProviderOptions>]>([
  ["of the upstream, that is long enough to derive keys from", { pangeaAuthnClientSecret: "x".repeat(32) }],
  ["of the upstream, next to one that keys are derived from", { pangeaAuthnClientSecret: "x", secret: "s".repeat(32) }],
  ["of a client", client({ client_secret: "x".repeat(32) })],
])("a secret is fine: %s", (_, changes) => {
  expect(() => new PangeaOAuthProvider({ ...options, ...changes })).not.toThrow();
});

describe("an option that is wrong", () => {
  it.each<[string, Partial<Record<keyof PangeaOAuthProviderOptions, unknown>>, RegExp]>([
    ["a missing base URL", { mcpBaseUrl: undefined }, /mcpBaseUrl must be an absolute URL/],
    ["a relative base URL", { mcpBaseUrl: "/mcp" }, /mcpBaseUrl must be an absolute URL/],
    ["http off the machine", { mcpBaseUrl: "http://mcp.example" }, /mcpBaseUrl must use https/],
    ["http upstream", { pangeaAuthnIssuerUrl: "http://login.example" }, /pangeaAuthnIssuerUrl must use https/],
    ["a query in the issuer", { mcpIssuerUrl: "https://mcp.example?x=1" }, /mcpIssuerUrl must not have/],
    ["an empty client id", { pangeaAuthnClientId: "" }, /pangeaAuthnClientId is missing/],
    ["a missing secret", { pangeaAuthnClientSecret: undefined }, /pangeaAuthnClientSecret is missing/],
    ["scopes in one string", { mcpScopes: "user admin" }, /mcpScopes must be a list/],
    ["a scope with a space", { pangeaAuthnScopes: ["a b"] }, /pangeaAuthnScopes must be a list/],
    ["a required scope that does not exist", { requiredScopes: ["root"] }, /requiredScopes lists "root"/],
    ["offline_access among the scopes", { mcpScopes: ["offline_access"] }, /always understood/],
    ["a path without a slash", { mcpPath: "mcp" }, /mcpPath must be a path/],
    [
      "a negative lifetime",
      { accessTokenLifetimeSeconds: -1 },
      /accessTokenLifetimeSeconds must be a number of seconds/,
    ],
    ["a code that lives too long", { authorizationCodeLifetimeSeconds: 301 }, /up to 300/],
    ["a short secret", { secret: "short" }, /at least 32 characters/],
    ["a short secret in the list", { secret: ["s".repeat(32), "s".repeat(31)] }, /at least 32 characters/],
    [
      "a short upstream secret and no other",
      { pangeaAuthnClientSecret: "hunter2" },
      /^secret is missing, .* Give secret/,
    ],
    [
      "an upstream secret that is a letter too short",
      { pangeaAuthnClientSecret: "x".repeat(31) },
      /^secret is missing/,
    ],
    ["no secret in the list", { secret: [] }, /at least one secret/],
    ["a secret that is a number", { secret: 5 }, /secret must be a string, or a list/],
    ["a path that is a list", { mcpPath: [] }, /mcpPath must be a path/],
    ["a clock that is a time", { clock: 5 }, /clock must be a function/],
    ["a fetch that is a URL", { fetch: "https://proxy.example" }, /fetch must be a function/],
    ["a client that is not in a list", { clients: { client_id: "a" } }, /clients must be a list/],
    ["a client that is null", { clients: [null] }, /clients must be a list/],
    ["consent that is a number", { consent: 5 }, /consent must be an object/],
    ["registration that is null", { clientRegistration: null }, /clientRegistration must be an object/],
    ["rate limits that are a list", { rateLimits: [] }, /rateLimits must be an object/],
    ["a limiter that is none", { rateLimits: { limiter: {} } }, /rateLimits\.limiter must be a function/],
    ["registration switched by a text", { clientRegistration: { enabled: "false" } }, /enabled must be a boolean/],
    ["documents switched by a text", { clientMetadataDocuments: { enabled: "false" } }, /enabled must be a boolean/],
    ["revocation switched by a text", { revocation: { enabled: "false" } }, /revocation\.enabled must be a boolean/],
    [
      "a domain in no list",
      { clientMetadataDocuments: { allowedDomains: "a.example" } },
      /must be a list of host names/,
    ],
    ["repositories that are missing", { repositories: null }, /repositories must be an object/],
    [
      "a repository of three methods",
      { repositories: { grants: { get: () => {}, set: () => {}, delete: () => {} } } },
      /repositories\.grants lacks take, add; inOneProcess/,
    ],
    ["a client listed twice", { clients: [1, 2].map(() => ({ client_id: "a", redirect_uris: ["x:/"] })) }, /twice/],
    ["a client without redirect URIs", { clients: [{ client_id: "a", redirect_uris: [] }] }, /redirect_uris/],
    ["an http client off the machine", client({ redirect_uris: ["http://evil.example/cb"] }), /"a": .* must use https/],
    ["a client whose redirect is a script", client({ redirect_uris: ["javascript:alert(1)"] }), /"a": .* javascript/],
    ["a client whose redirect is no URI", client({ redirect_uris: ["not a url"] }), /"a": A redirect URI/],
    ["a client whose redirect is no text", client({ redirect_uris: [5] }), /a redirect URI of "a"/],
    ["a client whose secret is not set", client({ client_secret: undefined }), /"a" has a client_secret that is not/],
    ["a client whose secret is empty", client({ client_secret: "" }), /"a" has a client_secret that is not/],
    [
      "a client whose secret is short",
      client({ client_secret: "hunter2" }),
      /"a" has a client_secret of fewer than 32/,
    ],
    ["a client whose secret is a letter too short", client({ client_secret: "x".repeat(31) }), /"a" .* fewer than 32/],
    [
      "a client without the secret of its method",
      client({ token_endpoint_auth_method: "client_secret_basic" }),
      /"a" needs a client_secret for client_secret_basic/,
    ],
    [
      "a public client with a secret",
      client({ token_endpoint_auth_method: "none", client_secret: "x".repeat(32) }),
      /"a" has a client_secret, so/,
    ],
    ["a client without keys", client({ token_endpoint_auth_method: "private_key_jwt" }), /"a" needs its public keys/],
    ["a method that nobody serves", client({ token_endpoint_auth_method: "tls_client_auth" }), /is not served/],
    ["keys over http", client({ jwks_uri: "http://app.example/jwks" }), /jwks_uri that is not an https URL/],
    ["no token in a list of them", { clientRegistration: { initialAccessToken: [] } }, /initialAccessToken/],
    [
      "defaults beyond what is valid",
      { clientRegistration: { validScopes: ["user"], defaultScopes: ["user", "admin"] } },
      /defaultScopes lists "admin", which validScopes lacks/,
    ],
    ["another status for a bad grant", { invalidGrantStatus: 200 }, /invalidGrantStatus must be 400 or 401/],
    ["a URL without slashes", { mcpBaseUrl: "https:mcp.example.org" }, /mcpBaseUrl must have two slashes/],
    ["a URL with backslashes", { mcpBaseUrl: "https:\\\\mcp.example.org" }, /mcpBaseUrl must have two slashes/],
    ["a path that is taken", { mcpPath: "/token" }, /mcpPath must not be \/token/],
    ["a colour on which white text is hard to read", { consent: { accentColour: "#4a90e2" } }, /4\.5 \(WCAG AA\)/],
    [
      "a description of an upstream scope that is empty",
      { consent: { upstreamScopeDescriptions: { user: " " } } },
      /consent.upstreamScopeDescriptions.user/,
    ],
    ["a scheme with a colon", { privateUseSchemes: ["acme:"] }, /privateUseSchemes lists "acme:"/],
    ["a scheme that is none of an application", { privateUseSchemes: ["https"] }, /no private-use scheme/],
    ["a scheme that does harm", { privateUseSchemes: ["ms-appinstaller"] }, /leads to more than a callback/],
    ["schemes that are no list", { privateUseSchemes: "acme" }, /privateUseSchemes must be a list/],
    ["a name that is no text", { consent: { brandName: 5 } }, /consent.brandName/],
    ["a text that is no text", { consent: { texts: { title: 5 } } }, /consent.texts.title/],
    ["a description that is empty", { consent: { scopeDescriptions: { user: "" } } }, /consent.scopeDescriptions.user/],
  ])("such as %s is named, with what it should be", (_, changes, message) => {
    const construct = () => new PangeaOAuthProvider({ ...options, ...changes } as PangeaOAuthProviderOptions);
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(message);
  });

  it.each<Partial<PangeaOAuthProviderOptions>>([
    { secret: "hunter2" },
    { pangeaAuthnClientSecret: "hunter2" },
    client({ client_secret: "hunter2" }),
  ])("never shows the secret: %j", (changes) => {
    let failure: unknown;
    try {
      new PangeaOAuthProvider({ ...options, ...changes });
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(String(failure)).not.toContain("hunter2");
  });
});
