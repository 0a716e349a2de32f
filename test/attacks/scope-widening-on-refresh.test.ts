import { expect, it } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const start = (): ProviderHarness => new ProviderHarness(providerOptions(emulator.issuerUrl));

it.each(["admin", "user admin", "user  admin", "admin user offline_access"])(
  "a refresh for %j adds nothing to what the person allowed, and does not cost the login",
  async (scope) => {
    const harness = start();
    const tokens = await harness.tokens({ scope: "user" });
    const widened = await harness.refresh(tokens, { scope });
    expect(widened.status).toBe(400);
    expect((await jsonOf(widened)).error).toBe("invalid_scope");
    const { scope: granted } = await jsonOf(await harness.refresh(tokens));
    expect(granted).toBe("user");
  },
);

it("a narrowed access token cannot be widened by asking again for the lost answer", async () => {
  const harness = start();
  const tokens = await harness.tokens({ scope: "user admin" });
  const narrowed = await jsonOf(await harness.refresh(tokens, { scope: "user" }));
  expect(narrowed.scope).toBe("user");
  const again = await jsonOf(await harness.refresh(tokens, { scope: "user admin" }));
  expect(again.access_token).toBe(narrowed.access_token);
  const info = await harness.provider.verifyAccessToken(again.access_token);
  expect(info.scopes).toEqual(["user"]);
});

it("the scope of a token request plays no part in redeeming a code", async () => {
  const harness = start();
  const issued = await harness.codeFor((await harness.register()).client_id, { scope: "user" });
  const tokens = await jsonOf(await harness.redeem(issued, { scope: "user admin" }));
  expect(tokens.scope).toBe("user");
  expect((await harness.provider.verifyAccessToken(tokens.access_token)).scopes).toEqual(["user"]);
});

it("a client gets no scope that it has not registered for", async () => {
  const harness = start();
  const { client_id } = await harness.register({ scope: "user" });
  const parameters = { client_id, code_challenge: pkce().challenge, scope: "user admin" };
  const refused = await harness.get(harness.authorizePath(parameters));
  const answer = new URL(refused.headers.get("location") ?? "").searchParams;
  expect([answer.get("error"), answer.has("code")]).toEqual(["invalid_scope", false]);
  expect((await harness.tokensFor(client_id)).scope).toBe("user");
});
