import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Environment, readMigrateOptions } from "../../src/cli/migrate/migrate-options.ts";
import { migrate } from "../../src/cli/migrate/migrate.ts";
import type { ProviderRecords, ProviderRepositories } from "../../src/index.ts";
import { copyOrder } from "../../src/records/copy-repositories.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";
import { type MigrationStore, migrationStores, type StoreKind } from "../support/migration-stores.ts";
import { findPostgres } from "../support/postgres-server.ts";
import { keyOf, stateOf, withKind, writeRecords } from "../support/provider-state.ts";
import { findRedis } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";
import { sqliteDirectory } from "../support/sqlite-subject.ts";
import { useEmulator } from "../support/use-emulator.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const kinds: readonly StoreKind[] = ["vault", "redis", "sqlite", "postgres"];
const directions = kinds.flatMap((from) => kinds.filter((to) => to !== from).map((to) => ({ from, to })));
const secrets = { source: "the-secret-of-the-source".padEnd(40, "s"), target: "the-secret-of-the-target".padEnd(40, "t") };
const inAnHour = (): number => Math.floor(Date.now() / 1_000) + 3_600;
const anHourAgo = (): number => Date.now() - 3_600_000;
const perKind = 18;

const emulator = useEmulator();
let stores: Record<StoreKind, MigrationStore>;
let directory: Awaited<ReturnType<typeof sqliteDirectory>>;
setUp("file", async (parts) => {
  directory = parts.use(await sqliteDirectory());
  const redis = parts.use(await findRedis());
  const postgres = parts.use(await findPostgres());
  stores = await migrationStores({
    baseUrlTemplate: emulator.baseUrlTemplate,
    redisUrl: redis.url,
    postgresUrl: postgres.url,
    file: directory.file(),
  });
  for (const store of Object.values(stores)) parts.use(store);
});

const environment = (): Environment => ({
  PANGEA_VAULT_TOKEN: "pts_test",
  PANGEA_BASE_URL_TEMPLATE: emulator.baseUrlTemplate,
  FROM_STORAGE_SECRET: secrets.source,
  TO_STORAGE_SECRET: secrets.target,
});

const reportSchema = z.object({
  outcome: z.string(),
  total: z.record(z.string(), z.number()),
  records: z.record(z.string(), z.record(z.string(), z.number())),
  error: z.object({ code: z.string(), count: z.number().optional(), keyIds: z.array(z.string()).optional() }).optional(),
});

/** Runs the command in this process, and gives its report. */
async function migrated(values: Record<string, string | boolean>, variables: Environment = environment()) {
  let text = "";
  let said = "";
  const outcome = await migrate(readMigrateOptions({ json: true, ...values }, variables), {
    output: { write: (part) => (text += part) },
    progress: { write: (part) => (said += part) },
    signal: new AbortController().signal,
    installation: (missing) => `npm install ${missing}`,
  });
  return { outcome, text, said, report: values.json === false ? undefined : reportSchema.parse(JSON.parse(text)) };
}

let namespaces = 0;

/** Two stores with a namespace each that no other test uses, the source filled with some of each kind. */
async function pairOf(from: StoreKind, to: StoreKind) {
  namespaces += 1;
  const [source, target] = [`source-${namespaces}`, `target-${namespaces}`];
  const values = {
    from: stores[from].address,
    to: stores[to].address,
    "from-namespace": source,
    "to-namespace": target,
  };
  const openSource = (clock?: () => number) =>
    stores[from].open({ namespace: source, secret: secrets.source, ...(clock && { clock }) });
  const openTarget = (clock?: () => number) =>
    stores[to].open({ namespace: target, secret: secrets.target, ...(clock && { clock }) });
  await using filled = await openSource();
  const expiresAt = inAnHour();
  for (const kind of copyOrder) await writeRecords(filled, kind, { count: perKind, expiresAt });
  return { values, openSource, openTarget };
}

