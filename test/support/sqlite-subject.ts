import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type RepositoryUnderTest, sampleIndexes, sampleSchema } from "../../src/conformance.ts";
import type { KeyRing } from "../../src/secrets/key-ring.ts";
import { openSqlite, type SqliteDriver, type SqliteLike, SqliteRepository } from "../../src/sqlite.ts";
import type { SchemaOrCodec } from "../../src/storage/codecs/as-codec.ts";
import { sealed } from "../../src/storage/codecs/sealed.ts";
import type { Repository } from "../../src/storage/contract.ts";
import type { SqliteStatementLike } from "../../src/storage/sqlite/sqlite-like.ts";
import { fastDisk } from "./fast-disk.ts";
import { ManualClock } from "./manual-clock.ts";

const servingProcess = fileURLToPath(new URL("./sqlite-serving-process.ts", import.meta.url));

/** The drivers that everything is tried with. */
export const sqliteDrivers: readonly SqliteDriver[] = ["node:sqlite", "better-sqlite3"];

/** A directory for database files, which goes with what is in it. */
export async function sqliteDirectory(): Promise<Disposable & { readonly path: string; file(name?: string): string }> {
  const path = await mkdtemp(join(fastDisk(), "pangea-sqlite-"));
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
  /** Of what is sealed: writes as another key ring would have it. */
  readonly foreignKeys?: KeyRing;
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
  foreignKeys,
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
  const losing = losingAnswers(connect());
  const { database } = losing;
  const other = connect();
  const plant = async (key: string, text: string): Promise<void> => {
    other.prepare("INSERT OR REPLACE INTO sample (key, value) VALUES (?, ?)").run(key, text);
  };
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
    plant,
    ...(foreignKeys && {
      plantUnopenable: async (key: string) => {
        const codec = sealed(sampleSchema, foreignKeys);
        await plant(key, codec.encode({ name: "planted", list: [] }, { repository: options.table, key }));
        return foreignKeys.ids[0] ?? "";
      },
    }),
    loseAnswer: losing.loseNext,
    processes: { command: process.execPath, args: [servingProcess, driver, `${file}-processes`] },
    breakStore: () => breakTables(other, true),
    restoreStore: () => breakTables(other, false),
    dispose: () => {
      for (const connection of connections) connection.close();
    },
  };
}

/**
 * A connection whose next change is done and then reads as failed: SQLite says so where the disk fails while a commit that is
 * already written is brought to its end.
 */
function losingAnswers(connection: SqliteLike): { readonly database: SqliteLike; loseNext(): void } {
  let losesNext = false;
  let isInTransaction = false;
  const losing = (sql: string, statement: SqliteStatementLike): SqliteStatementLike => {
    const [verb = ""] = sql.trim().split(/\s/);
    const done = <R>(result: R): R => {
      if (verb === "BEGIN") isInTransaction = true;
      else if (["COMMIT", "ROLLBACK"].includes(verb)) isInTransaction = false;
      const isChange = verb === "COMMIT" || (!isInTransaction && ["INSERT", "DELETE", "UPDATE"].includes(verb));
      if (!losesNext || !isChange) return result;
      losesNext = false;
      throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 10 });
    };
    return {
      get: (...values) => done(statement.get(...values)),
      all: (...values) => done(statement.all(...values)),
      run: (...values) => done(statement.run(...values)),
    };
  };
  return {
    database: {
      prepare: (sql) => losing(sql, connection.prepare(sql)),
      exec: (sql) => connection.exec(sql),
      close: () => connection.close(),
    },
    loseNext: () => {
      losesNext = true;
    },
  };
}

/** Takes the table away from under the repository, or gives it back: every statement fails meanwhile. */
function breakTables(database: SqliteLike, isBroken: boolean): void {
  database.exec(isBroken ? "ALTER TABLE sample RENAME TO hidden" : "ALTER TABLE hidden RENAME TO sample");
}
