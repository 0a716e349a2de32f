import { describe, expect, test } from "vitest";
import { z } from "zod";
import { InMemoryRepository } from "../../src/index.ts";
import { isAsyncDisposable, type RepositoryMethod, wrapped } from "../../src/storage/capabilities.ts";
import { readExpiryOf } from "../../src/storage/expiry.ts";
import { getFresh } from "../../src/storage/fresh-read.ts";
import { canReadBack } from "../../src/storage/read-back.ts";
import { intercepted } from "../support/intercepted-repository.ts";

interface Named {
  readonly name: string;
}
const ada = { name: "Ada" };

describe("a wrapped repository", () => {
  test("hands every call by key to its wrapper, with the key, and passes on what that lets through", async () => {
    const told: [RepositoryMethod, string][] = [];
    const inner = new InMemoryRepository<string, Named>();
    const fresh = Object.assign(inner, { getFresh: (key: string) => inner.get(key) });
    const wrapper = wrapped<string, Named>(fresh, (method, call, key) => {
      told.push([method, key]);
      return call();
    });
    await wrapper.set("a", ada);
    expect(await wrapper.get("a")).toEqual(ada);
    expect(await getFresh(wrapper, "a")).toEqual(ada);
    expect(await wrapper.add("a", ada)).toBe(false);
    expect(await wrapper.delete("a")).toBe(true);
    expect(await wrapper.take("a")).toBeUndefined();
    expect(told).toEqual((["set", "get", "getFresh", "add", "delete", "take"] as const).map((method) => [method, "a"]));
  });

  test("reads an expiry and reads back as the repository does, and has no more of that than it", () => {
    const until = () => 5;
    const inner = new InMemoryRepository(z.object({ name: z.string() }), { expiresAt: until });
    const wrapper = wrapped(inner, (_, call) => call());
    expect(readExpiryOf(wrapper)).toBe(until);
    if (!canReadBack(wrapper)) throw new Error("It does not read back.");
    const wider = { ...ada, dropped: true };
    expect(wrapper.readBack("a", wider)).toEqual(ada);
    const {
      get,
      set,
      delete: remove,
      take,
      add,
    } = intercepted(new InMemoryRepository<string, Named>(), (run) => run());
    const plain = wrapped({ get, set, delete: remove, take, add }, (_, call) => call());
    expect([readExpiryOf(plain), canReadBack(plain), isAsyncDisposable(plain)]).toEqual([undefined, false, false]);
    expect(Object.keys(plain).sort()).toEqual(["add", "delete", "get", "readExpiry", "set", "take"]);
  });

  test("is closed by closing the repository, where that can be closed", async () => {
    let closings = 0;
    const inner = Object.assign(new InMemoryRepository<string, Named>(), {
      [Symbol.asyncDispose]: async () => {
        closings += 1;
      },
    });
    const wrapper = wrapped(inner, (_, call) => call());
    if (!isAsyncDisposable(wrapper)) throw new Error("It cannot be closed.");
    await wrapper[Symbol.asyncDispose]();
    expect(closings).toBe(1);
    expect([{}, { [Symbol.asyncDispose]: 5 }].map(isAsyncDisposable)).toEqual([false, false]);
  });

  test("is none of what is no repository", () => {
    expect(() => Reflect.apply(wrapped, undefined, [{}, () => undefined])).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  });
});
