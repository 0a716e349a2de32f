import { describe, expect, it } from "vitest";
import type { ClientRegistry, KnownClient } from "../../../src/provider/clients/client-registry.ts";
import {
  type AuthorizationRequestParameters,
  checkAuthorizationRequest,
  trustRedirectUri,
} from "../../../src/provider/login/authorization-request.ts";
import { configured } from "../../support/configured.ts";

const redirectUri = "https://app.example/callback";
const codeChallenge = "A-z_0".padEnd(43, "9");

function clientWith(
  information: Partial<KnownClient["information"]> = {},
  source: KnownClient["source"] = "registered",
) {
  const known: KnownClient = {
    information: {
      client_id: "app",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code"],
      ...information,
    },
    source,
    verifiedDomain: undefined,
    normalisedRedirectUris: false,
  };
  return known;
}

type Sent = Partial<Record<Parameters<AuthorizationRequestParameters["get"]>[0] | "resource", string | undefined>>;

const parameters: Sent = {
  response_type: "code",
  code_challenge: codeChallenge,
  code_challenge_method: "S256",
};

const configuration = configured({ clientRegistration: { validScopes: ["user"], defaultScopes: ["user"] } });
function check(changes: Sent = {}, client = clientWith(), settings = configuration) {
  const sent: Sent = { ...parameters, ...changes };
  const getAll = (name: "resource") => [sent[name] ?? []].flat();
  return checkAuthorizationRequest(settings, { client, redirectUri }, { get: (name) => sent[name], getAll });
}
const refusal = (error: string) => expect.objectContaining({ code: "ERR_OAUTH", error });

describe("an authorization request", () => {
  it("is kept with what the login needs of it and of its client", () => {
    expect(check({ state: "state", resource: "https://MCP.example/mcp/" })).toEqual({
      clientId: "app",
      client: { tokenEndpointAuthMethod: "none", grantTypes: ["authorization_code"] },
      redirectUri,
      state: "state",
      scopes: ["user"],
      codeChallenge,
      resource: "https://mcp.example/mcp",
      namesResource: true,
    });
    const least = check({ response_mode: "query" });
    for (const member of ["state", "namesResource", "offlineAccess"]) expect(least).not.toHaveProperty(member);
    expect(least.resource).toBe(configuration.resource);
  });

  it.each<[Sent, string]>([
    [{ response_type: undefined }, "invalid_request"],
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ response_type: "code token" }, "unsupported_response_type"],
    [{ response_mode: "fragment" }, "invalid_request"],
    [{ response_mode: "" }, "invalid_request"],
    [{ code_challenge: undefined }, "invalid_request"],
    [{ code_challenge: codeChallenge.slice(1) }, "invalid_request"],
    [{ code_challenge: `${codeChallenge}A` }, "invalid_request"],
    [{ code_challenge: `${codeChallenge.slice(1)}=` }, "invalid_request"],
    [{ code_challenge: `${codeChallenge}\n` }, "invalid_request"],
    [{ code_challenge_method: undefined }, "invalid_request"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ code_challenge: `${codeChallenge}=` }, "invalid_request"],
    [{ state: "s".repeat(2001 - redirectUri.length) }, "invalid_request"],
    [{ resource: "https://other.example" }, "invalid_target"],
  ])("with %j is refused", (changes, error) => {
    expect(() => check(changes)).toThrow(refusal(error));
  });

  it("may have a state that makes 2,000 characters with the redirect URI, or 1,024 by itself", () => {
    const length = 2000 - redirectUri.length;
    expect(check({ state: "s".repeat(length) }).state).toHaveLength(length);
    const long = redirectUri.padEnd(1024, "x");
    const trusted = { client: clientWith({ redirect_uris: [long] }), redirectUri: long };
    const ask = (state: string) => () =>
      checkAuthorizationRequest(configuration, trusted, {
        get: (name) => ({ ...parameters, state })[name],
        getAll: () => [],
      });
    expect(ask("s".repeat(1024))().state).toHaveLength(1024);
    expect(ask("s".repeat(1025))).toThrow(refusal("invalid_request"));
  });
});

describe("the scopes of a request", () => {
  const scopesOf = (scope: string | undefined, client: KnownClient, settings = configuration) =>
    check({ scope }, client, settings).scopes;

  const open = configured({ clientRegistration: { defaultScopes: ["user"] } });

  it.each(["registered", "document"] as const)("are those that it names, whatever its client has %s", (source) => {
    for (const information of [{}, { scope: "user" }, { scope: "root" }]) {
      const client = clientWith(information, source);
      expect(scopesOf("user admin", client, open)).toEqual(["user", "admin"]);
      expect(scopesOf("admin user offline_access root", client, open)).toEqual(["admin", "user"]);
    }
  });

  it("are never more than clients may have here", () => {
    for (const information of [{}, { scope: "user" }, { scope: "user admin root" }]) {
      for (const scope of ["admin", "root", "user admin", 'us"er', "user root", undefined]) {
        expect(scopesOf(scope, clientWith(information)), scope).toEqual(["user"]);
        expect(scopesOf(scope, clientWith(information, "document")), scope).toEqual(["user"]);
      }
    }
  });

  it("are never more than the list of a client that an operator has configured", () => {
    const configured = clientWith({ scope: "user" }, "configured");
    for (const scope of ["admin", "user admin", "openid", undefined])
      expect(scopesOf(scope, configured)).toEqual(["user"]);
    expect(scopesOf("admin", clientWith({}, "configured")), "without a list").toEqual(["admin"]);
    // Of a list of scopes that are not there, nothing is left to be given.
    expect(scopesOf("user", clientWith({ scope: "root" }, "configured"))).toEqual([]);
  });

  it.each([undefined, "", "offline_access", "openid profile email", "claudeai", 'us"er'])(
    "are those of the client where it names %j, or the defaults",
    (scope) => {
      expect(scopesOf(scope, clientWith({ scope: "admin user" }), open)).toEqual(["admin", "user"]);
      // What the server has no more, nobody gets.
      expect(scopesOf(scope, clientWith({ scope: "admin root" }), open)).toEqual(["admin"]);
      for (const information of [{}, { scope: "root" }, { scope: "offline_access" }, { scope: "" }]) {
        expect(scopesOf(scope, clientWith(information), open)).toEqual(["user"]);
      }
      expect(scopesOf(scope, clientWith({}, "configured"))).toEqual(["user"]);
    },
  );
});

