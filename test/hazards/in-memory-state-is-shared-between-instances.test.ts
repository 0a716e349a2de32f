import { expect, it } from "vitest";
import { createInMemoryRepositories, InMemoryRepository } from "../../src/index.ts";

it("what one repository holds no other does", async () => {
  const [one, other] = [new InMemoryRepository<string, string>(), new InMemoryRepository<string, string>()];
  await one.set("key", "one");
  expect(await other.get("key")).toBeUndefined();
  await other.set("key", "other");
  expect(await one.take("key")).toBe("one");
  expect(await other.get("key")).toBe("other");
});

it("the repositories of two providers share nothing, nor do the kinds of one", async () => {
  const [one, other] = [createInMemoryRepositories(), createInMemoryRepositories()];
  await one.clients.set("key", { client_id: "key", redirect_uris: [] });
  for (const repository of [...Object.values(other), one.accessTokens, one.grants]) {
    expect(await repository.get("key")).toBeUndefined();
  }
});
