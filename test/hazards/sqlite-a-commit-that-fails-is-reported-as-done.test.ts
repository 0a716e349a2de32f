import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openSqlite, SqliteRepository } from "../../src/sqlite.ts";
import { smallDisk } from "../support/small-disk.ts";
import { sqliteDrivers } from "../support/sqlite-subject.ts";
import { textCodec } from "../support/text-codec.ts";

/** better-sqlite3's `get` of a statement with RETURNING answers with its row though the commit found the disk full. */
it.for(sqliteDrivers)(
  "over %s, what was answered is what the file holds, also once the disk is full",
  async (driver, { skip }) => {
    using disk = smallDisk(512 * 1024);
    if (disk === undefined) return skip("This user may not mount a file system.");
    const database = openSqlite(join(disk.path, "state.db"), { driver });
    const repository = new SqliteRepository<string>(textCodec, database, { table: "t" });
    database.exec("PRAGMA wal_autocheckpoint = 0");
    const keys = Array.from({ length: 30 }, (_, index) => `key ${index}`);
    await Promise.all(keys.map((key) => repository.set(key, "x".repeat(600))));
    // The file takes what is left of the disk.
    expect(() => writeFileSync(join(disk.path, "ballast"), Buffer.alloc(1024 * 1024))).toThrow();
    for (const key of keys) {
      const deleted = await repository.delete(key).catch(() => false);
      expect(await repository.get(key), key).toBe(deleted ? undefined : "x".repeat(600));
    }
    database.close();
  },
);
