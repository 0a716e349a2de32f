import assert from "node:assert/strict";
import { assertSame, rule, sample } from "./rule.ts";
import type { RepositoryCase } from "./subject.ts";

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
  rule("get answers undefined for a key that was never set", [], async ({ repository }) => {
    assert.equal(await repository.get("missing"), undefined);
  }),
  rule("get answers what was set, as often as it is asked", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    assertSame(await repository.get("key"), sample("one"), "the first get");
    assertSame(await repository.get("key"), sample("one"), "the second get");
  }),
  rule("set replaces what the key had", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    await repository.set("key", sample("two"));
    assertSame(await repository.get("key"), sample("two"), "after the second set");
  }),
  rule("set leaves other keys alone", [], async ({ repository }) => {
    await repository.set("one", sample("one"));
    await repository.set("two", sample("two"));
    assertSame(await repository.get("one"), sample("one"), "the other key");
  }),
  rule("delete is true for a record and false for none, and the record is gone", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    assert.equal(await repository.delete("key"), true);
    assert.equal(await repository.get("key"), undefined);
    assert.equal(await repository.delete("key"), false);
    assert.equal(await repository.delete("missing"), false);
  }),
  rule("take gives the record once and leaves none", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    assertSame(await repository.take("key"), sample("one"), "the first take");
    assert.equal(await repository.take("key"), undefined);
    assert.equal(await repository.get("key"), undefined);
    assert.equal(await repository.delete("key"), false);
  }),
  rule("a key can be set again after it was deleted or taken", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    await repository.delete("key");
    await repository.set("key", sample("two"));
    assertSame(await repository.take("key"), sample("two"), "after delete and set");
    await repository.set("key", sample("three"));
    assertSame(await repository.get("key"), sample("three"), "after take and set");
  }),
  rule("keys of any characters are kept apart", [], async ({ repository }) => {
    for (const key of unusualKeys) await repository.set(key, sample(key));
    for (const key of unusualKeys) assertSame(await repository.get(key), sample(key), `the key ${key.slice(0, 60)}`);
    for (const key of unusualKeys) assert.equal(await repository.delete(key), true, `the key ${key.slice(0, 60)}`);
  }),
  rule("keys that differ in case, in a slash or in white space are different keys", [], async ({ repository }) => {
    const keys = ["key", "Key", "/key", "key/", " key", "key "];
    for (const key of keys) await repository.set(key, sample(key));
    for (const key of keys) assertSame(await repository.get(key), sample(key), `the key "${key}"`);
  }),
  rule("the empty key is refused by every method", [], async ({ repository }) => {
    const calls: (() => Promise<unknown>)[] = [
      () => repository.get(""),
      () => repository.set("", sample("x")),
      () => repository.delete(""),
      () => repository.take(""),
      () => repository.add("", sample("x")),
    ];
    for (const call of calls) await assert.rejects(call, { code: "ERR_INVALID_KEY" }, "an InvalidKeyError");
  }),
  rule("falsy values are values", ["anyValue"], async ({ anyValue: repository }) => {
    for (const value of [0, "", false, null]) {
      const key = `falsy ${JSON.stringify(value)}`;
      await repository.set(key, value);
      assert.equal(await repository.get(key), value);
      assert.equal(await repository.take(key), value);
      assert.equal(await repository.add(key, value), true);
      assert.equal(await repository.add(key, "another"), false);
      assert.equal(await repository.get(key), value);
      assert.equal(await repository.delete(key), true);
    }
  }),
  rule("changing a value after set or add does not change the record", [], async ({ repository }) => {
    for (const write of ["set", "add"] as const) {
      const value = { name: "one", list: ["a", "b"] };
      await repository[write](write, value);
      value.list.push("c");
      value.name = "changed";
      assertSame(await repository.get(write), sample("one"), write);
    }
  }),
  rule("changing a value that get gave does not change the record", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    const value = await repository.get("key");
    assert.ok(value !== undefined);
    // A frozen value refuses the change, which is as good.
    Reflect.set(value, "name", "changed");
    Reflect.set(value.list, "0", "changed");
    assertSame(await repository.get("key"), sample("one"), "the record");
  }),
  rule("a second instance on the same store sees what the first one did", ["again"], async ({ repository, again }) => {
    const other = await again();
    await repository.set("key", sample("one"));
    assertSame(await other.get("key"), sample("one"), "the other instance's get");
    assertSame(await other.take("key"), sample("one"), "the other instance's take");
    assert.equal(await repository.get("key"), undefined);
    await other.set("key", sample("two"));
    assert.equal(await repository.delete("key"), true);
    assert.equal(await other.get("key"), undefined);
  }),
];
