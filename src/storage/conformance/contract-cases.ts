import assert from "node:assert/strict";
import type { RepositoryCase, RepositoryUnderTest, SampleRecord } from "./subject.ts";

const sample = (name: string): SampleRecord => ({ name, list: ["a", "b"] });

/** Compared as data: a repository may give back frozen or null-prototype objects. */
function assertSame(actual: unknown, expected: unknown, message: string): void {
  assert.equal(JSON.stringify(actual), JSON.stringify(expected), message);
}

function must<T>(part: T | undefined): T {
  assert.ok(part !== undefined, "the case was run without the part that it needs");
  return part;
}

const unusualKeys = [
  "a/b+c=",
  "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
  "https://app.example/client.json?x=1&y=%20",
  "with space and\ttab",
  "a:b:c",
  "a/b/c",
  "a/b:c",
  "a.b_c",
  "a*b?c[d]",
  "{tag}rest",
  "schlüssel-鍵-🔑",
  "__proto__",
  "constructor",
  "toString",
  "0",
  "x".repeat(512),
];

/** Reading, writing, deleting, taking. */
export const contractCases: readonly RepositoryCase[] = [
  {
    name: "get answers undefined for a key that was never set",
    needs: [],
    run: async ({ repository }) => {
      assert.equal(await repository.get("missing"), undefined);
    },
  },
  {
    name: "get answers what was set, as often as it is asked",
    needs: [],
    run: async ({ repository }) => {
      await repository.set("key", sample("one"));
      assertSame(await repository.get("key"), sample("one"), "the first get");
      assertSame(await repository.get("key"), sample("one"), "the second get");
    },
  },
  {
    name: "set replaces what the key had",
    needs: [],
    run: async ({ repository }) => {
      await repository.set("key", sample("one"));
      await repository.set("key", sample("two"));
      assertSame(await repository.get("key"), sample("two"), "after the second set");
    },
  },
  {
    name: "set leaves other keys alone",
    needs: [],
    run: async ({ repository }) => {
      await repository.set("one", sample("one"));
      await repository.set("two", sample("two"));
      assertSame(await repository.get("one"), sample("one"), "the other key");
    },
  },
  {
    name: "delete is true for a record and false for none, and the record is gone",
    needs: [],
    run: async ({ repository }) => {
      await repository.set("key", sample("one"));
      assert.equal(await repository.delete("key"), true);
      assert.equal(await repository.get("key"), undefined);
      assert.equal(await repository.delete("key"), false);
      assert.equal(await repository.delete("missing"), false);
    },
  },
  {
    name: "take gives the record once and leaves none",
    needs: [],
    run: async ({ repository }) => {
      await repository.set("key", sample("one"));
      assertSame(await repository.take("key"), sample("one"), "the first take");
      assert.equal(await repository.take("key"), undefined);
      assert.equal(await repository.get("key"), undefined);
      assert.equal(await repository.delete("key"), false);
    },
  },
  {
    name: "a key can be set again after it was deleted or taken",
    needs: [],
    run: async ({ repository }) => {
      await repository.set("key", sample("one"));
      await repository.delete("key");
      await repository.set("key", sample("two"));
      assertSame(await repository.take("key"), sample("two"), "after delete and set");
      await repository.set("key", sample("three"));
      assertSame(await repository.get("key"), sample("three"), "after take and set");
    },
  },
  {
    name: "keys of any characters are kept apart",
    needs: [],
    run: async ({ repository }) => {
      for (const key of unusualKeys) await repository.set(key, sample(key));
      for (const key of unusualKeys) assertSame(await repository.get(key), sample(key), `the key ${key.slice(0, 60)}`);
      for (const key of unusualKeys) assert.equal(await repository.delete(key), true, `the key ${key.slice(0, 60)}`);
    },
  },
  {
    name: "keys that differ in case, in a slash or in white space are different keys",
    needs: [],
    run: async ({ repository }) => {
      const keys = ["key", "Key", "/key", "key/", " key", "key "];
      for (const key of keys) await repository.set(key, sample(key));
      for (const key of keys) assertSame(await repository.get(key), sample(key), `the key "${key}"`);
    },
  },
  {
    name: "the empty key is refused by every method",
    needs: [],
    run: async ({ repository }) => {
      const calls: (() => Promise<unknown>)[] = [
        () => repository.get(""),
        () => repository.set("", sample("x")),
        () => repository.delete(""),
        () => repository.take(""),
      ];
      for (const call of calls) await assert.rejects(call, { code: "ERR_INVALID_KEY" });
    },
  },
  {
    name: "falsy values are values",
    needs: ["anyValue"],
    run: async (subject) => {
      const repository = must(subject.anyValue);
      for (const value of [0, "", false, null]) {
        const key = `falsy ${JSON.stringify(value)}`;
        await repository.set(key, value);
        assert.equal(await repository.get(key), value);
        assert.equal(await repository.take(key), value);
        await repository.set(key, value);
        assert.equal(await repository.delete(key), true);
      }
    },
  },
  {
    name: "changing a value after set does not change the record",
    needs: [],
    run: async ({ repository }) => {
      const value = { name: "one", list: ["a", "b"] };
      await repository.set("key", value);
      value.list.push("c");
      value.name = "changed";
      assertSame(await repository.get("key"), sample("one"), "the record");
    },
  },
  {
    name: "changing a value that get gave does not change the record",
    needs: [],
    run: async ({ repository }) => {
      await repository.set("key", sample("one"));
      const value = await repository.get("key");
      assert.ok(value !== undefined);
      // A frozen value refuses the change, which is as good.
      Reflect.set(value, "name", "changed");
      Reflect.set(value.list, "0", "changed");
      assertSame(await repository.get("key"), sample("one"), "the record");
    },
  },
  {
    name: "a second instance on the same store sees what the first one did",
    needs: ["again"],
    run: async (subject: RepositoryUnderTest) => {
      const other = await must(subject.again)();
      await subject.repository.set("key", sample("one"));
      assertSame(await other.get("key"), sample("one"), "the other instance's get");
      assertSame(await other.take("key"), sample("one"), "the other instance's take");
      assert.equal(await subject.repository.get("key"), undefined);
      await other.set("key", sample("two"));
      assert.equal(await subject.repository.delete("key"), true);
      assert.equal(await other.get("key"), undefined);
    },
  },
];
