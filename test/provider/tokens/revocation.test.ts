import { describe, expect, it } from "vitest";
import { FailingRepositories } from "../../support/intercepted-repository.ts";
import { jsonOf } from "../../support/json-of.ts";
import { ProviderHarness, providerOptions } from "../../support/provider-harness.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator();

const start = (options = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

describe("revocation", () => {
  it("of an access token ends that token", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const answer = await harness.postForm("/revoke", { client_id: tokens.clientId, token: tokens.access_token });
    expect(answer.status).toBe(200);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
  });

  it("of a refresh token ends the grant, the upstream tokens included", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const authInfo = await harness.provider.verifyAccessToken(tokens.access_token);
    const upstream = await harness.provider.pangeaToken(authInfo);

    await harness.postForm("/revoke", { client_id: tokens.clientId, token: tokens.refresh_token });

    expect(await harness.mcpStatus(tokens.access_token)).toBe(401);
    await expect(harness.provider.pangeaToken(authInfo)).rejects.toMatchObject({ error: "invalid_token" });
    const introspection = await fetch(`${emulator.issuerUrl}/v2/oauth/token/introspect`, {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa("psa_emulatoremulatoremulatoremulator:pck_emulatoremulatoremulatoremulator")}`,
      },
      body: new URLSearchParams({ token: upstream.token }),
    });
    expect((await jsonOf(introspection)).active).toBe(false);
  });

  it("answers 200 for an unknown token and for another client's, which lives on", async () => {
    const harness = start();
    const tokens = await harness.tokens();
    const other = await harness.register();
    for (const token of ["nonsense", tokens.access_token, tokens.refresh_token]) {
      const answer = await harness.postForm("/revoke", { client_id: other.client_id, token });
      expect(answer.status).toBe(200);
    }
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  });

  it("is refused to an unknown client", async () => {
    const answer = await start().postForm("/revoke", { client_id: "nobody", token: "x" });
    expect(answer.status).toBe(401);
    expect((await jsonOf(answer)).error).toBe("invalid_client");
  });

  it("says 503 where the store cannot delete, and the token lives on", async () => {
    const store = new FailingRepositories();
    const harness = start({ repositories: store.repositories });
    const tokens = await harness.tokens();
    store.fail("delete");
    const answer = await harness.postForm("/revoke", { client_id: tokens.clientId, token: tokens.access_token });
    expect(answer.status).toBe(503);
    expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  });

  it("is not served where it is switched off", async () => {
    const harness = start({ revocation: { enabled: false } });
    expect((await harness.postForm("/revoke", { client_id: "x", token: "y" })).status).toBe(404);
    const metadata = await jsonOf(await harness.get("/.well-known/oauth-authorization-server"));
    expect(metadata.revocation_endpoint).toBeUndefined();
  });
});
