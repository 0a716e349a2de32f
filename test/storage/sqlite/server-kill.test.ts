import { expect, test } from "vitest";
import { killServer } from "../../support/sqlite-server-kills.ts";
import { sqliteDirectory } from "../../support/sqlite-subject.ts";

test("a server that is killed in the middle of logins logs nobody out, and lets nobody in twice on one code", async () => {
  using directory = await sqliteDirectory();
  const result = await killServer(directory.file(), "node:sqlite", { logins: 24, kills: 2 });
  expect(result).toMatchObject({ logins: 24, refreshes: 48, loggedOut: 0, letInTwice: 0 });
  expect(result.repeated, "the kills met requests").toBeGreaterThan(0);
}, 120_000);
