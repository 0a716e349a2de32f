import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Cluster, Redis } from "ioredis";
import { z } from "zod";
import { type RepositoryUnderTest, type SampleRecord, sampleIndexes, sampleSchema } from "../../src/conformance.ts";
import type { AccessToken } from "../../src/records/access-token.ts";
import {
  createRedisRepositories,
  type OtherRedisClient,
  type RedisRepositories,
  RedisRepository,
} from "../../src/redis.ts";
import type { KeyRing } from "../../src/secrets/key-ring.ts";
import type { SchemaOrCodec } from "../../src/storage/codecs/as-codec.ts";
import { sealed } from "../../src/storage/codecs/sealed.ts";
import type { Repository } from "../../src/storage/contract.ts";
import { ManualClock } from "./manual-clock.ts";

const servingProcess = fileURLToPath(new URL("./redis-serving-process.ts", import.meta.url));

/** How the repository under test reaches Redis, and how it is kept from it. */
export interface RedisSubjectSetup {
  /** Wraps a schema: in a seal, for one. */
  readonly codecOf: <V>(schema: z.ZodType<V>) => SchemaOrCodec<V>;
  readonly client: Redis | Cluster | OtherRedisClient;
  /** A second client, as another process has. */
  readonly otherClient: Redis | Cluster;
  /** Puts something in front of the repository. */
  readonly wrap?: <V>(repository: Repository<string, V>, prefix: string, clock: () => number) => Repository<string, V>;
  /** Of what is sealed: writes as another key ring would have it. */
  readonly foreignKeys?: KeyRing;
  /** Where further processes find Redis. */
  readonly port?: number;
  readonly breakStore?: () => Promise<void> | void;
  readonly restoreStore?: () => Promise<void> | void;
}

/** A repository for one case of the conformance suite, under keys that no other case uses. */
export function redisSubject(setup: RedisSubjectSetup): RepositoryUnderTest {
  const { codecOf, client, otherClient, wrap = (repository) => repository } = setup;
  const prefix = `conformance-${randomUUID()}`;
  const clock = new ManualClock();
  const unindexed = { prefix, clock: clock.read, timeout: 1_000 };
  const options = { ...unindexed, indexes: sampleIndexes };
  const anyPrefix = `${prefix}-any`;
  const { breakStore, restoreStore, foreignKeys, port } = setup;
  return {
    repository: wrap(new RedisRepository(codecOf(sampleSchema), client, options), prefix, clock.read),
    anyValue: wrap<unknown>(
      new RedisRepository<unknown>(codecOf<unknown>(z.json()), client, { ...unindexed, prefix: anyPrefix }),
      anyPrefix,
      clock.read,
    ),
    again: () => new RedisRepository(codecOf(sampleSchema), otherClient, options),
    unindexed: () => new RedisRepository(codecOf(sampleSchema), otherClient, unindexed),
    advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
    now: clock.read,
    plant: async (key, text) => {
      await otherClient.set(`${prefix}:${key}`, text);
    },
    ...(foreignKeys && {
      plantUnopenable: async (key: string) => {
        const text = sealed(sampleSchema, foreignKeys).encode(
          { name: "planted", list: [] },
          { repository: prefix, key },
        );
        await otherClient.set(`${prefix}:${key}`, text);
        return foreignKeys.ids[0] ?? "";
      },
    }),
    ...(port !== undefined && {
      processes: { command: process.execPath, args: [servingProcess, String(port), `${prefix}-processes`] },
    }),
    ...(breakStore && { breakStore }),
    ...(restoreStore && { restoreStore }),
    dispose: () => deleteKeys(otherClient, `${prefix}*`),
  };
}

/** The same with the repositories of `createRedisRepositories`: samples are kept as access tokens. */
export function sharedRedisSubject(setup: Omit<RedisSubjectSetup, "codecOf" | "wrap">): RepositoryUnderTest {
  const { client, otherClient, breakStore, restoreStore } = setup;
  const namespace = `c-${randomUUID()}`;
  const clock = new ManualClock();
  const samplesAt = (at: Redis | Cluster | OtherRedisClient) => {
    return new SamplesAmongOthers(createRedisRepositories(at, { namespace, clock: clock.read, timeout: 1_000 }));
  };
  return {
    repository: samplesAt(client),
    again: () => samplesAt(otherClient),
    advanceSeconds: (seconds) => clock.advanceSeconds(seconds),
    now: clock.read,
    plant: async (key, text) => {
      await otherClient.set(`${namespace}-access_token:${key}`, text);
    },
    ...(breakStore && { breakStore }),
    ...(restoreStore && { restoreStore }),
    dispose: () => deleteKeys(otherClient, `${namespace}*`),
  };
}

/** Keeps samples as access tokens. Reads another kind of record at the same time, so that the reads share a command. */
class SamplesAmongOthers implements Repository<string, SampleRecord> {
  readonly #all: RedisRepositories;

  constructor(all: RedisRepositories) {
    this.#all = all;
  }

  async get(key: string): Promise<SampleRecord | undefined> {
    const [token] = await Promise.all([this.#all.accessTokens.get(key), this.#all.grants.get(key)]);
    return token && sampleOf(token);
  }

  set(key: string, sample: SampleRecord): Promise<void> {
    return this.#all.accessTokens.set(key, tokenOf(sample));
  }

  add(key: string, sample: SampleRecord): Promise<boolean> {
    return this.#all.accessTokens.add(key, tokenOf(sample));
  }

  delete(key: string): Promise<boolean> {
    return this.#all.accessTokens.delete(key);
  }

  async take(key: string): Promise<SampleRecord | undefined> {
    const token = await this.#all.accessTokens.take(key);
    return token && sampleOf(token);
  }
}

function tokenOf({ name, list, ...others }: SampleRecord): AccessToken {
  return { clientId: name, scopes: [...list], ...others };
}

function sampleOf({ clientId, scopes, expiresAt }: AccessToken): SampleRecord {
  return { name: clientId, list: scopes, ...(expiresAt !== undefined && { expiresAt }) };
}

async function deleteKeys(client: Redis | Cluster, pattern: string): Promise<void> {
  const nodes = client.isCluster && "nodes" in client ? client.nodes("master") : [client];
  for (const node of nodes) {
    for (const key of await node.keys(pattern)) await node.del(key);
  }
}
