import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  auth0,
  gitHub,
  google,
  keycloak,
  microsoftEntra,
  type OAuth2Options,
  type OpenIdConnectOptions,
  okta,
  openIdConnect,
} from "../../../src/index.ts";
import { scriptedClient, scriptedOpenIdProvider } from "../../support/scripted-openid-provider.ts";

const tenant = "11111111-2222-3333-4444-555555555555";
const presets: readonly (readonly [OpenIdConnectOptions, id: string, issuer: string])[] = [
  [google(scriptedClient), "google", "https://accounts.google.com"],
  [microsoftEntra({ ...scriptedClient, tenant }), "entra", `https://login.microsoftonline.com/${tenant}/v2.0`],
  [okta({ ...scriptedClient, domain: "acme.okta.com" }), "okta", "https://acme.okta.com"],
  [
    okta({ ...scriptedClient, domain: "acme.okta.com", authorizationServer: "default" }),
    "okta",
    "https://acme.okta.com/oauth2/default",
  ],
  [auth0({ ...scriptedClient, domain: "acme.eu.auth0.com" }), "auth0", "https://acme.eu.auth0.com/"],
  [
    keycloak({ ...scriptedClient, url: "https://id.acme.org/", realm: "staff" }),
    "keycloak",
    "https://id.acme.org/realms/staff",
  ],
];

describe.each(presets)("%o", (options, id, issuer) => {
  it("logs in at the provider's issuer, by a callback of its own", async () => {
    const provider = await scriptedOpenIdProvider(issuer);
    const discovery = `${new URL(issuer).pathname.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const fetch = (request: Request): Promise<Response> => {
      const { pathname } = new URL(request.url);
      return provider.fetch(
        new Request(pathname === discovery ? "https://any/.well-known/openid-configuration" : request),
      );
    };
    const upstream = openIdConnect({ ...options, fetch });
    expect([upstream.id, upstream.issuer]).toEqual([id, issuer]);
    const codeChallenge = createHash("sha256").update("verifier").digest("base64url");
    const redirectUri = `https://mcp.example.org/${id}/callback`;
    const url = await upstream.authorizationUrl({ state: "state", codeChallenge, redirectUri });
    expect(url.href.startsWith(`${issuer}/authorize?`)).toBe(true);
    expect(url.searchParams.get("scope")?.split(" ")).toContain("openid");
  });
});

describe("who may log in", () => {
  it("at Google is the users of one domain, by the claim and not by an address", async () => {
    const { allow, authorizationParameters } = google({ ...scriptedClient, hostedDomain: "acme.org" });
    expect(authorizationParameters).toMatchObject({ hd: "acme.org", access_type: "offline" });
    const identity = { subject: "1", email: "boss@acme.org" };
    expect(await allow?.(identity, { hd: "acme.org" })).toBe(true);
    for (const claims of [{}, { hd: "evil.org" }, { hd: ["acme.org"] }]) {
      expect(await allow?.(identity, claims)).toBe("Log in with an account of acme.org.");
    }
  });

  it.each<[string, OpenIdConnectOptions["allow"], hd: string, allowed: unknown]>([
    ["one who may, of the domain", () => true, "acme.org", true],
    ["one who may not, of the domain", () => "Not you.", "acme.org", "Not you."],
    ["one who may, of another domain", () => true, "evil.org", "Log in with an account of acme.org."],
    ["one of another domain, where nothing is asked", undefined, "evil.org", "Log in with an account of acme.org."],
  ])("at Google is asked of both checks: %s", async (_, allow, hd, allowed) => {
    const options = Reflect.apply(google, undefined, [{ ...scriptedClient, hostedDomain: "acme.org", allow }]);
    expect(await options.allow({ subject: "1" }, { hd })).toBe(allowed);
  });

  it.each<[string, OAuth2Options["allow"], state: string, allowed: unknown]>([
    ["one who may, of the organization", () => true, "active", true],
    ["one who may not, of the organization", () => "Not you.", "active", "Not you."],
    ["one who may, and is invited only", () => true, "pending", "Log in as a member of acme."],
    ["one who is invited only, where nothing is asked", undefined, "pending", "Log in as a member of acme."],
  ])("at GitHub is asked of both checks: %s", async (_, allow, state, allowed) => {
    const options = Reflect.apply(gitHub, undefined, [{ ...scriptedClient, organization: "acme", allow }]);
    expect(await options.allow({ subject: "1" }, { token: "a", get: async () => ({ state }) })).toBe(allowed);
  });

  it("may be changed in any preset", () => {
    const allow = () => false;
    expect(google({ ...scriptedClient, allow }).allow).toBe(allow);
    expect(gitHub({ ...scriptedClient, allow }).allow).toBe(allow);
    expect(okta({ ...scriptedClient, domain: "acme.okta.com", scopes: ["openid"] }).scopes).toEqual(["openid"]);
  });
});

it("an option that is undefined replaces nothing of a preset", () => {
  const options = Reflect.apply(microsoftEntra, undefined, [{ ...scriptedClient, tenant, claims: undefined }]);
  expect(options).toEqual(microsoftEntra({ ...scriptedClient, tenant }));
});

it.each([
  ["common", () => microsoftEntra({ ...scriptedClient, tenant: "common" })],
  ["organizations", () => microsoftEntra({ ...scriptedClient, tenant: "organizations" })],
  ["a URL for a domain", () => okta({ ...scriptedClient, domain: "https://acme.okta.com" })],
  ["no domain", () => auth0({ ...scriptedClient, domain: "" })],
  ["no realm", () => keycloak({ ...scriptedClient, url: "https://id.acme.org", realm: "" })],
  ["an empty hosted domain", () => google({ ...scriptedClient, hostedDomain: "" })],
  ["an empty organization", () => gitHub({ ...scriptedClient, organization: " " })],
])("refuses %s", (_, build) => {
  expect(build).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
});
