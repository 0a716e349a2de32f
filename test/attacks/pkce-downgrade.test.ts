import { expect, it } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const start = (): ProviderHarness => new ProviderHarness(providerOptions(emulator.issuerUrl));
const { verifier, challenge } = pkce();

it("the metadata offers S256 and nothing weaker", async () => {
  const metadata = await jsonOf(await start().get("/.well-known/oauth-authorization-server"));
  expect(metadata).toMatchObject({ code_challenge_methods_supported: ["S256"] });
});

it.each([
  ["no challenge", {}],
  ["an empty challenge", { code_challenge: "" }],
  ["plain", { code_challenge: verifier, code_challenge_method: "plain" }],
  ["no method, which would mean plain", { code_challenge: challenge, code_challenge_method: "" }],
  ["the method in lower case", { code_challenge: challenge, code_challenge_method: "s256" }],
  ["a method of their own", { code_challenge: challenge, code_challenge_method: "none" }],
  ["a challenge that is too short", { code_challenge: challenge.slice(1) }],
  ["a challenge with padding", { code_challenge: `${challenge}=` }],
] as const)("a request with %s gets no login, for public and confidential clients alike", async (_, changes) => {
  const harness = start();
  for (const method of ["none", "client_secret_basic"]) {
    const { client_id } = await harness.register({ token_endpoint_auth_method: method });
    const response = await harness.get(harness.authorizePath({ client_id, ...changes }));
    const location = new URL(response.headers.get("location") ?? "");
    expect(location.searchParams.get("error")).toBe("invalid_request");
    expect(response.headers.getSetCookie()).toEqual([]);
  }
});

it.each([
  ["no verifier", { code_verifier: "" }],
  ["the challenge as the verifier", { code_verifier: challenge }],
  ["another verifier", { code_verifier: pkce().verifier }],
  ["the verifier and more", { code_verifier: `${verifier}a` }],
  ["a method in the token request", { code_verifier: challenge, code_challenge_method: "plain" }],
] as const)("a code is not given out for %s", async (_, changes) => {
  const harness = start();
  const { client_id } = await harness.register();
  const answer = await harness.logIn({ client_id, code_challenge: challenge });
  const issued = { clientId: client_id, code: answer.searchParams.get("code") ?? "", verifier };
  const refusal = await harness.redeem(issued, changes);
  expect(refusal.status).toBe(400);
  expect((await jsonOf(refusal)).access_token).toBeUndefined();
});

it("the right verifier gets the tokens", async () => {
  expect((await start().tokens()).access_token).toMatch(/^pmcp_at_/);
});
