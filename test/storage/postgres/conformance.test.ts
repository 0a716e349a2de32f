import { PGlite } from "@electric-sql/pglite";
import type { Pool } from "pg";
import { describe, it } from "vitest";
import { testRepository } from "../../../src/conformance.ts";
import { createPostgresTables, postgresOptions } from "../../../src/postgres.ts";
import { KeyRing } from "../../../src/secrets/key-ring.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { sealed } from "../../../src/storage/codecs/sealed.ts";
import { openPostgresPool } from "../../support/postgres-pool.ts";
import { findPostgres } from "../../support/postgres-server.ts";
import { postgresSubject } from "../../support/postgres-subject.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

const runner = { describe, it };
const holdRead = "one connection answers in the order in which it was asked";
const keys = KeyRing.from("a secret of the conformance test, long enough");

describe("on a server, over pg", () => {
  let proxy: TcpProxy;
  let client: Pool;
  let otherClient: Pool;
  setUp("file", async (parts) => {
    const { url } = parts.use(await findPostgres());
    const { hostname, port } = new URL(url);
    proxy = parts.use(await startTcpProxy(Number(port || 5432), hostname));
    const throughProxy = new URL(url);
    throughProxy.host = `127.0.0.1:${proxy.port}`;
    client = openPostgresPool({ connectionString: throughProxy.href, max: 4, ...postgresOptions({ timeout: 5_000 }) });
    parts.defer(() => client.end());
    otherClient = openPostgresPool({ connectionString: url, max: 4, ...postgresOptions() });
    parts.defer(() => otherClient.end());
    await createPostgresTables(otherClient);
  });
  const setup = () => ({
    client,
    otherClient,
    breakStore: () => {
      proxy.refuse();
      proxy.reset();
    },
    restoreStore: () => proxy.accept(),
  });

  testRepository("PostgresRepository", () => postgresSubject({ ...setup(), codecOf: (schema) => schema }), {
    runner,
    without: { holdRead },
  });

  testRepository(
    "PostgresRepository with sealed records",
    () => postgresSubject({ ...setup(), codecOf: (schema) => sealed(schema, keys) }),
    { runner, without: { holdRead } },
  );

  testRepository(
    "CachedRepository over PostgresRepository",
    () =>
      postgresSubject({
        ...setup(),
        codecOf: (schema) => schema,
        wrap: (repository, clock) => new CachedRepository(repository, { max: 1_000, maxStaleness: 60_000, clock }),
      }),
    {
      runner,
      without: {
        holdRead,
        again: "a copy in memory hides another instance's change for maxStaleness",
        plant: "a copy in memory hides what is planted behind it",
        breakStore: "a copy in memory is answered while the store is out",
      },
    },
  );
});

describe("in this process, over PGlite", () => {
  let client: PGlite;
  setUp("file", async (parts) => {
    client = await PGlite.create();
    parts.defer(() => client.close());
    await createPostgresTables(client);
  });
  const breakStore = "PGlite is in this process";

  testRepository(
    "PostgresRepository",
    () => postgresSubject({ client, otherClient: client, codecOf: (schema) => schema }),
    { runner, without: { holdRead, breakStore } },
  );
});
