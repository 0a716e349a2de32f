import { describe, expect, it } from "vitest";
import { ConfigurationError, PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "../../src/index.ts";
import { providerOptions } from "../support/provider-harness.ts";

const options = providerOptions("https://login.example");

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
    ["no secret in the list", { secret: [] }, /at least one secret/],
    ["a client listed twice", { clients: [1, 2].map(() => ({ client_id: "a", redirect_uris: ["x:/"] })) }, /twice/],
    ["a client without redirect URIs", { clients: [{ client_id: "a", redirect_uris: [] }] }, /redirect_uris/],
  ])("such as %s is named, with what it should be", (_, changes, message) => {
    const construct = () => new PangeaOAuthProvider({ ...options, ...changes } as PangeaOAuthProviderOptions);
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(message);
  });

  it("never shows the secret", () => {
    try {
      new PangeaOAuthProvider({ ...options, secret: "hunter2" });
    } catch (error) {
      expect(String(error)).not.toContain("hunter2");
    }
  });
});
