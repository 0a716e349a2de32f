import { describe, expect, it } from "vitest";
import { parseClientMetadata } from "../../../src/provider/oauth/client-metadata.ts";

const redirect_uris = ["https://app.example/callback"];
const scopes = { valid: ["user", "admin"], defaults: ["user"] };
const parse = (metadata: unknown) => parseClientMetadata(metadata, scopes);
const least = { redirect_uris, grant_types: ["authorization_code"], response_types: ["code"], scope: "user" };
const list = (length: number, entry: (index: number) => string) => Array.from({ length }, (_, index) => entry(index));
const refusal = (error: string) => expect.objectContaining({ code: "ERR_OAUTH", error });

describe("client metadata", () => {
  it("that says only where to answer gets what RFC 7591 says, and the default scopes", () => {
    expect(parse({ redirect_uris })).toEqual(least);
  });

  it("with nulls, empty texts and members that this server has no use for is as if they were not there", () => {
    const nothing = { client_name: null, client_uri: "", scope: null, grant_types: null, tls_client_auth_san_dns: "x" };
    expect(parse({ redirect_uris, ...nothing })).toEqual(least);
    for (const value of [null, undefined, "", []]) {
      expect(parse({ redirect_uris, token_endpoint_auth_method: value, client_name: value })).toEqual(least);
    }
    expect(parse({ redirect_uris, grant_types: " ", response_types: [",", " , "] })).toEqual(least);
  });

  it("keeps what it says, each value once", () => {
    const said = {
      token_endpoint_auth_method: "client_secret_post",
      client_name: "App",
      client_uri: "https://app.example/",
      logo_uri: "http://app.example/logo.png",
      contacts: ["ada@app.example", "grace@app.example"],
      tos_uri: "https://app.example/terms",
      policy_uri: "https://app.example/privacy",
      software_id: "app",
      software_version: "1",
      application_type: "web",
    };
    const repeated = {
      redirect_uris: [...redirect_uris, ...redirect_uris],
      grant_types: [
        "refresh_token",
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
      ],
      response_types: ["token", "code"],
      scope: "  admin user  admin ",
    };
    expect(parse({ ...said, ...repeated })).toEqual({
      ...said,
      redirect_uris,
      grant_types: ["refresh_token", "authorization_code"],
      response_types: ["code"],
      scope: "admin user",
    });
  });

  it.each([
    [" ", "user"],
    ["admin root", "admin"],
    ["openid profile email", "user"],
    ["claudeai", "user"],
    ['us"er', "user"],
    ["offline_access", "user offline_access"],
    ["openid admin offline_access", "admin offline_access"],
    [["admin", "root"], "admin"],
    [["admin user", 5], "admin user"],
    [5, "user"],
    [{ admin: true }, "user"],
    [`admin ${"x".repeat(5000)}`, "admin"],
  ])("names the scopes that it may have, of %j", (scope, kept) => {
    expect(parse({ redirect_uris, scope }).scope).toBe(kept);
  });

  it("names no scope in what is no text, even where there is a scope of that name", () => {
    for (const scope of [5, true, [5]]) {
      const named = parseClientMetadata({ redirect_uris, scope }, { ...scopes, valid: ["user", "5", "true"] });
      expect(named.scope).toBe("user");
    }
  });

  it.each(["magic", "client_secret_jwt", "tls_client_auth", 5, ["none"]])(
    "gets a secret in the place of the method %j, which is not offered",
    (method) => {
      expect(parse({ redirect_uris, token_endpoint_auth_method: method }).token_endpoint_auth_method).toBe(
        "client_secret_basic",
      );
    },
  );

  it.each(["none", "client_secret_post", "client_secret_basic"])("may name the method %s", (method) => {
    expect(parse({ redirect_uris, token_endpoint_auth_method: method }).token_endpoint_auth_method).toBe(method);
  });

  it.each(["native", "web"])("may name the application type %s", (application_type) => {
    expect(parse({ redirect_uris, application_type }).application_type).toBe(application_type);
  });

  it.each<[string, object]>([
    ["a redirect URI that is in no list", { redirect_uris: redirect_uris[0] }],
    ["grants in one text of a list", { grant_types: ["authorization_code implicit"] }],
    ["the implicit grant beside codes", { grant_types: ["implicit", "authorization_code"], response_types: ["token"] }],
    ["responses in one text of a list", { response_types: ["code token"] }],
  ])("is narrowed to what is served: %s", (_, changes) => {
    expect(parse({ redirect_uris, ...changes })).toEqual(least);
  });

  it.each([undefined, null, "text", 5, true, [], [{ redirect_uris }]])("is not %j", (metadata) => {
    expect(() => parse(metadata)).toThrow(refusal("invalid_client_metadata"));
  });

  it.each([
    {},
    { redirect_uris: [] },
    { redirect_uris: 5 },
    { redirect_uris: [5] },
    { token_endpoint_auth_method: "private_key_jwt" },
    { grant_types: ["client_credentials"] },
    { grant_types: ["client_credentials"], response_types: ["token"] },
    { response_types: ["token"] },
  ])("is refused with %j", (changes) => {
    const metadata =
      "redirect_uris" in changes || Object.keys(changes).length === 0 ? changes : { redirect_uris, ...changes };
    expect(() => parse(metadata)).toThrow(refusal("invalid_client_metadata"));
  });

  it.each([
    ...["client_uri", "logo_uri", "tos_uri", "policy_uri"].flatMap((member) =>
      [
        "app",
        "ftp://app.example/",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "xhttp://app.example/",
        "httpx://app.example/",
        "x".repeat(3000),
        5,
        {},
        [],
      ].map((uri) => ({ [member]: uri })),
    ),
    ...["other", "browser", 5, ["web"]].map((application_type) => ({ application_type })),
    ...["ada@app.example", [5], [], { email: "ada" }, Array(11).fill("ada"), [""]].map((contacts) => ({ contacts })),
    ...[5, {}, "s".repeat(513)].map((software_id) => ({ software_id })),
    ...[5, {}, "s".repeat(513)].map((software_version) => ({ software_version })),
    ...[5, {}, []].map((client_name) => ({ client_name })),
    ...[5, {}, []].map((scope) => ({ scope })),
    ...[[], [5], 5, {}].flatMap((types) => [{ grant_types: types }, { response_types: types }]),
    { jwks: { keys: [{ d: "private" }] }, jwks_uri: "http://app.example/" },
  ])("is as if what is no good in it were not there: %j", (changes) => {
    expect(parse({ redirect_uris, ...changes })).toEqual(least);
  });

  it("has lists as texts, and a scope as a list, as some clients write them", () => {
    const metadata = { redirect_uris, grant_types: "authorization_code refresh_token", response_types: "code" };
    expect(parse({ ...metadata, scope: ["admin", "user"] })).toEqual({
      ...least,
      grant_types: ["authorization_code", "refresh_token"],
      scope: "admin user",
    });
  });

  it.each([
    [["refresh_token"], undefined, ["authorization_code", "refresh_token"]],
    [["implicit"], ["code"], ["authorization_code"]],
    [["client_credentials", "refresh_token"], ["code id_token"], ["authorization_code", "refresh_token"]],
  ])("gets codes with the grant types %j and the response types %j", (grant_types, response_types, given) => {
    expect(parse({ redirect_uris, grant_types, response_types }).grant_types).toEqual(given);
  });

  it("keeps the redirect URIs that can be used, in their order, and is refused where there are none", () => {
    const bad = ["http://app.example/callback", "javascript:alert(1)", "", "app.example", 5, null];
    const good = [...redirect_uris, "http://localhost/callback"];
    expect(parse({ redirect_uris: [bad[0], good[0], ...bad.slice(1), good[1]] }).redirect_uris).toEqual(good);
    expect(() => parse({ redirect_uris: bad })).toThrow(refusal("invalid_redirect_uri"));
  });

  it("has the first 900 of its redirect URIs looked at, and no more", () => {
    const bad = (length: number) => list(length, (index) => `http://app.example/${index}`);
    expect(parse({ redirect_uris: [...bad(899), ...redirect_uris] }).redirect_uris).toEqual(redirect_uris);
    const late = { redirect_uris: [...bad(900), ...redirect_uris] };
    expect(() => parse(late)).toThrow(refusal("invalid_redirect_uri"));
  });

  describe("of a client that signs", () => {
    const key = { kty: "EC", crv: "P-256", x: "eA", y: "eQ", kid: "1" };
    const jwks_uri = "https://app.example/keys.json";
    const signing = (keys: object) => parse({ redirect_uris, token_endpoint_auth_method: "private_key_jwt", ...keys });

    it("has its keys, or where they are; the latter where it gives both", () => {
      expect(signing({ jwks: { keys: [{ ...key, x5c: ["chain"] }, { kty: "oct" }] } })).toEqual({
        ...least,
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [key] },
      });
      expect(signing({ jwks_uri }).jwks_uri).toBe(jwks_uri);
      expect(signing({ jwks_uri, jwks: { keys: [key] } })).not.toHaveProperty("jwks");
      expect(signing({ jwks_uri: "http://app.example/keys.json", jwks: { keys: [key] } })).not.toHaveProperty(
        "jwks_uri",
      );
    });

    it.each([
      {},
      { jwks: { keys: [] } },
      { jwks: "keys" },
      { jwks_uri: "http://app.example/keys.json" },
      { jwks_uri: "https://user@app.example/keys.json" },
      { jwks_uri: "https://app.example/keys.json#one" },
      { jwks_uri: 5 },
      { jwks_uri, jwks: { keys: [{ ...key, d: "private" }] } },
      { jwks: { keys: Array.from({ length: 30 }, () => ({ kty: "RSA", n: "n".repeat(340), e: "AQAB" })) } },
    ])("is refused with the keys %j", (keys) => {
      expect(() => signing(keys)).toThrow(refusal("invalid_client_metadata"));
    });
  });

  const sizeOf = (metadata: object) => Buffer.byteLength(JSON.stringify(metadata));

  it("is made to fit into 7 KiB: without what is for show, and without the last of its redirect URIs", () => {
    const longUri = (index: number) => `https://app.example/${index}${"p".repeat(990)}`;
    const show = {
      client_uri: `https://app.example/${"x".repeat(2000)}`,
      contacts: list(10, (index) => `${index}${"c".repeat(500)}`),
      logo_uri: `https://app.example/${"x".repeat(2000)}`,
    };
    const named = parse({ redirect_uris, client_name: "é".repeat(300), ...show });
    expect(named.client_name).toBe("é".repeat(200));
    expect(named).toMatchObject({ logo_uri: show.logo_uri, client_uri: show.client_uri });
    expect(named).not.toHaveProperty("contacts");
    expect(sizeOf(named)).toBeLessThanOrEqual(7 * 1024);
    const many = parse({ redirect_uris: list(20, longUri), ...show });
    expect(many.redirect_uris).toEqual(list(6, longUri));
    expect(sizeOf(many)).toBeLessThanOrEqual(7 * 1024);
    expect(parse({ redirect_uris: list(100, (index) => `https://app.example/${index}`) }).redirect_uris).toHaveLength(
      100,
    );
  });

  it("keeps all of its redirect URIs where the last of what is for show has made room enough", () => {
    const uris = list(6, (index) => `https://app.example/${index}${"p".repeat(1000)}`);
    const software = { software_id: "i".repeat(512), software_version: "v".repeat(512) };
    const kept = parse({ redirect_uris: uris, client_name: "é".repeat(200), ...software });
    expect(kept).not.toHaveProperty("software_id");
    expect(kept.redirect_uris).toEqual(uris);
  });

  it.each(list(12, String))("keeps as many redirect URIs as fit, to the byte: name of %s more", (more) => {
    const uris = list(900, (index) => `com.x${index}:/`);
    const given = { client_name: "n".repeat(100 + Number(more)) };
    const kept = parse({ ...given, redirect_uris: uris });
    expect(kept.redirect_uris).toEqual(uris.slice(0, kept.redirect_uris.length));
    expect(sizeOf(kept)).toBeLessThanOrEqual(7 * 1024);
    const [next = ""] = uris.slice(kept.redirect_uris.length);
    expect(sizeOf({ ...kept, redirect_uris: [...kept.redirect_uris, next] })).toBeGreaterThan(7 * 1024);
  });
});
