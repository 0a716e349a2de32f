import { randomUUID } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { z } from "zod";
import { type RepositoryUnderTest, sampleSchema } from "../../src/conformance.ts";
import { RedisRepository } from "../../src/redis.ts";
import type { SchemaOrCodec } from "../../src/storage/codecs/as-codec.ts";
import type { Repository } from "../../src/storage/contract.ts";
import { ManualClock } from "./manual-clock.ts";

/** How the repository under test reaches Redis, and how it is kept from it. */
export interface RedisSubjectSetup {
  /** Wraps a schema: in a seal, for one. */
  readonly codecOf: <V>(schema: z.ZodType<V>) => SchemaOrCodec<V>;
  readonly client: Redis | Cluster;
  /** A second client, as another process has. */
  readonly otherClient: Redis | Cluster;
  /** Puts something in front of the repository. */
  readonly wrap?: <V>(repository: Repository<string, V>, prefix: string, clock: () => number) => Repository<string, V>;
  readonly breakStore?: () => Promise<void> | void;
  readonly restoreStore?: () => Promise<void> | void;
}

/** A repository for one case of the conformance suite, under keys that no other case uses. */
export function redisSubject(setup: RedisSubjectSetup): RepositoryUnderTest {
  const { codecOf, client, otherClient, wrap = (repository) => repository } = setup;
  const prefix = `conformance-${randomUUID()}`;
  const clock = new ManualClock();
  const options = { prefix, clock: clock.read, timeout: 1_000 };
  const anyPrefix = `${prefix}-any`;
  const { breakStore, restoreStore } = setup;
  return {
    repository: wrap(new RedisRepository(codecOf(sampleSchema), client, options), prefix, clock.read),
    anyValue: wrap<unknown>(
      new RedisRepository<unknown>(codecOf<unknown>(z.json()), client, { ...options, prefix: anyPrefix }),
      anyPrefix,
      clock.read,
    ),
    again: () => new RedisRepository(codecOf(sampleSchema), otherClient, options),
    advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
    now: clock.read,
    plant: async (key, text) => {
      await otherClient.set(`${prefix}:${key}`, text);
    },
    ...(breakStore && { breakStore }),
    ...(restoreStore && { restoreStore }),
    dispose: () => deleteKeys(otherClient, `${prefix}*`),
  };
}

async function deleteKeys(client: Redis | Cluster, pattern: string): Promise<void> {
  const nodes = client.isCluster && "nodes" in client ? client.nodes("master") : [client];
  for (const node of nodes) {
    for (const key of await node.keys(pattern)) await node.del(key);
  }
}
