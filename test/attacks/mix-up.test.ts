import * as oauth from "oauth4webapi";
import { expect, it } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const start = (): ProviderHarness => new ProviderHarness(providerOptions(emulator.issuerUrl));

async function answers(harness: ProviderHarness): Promise<Record<string, URL>> {
  const { client_id } = await harness.register();
  const parameters = { client_id, code_challenge: pkce().challenge };
  const locationOf = (response: Response) => new URL(response.headers.get("location") ?? "");
  const asked = await harness.openConsentPage(parameters);
  return {
    "a code": await harness.logIn(parameters),
    "the person's no": locationOf(await harness.decide(asked, "deny")),
    "a bad request": locationOf(await harness.get(harness.authorizePath({ ...parameters, response_type: "token" }))),
    "a login that was cancelled at Pangea": await harness.logIn(parameters, { cancelLogin: true }),
  };
}

it("every answer says which server gives it, so that a client that knows several is not mixed up", async () => {
  const harness = start();
  const metadata = await jsonOf(await harness.get("/.well-known/oauth-authorization-server"));
  expect(metadata).toMatchObject({
    issuer: harness.provider.issuer,
    authorization_response_iss_parameter_supported: true,
  });
  for (const [name, answer] of Object.entries(await answers(harness))) {
    expect(answer.searchParams.getAll("iss"), name).toEqual([harness.provider.issuer]);
  }
});

it("a client that began its login at an attacker's server sees that the answer is not from there", async () => {
  const harness = start();
  const { client_id } = await harness.register();
  const answer = await harness.logIn({ client_id, code_challenge: pkce().challenge });
  const check = (issuer: string) =>
    oauth.validateAuthResponse(
      { issuer, authorization_response_iss_parameter_supported: true },
      { client_id },
      answer,
      "client-state",
    );
  expect(() => check("https://evil.example")).toThrow(expect.objectContaining({ code: oauth.INVALID_RESPONSE }));
  expect(check(harness.provider.issuer).get("code")).toMatch(/^pmcp_ac_/);
});

it("a callback in another issuer's name is refused, and its code is sent to nobody", async () => {
  const harness = start();
  const { client_id } = await harness.register();
  const { location, cookie } = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  const callback = await harness.logInUpstream(location);
  const forged = new URL(callback);
  forged.searchParams.set("iss", "https://evil.example");
  emulator.calls.reset();
  const refusal = await harness.finishLogin(forged, cookie);
  expect(refusal.searchParams.get("error")).toBe("server_error");
  expect(refusal.searchParams.get("code")).toBeNull();
  expect(emulator.calls.total("authn")).toBe(0);

  const answer = await harness.finishLogin(callback, cookie);
  expect(answer.searchParams.get("code"), "the real one goes through").toMatch(/^pmcp_ac_/);
});

it("a token answer names no place to send anything to", async () => {
  const harness = start();
  const tokens = await harness.tokens();
  const renewed = await jsonOf(await harness.refresh(tokens));
  expect(Object.keys(renewed).sort()).toEqual(["access_token", "expires_in", "refresh_token", "scope", "token_type"]);
});
