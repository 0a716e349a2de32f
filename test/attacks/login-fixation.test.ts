import { expect, it } from "vitest";
import { jsonOf } from "../support/json-of.ts";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator({
  users: [{ username: "ada@example.com" }, { username: "mallory@evil.example" }],
});

const mallory = { username: "mallory@evil.example" };

async function start() {
  const harness = new ProviderHarness(providerOptions(emulator.issuerUrl));
  const { client_id } = await harness.register();
  return { harness, client_id };
}

async function refusedWithAPage(response: Response): Promise<void> {
  expect(response.status).toBe(400);
  expect(response.headers.get("location")).toBeNull();
  expect(response.headers.get("content-type")).toContain("text/html");
}

it("the callback of the attacker's login does nothing in the victim's browser", async () => {
  const { harness, client_id } = await start();
  const attack = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  const callback = await harness.logInUpstream(attack.location, mallory);
  await refusedWithAPage(await harness.get(callback.pathname + callback.search));
  expect((await harness.finishLogin(callback, attack.cookie)).searchParams.get("code")).toMatch(/^pmcp_ac_/);
});

it("nor while the victim has a login of their own under way, which it does not disturb", async () => {
  const { harness, client_id } = await start();
  const { challenge, verifier } = pkce();
  const victim = await harness.beginLogin({ client_id, code_challenge: challenge });
  const attack = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  const attackersCallback = await harness.logInUpstream(attack.location, mallory);
  await refusedWithAPage(
    await harness.get(attackersCallback.pathname + attackersCallback.search, { cookie: victim.cookie }),
  );

  const answer = await harness.finishLogin(await harness.logInUpstream(victim.location), victim.cookie);
  const code = answer.searchParams.get("code") ?? "";
  const tokens = await jsonOf(await harness.redeem({ clientId: client_id, code, verifier }));
  expect((await harness.provider.pangeaToken({ token: tokens.access_token })).email).toBe("ada@example.com");
});

it("the attacker's authorize URL at Pangea brings the victim's login to no one", async () => {
  const { harness, client_id } = await start();
  const attack = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  const victimsCallback = await harness.logInUpstream(attack.location);
  await refusedWithAPage(await harness.get(victimsCallback.pathname + victimsCallback.search));
});

it("the attacker's code in the victim's own callback is not the victim's login, nor is it taken for it", async () => {
  const { harness, client_id } = await start();
  const attack = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  const attackersCallback = await harness.logInUpstream(attack.location, mallory);
  const victim = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  const forged = new URL(attackersCallback);
  forged.searchParams.set("state", victim.location.searchParams.get("state") ?? "");
  const answer = await harness.finishLogin(forged, victim.cookie);
  expect(answer.searchParams.get("code")).toBeNull();
  expect(answer.searchParams.get("error")).toBe("access_denied");
});

it("the cookie that binds the login comes with the consent, not with the page that asks for it", async () => {
  const { harness, client_id } = await start();
  const page = await harness.openConsentPage({ client_id, code_challenge: pkce().challenge });
  expect(page.cookie).not.toContain("login_");
  expect(joinCookies(page.cookie, await harness.decide(page, "allow"))).toContain("login_");
});
