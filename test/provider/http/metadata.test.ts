import { OpenIdProviderDiscoveryMetadataSchema } from "@modelcontextprotocol/sdk/shared/auth.js";
import { describe, expect, it } from "vitest";
import { jsonOf } from "../../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions("https://login.example"), ...options });

describe("authorization server metadata (RFC 8414)", () => {
  const algorithms = "ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 EdDSA Ed25519".split(" ");

  it("says what the server does", async () => {
    const response = await start().get("/.well-known/oauth-authorization-server");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await jsonOf(response)).toEqual({
      issuer: "http://localhost:8000",
      authorization_endpoint: "http://localhost:8000/authorize",
      token_endpoint: "http://localhost:8000/token",
      registration_endpoint: "http://localhost:8000/register",
      revocation_endpoint: "http://localhost:8000/revoke",
      revocation_endpoint_auth_methods_supported: [
        "none",
        "client_secret_post",
        "client_secret_basic",
        "private_key_jwt",
      ],
      revocation_endpoint_auth_signing_alg_values_supported: algorithms,
      scopes_supported: ["user", "admin", "offline_access"],
      response_types_supported: ["code"],
      response_modes_supported: ["query"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      token_endpoint_auth_methods_supported: ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: algorithms,
      code_challenge_methods_supported: ["S256"],
      prompt_values_supported: ["none", "login", "consent", "select_account"],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
    });
  });

  it("does not offer what is switched off", async () => {
    const harness = start({
      clientMetadataDocuments: { enabled: false },
      clientRegistration: { enabled: false },
      revocation: { enabled: false },
    });
    const metadata = await jsonOf(await harness.get("/.well-known/oauth-authorization-server"));
    expect(metadata).toMatchObject({
      client_id_metadata_document_supported: false,
      token_endpoint_auth_methods_supported: ["none", "client_secret_post", "client_secret_basic"],
    });
    expect(metadata).not.toHaveProperty("token_endpoint_auth_signing_alg_values_supported");
    expect(metadata).not.toHaveProperty("registration_endpoint");
    expect(metadata).not.toHaveProperty("revocation_endpoint");
  });

  it("offers private_key_jwt where a client of the configuration signs, though documents are switched off", async () => {
    const jwks_uri = "https://app.example/jwks";
    const signing = { token_endpoint_auth_method: "private_key_jwt", jwks_uri } as const;
    const harness = start({
      clientMetadataDocuments: { enabled: false },
      clients: [{ client_id: "own", redirect_uris: ["https://app.example/callback"], ...signing }],
    });
    const metadata = await jsonOf(await harness.get("/.well-known/oauth-authorization-server"));
    expect(metadata).toMatchObject({
      token_endpoint_auth_methods_supported: expect.arrayContaining(["private_key_jwt"]),
    });
  });

  it("has the issuer byte for byte as it was configured", async () => {
    for (const issuer of ["https://auth.example/", "https://auth.example", "https://Auth.example:443/x"]) {
      const harness = start({ mcpBaseUrl: "https://mcp.example", mcpIssuerUrl: issuer });
      const metadata = await jsonOf(await harness.get("/.well-known/oauth-authorization-server"));
      expect(metadata.issuer).toBe(issuer);
      expect(harness.provider.issuer).toBe(issuer);
    }
  });

  it("is found at every place where clients look, for a server below a path", async () => {
    const harness = start({ mcpBaseUrl: "https://mcp.example/app" });
    const origin = new ProviderHarness({
      ...providerOptions("https://login.example"),
      mcpBaseUrl: "https://mcp.example/app",
    });
    for (const path of [
      "/.well-known/oauth-authorization-server/app",
      "/.well-known/openid-configuration/app",
      "/app/.well-known/openid-configuration",
    ]) {
      const response = await origin.provider.fetch(new Request(`https://mcp.example${path}`));
      expect((await jsonOf(response)).token_endpoint, path).toBe("https://mcp.example/app/token");
    }
    for (const path of [
      "/.well-known/oauth-authorization-server/app/",
      "/.well-known/oauth-protected-resource/app/mcp/",
    ]) {
      expect(harness.provider.serves(path), path).toBe(true);
    }
    expect(harness.provider.serves("/app/authorize")).toBe(true);
    expect(harness.provider.serves("/authorize")).toBe(false);
  });
});

describe("the metadata of OpenID Connect's name", () => {
  it("is the same, with what clients of OpenID Connect require of it, and no key", async () => {
    const harness = start();
    const openId = await jsonOf(await harness.get("/.well-known/openid-configuration"));
    expect(openId).toEqual({
      ...(await jsonOf(await harness.get("/.well-known/oauth-authorization-server"))),
      jwks_uri: "http://localhost:8000/.well-known/jwks.json",
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    });
    expect(OpenIdProviderDiscoveryMetadataSchema.safeParse(openId).success).toBe(true);
    expect(await (await harness.get("/.well-known/jwks.json")).json()).toEqual({ keys: [] });
  });

  it("is reached where a proxy passes on nothing but the path of the server", async () => {
    const harness = start({ mcpBaseUrl: "https://mcp.example/app" });
    const at = (path: string) => harness.provider.fetch(new Request(`https://mcp.example${path}`));
    const openId = await jsonOf(await at("/app/.well-known/openid-configuration"));
    expect(openId).toMatchObject({ jwks_uri: "https://mcp.example/app/.well-known/jwks.json" });
    expect((await at("/app/.well-known/jwks.json")).status).toBe(200);
  });
});

describe("protected resource metadata (RFC 9728)", () => {
  it("names this resource and its authorization server, at both places, without offline_access", async () => {
    for (const path of ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"]) {
      expect(await jsonOf(await start().get(path))).toEqual({
        resource: "http://localhost:8000/mcp",
        resource_name: "the MCP server on this computer",
        authorization_servers: ["http://localhost:8000"],
        scopes_supported: ["user", "admin"],
        bearer_methods_supported: ["header"],
      });
    }
  });

  it("follows the path of the MCP endpoint", async () => {
    const harness = start({ mcpPath: "/v1/tools" });
    const body = await jsonOf(await harness.get("/.well-known/oauth-protected-resource/v1/tools"));
    expect(body.resource).toBe("http://localhost:8000/v1/tools");
  });
});
