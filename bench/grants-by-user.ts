/**
 * What `listGrants({ subject })` and `revokeGrants({ subject })` cost among so many grants: how many records are read, how many
 * commands Redis runs, and how long it takes, beside a listing of everything. It fails where a record of somebody else is read.
 *
 *     npx node bench/grants-by-user.ts [sqlite|postgres|redis] [grants]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { Pool } from "pg";
import {
  asCodec,
  type Codec,
  createInMemoryRepositories,
  type Grant,
  GrantSchema,
  McpOAuthProvider,
} from "../src/index.ts";
import { createPostgresTables, PostgresRepository, postgresOptions } from "../src/postgres.ts";
import { RedisRepository, redisOptions } from "../src/redis.ts";
import { storageKey } from "../src/secrets/storage-key.ts";
import { openSqlite, SqliteRepository } from "../src/sqlite.ts";
import { RecordText } from "../src/storage/record-text.ts";
import { FakeUpstream } from "../test/support/fake-upstream.ts";
import { findPostgres } from "../test/support/postgres-server.ts";
import { findRedis } from "../test/support/redis-server.ts";
import { printGoal } from "./goal.ts";
import { machine } from "./machine.ts";

const [kind = "sqlite", number = "1000000"] = process.argv.slice(2);
const grants = Number(number);
/** Everybody has so many grants. */
const ofEach = 4;
const users = Math.floor(grants / ofEach);
const resource = new URL("https://mcp.example.org/mcp");
const expiresAt = Math.floor(Date.now() / 1_000) + 90 * 86_400;
const indexes = {
  client: ({ clientId }: Grant) => clientId,
  subject: ({ subject }: Grant) => subject,
};

let decoded = 0;
/** How often each command was run so far; nothing for a store that does not count them. */
let commandsSoFar = async (): Promise<ReadonlyMap<string, number>> => new Map();
const inner = asCodec(GrantSchema);
const codec: Codec<Grant> = {
  encode: (value, location) => inner.encode(value, location),
  decode(text, location) {
    decoded += 1;
    return inner.decode(text, location);
  },
};
const keyOf = (index: number): string => storageKey("grant", String(index));
const grantOf = (index: number): Grant => ({
  clientId: `client-${index % 50}`,
  clientName: "Notes",
  clientHost: "notes.example.org",
  subject: `user-${index % users}`,
  scopes: ["user"],
  resource,
  createdAt: expiresAt - 90 * 86_400,
  expiresAt,
  sealedUpstream: "s".repeat(400),
});

/** The rows as a repository would write them, many at a time. */
function* rows(repository: string, size: number) {
  const records = new RecordText(GrantSchema, { indexes });
  for (let first = 0; first < grants; first += size) {
    yield Array.from({ length: Math.min(size, grants - first) }, (_, offset) => {
      const key = keyOf(first + offset);
      const { text, indexEntry } = records.encode(grantOf(first + offset), { repository, key });
      return { key, text, scheme: indexEntry?.scheme ?? "", labels: indexEntry?.labels ?? [] };
    });
  }
}

