import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { migrate } from "../../src/cli/migrate/migrate.ts";
import { readMigrateOptions } from "../../src/cli/migrate/migrate-options.ts";
import type { Environment } from "../../src/cli/store/store-settings.ts";
import { KeyRing, type ProviderRecords, type ProviderRepositories } from "../../src/index.ts";
import { copyOrder } from "../../src/records/copy-repositories.ts";
import { giveKeys } from "../../src/records/sealable.ts";
import { RedisPubSubInvalidation, redisOptions } from "../../src/redis.ts";
import { createSqliteRepositories } from "../../src/sqlite.ts";
import type { StoreKind } from "../support/migration-stores.ts";
import { keyOf, stateOf, withKind, writeRecords } from "../support/provider-state.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { useMigrationStores } from "../support/use-migration-stores.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const kinds: readonly StoreKind[] = ["vault", "redis", "sqlite", "postgres"];
const directions = kinds.flatMap((from) => kinds.filter((to) => to !== from).map((to) => ({ from, to })));
const secrets = {
  source: "the-secret-of-the-source".padEnd(40, "s"),
  target: "the-secret-of-the-target".padEnd(40, "t"),
};
const inAnHour = (): number => Math.floor(Date.now() / 1_000) + 3_600;
const anHourAgo = (): number => Date.now() - 3_600_000;
const perKind = 18;

const emulator = useEmulator();
const servers = useMigrationStores(emulator);

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
  error: z
    .object({ code: z.string(), count: z.number().optional(), keyIds: z.array(z.string()).optional() })
    .optional(),
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
    from: servers.stores[from].address,
    to: servers.stores[to].address,
    "from-namespace": source,
    "to-namespace": target,
  };
  const openSource = (clock?: () => number) =>
    servers.stores[from].open({ namespace: source, secret: secrets.source, ...(clock && { clock }) });
  const openTarget = (clock?: () => number) =>
    servers.stores[to].open({ namespace: target, secret: secrets.target, ...(clock && { clock }) });
  await using filled = await openSource();
  const expiresAt = inAnHour();
  for (const kind of copyOrder) await writeRecords(filled, kind, { count: perKind, expiresAt });
  return { values, openSource, openTarget };
}

/** The kinds whose every record says that something is over. */
const ends = new Set<keyof ProviderRecords>(["refreshTokens", "clientAssertions", "consentRevocations"]);

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
        // No server brings back what was revoked, and none deletes what says that something is over.
        if (turn % 3 === 1) await repository.set(keyOf(kind, turn % 6), sample(2_001 + 5 * turn, inAnHour()));
        if (turn % 3 === 2 && !ends.has(kind)) await repository.take(keyOf(kind, 6 + (turn % 6)));
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
    await using other = await servers.stores[from].open({
      namespace: values["from-namespace"],
      secret: "x".repeat(40),
    });
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