describe("refresh tokens by offline_access", () => {
  const staying = "user offline_access";
  const refreshing = ["authorization_code", "refresh_token"];

  it.each<[string, KnownClient, string | undefined, boolean]>([
    ["who asks for it", clientWith(), staying, true],
    ["who asks for nothing else", clientWith(), "offline_access", true],
    ["who asks for it with what nobody has", clientWith({ scope: "user" }), "root offline_access", true],
    ["who does not ask", clientWith(), "user", false],
    ["who does not ask but could", clientWith({ scope: staying, grant_types: refreshing }), "user", false],
    ["who has registered for it and names no scope", clientWith({ scope: staying }), undefined, true],
    ["who has registered for it and names what nobody has", clientWith({ scope: staying }), "root", true],
    ["whose document has it", clientWith({ scope: staying }, "document"), undefined, true],
    ["whom an operator has configured without", clientWith({}, "configured"), staying, false],
    ["whom an operator has configured with it", clientWith({ scope: staying }, "configured"), staying, true],
    ["whom an operator lets refresh", clientWith({ grant_types: refreshing }, "configured"), staying, true],
  ])("are for %s", (_, client, scope, expected) => {
    const request = check({ scope }, client);
    expect(request.offlineAccess).toBe(expected ? true : undefined);
    expect("offlineAccess" in request).toBe(expected);
    expect(request.scopes).toEqual(["user"]);
  });
});

it("a configured client may have what the scopes of its list imply, and by default nothing that is not in it", () => {
  const settings = configured({ scopeImplies: { admin: ["user"] } });
  const listed = clientWith({ scope: "admin" }, "configured");
  expect(check({ scope: "user" }, listed, settings).scopes).toEqual(["user"]);
  expect(check({}, listed, settings).scopes).toEqual(["admin"]);
  expect(check({ scope: "admin" }, clientWith({ scope: "user" }, "configured"), settings).scopes).toEqual(["user"]);
});

describe("a redirect URI that may be trusted", () => {
  const registryOf = (client: KnownClient | undefined): Pick<ClientRegistry, "find"> => ({
    find: async (id) => (id === client?.information.client_id ? client : undefined),
  });
  const trust = (client: KnownClient, id: string | undefined, uri: string | undefined) =>
    trustRedirectUri(registryOf(client), id, uri);

  it("is one of the client, or its only one where the request names none", async () => {
    const client = clientWith({ redirect_uris: ["https://app.example/other", redirectUri] });
    expect(await trust(client, "app", redirectUri)).toEqual({ client, redirectUri });
    expect(await trust(clientWith(), "app", undefined)).toEqual({ client: clientWith(), redirectUri });
    for (const refused of [
      trust(client, "app", undefined),
      trust(clientWith({ redirect_uris: [] }), "app", undefined),
      trust(client, "app", "https://app.example/"),
      trust(client, undefined, redirectUri),
    ]) {
      await expect(refused).rejects.toMatchObject({ error: "invalid_request" });
    }
    await expect(trust(client, "nobody", redirectUri)).rejects.toMatchObject({ error: "invalid_client" });
  });

  it("is compared as a URL where the client's were stored by the Python package", async () => {
    const legacy = { ...clientWith(), normalisedRedirectUris: true };
    const written = "https://APP.example:443/callback";
    expect(await trust(legacy, "app", written)).toEqual({ client: legacy, redirectUri: written });
    await expect(trust(clientWith(), "app", written)).rejects.toMatchObject({ error: "invalid_request" });
    await expect(trust(legacy, "app", "https://evil.example/")).rejects.toMatchObject({ error: "invalid_request" });
  });

  it.each(["javascript:alert(1)", "data:text/html,x"])("is not %s, whoever has registered that", async (uri) => {
    const client = clientWith({ redirect_uris: [uri] });
    for (const named of [uri, undefined]) {
      await expect(trust(client, "app", named)).rejects.toMatchObject({ error: "invalid_request" });
    }
  });

  it("is nobody's whose client is not known, which the page says with the id", async () => {
    const refused = trust(clientWith(), "nobody", redirectUri);
    await expect(refused).rejects.toMatchObject({ code: "ERR_OAUTH", clientId: "nobody" });
  });
});
