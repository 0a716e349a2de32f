import { describe, expect, it } from "vitest";
import { readClientCredentials } from "../../../src/provider/clients/client-authentication.ts";
import { OAuthParameters } from "../../../src/provider/http/request-body.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ProviderHarness, pkce, providerOptions } from "../../support/provider-harness.ts";

/** A form with these parameters. */
const credentialsOf = (authorization: string | null, form: Record<string, string>) =>
  readClientCredentials(authorization, new OAuthParameters(new URLSearchParams(form)));
const basic = (id: string, secret: string): string => `Basic ${btoa(`${id}:${secret}`)}`;

describe("client credentials", () => {
  it("in the Authorization header are form-urlencoded (RFC 6749 section 2.3.1)", () => {
    expect(credentialsOf(basic("a%3Ab", "c+d%25"), {})).toEqual({
      clientId: "a:b",
      secret: "c d%",
    });
  });

  it("may have a colon in the secret", () => {
    expect(credentialsOf(basic("id", "a:b"), {}).secret).toBe("a:b");
  });

  it("come from the form without the header", () => {
    expect(credentialsOf(null, { client_id: "id", client_secret: "s" })).toEqual({
      clientId: "id",
      secret: "s",
    });
    expect(credentialsOf(null, { client_id: "id", client_secret: "" })).toEqual({
      clientId: "id",
    });
  });

  it.each([
    ["two methods at once", basic("id", "s"), { client_secret: "s" }, "invalid_request"],
    ["two different ids", basic("id", "s"), { client_id: "other" }, "invalid_request"],
    ["no id", null, {}, "invalid_client"],
    ["another scheme", "Bearer x", {}, "invalid_client"],
    ["no colon", `Basic ${btoa("id")}`, {}, "invalid_client"],
    ["a broken escape", basic("id", "%zz"), {}, "invalid_client"],
    ["an empty id", basic("", "s"), {}, "invalid_client"],
    ["nothing after the scheme", "Basic", {}, "invalid_client"],
  ])("with %s are refused", (_, header, form, error) => {
    expect(() => credentialsOf(header, form)).toThrow(expect.objectContaining({ error }));
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

  it("answers 401 to a wrong or missing secret, with WWW-Authenticate where the header was used", async () => {
    const harness = start();
    const { client_id } = await confidential(harness);
    const wrong = await harness.postForm("/token", refreshForm, { authorization: basic(client_id, "wrong") });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("www-authenticate")).toMatch(/^Basic /);
    expect((await jsonOf(wrong)).error).toBe("invalid_client");
    const missing = await harness.postForm("/token", { ...refreshForm, client_id });
    expect(missing.status).toBe(401);
    expect(missing.headers.get("www-authenticate")).toBeNull();
  });

  it("refuses a secret from a public client", async () => {
    const harness = start();
    const { client_id } = await harness.register();
    const answer = await harness.postForm("/token", { ...refreshForm, client_id, client_secret: "x" });
    expect((await jsonOf(answer)).error).toBe("invalid_client");
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
