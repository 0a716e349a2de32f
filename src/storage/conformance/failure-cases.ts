import assert from "node:assert/strict";
import { rule, sample } from "./rule.ts";
import type { RepositoryCase, RepositoryUnderTest } from "./subject.ts";

const nested = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
const corruptTexts: readonly (readonly [description: string, text: string])[] = [
  ["no JSON", "confidential {"],
  ["empty", " "],
  ["another type", '"confidential"'],
  ["null", "null"],
  ["a missing member", '{"list":[]}'],
  ["a member of another type", '{"name":["confidential"],"list":[]}'],
  ["a deep value", `{"name":${nested.slice(0, 9_000)},"list":[]}`],
  ["a __proto__ member", '{"name":"confidential","list":[],"__proto__":{"admin":true}}'],
  ["an escaped __proto__ member", '{"name":"confidential","list":[],"\\u005f_proto__":{"admin":true}}'],
];

function everyCall({ repository }: RepositoryUnderTest): readonly (readonly [string, () => Promise<unknown>])[] {
  return [
    ["get", () => repository.get("key")],
    ["set", () => repository.set("key", sample("one"))],
    ["delete", () => repository.delete("key")],
    ["take", () => repository.take("key")],
    ["add", () => repository.add("other", sample("two"))],
  ];
}

/** What has to hold when the store fails or holds what it should not. */
export const failureCases: readonly RepositoryCase[] = [
  rule("a store that fails is an error of every method, never an absent record", ["breakStore"], async (subject) => {
    await subject.repository.set("key", sample("one"));
    await subject.breakStore();
    try {
      for (const [method, call] of everyCall(subject)) {
        await assert.rejects(call, (error) => failsAsStorage(method, error), `${method} rejects`);
      }
    } finally {
      await subject.restoreStore?.();
    }
    assert.equal((await subject.repository.get("key"))?.name, "one", "the record is still there");
  }),
  rule(
    "a stored value that is no valid record is a typed error that shows nothing of it",
    ["plant"],
    async (subject) => {
      for (const [description, text] of corruptTexts) {
        const key = `corrupt ${description}`;
        await subject.plant(key, text);
        await assert.rejects(
          () => subject.repository.get(key),
          (error) => {
            assert.ok(error instanceof Error, description);
            assert.ok(
              "code" in error && (error.code === "ERR_CORRUPT_RECORD" || error.code === "ERR_UNSEALABLE"),
              description,
            );
            assert.ok(!`${error.message} ${String(error.cause)}`.includes("confidential"), description);
            assert.ok(!error.message.includes(key), description);
            return true;
          },
          description,
        );
      }
      assert.equal(Reflect.get({}, "admin"), undefined, "Object.prototype is as it was");
    },
  ),
  rule("a corrupt record can be overwritten", ["plant"], async (subject) => {
    await subject.plant("key", "not a record");
    await assert.doesNotReject(() => subject.repository.set("key", sample("one")));
    assert.equal((await subject.repository.get("key"))?.name, "one");
  }),
  rule("a corrupt record can be deleted", ["plant"], async (subject) => {
    await subject.plant("key", "not a record");
    let deleted: boolean | undefined;
    await assert.doesNotReject(async () => {
      deleted = await subject.repository.delete("key");
    });
    assert.equal(deleted, true);
    assert.equal(await subject.repository.get("key"), undefined);
  }),
];

function failsAsStorage(method: string, error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const isStorageError = typeof code === "string" && code.startsWith("ERR_STORAGE");
  assert.ok(isStorageError, `${method} rejects with a StorageError, such as a StorageUnavailableError`);
  return true;
}
