import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeySpace } from "../../src/storage/key-space.ts";

describe("the keys of a repository in a shared store", () => {
  test.each(["", "A", "a:b", "a b", "a*", "é", "a".repeat(65), "{a}", "a\n"])("refuse the prefix %j", (prefix) => {
    expect(() => new KeySpace(prefix)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });

  test("never meet those of another prefix, whatever the keys are", () => {
    const prefix = fc.stringMatching(/^[a-z0-9_-]{1,6}$/);
    const key = fc
      .array(fc.constantFrom(":", "a", "b", "-", "_", "{", "*"), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(prefix, key, prefix, key, (prefix1, key1, prefix2, key2) => {
        const same = new KeySpace(prefix1).storedKey(key1) === new KeySpace(prefix2).storedKey(key2);
        expect(same).toBe(prefix1 === prefix2 && key1 === key2);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  test("give the record's key back", () => {
    const keys = new KeySpace("token");
    expect(keys.recordKey(keys.storedKey("a:b{c}"))).toBe("a:b{c}");
    expect(keys.recordKey("tokens:a")).toBeUndefined();
  });

  test("lie between the beginning of its keys and their end in an order of bytes, and match its pattern", () => {
    const keys = new KeySpace("token");
    expect([keys.prefix, keys.start, keys.end, keys.pattern]).toEqual(["token", "token:", "token;", "token:*"]);
    expect(() => new KeySpace("a".repeat(64))).not.toThrow();
  });

  test.each(["\ud800", "a\udfff", "\udc00\ud800"])("refuse half of a surrogate pair (case %#)", (key) => {
    expect(() => new KeySpace("token").storedKey(key)).toThrow(expect.objectContaining({ code: "ERR_INVALID_KEY" }));
  });

  test.each([undefined, 1])("refuse %s in place of a text", (wrong) => {
    expect(() => Reflect.construct(KeySpace, [wrong])).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
    const keys = new KeySpace("token");
    expect(() => Reflect.apply(keys.storedKey, keys, [wrong])).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_KEY" }),
    );
  });

  test("refuse the empty key", () => {
    expect(() => new KeySpace("token").storedKey("")).toThrow(expect.objectContaining({ code: "ERR_INVALID_KEY" }));
  });

  test("take a whole surrogate pair", () => {
    expect(new KeySpace("token").storedKey("🔑")).toBe("token:🔑");
  });
});
