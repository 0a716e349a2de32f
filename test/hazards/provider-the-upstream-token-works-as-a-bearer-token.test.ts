import { expect, it } from "vitest";
import { createInMemoryRepositories, tokenKey } from "../../src/index.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { recordsOf } from "../support/records-of.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

it("only tokens that were issued here open this server, even where the store has the upstream's", async () => {
  const repositories = createInMemoryRepositories();
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories });
  const { access_token, refresh_token, code, clientId } = await harness.tokens();
  const { token: upstream } = await harness.provider.pangeaToken({ token: access_token });
  // As the Python package leaves it: among the access tokens, under its own hash, without an expiry.
  await repositories.accessTokens.set(tokenKey(upstream), { clientId, scopes: ["user", "admin"] });
  // And as somebody would who means well.
  await repositories.accessTokens.set(tokenKey(`${upstream}x`), {
    clientId,
    scopes: ["user", "admin"],
    expiresAt: Date.now() / 1000 + 3600,
    resource: new URL(harness.provider.resource),
  });

  expect(await harness.mcpStatus(access_token)).toBe(200);
  for (const wrong of [upstream, `${upstream}x`, refresh_token, code]) {
    expect(await harness.mcpStatus(wrong), wrong.slice(0, 8)).toBe(401);
  }
  expect(JSON.stringify(await recordsOf(repositories.grants))).not.toContain(upstream);
});
