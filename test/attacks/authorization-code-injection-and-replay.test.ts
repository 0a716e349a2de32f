import { expect, it } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const start = (): ProviderHarness => new ProviderHarness(providerOptions(emulator.issuerUrl));

async function refused(answer: Promise<Response>): Promise<void> {
  const response = await answer;
  expect(response.status).toBe(400);
  expect(await jsonOf(response)).toEqual({ error: "invalid_grant", error_description: expect.any(String) });
}

it("an attacker's code that is put into the victim's session of the same client is refused there", async () => {
  const harness = start();
  const { client_id } = await harness.register();
  const attackers = await harness.codeFor(client_id);
  const victims = await harness.codeFor(client_id);
  await refused(harness.redeem({ ...victims, code: attackers.code }));
  expect((await harness.redeem(victims)).status, "the victim's own code still works").toBe(200);
});

it("a stolen code is worth nothing without its verifier, and the attempt takes nothing from its owner", async () => {
  const harness = start();
  const stolen = await harness.codeFor((await harness.register()).client_id);
  for (const verifier of [pkce().verifier, "x".repeat(43), "", stolen.verifier.slice(0, -1)]) {
    const response = await harness.redeem({ ...stolen, verifier });
    expect(response.status).toBe(400);
  }
  await refused(harness.redeem({ ...stolen, verifier: pkce().verifier }));
  expect((await harness.redeem(stolen)).status).toBe(200);
});

it("a stolen code cannot be redeemed by the attacker's own client, verifier and all", async () => {
  const harness = start();
  const stolen = await harness.codeFor((await harness.register()).client_id);
  const attacker = await harness.register();
  await refused(harness.redeem({ ...stolen, clientId: attacker.client_id }));
});

it("a stolen code cannot be redeemed for another redirect URI of the same client", async () => {
  const harness = start();
  const redirect_uris = [harness.redirectUri, "https://app.example/callback"];
  const stolen = await harness.codeFor((await harness.register({ redirect_uris })).client_id);
  await refused(harness.redeem(stolen, { redirect_uri: "https://app.example/callback" }));
});

it("a replayed code ends every token that the first use led to, those of later refreshes included", async () => {
  const harness = start();
  const tokens = await harness.tokens();
  const renewed = await jsonOf(await harness.refresh(tokens));
  expect(await harness.mcpStatus(renewed.access_token)).toBe(200);

  await refused(harness.redeem(tokens));
  expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
  expect(await harness.mcpStatus(renewed.access_token)).toBe(401);
  await refused(harness.refresh({ ...tokens, ...renewed }));
});

it("a code is neither an access token nor a refresh token, nor the other way round", async () => {
  const harness = start();
  const { client_id } = await harness.register();
  const unused = await harness.codeFor(client_id);
  expect(await harness.mcpStatus(unused.code)).toBe(401);
  await refused(harness.refresh({ clientId: client_id, refresh_token: unused.code }));

  const tokens = await harness.tokensFor(client_id);
  expect(await harness.mcpStatus(tokens.refresh_token)).toBe(401);
  await refused(harness.redeem({ ...tokens, code: tokens.access_token }));
  await refused(harness.redeem({ ...tokens, code: tokens.refresh_token }));
  await refused(harness.refresh({ clientId: client_id, refresh_token: tokens.access_token }));
  expect(await harness.mcpStatus(tokens.access_token), "none of it hurt the login").toBe(200);
});
