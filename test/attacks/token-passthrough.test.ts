import { expect, it } from "vitest";
import { createInMemoryRepositories, tokenKey } from "../../src/index.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

it("a Pangea token of the same user opens nothing here, though it is good at Pangea", async () => {
  const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
  const tokens = await harness.tokens();
  const { token } = await harness.provider.pangeaToken({ token: tokens.access_token });
  expect(token).toMatch(/^ptu_/);
  expect(await harness.mcpStatus(token)).toBe(401);
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
});

it("not even where the store has it among the access tokens, as the Python package leaves it", async () => {
  const repositories = createInMemoryRepositories();
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories });
  const upstream = "ptu_zx7jx4pqd3kx2clp7nrcdq2yz6q4zvzw";
  const record = { clientId: "python", scopes: ["user"], resource: new URL("http://localhost:8000/mcp") };
  await repositories.accessTokens.set(tokenKey(upstream), record);
  await repositories.accessTokens.set(tokenKey(upstream), { ...record, expiresAt: Date.now() / 1000 + 3600 });
  expect(await harness.mcpStatus(upstream)).toBe(401);
});

it("no Pangea token, code or client secret is in anything that a client or a browser gets", async () => {
  const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
  const seen: string[] = [];
  const fetch = harness.provider.fetch.bind(harness.provider);
  const spied = async (...parameters: Parameters<typeof fetch>): Promise<Response> => {
    const response = await fetch(...parameters);
    seen.push([...response.headers].flat().join("\n"), await response.clone().text());
    return response;
  };
  Object.defineProperty(harness.provider, "fetch", { value: spied });
  const tokens = await harness.tokens();
  await harness.refresh(tokens);
  await harness.refresh(tokens, { scope: "root" });
  await harness.get("/.well-known/oauth-authorization-server");

  const text = seen.join("\n");
  expect(text).toContain(tokens.access_token);
  expect(text).not.toMatch(/pt[ursc]_\w{8}/);
  expect(text).not.toContain(providerOptions(emulator.issuerUrl).pangeaAuthnClientSecret);
});

it("no token of ours, and nothing of the client's, is sent to Pangea", async () => {
  const sent: string[] = [];
  const harness = new ProviderHarness({
    ...providerOptions(emulator.issuerUrl),
    fetch: async (request) => {
      sent.push([...request.headers].flat().join("\n"), await request.clone().text(), request.url);
      return fetch(request);
    },
  });
  const tokens = await harness.tokens();
  await harness.provider.pangeaToken({ token: tokens.access_token });
  await harness.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });
  const text = sent.join("\n");
  expect(sent.length).toBeGreaterThan(6);
  for (const ours of [tokens.access_token, tokens.refresh_token, tokens.code, tokens.verifier, tokens.clientId]) {
    expect(text).not.toContain(ours);
  }
  const { location } = await harness.beginLogin({ client_id: tokens.clientId, code_challenge: pkce().challenge });
  expect(location.href).not.toContain(tokens.clientId);
});
