import { PangeaConfig, VaultService } from "pangea-node-sdk";
import { describe, expect, it } from "vitest";
import { type SampleRecord, sampleIndexes, sampleSchema } from "../../src/conformance.ts";
import { KeyRing, type Repository, sealed } from "../../src/index.ts";
import { RedisRepository } from "../../src/redis.ts";
import { openSqlite, SqliteRepository } from "../../src/sqlite.ts";
import { isIndexedBy } from "../../src/storage/indexed.ts";
import { PangeaVaultRepository, type VaultServiceLike } from "../../src/vault.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { useEmulator } from "../support/use-emulator.ts";
import { vaultServiceOf } from "../support/vault-service.ts";

const record = (name: string): SampleRecord => ({ name, list: [] });

async function found(repository: Repository<string, SampleRecord>, name: string): Promise<string[]> {
  if (!isIndexedBy(repository, "name")) throw new Error("The repository has no index.");
  const keys: string[] = [];
  for await (const [key] of repository.entriesBy("name", name)) keys.push(key);
  return keys.sort();
}

describe("in SQLite", () => {
  it("what an instance without the index has written is found", async () => {
    const database = openSqlite(":memory:");
    const table = "sample";
    const indexed = new SqliteRepository(sampleSchema, database, { table, indexes: sampleIndexes });
    await indexed.set("new", record("ada"));
    await new SqliteRepository(sampleSchema, database, { table }).set("old", record("ada"));
    expect(await found(indexed, "ada")).toEqual(["new", "old"]);
    database.close();
  });
});

describe("in Redis", () => {
  it("a record whose entry could not be written is found by every instance", async () => {
    await using server = await startRedisServer();
    const clients = await Promise.all([connectRedis(server), connectRedis(server)]);
    const options = { prefix: "p", indexes: sampleIndexes };
    const [one, other] = clients.map((client) => new RedisRepository(sampleSchema, client, options));
    const [redis] = clients;
    if (one === undefined || other === undefined || redis === undefined) throw new Error("There are two.");
    await one.set("first", record("ada"));
    expect(await found(one, "ada")).toEqual(["first"]);
    const [label = ""] = await redis.keys("p#name.*");
    await redis.rename(label, "aside");
    await redis.set(label, "in the way");
    await expect(one.set("second", record("ada"))).rejects.toMatchObject({ effect: "unknown" });
    await redis.rename("aside", label);
    expect(await found(other, "ada")).toEqual(["first", "second"]);
    for (const client of clients) client.disconnect();
  });
});

describe("in Vault", () => {
  const emulator = useEmulator({ authn: false }, "test");
  const sdk = () => new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate: emulator.baseUrlTemplate }));
  const service = () => vaultServiceOf(sdk());
  const codec = sealed(sampleSchema, KeyRing.from("the secret of this hazard's instances"));
  async function open(over: VaultServiceLike = sdk()): Promise<PangeaVaultRepository<SampleRecord>> {
    const repository = new PangeaVaultRepository(codec, over, { kind: "sample", indexes: sampleIndexes });
    await found(repository, "nobody");
    return repository;
  }

  it("an instance that dies while it gives a record another value hides it from no search", async () => {
    const [dying, other] = [await open(), await open()];
    await dying.set("key", record("ada"));
    emulator.faults.inject({ kind: "server-error", httpStatus: 501, committed: true, on: "vault/v2/secret/rotate" });
    await expect(dying.set("key", record("bob"))).rejects.toMatchObject({ effect: "unknown" });
    emulator.faults.clear();
    // By the new value first: a search by the old one would put the labels right.
    expect([await found(other, "bob"), await found(other, "ada")]).toEqual([["key"], []]);
  });

  it("a search that puts a record into the index meets a write, and the record is found by what was written", async () => {
    const [searching, writing] = [await open(), await open()];
    await new PangeaVaultRepository(codec, sdk(), { kind: "sample" }).set("key", record("ada"));
    const update = emulator.faults.hold("vault/v2/update", { times: 1 });
    const search = found(searching, "ada");
    await update.arrived(1);
    await writing.set("key", record("bob"));
    update.open();
    await search;
    expect([await found(writing, "bob"), await found(writing, "ada")]).toEqual([["key"], []]);
  });

  it("a write that meets a search which puts the record into the index is found by what was written", async () => {
    const [searching, writing] = [await open(), await open()];
    await new PangeaVaultRepository(codec, sdk(), { kind: "sample" }).set("key", record("ada"));
    await writing.get("key");
    const rotation = emulator.faults.hold("vault/v2/secret/rotate", { times: 1 });
    const written = writing.set("key", record("bob"));
    await rotation.arrived(1);
    expect(await found(searching, "ada")).toEqual(["key"]);
    rotation.open();
    await written;
    expect([await found(searching, "bob"), await found(searching, "ada")]).toEqual([["key"], []]);
  });

  it("a record under the labels of a value that it has no more is put right by the search that meets it", async () => {
    const repository = await open();
    await repository.set("key", record("ada"));
    // Who writes without changing metadata leaves the labels as they are, as an instance of an earlier version does.
    const { update: _update, ...withoutUpdate } = service();
    await new PangeaVaultRepository(codec, withoutUpdate, { kind: "sample" }).set("key", record("bob"));
    expect(await found(repository, "ada")).toEqual([]);
    expect(await found(repository, "bob")).toEqual(["key"]);
  });

  it("what an instance without the index has written is found", async () => {
    const repository = await open();
    await new PangeaVaultRepository(codec, sdk(), { kind: "sample" }).set("key", record("ada"));
    expect(await found(repository, "ada")).toEqual(["key"]);
  });

  it("a Vault that finds nothing by metadata is read as a whole", async () => {
    const placing = await open();
    await placing.set("key", record("ada"));
    const real = service();
    const asksForMetadata = (filter: object = {}) => Object.keys(filter).some((name) => name.startsWith("metadata_"));
    const silent: VaultServiceLike = {
      ...real,
      getBulk: async (request) => (asksForMetadata(request.filter) ? { result: { items: [] } } : real.getBulk(request)),
    };
    expect(await found(await open(silent), "ada")).toEqual(["key"]);
  });

  it("what other instances have labelled with a key that this one has not is found", async () => {
    const plain = (...secrets: string[]) => {
      const { encode, decode } = codec;
      const { labels } = sealed(sampleSchema, KeyRing.from(secrets));
      return { encode, decode, ...(labels !== undefined && { labels }) };
    };
    const options = { kind: "sample", indexes: sampleIndexes };
    const other = new PangeaVaultRepository(plain("another secret, which is long enough for it"), sdk(), options);
    await found(other, "nobody");
    await other.set("key", record("ada"));
    const own = new PangeaVaultRepository(plain("the secret that this instance alone has"), sdk(), options);
    expect(await found(own, "ada")).toEqual(["key"]);
  });
});
