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

it.each<[given: string, meant: string, build: () => unknown]>([
  ["a URL", "write acme.org", () => google({ ...scriptedClient, hostedDomain: "https://acme.org" })],
  ["an address", "write acme.org", () => google({ ...scriptedClient, hostedDomain: "ada@acme.org" })],
  ["a word", "example.org", () => google({ ...scriptedClient, hostedDomain: "acme" })],
  ["the tenant's name", "tenant) ID", () => microsoftEntra({ ...scriptedClient, tenant: "acme.onmicrosoft.com" })],
  [
    "a tenant's issuer",
    "tenant) ID",
    () => microsoftEntra({ ...scriptedClient, tenant: `https://a.example/${tenant}` }),
  ],
  ["the admin console", "leave out -admin", () => okta({ ...scriptedClient, domain: "acme-admin.okta.com" })],
  [
    "the URL of a custom authorization server",
    "such as default",
    () => okta({ ...scriptedClient, domain: "acme.okta.com", authorizationServer: "https://acme.okta.com/oauth2/a1" }),
  ],
  ["a domain with a slash", "without https://", () => auth0({ ...scriptedClient, domain: "acme.eu.auth0.com/" })],
  [
    "a realm's address",
    "without /realms/",
    () => keycloak({ ...scriptedClient, url: "https://id.acme.org/realms/staff", realm: "staff" }),
  ],
  [
    "an organization's address",
    "such as example",
    () => gitHub({ ...scriptedClient, organization: "github.com/acme" }),
  ],
  [
    "the address of the API",
    "not the address of the API",
    () => gitHub({ ...scriptedClient, url: "https://api.github.com" }),
  ],
  ...["common", "organizations", "consumers"].map((all): [string, string, () => unknown] => [
    `the issuer of ${all}`,
    "microsoftEntra({ tenant",
    () => openIdConnect({ ...scriptedClient, issuer: `https://login.microsoftonline.com/${all}/v2.0` }),
  ]),
])("says what was meant in place of %s", (_, meant, build) => {
  expect(build).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringContaining(meant) }),
  );
});

it.each([
  ["https://github.com", "https://api.github.com/user"],
  ["https://acme.ghe.com", "https://api.acme.ghe.com/user"],
  ["https://github.acme.org/", "https://github.acme.org/api/v3/user"],
])("asks the API of %s who the user is", async (url, asked) => {
  const paths: string[] = [];
  const get = async (path: string | URL) => {
    paths.push(String(path));
    return { id: 7, login: "ada" };
  };
  const { identify } = gitHub({ ...scriptedClient, url });
  expect(await identify({ token: "token", get })).toEqual({ subject: "7", username: "ada" });
  expect(paths).toEqual([asked]);
});

it.each([
  ["the primary one", [{ email: "ada@acme.org", primary: true, verified: true }], "ada@acme.org"],
  ["none that nobody verified", [{ email: "boss@acme.org", primary: true, verified: false }], undefined],
  ["none of the others", [{ email: "boss@acme.org", primary: false, verified: true }], undefined],
])("GitHub's user has %s of the addresses, where the scope asks for them", async (_, emails, email) => {
  const get = async (path: string | URL) => (String(path).endsWith("/emails") ? emails : { id: 7, login: "ada" });
  const { identify } = gitHub({ ...scriptedClient, scopes: ["user:email"] });
  expect((await identify({ token: "token", get })).email).toBe(email);
});

describe("prompt", () => {
  const asked = async (options: Partial<OpenIdConnectOptions>, prompt?: string) => {
    const { fetch, issuer } = await scriptedOpenIdProvider();
    const upstream = openIdConnect({ issuer, ...scriptedClient, ...options, fetch });
    const login = { state: "state", codeChallenge: "challenge", redirectUri: "https://mcp.example.org/oidc/callback" };
    const url = await upstream.authorizationUrl({ ...login, ...(prompt !== undefined && { prompt }) });
    return url.searchParams.get("prompt");
  };
  const { authorizationParameters = {}, prompts = [] } = google(scriptedClient);

  it.each([
    [undefined, "consent"],
    // Google shows an error page for a value that it does not know, and gives no refresh token without its consent page.
    ["login", "consent select_account"],
    ["select_account", "consent select_account"],
    ["login select_account", "consent select_account"],
    ["none", "none"],
  ])("%s becomes what Google knows, and its own page stays", async (wished, prompt) => {
    expect(await asked({ authorizationParameters, prompts }, wished)).toBe(prompt);
  });

  it.each([
    [undefined, undefined, null],
    [undefined, "login", "login"],
    ["login", undefined, "login"],
    ["login", "select_account", "login select_account"],
    ["none", "login", "login"],
    ["none", undefined, "none"],
  ])("%s of the options and %s of a client are asked together", async (always, wished, prompt) => {
    const parameters = always === undefined ? {} : { authorizationParameters: { prompt: always } };
    expect(await asked(parameters, wished)).toBe(prompt);
  });
});
