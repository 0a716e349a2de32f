import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type RepositoryUnderTest, sampleIndexes, sampleSchema } from "../../src/conformance.ts";
import { openSqlite, type SqliteDriver, type SqliteLike, SqliteRepository } from "../../src/sqlite.ts";
import type { SchemaOrCodec } from "../../src/storage/codecs/as-codec.ts";
import type { Repository } from "../../src/storage/contract.ts";
import { ManualClock } from "./manual-clock.ts";

/** The drivers that everything is tried with. */
export const sqliteDrivers: readonly SqliteDriver[] = ["node:sqlite", "better-sqlite3"];

/** A directory for database files, which goes with what is in it. */
export async function sqliteDirectory(): Promise<Disposable & { readonly path: string; file(name?: string): string }> {
  const path = await mkdtemp(join(tmpdir(), "pangea-sqlite-"));
  return {
    path,
    file: (name = `${randomUUID()}.db`) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** How the repository under test reaches its file. */
export interface SqliteSubjectSetup {
  readonly driver: SqliteDriver;
  readonly file: string;
  /** Wraps a schema: in a seal, for one. */
  readonly codecOf: <V>(schema: z.ZodType<V>) => SchemaOrCodec<V>;
  /** Puts something in front of the repository. */
  readonly wrap?: <V>(repository: Repository<string, V>, clock: () => number) => Repository<string, V>;
}

/** A repository for one case of the conformance suite, in a file that no other case uses. */
export function sqliteSubject({
  driver,
  file,
  codecOf,
  wrap = (inner) => inner,
}: SqliteSubjectSetup): RepositoryUnderTest {
  const clock = new ManualClock();
  const connections: SqliteLike[] = [];
  const connect = (): SqliteLike => {
    const connection = openSqlite(file, { driver });
    connections.push(connection);
    return connection;
  };
  const unindexed = { table: "sample", clock: clock.read, timeout: 100 };
  const options = { ...unindexed, indexes: sampleIndexes };
  const database = connect();
  const other = connect();
  return {
    repository: wrap(new SqliteRepository(codecOf(sampleSchema), database, options), clock.read),
    anyValue: wrap<unknown>(
      new SqliteRepository<unknown>(codecOf<unknown>(z.json()), database, { ...unindexed, table: "any" }),
      clock.read,
    ),
    again: () => new SqliteRepository(codecOf(sampleSchema), connect(), options),
    unindexed: () => new SqliteRepository(codecOf(sampleSchema), connect(), unindexed),
    advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
    now: clock.read,
    plant: async (key, text) => {
      other.prepare("INSERT OR REPLACE INTO sample (key, value) VALUES (?, ?)").run(key, text);
    },
    breakStore: () => breakTables(other, true),
    restoreStore: () => breakTables(other, false),
    dispose: () => {
      for (const connection of connections) connection.close();
    },
  };
}

/** Takes the table away from under the repository, or gives it back: every statement fails meanwhile. */
function breakTables(database: SqliteLike, isBroken: boolean): void {
  database.exec(isBroken ? "ALTER TABLE sample RENAME TO hidden" : "ALTER TABLE hidden RENAME TO sample");
}
