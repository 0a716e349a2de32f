import { beforeEach, expect, it } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { type IssuedTokens, ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

let clock: ManualClock;
let harness: ProviderHarness;
beforeEach(() => {
  clock = new ManualClock();
  harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), clock: clock.read });
});

/** Refreshes twice, and then waits until the answer to the first cannot be asked for again. */
async function rotate(tokens: IssuedTokens): Promise<IssuedTokens> {
  let renewed = tokens;
  for (let round = 0; round < 2; round += 1) {
    renewed = { ...tokens, ...(await jsonOf(await harness.refresh(renewed))) };
  }
  clock.advanceSeconds(31);
  return renewed;
}

async function isOver(...all: readonly IssuedTokens[]): Promise<void> {
  for (const tokens of all) {
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    const refusal = await harness.refresh(tokens);
    expect([refusal.status, (await jsonOf(refusal)).error]).toEqual([400, "invalid_grant"]);
  }
}

it("a thief who comes after the client ends the login for both", async () => {
  const stolen = await harness.tokens();
  const clients = await rotate(stolen);
  expect((await harness.refresh(stolen)).status).toBe(400);
  await isOver(stolen, clients);
});

it("a client who comes after the thief ends the login for both", async () => {
  const clients = await harness.tokens();
  const thiefs = await rotate(await rotate(clients));
  expect((await harness.refresh(clients)).status).toBe(400);
  await isOver(clients, thiefs);
});

it("a token of any earlier generation counts", async () => {
  const first = await harness.tokens();
  const second = await rotate(first);
  const third = await rotate(second);
  const fourth = await rotate(third);
  await harness.refresh(second);
  await isOver(fourth, third);
});

it("a thief and a client who both hold an answer of which nothing was used yet find each other out", async () => {
  const tokens = await harness.tokens();
  const clients = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
  clock.advanceSeconds(86_400);
  // The thief has the spent token, and gets the client's answer: the successor is one, and the second of two uses counts.
  const thiefs = { ...tokens, ...(await jsonOf(await harness.refresh(tokens))) };
  expect(thiefs.refresh_token).toBe(clients.refresh_token);
  const next = { ...tokens, ...(await jsonOf(await harness.refresh(clients))) };
  const last = { ...tokens, ...(await jsonOf(await harness.refresh(next))) };
  clock.advanceSeconds(31);
  expect((await harness.refresh(thiefs)).status).toBe(400);
  await isOver(thiefs, last);
});

it("a token that is so old that its record is gone counts all the same", async () => {
  const stolen = await harness.tokens();
  const clients = await rotate(stolen);
  clock.advanceSeconds(20 * 86_400);
  const last = await rotate(clients);
  expect((await harness.refresh(stolen)).status).toBe(400);
  await isOver(last);
});

it("Pangea is told to end the user's session", async () => {
  const tokens = await harness.tokens();
  const { token } = await harness.provider.pangeaToken({ token: tokens.access_token });
  await rotate(tokens);
  emulator.calls.reset();
  await harness.refresh(tokens);
  expect(emulator.calls.snapshot()).toMatchObject({ "v2/oauth/token/revoke": 2 });
  expect(token).toMatch(/^ptu_/);
});

it("the attack ends no other login, not even of the same client", async () => {
  const tokens = await harness.tokens();
  const others = await harness.tokensFor(tokens.clientId);
  await rotate(tokens);
  await harness.refresh(tokens);
  expect((await harness.refresh(others)).status).toBe(200);
});

it("another client cannot end the login by showing a spent token", async () => {
  const tokens = await harness.tokens();
  const renewed = await rotate(tokens);
  const { client_id } = await harness.register();
  expect((await harness.refresh({ ...tokens, clientId: client_id })).status).toBe(400);
  expect((await harness.refresh(renewed)).status).toBe(200);
});
