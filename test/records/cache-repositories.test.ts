import { expect, it } from "vitest";
import {
  CachedRepository,
  cacheRepositories,
  createInMemoryRepositories,
  InMemoryInvalidationChannel,
  InMemoryRepository,
  isEnumerable,
} from "../../src/index.ts";
import { SwitchedInvalidationChannel } from "../support/switched-invalidation-channel.ts";

it("closes the caches before the repositories behind them", async () => {
  const channel = new SwitchedInvalidationChannel();
  const order: string[] = [];
  const backend = {
    ...createInMemoryRepositories(),
    async [Symbol.asyncDispose]() {
      order.push(`backend, ${channel.subscribers} subscribers left`);
    },
  };
  const cached = cacheRepositories(backend, {
    maxStaleness: 1_000,
    invalidation: { accessTokens: channel, grants: new InMemoryInvalidationChannel() },
  });
  expect(channel.subscribers).toBe(1);
  await cached[Symbol.asyncDispose]();
  expect(order).toEqual(["backend, 0 subscribers left"]);
  await expect(cached.accessTokens.get("a")).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
});

it("closes the caches where there is nothing to close behind them", async () => {
  const { accessTokens, ...others } = createInMemoryRepositories();
  const cached = cacheRepositories(
    { accessTokens: new InMemoryRepository(), ...others },
    { maxStaleness: 1_000, clientsStaleIfError: 60_000 },
  );
  await cached[Symbol.asyncDispose]();
  await expect(cached.clients.get("a")).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
});

it("tells of a change that could not be published", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.publishFailure = new Error("The test cut the line.");
  const failures: unknown[] = [];
  const cached = cacheRepositories(createInMemoryRepositories(), {
    maxStaleness: 1_000,
    invalidation: { accessTokens: channel, grants: new InMemoryInvalidationChannel() },
    onPublishFailure: (failure) => failures.push(failure),
  });
  await cached.accessTokens.delete("a");
  expect(failures).toEqual([channel.publishFailure]);
});

it("refuses channels that leave out the kind that revocations are written to", () => {
  const invalidation = { accessTokens: new InMemoryInvalidationChannel() };
  const build = () => cacheRepositories(createInMemoryRepositories(), { maxStaleness: 1_000, invalidation });
  expect(build).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
});

it("lists what the store has, where the store can", async () => {
  const repositories = createInMemoryRepositories();
  const cached = cacheRepositories(repositories, { maxStaleness: 1_000 });
  const client = { client_id: "a", redirect_uris: ["https://app.example/callback"] };
  await repositories.clients.set("a", client);
  const listed = [];
  if (isEnumerable(cached.clients)) for await (const entry of cached.clients.entries()) listed.push(entry);
  expect(listed).toEqual([["a", client]]);
  expect([cached.accessTokens, cached.grants].map(isEnumerable)).toEqual([true, true]);

  const grants = new CachedRepository(repositories.grants, { max: 10, maxStaleness: 1_000 });
  expect(isEnumerable(cacheRepositories({ ...repositories, grants }, { maxStaleness: 1_000 }).grants)).toBe(true);
});
