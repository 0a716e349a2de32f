import { beforeEach, expect, it } from "vitest";
import { createInMemoryRepositories } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { type IssuedTokens, ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

let notes: ProviderHarness;
let payroll: ProviderHarness;
let tokens: IssuedTokens;
/** Two servers of one operator, which share everything that two servers can: store, secret, and client at Pangea. */
beforeEach(async () => {
  const shared = {
    ...providerOptions(emulator.issuerUrl),
    repositories: createInMemoryRepositories(),
    secret: "the secret that both servers are configured with",
  };
  notes = new ProviderHarness({ ...shared, mcpBaseUrl: "http://localhost:8000" });
  payroll = new ProviderHarness({ ...shared, mcpBaseUrl: "http://localhost:8001" });
  tokens = await notes.tokens();
  // The other server is at work too, and announces its keys.
  await payroll.tokensFor(tokens.clientId);
});

it("a code of one server is none of the other's, and stays good for its own", async () => {
  const code = await notes.codeFor(tokens.clientId);
  const answer = await payroll.redeem(code);
  expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
  expect((await notes.redeem(code)).status).toBe(200);
});

it("a refresh token of one server is none of the other's, and stays good for its own", async () => {
  const answer = await payroll.refresh(tokens);
  expect([answer.status, (await jsonOf(answer)).error]).toEqual([400, "invalid_grant"]);
  expect((await notes.refresh(tokens)).status).toBe(200);
});

it("an access token of one server opens neither the other nor, there, the user's Pangea token", async () => {
  expect(await payroll.mcpStatus(tokens.access_token)).toBe(401);
  await expect(payroll.provider.pangeaToken({ token: tokens.access_token })).rejects.toMatchObject({
    error: "invalid_token",
  });
  expect((await notes.provider.pangeaToken({ token: tokens.access_token })).email).toBe("ada@example.com");
});

it("a login that was begun at one server cannot be finished at the other, by the same browser", async () => {
  const begun = await notes.beginLogin({ client_id: tokens.clientId, code_challenge: pkce().challenge });
  const callback = await notes.logInUpstream(begun.location);
  const path = callback.pathname + callback.search;
  const answer = await payroll.get(path, { cookie: begun.cookie });
  expect(answer.status).toBe(400);
  expect(answer.headers.get("location")).toBeNull();
  expect((await notes.finishLogin(callback, begun.cookie)).searchParams.get("code")).not.toBeNull();
});

it("what a person allowed at one server is not allowed at the other", async () => {
  const parameters = { client_id: tokens.clientId, code_challenge: pkce().challenge };
  const begun = await notes.beginLogin(parameters);
  const { cookie } = await notes.followCallback(await notes.logInUpstream(begun.location), begun.cookie);
  expect((await notes.get(notes.authorizePath(parameters), { cookie })).status, "remembered at its own").toBe(302);
  const page = await payroll.get(payroll.authorizePath(parameters), { cookie });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('name="request"');
});

it("a consent page of one server is not to be answered at the other", async () => {
  const page = await notes.openConsentPage({ client_id: tokens.clientId, code_challenge: pkce().challenge });
  const answer = await payroll.decide(page, "allow");
  expect(answer.status).toBe(400);
  expect(answer.headers.get("location")).toBeNull();
});
