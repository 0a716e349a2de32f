import { expect, it } from "vitest";
import { FailingRepositories } from "../support/intercepted-repository.ts";
import { jsonOf } from "../support/json-of.ts";
import { ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

it("while the store is out every endpoint says so, and nothing about a token, a code or a client", async () => {
  const store = new FailingRepositories();
  const harness = new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories: store.repositories });
  const tokens = await harness.tokens();
  const code = await harness.codeFor(tokens.clientId);
  const { challenge } = pkce();
  const begun = await harness.beginLogin({ client_id: tokens.clientId, code_challenge: challenge });
  const callback = await harness.logInUpstream(begun.location);

  store.fail();
  const client_id = tokens.clientId;
  const headers = new Headers({ authorization: `Bearer ${tokens.access_token}` });
  const guarded = await harness.provider.authenticate({ headers });
  for (const answer of [
    guarded instanceof Response ? guarded : Response.json({}),
    await harness.refresh(tokens),
    await harness.redeem(code),
    await harness.postForm("/revoke", { client_id, token: tokens.access_token }),
    await harness.postJson("/register", { redirect_uris: [harness.redirectUri] }),
  ]) {
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer.headers.get("www-authenticate")).toBeNull();
    expect((await jsonOf(answer)).error).toBe("temporarily_unavailable");
  }
  expect((await harness.get(harness.authorizePath({ client_id, code_challenge: challenge }))).status).toBe(503);
  const back = await harness.finishLogin(callback, begun.cookie);
  expect(back.searchParams.get("error")).toBe("temporarily_unavailable");

  store.recover();
  expect(await harness.mcpStatus(tokens.access_token)).toBe(200);
  expect((await harness.redeem(code)).status).toBe(200);
  expect((await harness.refresh(tokens)).status).toBe(200);
});