/** Writes to a store as a server does, until it is told to stop: new records, others changed, others deleted. */
function keepWriting(repositories: ProviderRepositories) {
  let isStopped = false;
  const writing = (async () => {
    let writes = 0;
    for (; !isStopped && writes < 400; writes += 1) {
      const kind: keyof ProviderRecords = copyOrder[writes % copyOrder.length] ?? "grants";
      const turn = Math.floor(writes / copyOrder.length);
      await withKind(repositories, kind, async (repository, sample) => {
        if (turn % 3 === 0) await repository.add(keyOf(kind, 1_000 + turn), sample(1_000 + turn, inAnHour()));
        if (turn % 3 === 1) await repository.set(keyOf(kind, turn % 6), sample(2_000 + turn, inAnHour()));
        if (turn % 3 === 2) await repository.take(keyOf(kind, 6 + (turn % 6)));
      });
    }
    return writes;
  })();
  return {
    stop: (): Promise<number> => {
      isStopped = true;
      return writing;
    },
  };
}

describe("from every store to every other, with other keys, while the source is written to:", () => {
  it.each(directions)("$from to $to", async ({ from, to }) => {
    const { values, openSource, openTarget } = await pairOf(from, to);
    await using source = await openSource();
    await using earlier = await openSource(anHourAgo);
    const past = Math.floor(Date.now() / 1_000) - 60;
    await writeRecords(earlier, "grants", { count: 5, first: 9_000, expiresAt: past });
    const before = await stateOf(source);

    const writer = keepWriting(source);
    const first = await migrated(values).finally(writer.stop);
    expect(await writer.stop()).toBeGreaterThan(0);
    expect(first).toMatchObject({ outcome: "complete", report: { total: { failed: 0 } } });
    await using target = await openTarget();
    const copied = await stateOf(target);
    for (const kind of copyOrder) {
      // The writer touches the first twelve of each kind only.
      for (let number = 12; number < perKind; number += 1) {
        const name = `${kind} ${keyOf(kind, number)}`;
        expect(copied.get(name), name).toEqual(before.get(name));
      }
    }

    const second = await migrated({ ...values, "remove-missing": true });
    expect(second.outcome).toBe("complete");
    const [now, there] = [await stateOf(source), await stateOf(target)];
    expect(there).toEqual(now);
    expect(there.size).toBeGreaterThan(150);

    const third = await migrated(values);
    expect(third.report?.total).toMatchObject({ written: 0, unchanged: now.size, failed: 0 });
    await using targetEarlier = await openTarget(anHourAgo);
    const all = await stateOf(targetEarlier);
    for (let number = 9_000; number < 9_005; number += 1) {
      expect(all.has(`grants ${keyOf("grants", number)}`)).toBe(false);
    }
  });
});

describe("what cannot be opened", () => {
  it.each(kinds)("stays in the source, is reported, and everything else is copied: %s", async (from) => {
    const to = from === "redis" ? "sqlite" : "redis";
    const { values, openTarget } = await pairOf(from, to);
    await using other = await stores[from].open({ namespace: values["from-namespace"], secret: "x".repeat(40) });
    await writeRecords(other, "grants", { count: 3, first: 500, expiresAt: inAnHour() });
    const { outcome, report, said } = await migrated(values);
    expect(outcome).toBe("failed");
    expect(report).toMatchObject({
      total: { written: perKind * copyOrder.length, failed: 3 },
      records: { grants: { written: perKind, failed: 3 }, locks: { written: perKind } },
      error: { code: "ERR_UNREADABLE_RECORDS", count: 3, keyIds: [expect.any(String)] },
    });
    expect(said).toContain("FROM_STORAGE_SECRET");
    await using target = await openTarget();
    expect((await stateOf(target)).size).toBe(perKind * copyOrder.length);
    // With the other secret beside the first one a second run copies the rest.
    const both = { ...environment(), FROM_STORAGE_SECRET: `${secrets.source},${"x".repeat(40)}` };
    const again = await migrated(values, both);
    expect(again.report).toMatchObject({ outcome: "complete", total: { written: 3, failed: 0 } });
  });
});
