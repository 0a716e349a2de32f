import { DatabaseSync } from "node:sqlite";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { SqliteRepository } from "../../../src/sqlite.ts";
import { textCodec } from "../../support/text-codec.ts";

// That this compiles shows that both fit the structural type without a cast.
it.each([
  ["node:sqlite", () => new SqliteRepository<string>(textCodec, new DatabaseSync(":memory:"), { table: "t" })],
  ["better-sqlite3", () => new SqliteRepository<string>(textCodec, new Database(":memory:"), { table: "t" })],
])("a connection that was opened by %s itself is taken", async (_, create) => {
  const repository = create();
  expect(await repository.add("key", "value")).toBe(true);
  expect(await repository.take("key")).toBe("value");
});