/** Runs the program, and tells what it has said on standard error as it says it. */
async function program(words: readonly string[], onError: (text: string, kill: () => void) => void = () => {}) {
  const child = spawn(process.execPath, [main, "migrate", ...words], {
    env: { ...process.env, ...environment() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
    // A second Ctrl-C ends a program at once.
    onError(stderr, () => child.killed || child.kill("SIGINT"));
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

const wordsOf = (values: Record<string, string | boolean>): string[] =>
  Object.entries(values).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));

describe("as a program", () => {
  it("ends between two records at Ctrl-C, says how to go on, and a second run goes on", async () => {
    const { values, openTarget } = await pairOf("sqlite", "redis");
    const all = perKind * copyOrder.length;
    const stopped = await program(wordsOf({ ...values, rate: "10" }), (text, kill) => {
      if (text.includes("grants: ")) kill();
    });
    expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining("Run the same command again") });
    await using target = await openTarget();
    const copied = (await stateOf(target)).size;
    expect(copied).toBeGreaterThanOrEqual(perKind);
    expect(copied).toBeLessThan(all);

    const second = await program(wordsOf({ ...values, json: true }));
    expect(second.code).toBe(0);
    expect(reportSchema.parse(JSON.parse(second.stdout)).total).toMatchObject({
      unchanged: copied,
      written: all - copied,
    });
    expect((await stateOf(target)).size).toBe(all);
  });

  it("prints a table that fits a terminal, and its progress elsewhere", async () => {
    const { values } = await pairOf("redis", "sqlite");
    const { code, stdout, stderr } = await program(wordsOf(values));
    expect(code).toBe(0);
    // How long an address is depends on the machine.
    const lines = stdout.split("\n").map((line) => line.replaceAll(new URL(values.to).pathname, ""));
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/records\s+│ written │ unchanged/);
    const everything = copyOrder.length * 18;
    expect(stdout).toMatch(new RegExp(`all\\s+│\\s+${everything} │\\s+0`));
    for (const kind of copyOrder) {
      expect(stdout).toContain(kind);
      expect(stderr).toContain(`${kind}: ${perKind} records\n`);
    }
    expect(stderr).not.toContain("\r");
  });

  it("ends with 1 where a record could not be copied, or a store is not there", async () => {
    const { values } = await pairOf("sqlite", "redis");
    await using other = await servers.stores.sqlite.open({
      namespace: values["from-namespace"],
      secret: "x".repeat(40),
    });
    await writeRecords(other, "locks", { count: 1, first: 500, expiresAt: inAnHour() });
    const unreadable = await program(wordsOf(values));
    expect(unreadable).toMatchObject({ code: 1, stdout: expect.stringContaining("Not everything was copied") });
    const missing = await program(["--from=sqlite:no-such-file.db", `--to=${values.to}`]);
    expect(missing).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("no-such-file.db") });
    const away = await program(wordsOf({ ...values, to: "postgres://someone:hush@127.0.0.1:1/nowhere" }));
    expect(away).toMatchObject({ code: 1, stderr: expect.not.stringContaining("hush") });
    expect(away.stderr).not.toContain("    at ");
  });

  it.each([
    ["redis", "ioredis"],
    ["postgres", "pg"],
    ["vault", "pangea-node-sdk"],
  ] as const)("says how to install what a source in %s needs", async (kind, missing) => {
    const root = fileURLToPath(new URL("../../", import.meta.url));
    const folder = await mkdtemp(join(tmpdir(), "without-clients-"));
    try {
      await cp(join(root, "src"), join(folder, "src"), { recursive: true });
      const { dependencies } = z
        .object({ dependencies: z.record(z.string(), z.string()) })
        .parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
      await writeFile(join(folder, "package.json"), '{ "type": "module" }');
      for (const name of Object.keys(dependencies)) {
        const link = join(folder, "node_modules", name);
        await mkdir(dirname(link), { recursive: true });
        await symlink(join(root, "node_modules", name), link);
      }
      const { address } = servers.stores[kind];
      const words = [join(folder, "src/cli/main.ts"), "migrate", "--from", address, "--to", "sqlite:target.db"];
      const child = spawn(process.execPath, words, { cwd: folder, env: { ...process.env, ...environment() } });
      let stderr = "";
      child.stderr.on("data", (chunk) => {
        stderr += String(chunk);
      });
      const [code] = await once(child, "close");
      expect(code).toBe(1);
      expect(stderr).toContain(`npm install ${missing}`);
      expect(existsSync(join(folder, "target.db"))).toBe(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    [[], "--from is missing"],
    [["--from=sqlite:a"], "--to is missing"],
    [["--from=mysql://a", "--to=sqlite:a"], "--from must be an address"],
    [["--from=sqlite:", "--to=sqlite:a"], "needs the path of a file"],
    [["--from=sqlite::memory:", "--to=sqlite:a"], "needs the path of a file"],
    [["--from=redis:a", "--to=sqlite:a"], "--from must be an address"],
    [["--from=postgres:", "--to=sqlite:a"], "DATABASE_URL"],
    [["--from=redis://a", "--to=redis://a"], "name the same records"],
    [["--from=vault:", "--to=vault:"], "name the same records"],
    [["--from=redis://a/prod", "--to=sqlite:a"], "number of a database"],
    [["--from=redis://a", "--to=sqlite:a", "--allow-empty-source"], "--allow-empty-source is for"],
    [["--from=redis://a", "--to=sqlite:a", "--rate=0"], "--rate must be"],
    [["--from=redis://a", "--to=sqlite:a", "--rate=fast"], "--rate must be"],
    [["--from=redis://a", "--to=sqlite:a", "--from-folder=b"], "--from-folder is for vault"],
    [["--from=redis://a", "--to=sqlite:a", "--to-table=b"], "--to-table is for postgres"],
    [["--from=redis://a", "--to=sqlite:a", "--take-over"], "--take-over is for"],
    [["--from=redis://a", "--to=sqlite:a", "--namespace=A B"], "A namespace must be"],
    [["--from=redis://a", "--to=sqlite:a", "--keep", "--remove-missing"], "and not both"],
    [["--from=redis://a", "--to=sqlite:a", "--everything"], "Unknown option"],
  ])("%j is told what is wrong, with the exit code 2", async (words, message) => {
    const { code, stdout, stderr } = await program(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});

describe("a dry run", () => {
  it.each(kinds)("writes nothing to %s, and tells what would be written", async (to) => {
    const { values, openTarget } = await pairOf(to === "sqlite" ? "redis" : "sqlite", to);
    const { outcome, report } = await migrated({ ...values, "dry-run": true });
    expect(outcome).toBe("complete");
    expect(report?.total).toMatchObject({ written: perKind * copyOrder.length, unchanged: 0 });
    await using target = await openTarget();
    expect((await stateOf(target)).size).toBe(0);
  });

  it("creates no file and no table", async () => {
    const { values } = await pairOf("redis", "sqlite");
    const file = servers.directory.file();
    const { report } = await migrated({ ...values, to: `sqlite:${file}`, "dry-run": true });
    expect(report?.total.written).toBe(perKind * copyOrder.length);
    expect(existsSync(file)).toBe(false);
    const table = `absent_${namespaces}`;
    const inPostgres = { ...values, to: servers.stores.postgres.address, "to-table": table };
    expect((await migrated({ ...inPostgres, "dry-run": true })).report?.total.written).toBe(perKind * copyOrder.length);
    const back = {
      ...values,
      from: servers.stores.postgres.address,
      "from-table": table,
      to: servers.stores.sqlite.address,
    };
    await expect(migrated(back)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    expect((await migrated(inPostgres)).report?.total.written).toBe(perKind * copyOrder.length);
  });
});

it("keeps what the target has where it is asked to", async () => {
  const { values, openTarget } = await pairOf("redis", "sqlite");
  await using target = await openTarget();
  await withKind(target, "locks", (repository, sample) => repository.set(keyOf("locks", 0), sample(7, inAnHour())));
  const { report } = await migrated({ ...values, keep: true });
  expect(report?.records.locks).toMatchObject({ written: perKind - 1, kept: 1 });
  expect(await target.locks.get(keyOf("locks", 0))).toMatchObject({ owner: "instance-7" });
});

it("opens what a provider has sealed in its SQLite file by itself", async () => {
  const { values, openTarget } = await pairOf("redis", "redis");
  const file = servers.directory.file();
  const issuer = "https://mcp.example.org";
  {
    await using own = createSqliteRepositories(file);
    giveKeys(own, KeyRing.from(secrets.source, { context: issuer }));
    await writeRecords(own, "grants", { count: 4, expiresAt: inAnHour() });
  }
  const { report } = await migrated({
    from: `sqlite:${file}`,
    "from-issuer": issuer,
    to: values.to,
    "to-namespace": values["to-namespace"],
  });
  expect(report).toMatchObject({ outcome: "complete", total: { written: 4 } });
  await using target = await openTarget();
  expect((await stateOf(target)).size).toBe(4);
});

it("brings nothing back that was revoked or used on the target since the first copy", async () => {
  const { values, openTarget } = await pairOf("sqlite", "redis");
  await migrated(values);
  await using target = await openTarget();
  const grantId = keyOf("grants", 1);
  const grant = (await target.grants.get(grantId)) ?? expect.fail();
  await target.grants.set(grantId, { ...grant, scopes: [], revokedAt: 1_800_000_000 });
  await writeRecords(target, "refreshTokens", { count: 1, first: 700, expiresAt: inAnHour() });
  const there = await stateOf(target);
  for (const more of [{}, { "remove-missing": true }]) {
    const { report } = await migrated({ ...values, ...more });
    expect(report).toMatchObject({ outcome: "complete", records: { grants: { kept: 1, removed: 0 } } });
    expect(await stateOf(target)).toEqual(there);
  }
});

it.each(["", "as a program"])("empties no target for a source that is not the one that was meant %s", async (how) => {
  const { values, openTarget } = await pairOf("sqlite", "redis");
  await migrated(values);
  await using target = await openTarget();
  const there = await stateOf(target);
  const wrong = { ...values, "from-namespace": "typo", "remove-missing": true };
  if (how === "") await expect(migrated(wrong)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  else {
    const result = await program(wordsOf(wrong));
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("--allow-empty-source") });
  }
  expect(await stateOf(target)).toEqual(there);
  // An instance that was started once with the wrong name has announced itself, and no more.
  await using started = await servers.stores.sqlite.open({ namespace: "typo", secret: secrets.source });
  await writeRecords(started, "keyAnnouncements", { count: 1, expiresAt: inAnHour() });
  await expect(migrated({ ...wrong, "dry-run": true })).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  const { report } = await migrated({ ...wrong, "allow-empty-source": true });
  expect(report?.records.grants?.removed).toBeGreaterThan(0);
});

it("tells the caches of a server that runs on the target that everything may have changed", async () => {
  const { values, openTarget } = await pairOf("sqlite", "redis");
  const client = new Redis(values.to, redisOptions());
  try {
    await using invalidation = new RedisPubSubInvalidation(client, { prefix: "of-the-target" });
    const heard: unknown[] = [];
    await new Promise<void>((isUp) => {
      invalidation.subscribe({
        onInvalidate: (names) => void heard.push(names),
        onConnectionChange: (connection) => connection === "up" && isUp(),
      });
    });
    await migrated({ ...values, "dry-run": true });
    expect(heard).toEqual([]);
    await migrated(values);
    await vi.waitFor(() => expect(heard).toEqual(["all"]));
    await using _ = await openTarget();
  } finally {
    client.disconnect();
  }
});

it("says of a SQLite file, before it is filled, with what a server reads it", async () => {
  const { values } = await pairOf("redis", "sqlite");
  const { TO_STORAGE_SECRET: _, ...without } = environment();
  for (const variables of [environment(), without]) {
    const { said } = await migrated({ ...values, "dry-run": true }, variables);
    for (const part of ["TO_STORAGE_SECRET", "--to-issuer", "createSqliteRepositories"]) expect(said).toContain(part);
    expect(said.indexOf("--to-issuer")).toBeLessThan(said.indexOf("grants:"));
  }
  const own = { ...values, "to-issuer": "https://mcp.example.org", to: `sqlite:${servers.directory.file()}` };
  expect((await migrated(own)).said).not.toContain("createSqliteRepositories");
});

it("says nothing of copied records where none was, and names the variable that is not set", async () => {
  const { values } = await pairOf("sqlite", "redis");
  const { FROM_STORAGE_SECRET: _, ...without } = environment();
  const { outcome, said } = await migrated(values, without);
  expect(outcome).toBe("failed");
  expect(said).toContain("FROM_STORAGE_SECRET is not set");
  expect(said).not.toContain("Everything else");
  const short = () => readMigrateOptions({ from: "sqlite:a", to: "redis://b" }, { TO_STORAGE_SECRET: "short" });
  expect(short).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringMatching(/TO_STORAGE_SECRET.*32/) }),
  );
});

it("warns where the records will not be sealed, but for a Vault", async () => {
  const { values } = await pairOf("redis", "postgres");
  const { TO_STORAGE_SECRET: _, ...without } = environment();
  expect((await migrated(values, without)).said).toContain("TO_STORAGE_SECRET is not set");
  const toVault = { ...values, to: servers.stores.vault.address };
  expect((await migrated(toVault, without)).said).not.toContain("TO_STORAGE_SECRET");
});
