import { expect, it } from "vitest";
import type { PangeaOAuthProviderOptions } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const start = (options: Partial<PangeaOAuthProviderOptions> = {}): ProviderHarness =>
  new ProviderHarness({ ...providerOptions(emulator.issuerUrl), ...options });

it.each(["admin", "user admin", "user  admin", "admin user offline_access", "admin\tuser", '"admin" admin'])(
  "a refresh for %j adds nothing to what the person allowed, and does not cost the login",
  async (scope) => {
    const harness = start();
    const tokens = await harness.tokens({ scope: "user" });
    const answer = await harness.refresh(tokens, { scope });
    expect(answer.status).toBe(200);
    const widened = await jsonOf(answer);
    expect(widened.scope).toBe("user");
    expect((await harness.provider.verifyAccessToken(widened.access_token)).scopes).toEqual(["user"]);
    const next = await jsonOf(await harness.refresh({ ...tokens, ...widened }, { scope }));
    expect(next.scope).toBe("user");
    expect((await harness.provider.verifyAccessToken(next.access_token)).scopes).toEqual(["user"]);
  },
);

it("a narrow scope opens nothing of the broad one that implies it", async () => {
  const harness = start({ scopeImplies: { admin: ["user"] }, clientRegistration: { validScopes: ["user"] } });
  const tokens = await harness.tokens({ scope: "user admin" });
  const renewed = { ...tokens, ...(await jsonOf(await harness.refresh(tokens, { scope: "admin" }))) };
  for (const { scope, access_token } of [tokens, renewed]) {
    expect(scope).toBe("user");
    expect((await harness.provider.verifyAccessToken(access_token)).scopes).toEqual(["user"]);
    const headers = new Headers({ authorization: `Bearer ${access_token}` });
    const answer = await harness.provider.authenticate({ headers }, { requiredScopes: ["admin"] });
    expect(answer instanceof Response && answer.status).toBe(403);
  }
});

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

it.each(["user admin", "admin", "admin openid", undefined])(
  "a client that asks for %j gets no scope that clients may not have",
  async (scope) => {
    const harness = start({ clientRegistration: { validScopes: ["user"] } });
    const { client_id } = await harness.register({ scope: "user admin" });
    const asked = { client_id, code_challenge: "c".repeat(43), ...(scope !== undefined && { scope }) };
    expect((await harness.openConsentPage(asked)).html).not.toMatch(/<li>.*admin/);
    const tokens = await harness.tokensFor(client_id, scope === undefined ? {} : { scope });
    expect(tokens.scope).toBe("user");
    expect((await harness.provider.verifyAccessToken(tokens.access_token)).scopes).toEqual(["user"]);
  },
);

it("a client that an operator has configured gets no scope beyond its list", async () => {
  const harness = start({
    clients: [{ client_id: "own", redirect_uris: ["http://127.0.0.1:4999/callback"], scope: "user" }],
  });
  for (const scope of ["user admin", "admin", "openid"]) {
    expect((await harness.tokensFor("own", { scope })).scope).toBe("user");
  }
});

it("a client that asks for more than it registered gets what the person has allowed in so many words, and no more", async () => {
  const harness = start();
  const { client_id } = await harness.register({ scope: "user" });
  const asked = { client_id, code_challenge: pkce().challenge };
  expect((await harness.openConsentPage({ ...asked, scope: "user admin" })).html).toMatch(/<li>.*admin/);
  expect((await harness.tokensFor(client_id)).scope).toBe("user");
});
