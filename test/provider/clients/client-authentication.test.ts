import { describe, expect, it } from "vitest";
import {
  checkClientSecret,
  clientAuthenticationOf,
  readClientCredentials,
} from "../../../src/provider/clients/client-authentication.ts";
import { OAuthParameters } from "../../../src/provider/http/request-body.ts";
import type { ClientAuthentication } from "../../../src/records/authorization-code.ts";
import type { OAuthClientInformation } from "../../../src/records/oauth-client-information.ts";
import { tokenKey } from "../../../src/secrets/storage-key.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";

/** A form with these parameters. */
const credentialsOf = (authorization: string | null, form: Record<string, string>) =>
  readClientCredentials(authorization, new OAuthParameters(new URLSearchParams(form)));
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const basic = (id: string, secret: string): string => `Basic ${btoa(`${id}:${secret}`)}`;

describe("client credentials", () => {
  it("in the Authorization header are form-urlencoded (RFC 6749 section 2.3.1)", () => {
    expect(credentialsOf(basic("a%3Ab", "c+d%25"), {})).toEqual({
      clientId: "a:b",
      secret: "c d%",
      undecodedSecret: "c+d%25",
    });
  });

  it.each([
    ["a+b", { secret: "a b", undecodedSecret: "a+b" }],
    ["a%41", { secret: "aA", undecodedSecret: "a%41" }],
    ["50%", { secret: "50%" }],
    ["%zz", { secret: "%zz" }],
    ["a/b=", { secret: "a/b=" }],
  ])("may have a secret that was not encoded: %s", (secret, expected) => {
    expect(credentialsOf(basic("id", secret), {})).toStrictEqual({ clientId: "id", ...expected });
    expect(credentialsOf(basic("id", secret), { client_secret: secret })).toMatchObject(expected);
  });

  it("may have a colon in the secret", () => {
    expect(credentialsOf(basic("id", "a:b"), {}).secret).toBe("a:b");
  });

  it.each([basic("id", "s").replace("Basic", "bASIC"), basic("id", "s").replace(" ", "   "), ` ${basic("id", "s")} `])(
    "may be written as %j",
    (header) => {
      expect(credentialsOf(header, {})).toEqual({ clientId: "id", secret: "s" });
      expect(credentialsOf(header, { client_id: "id" })).toEqual({ clientId: "id", secret: "s" });
    },
  );

  it("in the Authorization header may have no secret", () => {
    expect(credentialsOf(basic("id", ""), {})).toStrictEqual({ clientId: "id" });
    expect(credentialsOf(basic("id", "a\nb"), {}).secret).toBe("a\nb");
  });

  it("are an assertion, whose subject is the client", () => {
    const [header, payload] = [{ alg: "ES256" }, { sub: "id" }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString("base64url"),
    );
    const client_assertion = `${header}.${payload}.AAAA`;
    const form = { client_assertion, client_assertion_type: jwtBearer };
    expect(credentialsOf(null, form)).toEqual({ clientId: "id", assertion: client_assertion });
    expect(credentialsOf(null, { ...form, client_id: "id" })).toEqual({ clientId: "id", assertion: client_assertion });
    for (const other of [
      { ...form, client_id: "other" },
      { ...form, client_assertion_type: "saml" },
      { client_assertion },
    ]) {
      const read = () => credentialsOf(null, other);
      expect(read).toThrow(expect.objectContaining({ error: "invalid_client" }));
    }
  });

  it.each([5, null, ["id"], undefined])("are no assertion whose subject is %j, which is no client's id", (sub) => {
    const client_assertion = `e30.${Buffer.from(JSON.stringify({ sub })).toString("base64url")}.AAAA`;
    const read = () => credentialsOf(null, { client_assertion, client_assertion_type: jwtBearer });
    expect(read).toThrow(expect.objectContaining({ error: "invalid_client" }));
  });

  it("come from the form without the header", () => {
    expect(credentialsOf(null, { client_id: "id", client_secret: "s" })).toEqual({
      clientId: "id",
      secret: "s",
    });
    expect(credentialsOf(null, { client_id: "id", client_secret: "" })).toStrictEqual({
      clientId: "id",
    });
  });

  it.each<[string, string | null, Record<string, string>]>([
    ["a token of the client's", "Bearer x", {}],
    ["an empty header", "", {}],
    ["a header of white space", "  ", {}],
    ["another scheme that ends alike", basic("id", "s").replace("Basic", "xBasic"), {}],
    ["a secret that is not set", null, { client_secret: "undefined" }],
    ["a secret that is null", null, { client_secret: "null" }],
    ["a secret that is None", null, { client_secret: "None" }],
    ["a header in which nothing is set", basic("undefined", "undefined"), {}],
    ["a header of an empty id and secret", basic("", ""), {}],
    ["a header with a secret that is not set", basic("id", "undefined"), {}],
    ["a type and no assertion", null, { client_assertion_type: jwtBearer }],
  ])("are a public client's, whatever proves nothing: %s", (_, header, form) => {
    expect(credentialsOf(header, { client_id: "id", ...form })).toStrictEqual({ clientId: "id" });
  });

  it("are the secret in the form beside a header of another scheme", () => {
    const form = { client_id: "id", client_secret: "s" };
    expect(credentialsOf("Bearer x", form)).toEqual({ clientId: "id", secret: "s" });
  });

  it("may have the same secret twice, as some clients send it", () => {
    const credentials = credentialsOf(basic("id", "s"), { client_id: "id", client_secret: "s" });
    expect(credentials).toEqual({ clientId: "id", secret: "s" });
  });

  it.each([
    ["two secrets at once", basic("id", "s"), { client_secret: "other" }, "invalid_request"],
    ["a secret in the form only", basic("id", ""), { client_secret: "s" }, "invalid_request"],
    ["two different ids", basic("id", "s"), { client_id: "other" }, "invalid_request"],
    ["no id", null, {}, "invalid_client"],
    ["another scheme", "Bearer x", {}, "invalid_client"],
    ["no colon", `Basic ${btoa("id")}`, {}, "invalid_client"],
    ["a broken escape in the id", basic("%zz", "s"), {}, "invalid_client"],
    ["an empty id", basic("", "s"), {}, "invalid_client"],
    ["nothing after the scheme", "Basic", {}, "invalid_client"],
    ["nothing after the scheme, beside an id in the form", "Basic", { client_id: "id" }, "invalid_client"],
    ["credentials behind others", `Basic x ${basic("id", "s")}`, {}, "invalid_client"],
    ["another scheme that ends alike", basic("id", "s").replace("Basic", "xBasic"), {}, "invalid_client"],
    ["something behind them", `${basic("id", "s")} x`, {}, "invalid_client"],
    ["an assertion and a header", basic("id", "s"), { client_assertion: "x" }, "invalid_request"],
    ["an assertion and a secret", null, { client_assertion: "x", client_secret: "s" }, "invalid_request"],
    ["an assertion of no type", null, { client_assertion: "x" }, "invalid_client"],
    ["an assertion of another type", null, { client_assertion: "x", client_assertion_type: "saml" }, "invalid_client"],
    ["a type and no assertion", null, { client_assertion_type: jwtBearer }, "invalid_client"],
    ["no JWT", null, { client_assertion: "x", client_assertion_type: jwtBearer }, "invalid_client"],
  ])("with %s are refused", (_, header, form, error) => {
    expect(() => credentialsOf(header, form)).toThrow(expect.objectContaining({ error }));
  });
});

