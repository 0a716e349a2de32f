import { describe, expect, it } from "vitest";
import { refusalOf, startVault } from "../emulated-vault.ts";

const ID = `pvi_${"a".repeat(32)}`;

describe("a request that does not satisfy its schema", () => {
  it.each<[string, unknown, string[]]>([
    ["secret/store", {}, ["FieldRequired /secret"]],
    ["secret/store", { secret: "" }, ["BelowMinLength /secret"]],
    ["secret/store", { secret: 1, name: null }, ["InvalidString /secret", "InvalidString /name"]],
    ["secret/store", { secret: "x", type: "pangea_token" }, ["InvalidConst /type"]],
    ["secret/store", { secret: "x", folder: "a+b" }, ["DoesNotMatchPattern /folder"]],
    ["secret/store", { secret: "x", metadata: { "a/b~c": 1 } }, ["InvalidString /metadata/a~1b~0c"]],
    ["secret/store", { secret: "x", metadata: [] }, ["InvalidObject /metadata"]],
    ["secret/store", { secret: "x", tags: "red" }, ["InvalidArray /tags"]],
    ["secret/store", { secret: "x", tags: ["red", 1] }, ["InvalidString /tags/1"]],
    ["secret/store", { secret: "x", disabled_at: "tomorrow" }, ["BadFormatDateTime /disabled_at"]],
    ["secret/rotate", { id: ID }, ["FieldRequired /secret"]],
    ["secret/rotate", { id: "pvi_short", secret: "x" }, ["DoesNotMatchPattern /id"]],
    ["secret/rotate", { id: ID, secret: "x", rotation_state: "active" }, ["NotEnumMember /rotation_state"]],
    ["secret/rotate", { id: ID, secret: "x", name: "y" }, ["UnexpectedProperty /name"]],
    ["secret/rotate", { id: ID, secret: "x".repeat(10_241) }, ["AboveMaxLength /secret"]],
    ["get", { id: ID, verbose: true }, ["UnexpectedProperty /verbose"]],
    ["get", {}, ["FieldRequired /id"]],
    ["get_bulk", { filter: "all" }, ["InvalidObject /filter"]],
    ["update", { name: "x" }, ["FieldRequired /id"]],
    ["update", { id: ID, enabled: "yes" }, ["InvalidBool /enabled"]],
    ["delete", { id: 7 }, ["InvalidString /id"]],
    ["delete", [], ["InvalidObject "]],
    ["delete", null, ["InvalidObject "]],
    ["folder/create", { name: "x" }, ["FieldRequired /folder"]],
  ])("%s %j is refused with %j", async (endpoint, body, errors) => {
    const { emulator, post } = await startVault();
    const reply = await post(`vault/v2/${endpoint}`, JSON.stringify(body));
    expect(reply.httpStatus).toBe(400);
    expect(refusalOf(reply)).toEqual({ status: "ValidationError", errors });
    expect(emulator.vault.items()).toEqual([]);
  });

  it("is not repeated in the reply", async () => {
    const { post } = await startVault();
    const { text } = await post("vault/v2/secret/store", { secret: "hush".repeat(4000), name: "token" });
    expect(text).not.toContain("hush");
  });
});

describe("a body that is not JSON", () => {
  it.each(["", "{", "secret=x", "undefined", '{"secret":"x"} trailing'])("is refused: %j", async (body) => {
    const { post } = await startVault();
    const reply = await post("vault/v2/secret/store", body);
    expect(reply.httpStatus).toBe(400);
    expect(refusalOf(reply)).toEqual({ status: "ValidationError", errors: ["BadFormat "] });
  });
});

describe("a hostile body", () => {
  it("of over 1 MiB is refused, and the connection still answers", async () => {
    const { post } = await startVault();
    const reply = await post("vault/v2/secret/store", { secret: "x".repeat(3 * 1024 * 1024) });
    expect(reply.httpStatus).toBe(413);
    expect(refusalOf(reply)).toEqual({ status: "ValidationError", errors: ["IsTooBig "] });
    expect((await post("vault/v2/list", {})).httpStatus).toBe(200);
  });

  it("that is nested 100,000 deep is refused", async () => {
    const { post } = await startVault();
    const nested = `{"secret":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(refusalOf(await post("vault/v2/secret/store", nested)).errors).toEqual(["InvalidString /secret"]);
  });

  it("with __proto__ in it changes no prototype", async () => {
    const { post, vault } = await startVault();
    const stored = await post(
      "vault/v2/secret/store",
      '{"secret":"x","name":"a","metadata":{"__proto__":"y"},"__proto__":{"folder":"/evil"}}',
    );
    expect(stored.httpStatus).toBe(200);
    expect((await vault.list({ filter: { folder: "evil" } })).result.items).toEqual([]);
    expect(Object.prototype).not.toHaveProperty("folder");
    expect(refusalOf(await post("vault/v2/get", `{"id":"${ID}","__proto__":{}}`)).errors).toEqual([
      "UnexpectedProperty /__proto__",
    ]);
  });
});
