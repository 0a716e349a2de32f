import { expect, it } from "vitest";
import { createInMemoryRepositories } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { joinCookies, ProviderHarness, pkce, providerOptions } from "../support/provider-harness.ts";
import { recordsOf } from "../support/records-of.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

const clock = new ManualClock();
const repositories = createInMemoryRepositories({ clock: clock.read });
const instance = () => new ProviderHarness({ ...providerOptions(emulator.issuerUrl), repositories, clock: clock.read });

it("each step of a login works on an instance that has seen none of the others", async () => {
  const { client_id } = await instance().register();
  const { challenge, verifier } = pkce();
  const page = await instance().openConsentPage({ client_id, code_challenge: challenge });
  const allowed = await instance().decide(page, "allow");
  const location = new URL(allowed.headers.get("location") ?? "");
  const callback = await instance().logInUpstream(location);
  const redirect = await instance().finishLogin(callback, joinCookies(page.cookie, allowed));
  const code = redirect.searchParams.get("code") ?? "";
  const form = { grant_type: "authorization_code", client_id, code, code_verifier: verifier };
  const answer = await instance().postForm("/token", form);
  expect(answer.status).toBe(200);
});

it("one client's state cannot take the place of another's, though it is the same", async () => {
  const harness = instance();
  const [one, other] = [await harness.register(), await harness.register()];
  const state = "the very same state";
  const first = await harness.beginLogin({ client_id: one.client_id, code_challenge: pkce().challenge, state });
  const second = await harness.beginLogin({ client_id: other.client_id, code_challenge: pkce().challenge, state });
  expect(first.location.searchParams.get("state")).not.toBe(second.location.searchParams.get("state"));

  const callback = await harness.logInUpstream(first.location);
  const redirect = await harness.finishLogin(callback, first.cookie);
  expect(redirect.searchParams.get("state")).toBe(state);
  const code = redirect.searchParams.get("code") ?? "";
  const stored = (await recordsOf(repositories.authorizationCodes)).map(([, { clientId }]) => clientId);
  expect(code).not.toBe("");
  expect(stored).toContain(one.client_id);
  expect(stored).not.toContain(other.client_id);
});

it("a login that was begun expires, and is no other browser's to finish", async () => {
  const harness = instance();
  const { client_id } = await harness.register();
  const begun = await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  const callback = await harness.logInUpstream(begun.location);
  const path = callback.pathname + callback.search;
  expect((await harness.get(path, { cookie: "" })).status).toBe(400);
  clock.advanceSeconds(601);
  const late = await harness.get(path, { cookie: begun.cookie });
  expect(late.status).toBe(400);
  expect(late.headers.get("location")).toBeNull();
});

it("nothing is stored until the upstream has said yes", async () => {
  const fresh = createInMemoryRepositories({ clock: clock.read });
  const harness = new ProviderHarness({
    ...providerOptions(emulator.issuerUrl),
    repositories: fresh,
    clock: clock.read,
  });
  const { client_id } = await harness.register();
  for (let count = 0; count < 20; count += 1) {
    await harness.beginLogin({ client_id, code_challenge: pkce().challenge });
  }
  const { clients, keyAnnouncements, ...others } = fresh;
  expect(Reflect.get(clients, "size")).toBe(1);
  // Not of a login: the instance says once which key it has, to its own server, to others in the store, and to those after it.
  expect(Reflect.get(keyAnnouncements, "size")).toBe(3);
  for (const repository of Object.values(others)) expect(Reflect.get(repository, "size")).toBe(0);
});
