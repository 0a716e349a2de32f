import { expect, test } from "vitest";
import { CachedRepository, InMemoryRepository, type Repository } from "../../src/index.ts";
import { cachedSetup, maxStaleness } from "../support/cached-setup.ts";

interface Client {
  scopes: string[];
  home: URL;
  seen: Date;
  settings: { theme: string };
}

const client = (): Client => ({
  scopes: ["user"],
  home: new URL("https://example.org/"),
  seen: new Date(0),
  settings: { theme: "dark" },
});

test("what a caller does to a record that it read does not reach the next caller", async () => {
  const { cache, store } = cachedSetup<Client>();
  await store.set("a", client());
  const read = await cache.get("a");
  if (read === undefined) throw new Error("The record is missing.");
  expect(() => read.scopes.push("admin")).toThrow(TypeError);
  expect(() => Object.assign(read.settings, { theme: "light" })).toThrow(TypeError);
  expect(() => Object.assign(read.home, { host: "evil.example" })).toThrow(TypeError);
  expect(() => read.seen.setTime(1)).toThrow(TypeError);
  const next = await cache.get("a");
  expect(next?.scopes).toEqual(["user"]);
  expect(next?.home.href).toBe("https://example.org/");
});

test("nor where the backend hands out records that anybody can change", async () => {
  const store = new InMemoryRepository<string, Client>();
  await store.set("a", client());
  const backend: Repository<string, Client> = {
    get: async (key) => ownCopyOf(await store.get(key)),
    set: (key, value) => store.set(key, value),
    add: (key, value) => store.add(key, value),
    delete: (key) => store.delete(key),
    take: (key) => store.take(key),
  };
  const cache = new CachedRepository(backend, { max: 10, maxStaleness });
  const read = await cache.get("a");
  expect(() => read?.scopes.push("admin")).toThrow(TypeError);
  expect(() => Object.assign(read?.settings ?? {}, { theme: "light" })).toThrow(TypeError);
  expect(await cache.get("a")).toMatchObject({ scopes: ["user"], settings: { theme: "dark" } });
});

test("what the writer does to a record after set does not reach the readers", async () => {
  const { backend, cache } = cachedSetup<Client>();
  const written = client();
  const gate = backend.hold("set");
  const set = cache.set("a", written);
  written.scopes.push("admin");
  await gate.answer();
  await set;
  written.settings.theme = "light";
  expect(await cache.get("a")).toMatchObject({ scopes: ["user"], settings: { theme: "dark" } });
  expect(backend.calls.get).toBe(0);
});

test("the writer's own object stays as it was: only the copy is frozen", async () => {
  const { cache } = cachedSetup<Client>();
  const written = client();
  await cache.set("a", written);
  expect(Object.isFrozen(written)).toBe(false);
  expect(Object.isFrozen(written.scopes)).toBe(false);
});

test("every reader gets the same object", async () => {
  const { cache, store } = cachedSetup<Client>();
  await store.set("a", client());
  const [one, other] = await Promise.all([cache.get("a"), cache.get("a")]);
  expect(one).toBe(other);
  expect(await cache.get("a")).toBe(one);
});

test("the promise of a hit cannot be tampered with either", async () => {
  const { cache } = cachedSetup();
  await cache.set("a", { text: "kept" });
  const hit = cache.get("a");
  expect(() => Object.assign(hit, { constructor: null })).toThrow(TypeError);
  expect(await cache.get("a")).toEqual({ text: "kept" });
});

/** A record that is nobody's yet, as a backend has it that reads JSON. */
function ownCopyOf(read: Client | undefined): Client | undefined {
  return read && { ...read, scopes: [...read.scopes], settings: { ...read.settings } };
}
