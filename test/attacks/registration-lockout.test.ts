import { expect, it, vi } from "vitest";
import { createInMemoryRepositories, type PangeaOAuthProviderOptions } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

// A flood takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const emulator = useEmulator();
const day = 86_400;

const known = { token_endpoint_auth_method: "none", client_name: "Everybody's application" };

function start(changes: Partial<PangeaOAuthProviderOptions> = {}) {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const options = { ...providerOptions(emulator.issuerUrl), clock: clock.read, repositories, ...changes };
  const harness = new ProviderHarness(options);
  const redirect_uris = [harness.redirectUri];
  const register = (caller: string, metadata: Readonly<Record<string, unknown>>) =>
    harness.provider.fetch(
      new Request(`${harness.baseUrl}/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ redirect_uris, grant_types: ["authorization_code", "refresh_token"], ...metadata }),
      }),
      { caller },
    );
  /** So many registrations of strangers, each from an address of its own. */
  const flood = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      await register(`198.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, { client_name: `junk ${index}` });
    }
  };
  const authorize = async (client_id: string) =>
    (await harness.get(harness.authorizePath({ client_id, code_challenge: "c".repeat(43) }))).status;
  return { clock, repositories, harness, register, flood, authorize };
}

it("a flood of strangers' registrations shuts nobody out for longer than a moment", async () => {
  const { clock, register, flood } = start();
  await flood(5000);
  const refused = await register("203.0.113.7", { client_name: "Innocent" });
  expect(refused.status).toBe(429);
  const wait = Number(refused.headers.get("retry-after"));
  expect(wait).toBeLessThanOrEqual(5);
  clock.advanceSeconds(wait);
  expect((await register("203.0.113.7", { client_name: "Innocent" })).status).toBe(201);
});

it("an application that somebody has used before gets in while the flood goes on, from anywhere", async () => {
  const { harness, register, flood } = start();
  const { client_id } = await jsonOf(await register("203.0.113.7", known));
  await harness.tokensFor(client_id);
  await flood(5001);
  for (const caller of ["203.0.113.7", "203.0.113.8", "198.0.0.1"]) {
    const answer = await register(caller, known);
    expect([answer.status, (await jsonOf(answer)).client_id]).toEqual([201, client_id]);
  }
});

it("a network of IPv6 that is switched through all its subnets leaves room for the others", async () => {
  const { register } = start();
  for (let subnet = 0; subnet < 6000; subnet += 1) {
    await register(`2001:db8:bad:${subnet.toString(16)}::1`, { client_name: `junk ${subnet}` });
  }
  expect((await register("2001:db8:1::1", { client_name: "Innocent" })).status).toBe(201);
  expect((await register("203.0.113.7", { client_name: "Innocent too" })).status).toBe(201);
});

it("requests that are no registrations use up nothing that registrations need", async () => {
  const { harness, register } = start();
  for (let count = 0; count < 5200; count += 1) {
    const body = count % 2 === 0 ? "{" : "{}";
    const request = { method: "POST", headers: { "content-type": "application/json" }, body };
    await harness.provider.fetch(new Request(`${harness.baseUrl}/register`, request), {
      caller: `198.51.${count >> 8}.1`,
    });
  }
  expect((await register("203.0.113.7", { client_name: "Innocent" })).status).toBe(201);
});

it("whoever registers another's application again cannot shorten its life, nor change where its codes go", async () => {
  const { clock, repositories, harness, register, authorize } = start();
  const { client_id } = await jsonOf(await register("203.0.113.7", known));
  await harness.tokensFor(client_id);
  const before = await repositories.clients.get(client_id);
  for (let hours = 0; hours < 48; hours += 1) {
    clock.advanceSeconds(3600);
    await register("203.0.113.66", { ...known, redirect_uris: ["http://127.0.0.1:6666/callback"] });
    const evil = { ...known, redirect_uris: [harness.redirectUri, "https://evil.example/callback"] };
    expect((await jsonOf(await register("203.0.113.66", evil))).client_id).not.toBe(client_id);
  }
  expect(await repositories.clients.get(client_id)).toEqual(before);
  clock.advanceSeconds(80 * day);
  expect(await authorize(client_id)).toBe(200);
});

it("nobody makes the id of another's application without the secret of the server", async () => {
  const { client_id } = await jsonOf(await start().register("203.0.113.7", known));
  const elsewhere = start({ secret: "the secret of another server, with 32 characters" });
  expect((await jsonOf(await elsewhere.register("203.0.113.66", known))).client_id).not.toBe(client_id);
});

it("an application that many use is not logged out by the date of its registration or of its secret", async () => {
  const { clock, harness, register, authorize } = start();
  const metadata = { ...known, token_endpoint_auth_method: "client_secret_post" };
  const { client_id, client_secret } = await jsonOf(await register("203.0.113.7", metadata));
  for (let months = 0; months < 12; months += 1) {
    const issued = await harness.codeFor(client_id);
    expect((await harness.redeem(issued, { client_secret })).status).toBe(200);
    clock.advanceSeconds(31 * day);
  }
  expect(await authorize(client_id)).toBe(200);
});