describe("how a client authenticates", () => {
  const client = { client_id: "app", redirect_uris: ["https://app.example/callback"] };
  const grantTypes = ["authorization_code"];
  it.each<[string, Partial<OAuthClientInformation>, object]>([
    ["is by nothing where it has no secret", {}, { tokenEndpointAuthMethod: "none", grantTypes }],
    [
      "is by its hashed secret, and what the record says",
      {
        client_secret_hash: tokenKey("x"),
        client_secret_expires_at: 5,
        expiresAt: 7,
        grant_types: ["refresh_token"],
        token_endpoint_auth_method: "client_secret_basic",
      },
      {
        tokenEndpointAuthMethod: "client_secret_basic",
        secretHash: tokenKey("x"),
        secretExpiresAt: 5,
        registeredUntil: 7,
        grantTypes: ["refresh_token"],
      },
    ],
    [
      "is by the plain secret of the Python package, which never expires",
      { client_secret: "x", client_secret_expires_at: 0, token_endpoint_auth_method: "none" },
      { tokenEndpointAuthMethod: "client_secret_post", secretHash: tokenKey("x"), grantTypes },
    ],
    [
      "is by its key",
      { token_endpoint_auth_method: "private_key_jwt" },
      { tokenEndpointAuthMethod: "private_key_jwt", grantTypes },
    ],
  ])("%s", (_, members, expected) => {
    expect(clientAuthenticationOf({ ...client, ...members })).toStrictEqual(expected);
  });

  const bySecret = { tokenEndpointAuthMethod: "client_secret_post", secretHash: tokenKey("x"), grantTypes } as const;
  const byNothing = { tokenEndpointAuthMethod: "none", grantTypes } as const;
  it.each<[boolean, object, ClientAuthentication]>([
    [true, { secret: "x" }, bySecret],
    [true, { secret: "x" }, { ...bySecret, secretExpiresAt: 101 }],
    [false, { secret: "x" }, { ...bySecret, secretExpiresAt: 100 }],
    [false, { secret: "y" }, bySecret],
    [false, {}, bySecret],
    [false, {}, { ...bySecret, secretHash: tokenKey("") }],
    [false, { secret: "" }, { tokenEndpointAuthMethod: "client_secret_post", grantTypes }],
    [false, { assertion: "x" }, bySecret],
    [true, {}, byNothing],
    [true, { secret: "x" }, byNothing],
    [true, { assertion: "x" }, byNothing],
    [true, { secret: "y", undecodedSecret: "x" }, bySecret],
    [true, { secret: "x", undecodedSecret: "y" }, bySecret],
    [false, { secret: "y", undecodedSecret: "z" }, bySecret],
  ])("is good: %j, with %j of %j", (isGood, shown, authentication) => {
    const check = () => checkClientSecret({ clientId: "app", ...shown }, authentication, 100);
    if (isGood) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ error: "invalid_client" }));
  });
});

