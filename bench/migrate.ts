/**
 * Moving 10,000 records between the stores, in all twelve directions, while the source is written to: how long a first run
 * takes, a second one that finds nearly everything there, and whether both stores are the same in the end.
 *
 *     npx node bench/migrate.ts [records [store …]]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { migrate } from "../src/cli/migrate/migrate.ts";
import { readMigrateOptions } from "../src/cli/migrate/migrate-options.ts";
import { startPangeaEmulator } from "../src/emulator.ts";
import { copyOrder } from "../src/records/copy-repositories.ts";
import { migrationStores, type StoreKind } from "../test/support/migration-stores.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { keyOf, stateOf, withKind, writeRecords } from "../test/support/provider-state.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { machine } from "./machine.ts";

const records = Number(process.argv[2] ?? 10_000);
const perKind = Math.ceil(records / copyOrder.length);
const all: readonly StoreKind[] = ["vault", "redis", "sqlite", "postgres"];
/** Those that are named, or all. */
const kinds = all.filter((kind) => process.argv.length < 4 || process.argv.slice(3).includes(kind));
const secrets = { from: "f".repeat(40), to: "t".repeat(40) };
const inADay = Math.floor(Date.now() / 1_000) + 86_400;
const directory = mkdtempSync(join(tmpdir(), "pangea-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

await using emulator = await startPangeaEmulator();
await using redis = await startRedisServer();
await using postgres = await startPostgresServer();
const stores = await migrationStores({
  baseUrlTemplate: emulator.baseUrlTemplate,
  redisUrl: redis.url,
  postgresUrl: postgres.url,
  file: join(directory, "state.db"),
});

/** Runs the command; gives its report. */
async function run(values: Record<string, string | boolean>) {
  let output = "";
  const environment = {
    PANGEA_VAULT_TOKEN: "pts_bench",
    PANGEA_BASE_URL_TEMPLATE: emulator.baseUrlTemplate,
    FROM_STORAGE_SECRET: secrets.from,
    TO_STORAGE_SECRET: secrets.to,
  };
  const outcome = await migrate(readMigrateOptions({ ...values, json: true }, environment), {
    output: {
      write: (text) => {
        output += text;
      },
    },
    progress: { write: () => undefined },
    signal: new AbortController().signal,
    installation: (name) => `npm install ${name}`,
  });
  const report: { total: { written: number; unchanged: number; removed: number }; seconds: number } =
    JSON.parse(output);
  return { outcome, ...report };
}

console.log(machine());
console.log(`${perKind * copyOrder.length} records, sealed on both sides with other keys`);
let isMissed = false;
for (const from of kinds) {
  await using source = await stores[from].open({ namespace: "source", secret: secrets.from });
  for (const kind of copyOrder) await writeRecords(source, kind, { count: perKind, expiresAt: inADay });
  for (const to of kinds) {
    if (to === from) continue;
    const namespace = `from-${from}`;
    const values = {
      from: stores[from].address,
      to: stores[to].address,
      "from-namespace": "source",
      "to-namespace": namespace,
    };
    let isOver = false;
    let writes = 0;
    const writing = (async () => {
      for (; !isOver; writes += 1) {
        const kind = copyOrder[writes % copyOrder.length] ?? "grants";
        const number = Math.floor(writes / copyOrder.length);
        await withKind(source, kind, async (repository, sample) => {
          if (number % 3 === 2) await repository.delete(keyOf(kind, number % perKind));
          else await repository.set(keyOf(kind, number % perKind), sample(records + number, inADay));
        });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const first = await run(values);
    isOver = true;
    await writing;
    const second = await run({ ...values, "remove-missing": true });
    await using target = await stores[to].open({ namespace, secret: secrets.to });
    const isSame = isDeepStrictEqual(await stateOf(target), await stateOf(source));
    isMissed ||= !isSame || first.outcome !== "complete" || second.outcome !== "complete";
    console.log(
      `${from} to ${to}: ${first.total.written} written in ${first.seconds} s beside ${writes} writes; then ` +
        `${second.total.written} written, ${second.total.removed} removed, ${second.total.unchanged} unchanged in ` +
        `${second.seconds} s; ${isSame ? "the same" : "NOT THE SAME"}`,
    );
  }
}
for (const store of Object.values(stores)) await store[Symbol.asyncDispose]();
process.exitCode = isMissed ? 1 : 0;
