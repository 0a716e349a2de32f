import { expect, test } from "vitest";
import { killWriters } from "../../support/sqlite-kills.ts";
import { sqliteDirectory, sqliteDrivers } from "../../support/sqlite-subject.ts";

test.each(sqliteDrivers)(
  "what %s acknowledged is in the file after a SIGKILL, and the file is whole",
  async (driver) => {
    using directory = await sqliteDirectory();
    const { acknowledged, ...wrong } = await killWriters(directory.file(), driver, 3, (round) => 20 * round);
    expect(wrong).toEqual({ lost: 0, damage: [] });
    expect(acknowledged).toBeGreaterThan(10);
  },
  120_000,
);