describe("the token endpoint", () => {
  const start = (options = {}): ProviderHarness =>
    new ProviderHarness({ ...providerOptions("https://login.example"), ...options });
  const refreshForm = { grant_type: "refresh_token", refresh_token: "x" };

  async function confidential(harness: ProviderHarness) {
    const { client_id, client_secret = "" } = await harness.register({
      token_endpoint_auth_method: "client_secret_post",
    });
    return { client_id, client_secret };
  }

  it("knows a confidential client by its secret, sent in either way", async () => {
    const harness = start();
    const { client_id, client_secret } = await confidential(harness);
    const posted = await harness.postForm("/token", { ...refreshForm, client_id, client_secret });
    expect((await jsonOf(posted)).error).toBe("invalid_grant");
    const header = await harness.postForm("/token", refreshForm, { authorization: basic(client_id, client_secret) });
    expect((await jsonOf(header)).error).toBe("invalid_grant");
  });

  it("answers 401 to a wrong secret, with WWW-Authenticate where the header was used", async () => {
    const harness = start();
    const { client_id } = await confidential(harness);
    const wrong = await harness.postForm("/token", refreshForm, { authorization: basic(client_id, "wrong") });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("www-authenticate")).toMatch(/^Basic /);
    expect((await jsonOf(wrong)).error).toBe("invalid_client");
    const posted = await harness.postForm("/token", { ...refreshForm, client_id, client_secret: "wrong" });
    expect(posted.status).toBe(401);
    expect(posted.headers.get("www-authenticate")).toBeNull();
  });

  it("does not look at the secret of a public client, which has none", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const answer = await harness.postForm("/token", { ...refreshForm, client_id, client_secret: "x" });
    expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
  });

  it("refuses a secret that has expired", async () => {
    const clock = new ManualClock();
    const harness = start({ clock: clock.read, clientRegistration: { clientSecretLifetimeSeconds: 60 } });
    const client = await confidential(harness);
    const answer = async () => {
      const response = await harness.postForm("/token", { ...refreshForm, ...client });
      return [response.status, (await jsonOf(response)).error];
    };
    clock.advanceSeconds(59);
    expect(await answer(), "the secret is good").toEqual([400, "invalid_grant"]);
    clock.advanceSeconds(1);
    expect(await answer()).toEqual([401, "invalid_client"]);
  });

  it("says unsupported_grant_type only to a client that has shown itself", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const form = { grant_type: "password", username: "u", password: "p" };
    expect((await jsonOf(await harness.postForm("/token", { ...form, client_id }))).error).toBe(
      "unsupported_grant_type",
    );
    expect((await jsonOf(await harness.postForm("/token", { ...form, client_id: "nobody" }))).error).toBe(
      "invalid_client",
    );
  });

  it("can answer invalid_grant with 401, for clients that loop on 400", async () => {
    const harness = start({ invalidGrantStatus: 401 });
    const { client_id } = await harness.register();
    const answer = await harness.postForm("/token", {
      grant_type: "authorization_code",
      code: "x",
      code_verifier: pkce().verifier,
      client_id,
    });
    expect(answer.status).toBe(401);
    expect((await jsonOf(answer)).error).toBe("invalid_grant");
  });
});