async function inSqlite(stack: AsyncDisposableStack) {
  const directory = mkdtempSync(join(tmpdir(), "pangea-bench-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const database = openSqlite(join(directory, "state.db"));
  stack.defer(() => void database.close());
  const repository = new SqliteRepository(codec, database, {
    table: "grant",
    indexes,
    expiresAt: (grant) => grant.expiresAt,
  });
  const insert = database.prepare(
    'INSERT INTO "grant" (key, value, expires_at, scheme, by_client, by_subject) VALUES (?, ?, ?, ?, ?, ?)',
  );
  for (const page of rows("grant", 10_000)) {
    database.exec("BEGIN");
    for (const { key, text, scheme, labels } of page) {
      insert.run(key, text, expiresAt * 1_000, scheme, labels[0] ?? null, labels[1] ?? null);
    }
    database.exec("COMMIT");
  }
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return repository;
}

async function inPostgres(stack: AsyncDisposableStack) {
  const server = stack.use(await findPostgres());
  const pool = new Pool({ connectionString: server.url, max: 4, ...postgresOptions({ timeout: 60_000 }) });
  stack.defer(() => pool.end());
  const table = "bench_grants";
  await pool.query(`DROP TABLE IF EXISTS ${table}`);
  await createPostgresTables(pool, table);
  stack.defer(async () => void (await pool.query(`DROP TABLE ${table}`)));
  const prefix = "bench";
  for (const page of rows(prefix, 5_000)) {
    await pool.query(
      `INSERT INTO ${table} (key, value, expires_at, labels)
      SELECT key, value, ${expiresAt}, ARRAY[scheme, client, subject]
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS made (key, value, scheme, client, subject)`,
      [
        page.map(({ key }) => `${prefix}:${key}`),
        page.map(({ text }) => text),
        page.map(({ scheme }) => `${prefix}:${scheme}`),
        page.map(({ labels }) => labels[0]),
        page.map(({ labels }) => labels[1]),
      ],
    );
  }
  const options = { prefix, table, indexes, timeout: 60_000, expiresAt: (grant: Grant) => grant.expiresAt };
  return new PostgresRepository(codec, pool, options);
}

async function inRedis(stack: AsyncDisposableStack) {
  const server = stack.use(await findRedis());
  const redis = new Redis(server.url, redisOptions({ connectTimeout: 60_000, socketTimeout: 60_000 }));
  stack.defer(() => redis.disconnect());
  await new Promise((resolve) => redis.once("ready", resolve));
  commandsSoFar = async () => {
    // Commands that a script runs are among them, beside the script.
    const statistics = await redis.info("commandstats");
    const counted = statistics.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm);
    return new Map([...counted].map(([, name = "", calls]) => [name, Number(calls)]));
  };
  const prefix = `bench-${process.pid}`;
  const options = { prefix, indexes, timeout: 60_000, expiresAt: (grant: Grant) => grant.expiresAt };
  const repository = new RedisRepository(codec, redis, options);
  const now = Date.now();
  const score = String(expiresAt * 1_000);
  for (const page of rows(prefix, 5_000)) {
    const pipeline = redis.pipeline();
    for (const { key, text, scheme, labels } of page) {
      const member = `${now.toString(36)}:${key}`;
      pipeline.set(`${prefix}:${key}`, text, "PX", expiresAt * 1_000 - now);
      for (const [position, name] of repository.indexNames.entries()) {
        pipeline.zadd(`${prefix}#${name}.${labels[position]}`, score, member);
      }
      pipeline.zadd(`${prefix}#schemes`, score, scheme);
    }
    await pipeline.exec();
  }
  // As the first search leaves it, which reads everything.
  await redis.set(`${prefix}#complete`, "none", "PX", 86_400_000);
  stack.defer(async () => {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (keys.length > 0) await redis.unlink(keys);
    }
  });
  return repository;
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;

/** What was measured of a work. */
interface Measured {
  /** How many records of grants were read meanwhile. */
  readonly reads: number;
  /** For how many milliseconds it ran. */
  readonly took: number;
  /** How often each command was run meanwhile, where the store counts them. */
  readonly commands: readonly (readonly [name: string, calls: number])[];
}

async function measured(run: () => Promise<unknown>): Promise<Measured> {
  const before = decoded;
  const commandsBefore = await commandsSoFar();
  const started = performance.now();
  await run();
  const took = performance.now() - started;
  const commands = [...(await commandsSoFar())]
    .map(([name, calls]) => [name, calls - (commandsBefore.get(name) ?? 0)] as const)
    // The count before this work is one of them.
    .filter(([name, calls]) => calls > 0 && name !== "info");
  return { reads: decoded - before, took, commands };
}

/** The commands of a work for each of so many people. */
function commandsOf({ commands }: Measured, people: number): string {
  const each = commands.map(([name, calls]) => `${name} ${calls / people}`);
  return each.length === 0 ? "" : `; Redis runs for each: ${each.join(", ")}`;
}

console.log(machine());
await using stack = new AsyncDisposableStack();
const openers: Record<
  string,
  (stack: AsyncDisposableStack) => Promise<SqliteRepository<Grant> | PostgresRepository<Grant> | RedisRepository<Grant>>
> = {
  sqlite: inSqlite,
  postgres: inPostgres,
  redis: inRedis,
};
const open = openers[kind];
if (open === undefined) throw new RangeError("sqlite, postgres or redis");
const filling = performance.now();
const repository = await open(stack);
console.log(`${kind}: ${grants} grants of ${users} users, in ${seconds(performance.now() - filling)}`);
const provider = new McpOAuthProvider({
  baseUrl: "https://mcp.example.org",
  scopes: ["user"],
  upstream: new FakeUpstream(Date.now),
  secret: "a secret that is long enough for a benchmark",
  repositories: { ...createInMemoryRepositories(), grants: repository },
  logger: false,
});
const list = async (subject: string): Promise<void> => {
  let listed = 0;
  for await (const _ of provider.listGrants({ subject })) listed += 1;
  if (listed !== ofEach) throw new Error(`${listed} grants were listed.`);
};
const people = Array.from({ length: 50 }, (_, index) => `user-${(index * 7_919 + 13) % users}`);
const listing = await measured(async () => {
  for (const subject of people) await list(subject);
});
const ending = await measured(async () => {
  for (const subject of people) {
    const ended = await provider.revokeGrants({ subject });
    if (ended !== ofEach) throw new Error(`${ended} grants were ended.`);
  }
});
const everything = await measured(async () => {
  for await (const _ of repository.entries());
});
const eachOf = (work: Measured): string =>
  `${(work.took / people.length).toFixed(1)} ms${commandsOf(work, people.length)}`;
console.log(`listGrants({ subject }):   ${eachOf(listing)}`);
console.log(`revokeGrants({ subject }): ${eachOf(ending)}`);
console.log(`a listing of all grants:   ${seconds(everything.took)}, ${everything.reads} records read`);
printGoal(
  "records read by listGrants({ subject }), for each grant of the user",
  listing.reads / people.length / ofEach,
  "at most",
  1,
);
// Each is read once when it is found, and once more when it is ended; writing one reads back what was written.
printGoal(
  "records read by revokeGrants({ subject }), for each grant of the user",
  ending.reads / people.length / ofEach,
  "at most",
  3,
);
