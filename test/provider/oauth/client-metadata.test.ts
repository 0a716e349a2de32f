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
  });

  it("keeps what it says, each value once", () => {
    const said = {
      token_endpoint_auth_method: "client_secret_post",
      client_name: "App",
      client_uri: "https://app.example/",
      logo_uri: "http://app.example/logo.png",
      contacts: ["ada@app.example"],
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

  it.each(["none", "client_secret_post", "client_secret_basic"])("may name the method %s", (method) => {
    expect(parse({ redirect_uris, token_endpoint_auth_method: method }).token_endpoint_auth_method).toBe(method);
  });

  it.each(["native", "web"])("may name the application type %s", (application_type) => {
    expect(parse({ redirect_uris, application_type }).application_type).toBe(application_type);
  });

  it.each([undefined, null, "text", 5, true, [], [{ redirect_uris }]])("is not %j", (metadata) => {
    expect(() => parse(metadata)).toThrow(refusal("invalid_client_metadata"));
  });

  it.each([
    {},
    { redirect_uris: [] },
    { redirect_uris: "https://app.example/callback" },
    { redirect_uris: [5] },
    { token_endpoint_auth_method: "private_key_jwt" },
    { application_type: "other" },
    { grant_types: "authorization_code" },
    { grant_types: [] },
    { grant_types: ["refresh_token"] },
    { response_types: [] },
    { response_types: ["token"] },
    ...["client_uri", "logo_uri", "tos_uri", "policy_uri"].flatMap((member) =>
      ["app", "ftp://app.example/", "javascript:alert(1)", "xhttps://app.example/", 5].map((uri) => ({
        [member]: uri,
      })),
    ),
  ])("is refused with %j", (changes) => {
    const metadata =
      "redirect_uris" in changes || Object.keys(changes).length === 0 ? changes : { redirect_uris, ...changes };
    expect(() => parse(metadata)).toThrow(refusal("invalid_client_metadata"));
  });

  it("is refused with a redirect URI that must not be registered, whichever it is", () => {
    const metadata = { redirect_uris: [...redirect_uris, "http://app.example/callback"] };
    expect(() => parse(metadata)).toThrow(refusal("invalid_redirect_uri"));
  });

  const text = (length: number) => "x".repeat(length);
  const page = (length: number) => `https://app.example/${text(length - 20)}`;
  const bounds: [string, number, (size: number) => unknown][] = [
    ["redirect_uris", 20, (size) => list(size, (index) => `https://app.example/${index}`)],
    ["grant_types", 10, (size) => ["authorization_code", ...list(size - 1, (index) => `type-${index}`)]],
    ["response_types", 10, (size) => ["code", ...list(size - 1, (index) => `type-${index}`)]],
    ["grant_types", 512, (size) => ["authorization_code", text(size)]],
    ["response_types", 512, (size) => ["code", text(size)]],
    ["client_name", 200, text],
    ["client_uri", 2048, page],
    ["contacts", 10, (size) => list(size, (index) => `ada-${index}@app.example`)],
    ["contacts", 512, (size) => [text(size)]],
    ["software_id", 512, text],
    ["software_version", 512, text],
  ];
  it.each(bounds)("has a bound: %s of %i", (member, most, make) => {
    expect(() => parse({ redirect_uris, [member]: make(most) })).not.toThrow();
    expect(() => parse({ redirect_uris, [member]: make(most + 1) })).toThrow(refusal("invalid_client_metadata"));
  });
});
