import { StorageFailure } from "../../src/errors.ts";
import { createSqliteRepositories, openSqlite } from "../../src/sqlite.ts";

/** Opens a file, writes to it, and says how that went: as a user that the test chooses. */
const [file = "", given = "", user = ""] = process.argv.slice(2);
const driver = given === "better-sqlite3" ? given : "node:sqlite";
// Loads the driver while it can be read: the project may lie where no other user gets to.
openSqlite(":memory:", { driver }).close();
process.setgroups?.([]);
process.setgid?.(Number(user));
process.setuid?.(Number(user));
try {
  await using repositories = createSqliteRepositories(file, { driver, keys: "none" });
  await repositories.locks.set("key", { owner: "worker", expiresAt: 4_000_000_000 });
  console.log("written");
} catch (error) {
  console.log(error instanceof StorageFailure ? `${error.code} ${error.effect}` : String(error));
}
