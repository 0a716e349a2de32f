import { Client, type Pool } from "pg";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { testRepository } from "../../../src/conformance.ts";
import {
  createPostgresTables,
  PostgresInvalidation,
  PostgresRepository,
  postgresOptions,
} from "../../../src/postgres.ts";
import { startPgBouncer } from "../../support/pgbouncer.ts";
import { openPostgresPool } from "../../support/postgres-pool.ts";
import { findPostgres } from "../../support/postgres-server.ts";
import { postgresSubject } from "../../support/postgres-subject.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

const schema = z.object({ name: z.string() });

describe("through PgBouncer, which shares connections between transactions", () => {
  let direct: string;
  let pooled: string;
  let proxy: TcpProxy;
  let client: Pool;
  let otherClient: Pool;
  setUp("file", async (parts) => {
    const postgres = parts.use(await findPostgres());
    const bouncer = parts.use(await startPgBouncer(postgres));
    direct = postgres.url;
    pooled = bouncer.url;
    proxy = parts.use(await startTcpProxy(Number(new URL(pooled).port), "127.0.0.1"));
    const throughProxy = new URL(pooled);
    throughProxy.host = `127.0.0.1:${proxy.port}`;
    // More connections to the pooler than it has to Postgres.
    const options = { max: 8, ...postgresOptions({ timeout: 5_000, viaPooler: true }) };
    client = openPostgresPool({ connectionString: throughProxy.href, ...options });
    parts.defer(() => client.end());
    otherClient = openPostgresPool({ connectionString: pooled, ...options });
    parts.defer(() => otherClient.end());
    // The table, too, can be made through the pooler.
    await createPostgresTables(otherClient);
  });

  testRepository(
    "PostgresRepository",
    () =>
      postgresSubject({
        client,
        otherClient,
        codecOf: (each) => each,
        breakStore: () => {
          proxy.refuse();
          proxy.reset();
        },
        restoreStore: () => proxy.accept(),
      }),
    {
      runner: { describe, it },
      without: { holdRead: "one connection answers in the order in which it was asked" },
    },
  );

  it("a setting that it refuses is named with the remedy", async () => {
    const pool = openPostgresPool({ connectionString: pooled, ...postgresOptions({ timeout: 5_000 }) });
    const repository = new PostgresRepository(schema, pool, { prefix: "refused" });
    await expect(repository.get("a")).rejects.toMatchObject({
      code: "ERR_STORAGE_REJECTED",
      message: expect.stringContaining("viaPooler"),
    });
    await pool.end();
  });

  it("LISTEN hears nothing: nothing is cached, and the remedy is told", async () => {
    const pool = openPostgresPool({ connectionString: direct, max: 2, ...postgresOptions({ timeout: 10_000 }) });
    const refusals: unknown[] = [];
    {
      await using invalidation = new PostgresInvalidation(pool, {
        prefix: "grant",
        listener: () => new Client({ connectionString: pooled }),
        timeout: 10_000,
        heartbeat: 200,
        onRefused: (error) => refusals.push(error),
      });
      const subscriber = new RecordingSubscriber();
      invalidation.subscribe(subscriber);
      await expect.poll(() => refusals, { timeout: 20_000 }).not.toEqual([]);
      expect(refusals[0]).toMatchObject({
        code: "ERR_STORAGE_REJECTED",
        message: expect.stringContaining("past any pooler"),
      });
      expect(subscriber.connections).not.toContain("up");
    }
    await pool.end();
  });

  it("NOTIFY arrives: an instance behind it tells those that listen directly", async () => {
    const open = () =>
      new PostgresInvalidation(otherClient, {
        prefix: "grant",
        listener: () => new Client({ connectionString: direct }),
        timeout: 10_000,
      });
    await using one = open();
    await using other = open();
    const [speaker, hearer] = [new RecordingSubscriber(), new RecordingSubscriber()];
    const { publish } = one.subscribe(speaker);
    other.subscribe(hearer);
    for (const each of [speaker, hearer])
      await expect.poll(() => each.connections.at(-1), { timeout: 20_000 }).toBe("up");
    const name = "a".repeat(43);
    await publish(name);
    await expect.poll(() => hearer.heard, { timeout: 20_000 }).toEqual([name]);
  });
});
