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
  // The name of the option is the part of the message that a ConfigurationError promises.
  it.each<[string, Partial<Record<keyof PangeaOAuthProviderOptions, unknown>>, RegExp]>([
    ["a missing base URL", { mcpBaseUrl: undefined }, /^mcpBaseUrl\b/],
    ["a relative base URL", { mcpBaseUrl: "/mcp" }, /^mcpBaseUrl\b/],
    ["http off the machine", { mcpBaseUrl: "http://mcp.example" }, /^mcpBaseUrl\b/],
    ["http upstream", { pangeaAuthnIssuerUrl: "http://login.example" }, /^pangeaAuthnIssuerUrl\b/],
    ["a query in the issuer", { mcpIssuerUrl: "https://mcp.example?x=1" }, /^mcpIssuerUrl\b/],
    ["an empty client id", { pangeaAuthnClientId: "" }, /^pangeaAuthnClientId\b/],
    ["a missing secret", { pangeaAuthnClientSecret: undefined }, /^pangeaAuthnClientSecret\b/],
    ["scopes in one string", { mcpScopes: "user admin" }, /^mcpScopes\b/],
    ["a scope with a space", { pangeaAuthnScopes: ["a b"] }, /^pangeaAuthnScopes\b/],
    ["a required scope that does not exist", { requiredScopes: ["root"] }, /^requiredScopes\b/],
    ["offline_access among the scopes", { mcpScopes: ["offline_access"] }, /^mcpScopes\b/],
    ["a path without a slash", { mcpPath: "mcp" }, /^mcpPath\b/],
    ["a negative lifetime", { accessTokenLifetimeSeconds: -1 }, /^accessTokenLifetimeSeconds\b/],
    ["a code that lives too long", { authorizationCodeLifetimeSeconds: 301 }, /^authorizationCodeLifetimeSeconds\b/],
    ["a short secret", { secret: "short" }, /\bsecret\b/],
    ["a short secret in the list", { secret: ["s".repeat(32), "s".repeat(31)] }, /\bsecret\b/],
    ["a short upstream secret and no other", { pangeaAuthnClientSecret: "hunter2" }, /^secret\b/],
    ["an upstream secret that is a letter too short", { pangeaAuthnClientSecret: "x".repeat(31) }, /^secret\b/],
    ["no secret in the list", { secret: [] }, /\bsecret\b/],
    ["a secret that is a number", { secret: 5 }, /\bsecret\b/],
    ["a path that is a list", { mcpPath: [] }, /^mcpPath\b/],
    ["a clock that is a time", { clock: 5 }, /^clock\b/],
    ["a fetch that is a URL", { fetch: "https://proxy.example" }, /^fetch\b/],
    ["a client that is not in a list", { clients: { client_id: "a" } }, /^clients\b/],
    ["a client that is null", { clients: [null] }, /^clients\b/],
    ["consent that is a number", { consent: 5 }, /^consent\b/],
    ["registration that is null", { clientRegistration: null }, /^clientRegistration\b/],
    ["rate limits that are a list", { rateLimits: [] }, /^rateLimits\b/],
    ["a limiter that is none", { rateLimits: { limiter: {} } }, /^rateLimits\.limiter\b/],
    ["registration switched by a text", { clientRegistration: { enabled: "false" } }, /^clientRegistration\.enabled\b/],
    [
      "documents switched by a text",
      { clientMetadataDocuments: { enabled: "false" } },
      /^clientMetadataDocuments\.enabled\b/,
    ],
    ["revocation switched by a text", { revocation: { enabled: "false" } }, /^revocation\.enabled\b/],
    [
      "a fetch of documents that is a URL",
      { clientMetadataDocuments: { fetch: "https://proxy.example" } },
      /^clientMetadataDocuments\.fetch\b/,
    ],
    [
      "a time for stale documents that is below 0",
      { clientMetadataDocuments: { maxStaleSeconds: -1 } },
      /^maxStaleSeconds\b/,
    ],
    [
      "a domain in no list",
      { clientMetadataDocuments: { allowedDomains: "a.example" } },
      /^clientMetadataDocuments\.allowedDomains\b/,
    ],
    ["repositories that are missing", { repositories: null }, /^repositories\b/],
    [
      "a repository of three methods",
      { repositories: { grants: { get: () => {}, set: () => {}, delete: () => {} } } },
      /^repositories\.grants\b.*\btake, add\b/,
    ],
    [
      "a client listed twice",
      { clients: [1, 2].map(() => ({ client_id: "a", redirect_uris: ["x:/"] })) },
      /^clients\b/,
    ],
    [
      "a client without redirect URIs",
      { clients: [{ client_id: "a", redirect_uris: [] }] },
      /^clients: "a" .*redirect_uris/,
    ],
    ["an http client off the machine", client({ redirect_uris: ["http://evil.example/cb"] }), /^clients: "a"/],
    ["a client whose redirect is a script", client({ redirect_uris: ["javascript:alert(1)"] }), /^clients: "a"/],
    ["a client whose redirect is no URI", client({ redirect_uris: ["not a url"] }), /^clients: "a"/],
    ["a client whose redirect is no text", client({ redirect_uris: [5] }), /^clients: .*"a"/],
    ["a client whose secret is not set", client({ client_secret: undefined }), /^clients: "a" .*client_secret/],
    ["a client whose secret is empty", client({ client_secret: "" }), /^clients: "a" .*client_secret/],
    ["a client whose secret is short", client({ client_secret: "hunter2" }), /^clients: "a" .*client_secret/],
    [
      "a client whose secret is a letter too short",
      client({ client_secret: "x".repeat(31) }),
      /^clients: "a" .*client_secret/,
    ],
    [
      "a client without the secret of its method",
      client({ token_endpoint_auth_method: "client_secret_basic" }),
      /^clients: "a" .*client_secret/,
    ],
    [
      "a public client with a secret",
      client({ token_endpoint_auth_method: "none", client_secret: "x".repeat(32) }),
      /^clients: "a" .*client_secret/,
    ],
    ["a client without keys", client({ token_endpoint_auth_method: "private_key_jwt" }), /^clients: "a" .*jwks/],
    [
      "a method that nobody serves",
      client({ token_endpoint_auth_method: "tls_client_auth" }),
      /^clients: "a" .*token_endpoint_auth_method/,
    ],
    ["keys over http", client({ jwks_uri: "http://app.example/jwks" }), /^clients: "a" .*jwks_uri/],
    [
      "no token in a list of them",
      { clientRegistration: { initialAccessToken: [] } },
      /^clientRegistration\.initialAccessToken\b/,
    ],
    [
      "defaults beyond what is valid",
      { clientRegistration: { validScopes: ["user"], defaultScopes: ["user", "admin"] } },
      /^clientRegistration\.defaultScopes\b.*"admin"/,
    ],
    [
      "a colour on which white text is hard to read",
      { consent: { accentColour: "#4a90e2" } },
      /^consent\.accentColour\b/,
    ],
    [
      "a description of an upstream scope that is empty",
      { consent: { upstreamScopeDescriptions: { user: " " } } },
      /^consent\.upstreamScopeDescriptions\.user\b/,
    ],
    ["a scheme with a colon", { privateUseSchemes: ["acme:"] }, /^privateUseSchemes\b/],
    ["a scheme that is none of an application", { privateUseSchemes: ["https"] }, /^privateUseSchemes\b/],
    ["a scheme that does harm", { privateUseSchemes: ["ms-appinstaller"] }, /^privateUseSchemes\b/],
    ["schemes that are no list", { privateUseSchemes: "acme" }, /^privateUseSchemes\b/],
    ["another answer to reuse", { onRefreshReuse: "ignore" }, /^onRefreshReuse\b/],
    ["a scope that implies itself", { scopeImplies: { user: ["user"] } }, /^scopeImplies\b/],
    ["another status for a bad grant", { invalidGrantStatus: 200 }, /^invalidGrantStatus\b/],
    ["a URL without slashes", { mcpBaseUrl: "https:mcp.example.org" }, /^mcpBaseUrl\b/],
    ["a URL with backslashes", { mcpBaseUrl: "https:\\\\mcp.example.org" }, /^mcpBaseUrl\b/],
    ["a path that is taken", { mcpPath: "/token" }, /^mcpPath\b/],
    ["a name that is no text", { consent: { brandName: 5 } }, /^consent\.brandName\b/],
    ["a text that is no text", { consent: { texts: { title: 5 } } }, /^consent\.texts\.title\b/],
    [
      "a description that is empty",
      { consent: { scopeDescriptions: { user: "" } } },
      /^consent\.scopeDescriptions\.user\b/,
    ],
  ])("such as %s is named", (_, changes, name) => {
    const construct = () => new PangeaOAuthProvider({ ...options, ...changes } as PangeaOAuthProviderOptions);
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(name);
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
