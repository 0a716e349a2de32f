import { StorageFailure } from "../../src/errors.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";

/** Opens a file, writes to it, and says how that went: as a user that the test chooses. */
const [file = "", driver = ""] = process.argv.slice(2);
try {
  await using repositories = createSqliteRepositories(file, {
    driver: driver === "better-sqlite3" ? driver : "node:sqlite",
    keys: "none",
  });
  await repositories.locks.set("key", { owner: "worker", expiresAt: 4_000_000_000 });
  console.log("written");
} catch (error) {
  console.log(error instanceof StorageFailure ? `${error.code} ${error.effect}` : String(error));
}
