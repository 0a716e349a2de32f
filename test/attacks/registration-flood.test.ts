import { expect, it } from "vitest";
import { createInMemoryRepositories, type OAuthClientInformation, type Repository } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ProviderHarness, providerOptions } from "../support/provider-harness.ts";

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
    this.written.push(JSON.stringify(value).length);
    return this.inner.set(key, value);
  };
  add = (key: string, value: OAuthClientInformation) => {
    this.written.push(JSON.stringify(value).length);
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

it("a registration cannot be made large", async () => {
  const { clients, register } = start();
  const longest = {
    client_name: "n".repeat(200),
    contacts: Array(10).fill("c".repeat(512)),
    redirect_uris: Array.from({ length: 20 }, (_, index) => `https://a.example/${index}${"p".repeat(990)}`),
    software_id: "s".repeat(512),
  };
  expect((await register("a", longest)).status).toBe(201);
  expect(Math.max(...clients.written)).toBeLessThan(64 * 1024);
  for (const larger of [
    { client_name: "n".repeat(201) },
    { contacts: Array(11).fill("c") },
    { redirect_uris: Array(21).fill("https://a.example/") },
    { redirect_uris: [`https://a.example/${"p".repeat(2000)}`] },
    { software_statement: "s".repeat(70_000) },
  ]) {
    expect((await register("a", larger)).status).toBeGreaterThanOrEqual(400);
  }
  expect(clients.written).toHaveLength(1);
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
  for (const days of [30, 30, 29]) {
    clock.advanceSeconds(days * 86_400);
    expect(await look()).toBe(50);
  }
  clock.advanceSeconds(2 * 86_400);
  expect(await look()).toBe(0);
  expect(clients.written).toHaveLength(50);
});
