import { describe, expect, it } from "vitest";
import {
  type DocumentRules,
  parseClientDocument,
} from "../../../src/provider/client-documents/client-document-metadata.ts";
import type { OAuthClientInformation } from "../../../src/records/oauth-client-information.ts";
import { clientId, documentWith } from "./client-site.ts";

const rules: DocumentRules = {
  scopes: { valid: ["read", "write"], defaults: ["read"] },
  authenticationMethods: ["none", "private_key_jwt"],
};
const publicOnly: DocumentRules = { ...rules, authenticationMethods: ["none"] };
const key = { kty: "EC", crv: "P-256", x: "eA", y: "eQ", kid: "1", alg: "ES256", use: "sig" };

function read(members: Record<string, unknown>, by: DocumentRules = rules): OAuthClientInformation {
  return parseClientDocument(clientId, JSON.stringify(documentWith(members)), by);
}

const refusal = { code: "ERR_OAUTH", error: "invalid_client" };

function thrown(run: () => unknown): unknown {
  try {
    return run();
  } catch (failure) {
    return failure;
  }
}

describe("a client's metadata document", () => {
  it.each([
    ["another URL", "https://client.example/other.json"],
    ["a trailing slash", `${clientId}/`],
    ["the written-out port", "https://client.example:443/oauth/client.json"],
    ["another case", clientId.toUpperCase()],
    ["another encoding", "https://client.example/oauth/client%2Ejson"],
    ["a list", [clientId]],
    ["nothing", undefined],
    ["null", null],
  ])("must have its own URL as its client_id, not %s", (_case, id) => {
    expect(thrown(() => read({ client_id: id }))).toMatchObject(refusal);
  });

  it.each([undefined, null, "", "   ", 5, ["Example"]])("must have a client_name, not %j", (name) => {
    expect(thrown(() => read({ client_name: name }))).toMatchObject(refusal);
  });

  it.each([
    ["none", undefined],
    ["an empty list", []],
    ["a script", ["javascript:alert(1)"]],
    ["plain http", ["http://client.example/callback"]],
    ["user information", ["https://user@client.example/callback"]],
    ["a fragment", ["https://client.example/callback#a"]],
  ])("must have redirect URIs that could be registered: %s", (_case, uris) => {
    expect(thrown(() => read({ redirect_uris: uris }))).toMatchObject(refusal);
  });

  it("keeps those of its redirect URIs that can be used", () => {
    const uris = ["https://client.example/callback", "data:text/html,x", 5];
    expect(read({ redirect_uris: uris }).redirect_uris).toEqual(["https://client.example/callback"]);
  });

  it("may redirect to the user's machine and to an application", () => {
    const uris = ["http://127.0.0.1/callback", "http://localhost/callback", "com.example.app:/oauth"];
    expect(read({ redirect_uris: uris }).redirect_uris).toEqual(uris);
  });

  it.each(["client_secret", "client_secret_expires_at"])("must not have %s", (member) => {
    expect(thrown(() => read({ [member]: 0 }))).toMatchObject(refusal);
  });

  it.each(["client_secret_basic", "client_secret_post", "client_secret_jwt", "tls_client_auth", "NONE", 5, ["none"]])(
    "must not authenticate with %j",
    (method) => {
      expect(thrown(() => read({ token_endpoint_auth_method: method }))).toMatchObject(refusal);
    },
  );

  it("is of a public client where it names no authentication", () => {
    expect(read({}).token_endpoint_auth_method).toBe("none");
  });

  it("may authenticate with keys that it lists, of which the public members are kept", () => {
    const information = read({
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [{ ...key, x5u: "http://169.254.169.254/" }] },
    });
    expect(information.token_endpoint_auth_method).toBe("private_key_jwt");
    expect(information.jwks).toEqual({ keys: [key] });
    expect(information).not.toHaveProperty("jwks_uri");
  });

  it("may authenticate with keys at a URL", () => {
    const uri = "https://keys.example/jwks.json";
    expect(read({ token_endpoint_auth_method: "private_key_jwt", jwks_uri: uri }).jwks_uri).toBe(uri);
  });

  it("has the keys of the one place that is good, and of its URL where both are", () => {
    const [jwks, jwks_uri] = [{ keys: [key] }, "https://keys.example/jwks.json"];
    const from = (members: Record<string, unknown>) => {
      const { jwks: keys, jwks_uri: uri } = read({ token_endpoint_auth_method: "private_key_jwt", ...members });
      return { keys, uri };
    };
    expect(from({ jwks, jwks_uri })).toEqual({ keys: undefined, uri: jwks_uri });
    expect(from({ jwks, jwks_uri: "" })).toEqual({ keys: jwks, uri: undefined });
    expect(from({ jwks: null, jwks_uri })).toEqual({ keys: undefined, uri: jwks_uri });
  });

  it.each([
    ["no keys", {}],
    ["an empty set", { jwks: { keys: [] } }],
    ["a set of something else", { jwks: { keys: ["key"] } }],
    ["a symmetric key type", { jwks: { keys: [{ kty: "oct" }] } }],
    ["no set", { jwks: "keys" }],
    ["plain http", { jwks_uri: "http://keys.example/jwks.json" }],
    ["user information", { jwks_uri: "https://a:b@keys.example/jwks.json" }],
    ["a fragment", { jwks_uri: "https://keys.example/jwks.json#1" }],
    ["no URL", { jwks_uri: 5 }],
  ])("must have its keys in order to authenticate with them: %s", (_case, members) => {
    const failure = thrown(() => read({ token_endpoint_auth_method: "private_key_jwt", ...members }));
    expect(failure).toMatchObject(refusal);
  });

  it.each(["d", "p", "q", "dp", "dq", "qi", "oth", "k"])(
    "must not publish the private member %s of a key, used or not",
    (member) => {
      const jwksWith = (last: object) => ({ keys: [key, 5, last] });
      expect(() => read({ jwks: jwksWith(key) })).not.toThrow();
      expect(thrown(() => read({ jwks: jwksWith({ ...key, [member]: "x" }) }))).toMatchObject(refusal);
    },
  );

  it("is of a public client where the method that it prefers is not offered and it can do without", () => {
    // The form of ChatGPT's document.
    const members = {
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
      jwks_uri: "https://keys.example/jwks.json",
    };
    expect(read(members, publicOnly)).toMatchObject({ token_endpoint_auth_method: "none" });
    expect(read(members, publicOnly)).not.toHaveProperty("jwks_uri");
    expect(read(members)).toMatchObject({ token_endpoint_auth_method: "private_key_jwt" });
  });

  it("is refused where it cannot do without", () => {
    const members = { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://keys.example/jwks.json" };
    expect(thrown(() => read(members, publicOnly))).toMatchObject(refusal);
    const choices = { token_endpoint_auth_methods_supported: ["private_key_jwt", "client_secret_basic"] };
    expect(thrown(() => read({ ...members, ...choices }, publicOnly))).toMatchObject(refusal);
  });

  it("has the defaults of RFC 7591 for grant types and response types", () => {
    expect(read({})).toMatchObject({ grant_types: ["authorization_code"], response_types: ["code"] });
  });

  it("may name what other servers have, which is left out", () => {
    const information = read({
      grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
      scope: "openid write profile",
      post_logout_redirect_uris: ["https://client.example/"],
    });
    expect(information.grant_types).toEqual(["authorization_code", "refresh_token"]);
    expect(information.scope).toBe("write");
    expect(information).not.toHaveProperty("post_logout_redirect_uris");
  });

  it("gets the default scopes where it names only those of other servers", () => {
    for (const scope of ["openid offline_access", 'rea"d', ["openid"]]) expect(read({ scope }).scope).toBe("read");
  });

  it.each([
    ["grant_types", ["client_credentials"]],
    ["response_types", ["token"]],
  ])("must keep the rules of a registration: %s", (member, value) => {
    expect(thrown(() => read({ [member]: value }))).toMatchObject(refusal);
  });

  it.each([
    ["logo_uri", "javascript:alert(1)", undefined],
    ["client_uri", "data:text/html,x", undefined],
    ["client_name", "a".repeat(201), "a".repeat(200)],
    ["application_type", "service", undefined],
  ])("is kept without what is no good in members that nothing depends on: %s", (member, value, kept) => {
    expect(Object.entries(read({ [member]: value })).find(([name]) => name === member)?.[1]).toBe(kept);
  });

  it("cannot bring members that only this server sets", () => {
    const information = read({
      client_secret_hash: "sha256-x",
      expiresAt: 1,
      client_id_issued_at: 1,
      source: "configured",
    });
    expect(Object.keys(information).sort()).toEqual([
      "client_id",
      "client_name",
      "grant_types",
      "redirect_uris",
      "response_types",
      "scope",
      "token_endpoint_auth_method",
    ]);
  });

  it.each([
    "",
    "null",
    "5",
    '"text"',
    "[]",
    `[${JSON.stringify(documentWith())}]`,
    "{",
    "{}x",
    "<html>",
    "\uFEFF\uFEFF{}",
  ])("must be a JSON object, not %j", (text) => {
    expect(thrown(() => parseClientDocument(clientId, text, rules))).toMatchObject(refusal);
  });

  it("may be nested as deeply as its size allows", () => {
    const deep = `${"[".repeat(2000)}${"]".repeat(2000)}`;
    const text = JSON.stringify(documentWith()).replace("}", `,"jwks":${deep},"redirect_uris":${deep}}`);
    expect(thrown(() => parseClientDocument(clientId, text, rules))).toMatchObject({ error: "invalid_client" });
  });

  it("has no power over prototypes", () => {
    const hostile =
      '"__proto__":{"token_endpoint_auth_method":"client_secret_basic","polluted":1},"constructor":{"x":1}';
    const text = JSON.stringify(documentWith()).replace("{", `{${hostile},`);
    const information = parseClientDocument(clientId, text, rules);
    expect(Object.getPrototypeOf(information)).toBe(Object.prototype);
    expect(information.token_endpoint_auth_method).toBe("none");
    expect(Object.hasOwn(information, "constructor")).toBe(false);
    expect("polluted" in {}).toBe(false);
  });

  it("cannot inherit what is required", () => {
    const text = `{"client_id":${JSON.stringify(clientId)},"__proto__":${JSON.stringify(documentWith())}}`;
    expect(thrown(() => parseClientDocument(clientId, text, rules))).toMatchObject(refusal);
  });
});
