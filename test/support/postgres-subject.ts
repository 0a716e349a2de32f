import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type RepositoryUnderTest, sampleIndexes, sampleSchema } from "../../src/conformance.ts";
import { type PostgresLike, PostgresRepository } from "../../src/postgres.ts";
import type { SchemaOrCodec } from "../../src/storage/codecs/as-codec.ts";
import type { Repository } from "../../src/storage/contract.ts";
import { ManualClock } from "./manual-clock.ts";

/** How the repository under test reaches Postgres, and how it is kept from it. */
export interface PostgresSubjectSetup {
  /** Wraps a schema: in a seal, for one. */
  readonly codecOf: <V>(schema: z.ZodType<V>) => SchemaOrCodec<V>;
  readonly client: PostgresLike;
  /** A second client, as another process has. */
  readonly otherClient: PostgresLike;
  /** Puts something in front of the repository. */
  readonly wrap?: <V>(repository: Repository<string, V>, clock: () => number) => Repository<string, V>;
  readonly breakStore?: () => Promise<void> | void;
  readonly restoreStore?: () => Promise<void> | void;
}

/** A repository for one case of the conformance suite, under keys that no other case uses. The table has to be there. */
export function postgresSubject(setup: PostgresSubjectSetup): RepositoryUnderTest {
  const { codecOf, client, otherClient, wrap = (inner) => inner, breakStore, restoreStore } = setup;
  const prefix = `conformance-${randomUUID()}`;
  const clock = new ManualClock();
  const unindexed = { prefix, clock: clock.read, timeout: 5_000 };
  const options = { ...unindexed, indexes: sampleIndexes };
  const anyOptions = { ...unindexed, prefix: `${prefix}-any` };
  return {
    repository: wrap(new PostgresRepository(codecOf(sampleSchema), client, options), clock.read),
    anyValue: wrap<unknown>(
      new PostgresRepository<unknown>(codecOf<unknown>(z.json()), client, anyOptions),
      clock.read,
    ),
    again: () => new PostgresRepository(codecOf(sampleSchema), otherClient, options),
    unindexed: () => new PostgresRepository(codecOf(sampleSchema), otherClient, unindexed),
    advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
    now: clock.read,
    plant: async (key, text) => {
      const insert =
        "INSERT INTO pangea_records (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2, labels = NULL";
      await otherClient.query(insert, [`${prefix}:${key}`, text]);
    },
    ...(breakStore && { breakStore }),
    ...(restoreStore && { restoreStore }),
    dispose: async () => {
      await otherClient.query("DELETE FROM pangea_records WHERE key LIKE $1", [`${prefix}%`]);
    },
  };
}
