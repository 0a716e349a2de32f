import { expect, it, vi } from "vitest";
import { createInMemoryRepositories, type OAuthClientInformation, type Repository } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";

// A flood takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

/** Counts what a flood leaves behind. */
class CountedClients {
  readonly written: number[] = [];
  readonly inner: Repository<string, OAuthClientInformation>;
  constructor(inner: Repository<string, OAuthClientInformation>) {
    this.inner = inner;
  }
  get = (key: string) => this.inner.get(key);
  delete = (key: string) => this.inner.delete(key);
  take = (key: string) => this.inner.take(key);
  set = (key: string, value: OAuthClientInformation) => {
    this.written.push(Buffer.byteLength(JSON.stringify(value)));
    return this.inner.set(key, value);
  };
  add = (key: string, value: OAuthClientInformation) => {
    this.written.push(Buffer.byteLength(JSON.stringify(value)));
    return this.inner.add(key, value);
  };
}

function start(clock = new ManualClock()) {
  const inner = createInMemoryRepositories({ clock: clock.read });
  const clients = new CountedClients(inner.clients);
  const harness = new ProviderHarness({
    ...providerOptions("https://login.example"),
    clock: clock.read,
    repositories: { ...inner, clients },
    clientRegistration: { firstLoginWithinSeconds: 86_400 },
  });
  const register = (caller: string | undefined, metadata: Record<string, unknown> = {}) =>
    harness.provider.fetch(
      new Request(`${harness.baseUrl}/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ redirect_uris: [harness.redirectUri], ...metadata }),
      }),
      { caller },
    );
  return { harness, clients, clock, register };
}

it("one caller cannot fill the store: it is cut off, while others go on", async () => {
  const { clients, register } = start();
  const statuses = new Map<number, number>();
  for (let count = 0; count < 2000; count += 1) {
    const { status } = await register("203.0.113.66");
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect(Object.fromEntries(statuses)).toEqual({ 201: 500, 429: 1500 });
  expect(clients.written).toHaveLength(500);
  expect((await register("203.0.113.7")).status).toBe(201);
});

it("a flood from everywhere, or from callers that nobody can tell apart, ends at the limit for all", async () => {
  const { clients, register } = start();
  for (let count = 0; count < 6000; count += 1) {
    const caller = count % 2 === 0 ? undefined : `198.51.${count >> 8}.${count & 255}`;
    await register(caller);
  }
  expect(clients.written).toHaveLength(5000);
});

it("one network of IPv6 cannot use up what there is for all, though it has 65,536 networks within", async () => {
  const { clients, register } = start();
  for (let count = 0; count < 6000; count += 1) {
    await register(`2001:db8:bad:${(count % 5000).toString(16)}::1`);
  }
  expect(clients.written).toHaveLength(2000);
  expect((await register("2001:db8:1::1")).status).toBe(201);
});

it("a registration cannot be made large: what is too long is left out, and a record has 8 KiB at the most", async () => {
  const { clients, register } = start();
  const longUri = (index: number) => `https://a.example/${index}${"p".repeat(990)}`;
  const longest = {
    client_name: "\u00e9".repeat(5000),
    contacts: Array(10).fill("c".repeat(512)),
    redirect_uris: Array.from({ length: 40 }, (_, index) => longUri(index)),
    software_id: "s".repeat(512),
    scope: "user admin",
  };
  const keys = Array.from({ length: 12 }, () => ({ kty: "RSA", n: "n".repeat(400), e: "AQAB" }));
  const signing = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys } };
  for (const metadata of [longest, { ...longest, token_endpoint_auth_method: "none" }, signing]) {
    expect((await register("a", metadata)).status).toBe(201);
  }
  expect(clients.written).toHaveLength(3);
  expect(Math.max(...clients.written)).toBeLessThan(8 * 1024);
  for (const larger of [
    { redirect_uris: [`https://a.example/${"p".repeat(2000)}`] },
    { ...signing, jwks: { keys: [...keys, ...keys] } },
    { software_statement: "s".repeat(70_000) },
  ]) {
    expect((await register("a", larger)).status).toBeGreaterThanOrEqual(400);
  }
  expect(clients.written).toHaveLength(3);
});

it("what a flood has left is gone when nobody logs in with it, however often it is looked at", async () => {
  const { harness, clients, clock, register } = start();
  const ids: string[] = [];
  for (let count = 0; count < 50; count += 1) {
    ids.push((await jsonOf(await register("203.0.113.66"))).client_id);
  }
  const look = async () => {
    let found = 0;
    for (const client_id of ids) {
      const response = await harness.get(harness.authorizePath({ client_id, code_challenge: "c".repeat(43) }));
      if (response.status === 200) found += 1;
    }
    return found;
  };
  for (const hours of [8, 8, 7]) {
    clock.advanceSeconds(hours * 3600);
    expect(await look()).toBe(50);
  }
  clock.advanceSeconds(2 * 3600);
  expect(await look()).toBe(0);
  expect(clients.written).toHaveLength(50);
});
