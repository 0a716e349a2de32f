import { createHash } from "node:crypto";
import { PangeaConfig, Vault, VaultService } from "pangea-node-sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { StorageRejectedError, StorageUnavailableError } from "../../../src/errors.ts";
import { KeyRing, sealed } from "../../../src/index.ts";
import { PangeaVaultRepository, type PangeaVaultRepositoryOptions, type VaultServiceLike } from "../../../src/vault.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { useEmulator } from "../../support/use-emulator.ts";
import { vaultServiceOf } from "../../support/vault-service.ts";

const emulator = useEmulator({ authn: false });
beforeEach(() => {
  emulator.faults.clear();
  emulator.vault.clear();
});

interface Login {
  readonly user: string;
}
const schema: z.ZodType<Login> = z.object({ user: z.string() });
const secrets = { one: "the first secret of the repository under test", other: "a secret of another instance of it" };
const ring = (...names: (keyof typeof secrets)[]) => KeyRing.from(names.map((name) => secrets[name]));
const sdk = () => new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate: emulator.baseUrlTemplate }));

/** Instances with any keys can read all records: only what the labels are made with differs. */
function readable(keys: KeyRing) {
  const { encode, decode } = sealed(schema, KeyRing.from("the secret that every instance has for its records"));
  const { labels } = sealed(schema, keys);
  return { encode, decode, ...(labels !== undefined && { labels }) };
}

interface Opening extends Partial<PangeaVaultRepositoryOptions<Login>> {
  readonly keys?: KeyRing;
  readonly service?: VaultServiceLike;
}
function open({ keys = ring("one"), service = sdk(), ...options }: Opening = {}): PangeaVaultRepository<Login> {
  const indexes = { user: ({ user }: Login) => user };
  return new PangeaVaultRepository(readable(keys), service, { folder: "/index", kind: "login", indexes, ...options });
}
const openEarlier = () => open({ indexes: {} });

async function found(repository: PangeaVaultRepository<Login>, user = "ada"): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key, login] of repository.entriesBy("user", user)) {
    expect(login.user).toBe(user);
    keys.push(key);
  }
  return keys.sort();
}

/** An instance that has announced how it makes its labels. */
async function announced(opening: Opening = {}): Promise<PangeaVaultRepository<Login>> {
  const repository = open(opening);
  await found(repository, "nobody");
  return repository;
}

async function callsOf(act: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  emulator.calls.reset();
  await act();
  return emulator.calls.snapshot();
}

const itemOf = (key: string) => emulator.vault.items().find(({ name }) => name === key);
const isPlaced = (key: string) => itemOf(key)?.metadata.indexed !== undefined;

describe("the calls of the index", () => {
  it("are those of the write itself, which has the labels", async () => {
    const repository = await announced();
    expect(await callsOf(() => repository.set("a", { user: "ada" }))).toEqual({ "vault/v2/secret/store": 1 });
    expect(await callsOf(() => repository.set("a", { user: "ada" }))).toEqual({ "vault/v2/secret/rotate": 1 });
    const add = () => repository.add("b", { user: "ada" });
    expect(await callsOf(add)).toEqual({ "vault/v2/secret/store": 1, "vault/v2/get_bulk": 1 });
    expect(await callsOf(() => repository.get("a"))).toEqual({ "vault/v2/get_bulk": 1 });
    expect([isPlaced("a"), isPlaced("b")]).toEqual([true, true]);
  });

  it("are four for a search, however many records there are", async () => {
    const repository = await announced();
    await Promise.all(
      Array.from({ length: 350 }, (_, number) => repository.set(`${number}`, { user: number % 70 ? "bob" : "ada" })),
    );
    expect(
      await callsOf(async () => expect(await found(repository)).toEqual(["0", "140", "210", "280", "70"])),
    ).toEqual({ "vault/v2/get_bulk": 4 });
  });

  it("are three more for the first write of an instance, and one where its labels are known already", async () => {
    const first = { "vault/v2/get_bulk": 1, "vault/v2/secret/store": 2 };
    expect(await callsOf(() => open().set("a", { user: "ada" }))).toEqual(first);
    expect(await callsOf(() => open().set("b", { user: "ada" }))).toEqual({ ...first, "vault/v2/secret/store": 1 });
  });
});

describe("the metadata of an item", () => {
  it("has a label that tells nothing of the value", async () => {
    const repository = await announced();
    await repository.set("key", { user: "ada@example.com" });
    const metadata = itemOf("key")?.metadata ?? {};
    expect(Object.keys(metadata).sort()).toEqual(["indexed", "kind", "label1"]);
    const guesses = ["ada@example.com", JSON.stringify(["vault:/index:login", "user", "ada@example.com"])];
    for (const guess of guesses) {
      for (const encoding of ["hex", "base64", "base64url"] as const) {
        expect(JSON.stringify(metadata)).not.toContain(createHash("sha256").update(guess).digest(encoding));
      }
      expect(JSON.stringify(metadata)).not.toContain(guess);
    }
    await announced({ keys: ring("other") }).then((other) => other.set("other", { user: "ada@example.com" }));
    expect(itemOf("other")?.metadata.label1).not.toBe(metadata.label1);
  });

  it("is none that could be guessed: without keys there are no indexes", () => {
    const indexes = { user: ({ user }: Login) => user };
    const failure = expect.objectContaining({ code: "ERR_CONFIGURATION" });
    expect(() => new PangeaVaultRepository(schema, sdk(), { indexes, kind: "login" })).toThrow(failure);
    expect(() => new PangeaVaultRepository(readable(ring("one")), sdk(), { indexes })).toThrow(failure);
  });
});

describe("a search finds", () => {
  it("what an earlier version has stored, and puts it into the index, a hundred items at a time", async () => {
    const earlier = openEarlier();
    await Promise.all(Array.from({ length: 130 }, (_, number) => earlier.set(`${number}`, { user: "bob" })));
    await earlier.set("hers", { user: "ada" });
    const repository = open();
    expect(await found(repository)).toEqual(["hers"]);
    expect(emulator.vault.items().filter(({ metadata }) => metadata.indexed !== undefined)).toHaveLength(100);
    expect(await found(repository)).toEqual(["hers"]);
    expect(isPlaced("hers")).toBe(true);
    expect(await found(repository)).toEqual(["hers"]);
    expect(await found(repository, "bob")).toHaveLength(130);
    // An earlier version reads, writes and removes what has labels as before.
    expect(await earlier.get("hers")).toEqual({ user: "ada" });
    await earlier.set("hers", { user: "ada" });
    expect(await earlier.take("hers")).toEqual({ user: "ada" });
    expect(await found(repository)).toEqual([]);
  });

  it("what an earlier version stores after everything has labels", async () => {
    const repository = await announced();
    await repository.set("one", { user: "ada" });
    expect(await found(repository)).toEqual(["one"]);
    await openEarlier().set("two", { user: "ada" });
    expect(await found(repository)).toEqual(["one", "two"]);
  });

  it.each([
    ["that this instance has not", ["one"], ["other"]],
    ["that only this instance has not got as its first", ["one", "other"], ["other"]],
    ["that was taken off the list", ["other"], ["one", "other"]],
  ] as const)("what has labels of a key %s", async (_case, reading, writing) => {
    const writer = await announced({ keys: ring(...writing) });
    await writer.set("a", { user: "ada" });
    await writer.set("b", { user: "bob" });
    const reader = open({ keys: ring(...reading) });
    for (const _time of ["first", "second"]) expect(await found(reader)).toEqual(["a"]);
    // The writer finds it where it has put it.
    expect(await found(writer)).toEqual(["a"]);
  });

  it("the record that counts, where names may repeat", async () => {
    emulator.faults.inject({ kind: "duplicate-names" });
    const [one, other] = [await announced(), await announced()];
    await one.set("key", { user: "ada" });
    await other.set("key", { user: "bob" });
    expect([await found(one), await found(one, "bob")]).toEqual([[], ["key"]]);
  });

  it("no record that was taken, while its item is still there", async () => {
    const repository = await announced();
    await repository.set("key", { user: "ada" });
    const deletion = emulator.faults.hold("vault/v2/delete");
    await repository.take("key");
    expect(itemOf("key")).toBeDefined();
    expect(await found(open())).toEqual([]);
    deletion.open();
    await repository[Symbol.asyncDispose]();
  });
});

describe("a record that gets another value", () => {
  it("leaves the index before it is written, so that a crash between the two hides it from no search", async () => {
    const [repository, other] = [await announced(), await announced()];
    await repository.set("key", { user: "ada" });
    const rotation = emulator.faults.hold("vault/v2/secret/rotate");
    const written = repository.set("key", { user: "bob" });
    await rotation.arrived(1);
    expect(isPlaced("key")).toBe(false);
    rotation.open();
    await written;
    expect([await found(other, "bob"), await found(other)]).toEqual([["key"], []]);
    // The search has put it where it belongs.
    expect(isPlaced("key")).toBe(true);
    expect([await found(other, "bob"), await found(other)]).toEqual([["key"], []]);
  });

  it("is found where another instance has written it, which this one knows by its search", async () => {
    const [repository, other] = [await announced(), await announced()];
    await repository.set("key", { user: "ada" });
    await other.set("key", { user: "bob" });
    await repository.set("key", { user: "cyd" });
    expect(await found(other, "cyd")).toEqual(["key"]);
    for (const user of ["ada", "bob"]) expect(await found(other, user)).toEqual([]);
  });

  it("is found by its new value, though a search was just about to put it under the old one", async () => {
    const earlier = openEarlier();
    await earlier.set("key", { user: "ada" });
    const searching = await announced();
    await earlier.set("late", { user: "ada" });
    const update = emulator.faults.hold("vault/v2/update");
    const search = found(searching);
    await update.arrived(1);
    const writing = await announced({ service: withoutUpdate() });
    await writing.set("late", { user: "bob" });
    update.open();
    await search;
    expect([await found(searching, "bob"), await found(searching)]).toEqual([["late"], ["key"]]);
  });

  it("is found by its new value, though a search has put it under the old one while it was written", async () => {
    const earlier = openEarlier();
    const [searching, writing] = [await announced(), await announced()];
    await earlier.set("key", { user: "ada" });
    await writing.get("key");
    const rotation = emulator.faults.hold("vault/v2/secret/rotate");
    const written = writing.set("key", { user: "bob" });
    await rotation.arrived(1);
    expect(await found(searching)).toEqual(["key"]);
    expect(isPlaced("key")).toBe(true);
    rotation.open();
    await written;
    expect([await found(searching, "bob"), await found(searching)]).toEqual([["key"], []]);
  });

  it("is put right where an earlier version has written it under the labels of its old value, once it is met", async () => {
    const repository = await announced();
    await repository.set("key", { user: "ada" });
    const before = itemOf("key")?.metadata.label1;
    await open({ indexes: {}, service: withoutUpdate() }).set("key", { user: "bob" });
    expect(itemOf("key")?.metadata.label1).toBe(before);
    expect(await found(repository)).toEqual([]);
    expect(itemOf("key")?.metadata.label1).not.toBe(before);
    expect(await found(repository, "bob")).toEqual(["key"]);
  });
});

const service = (replaced: Partial<VaultServiceLike>) => vaultServiceOf(sdk(), replaced);
const withoutUpdate = (): VaultServiceLike => {
  const { update: _update, ...rest } = service({});
  return rest;
};
const asksForMetadata = (filter: object = {}) => Object.keys(filter).some((field) => field.startsWith("metadata_"));

describe("a search reads everything, and finds everything,", () => {
  const refused = () =>
    service({
      getBulk: (request) =>
        asksForMetadata(request.filter)
          ? Promise.reject(new StorageRejectedError("No such filter.", { effect: "none" }))
          : sdk().getBulk(request),
    });
  const silent = () =>
    service({
      getBulk: async (request) =>
        asksForMetadata(request.filter) ? { result: { items: [] } } : sdk().getBulk(request),
    });
  const deaf = () =>
    service({
      getBulk: async ({ filter = {}, ...request }) =>
        sdk().getBulk({
          ...request,
          filter: Object.fromEntries(Object.entries(filter).filter(([field]) => !field.startsWith("metadata_"))),
        }),
    });

  it.each([
    ["where the service cannot change metadata", { service: withoutUpdate }, []],
    ["where Vault refuses the filter", { service: refused }, ["user"]],
    ["where Vault finds nothing by the filter", { service: silent }, ["user"]],
    ["where Vault passes over the filter", { service: deaf }, ["user"]],
    ["where items without a mark are taken over", { takeOver: true }, []],
  ] as const)(
    "%s",
    async (_case, { service: make, ...options }: { service?: () => VaultServiceLike; takeOver?: boolean }, names) => {
      const placing = await announced();
      await placing.set("placed", { user: "ada" });
      await openEarlier().set("earlier", { user: "ada" });
      await openEarlier().set("bob's", { user: "bob" });
      const repository = open({ ...options, ...(make !== undefined && { service: make() }) });
      for (const _time of ["first", "second"]) expect(await found(repository)).toEqual(["earlier", "placed"]);
      expect(repository.indexNames).toEqual(names);
    },
  );
});

it("an outage of the announcement hides nothing: items have no labels until it is over", async () => {
  let isOut = true;
  let tries = 0;
  const clock = new ManualClock();
  const repository = open({
    clock: clock.read,
    service: service({
      secretStore: (request) => {
        if (request.name.startsWith("index of")) tries += 1;
        if (isOut && request.name.startsWith("index of"))
          return Promise.reject(new StorageUnavailableError("It is out."));
        return sdk().secretStore({ ...request, type: Vault.ItemType.SECRET });
      },
    }),
  });
  await repository.set("a", { user: "ada" });
  isOut = false;
  await repository.set("b", { user: "ada" });
  expect(tries).toBe(1);
  clock.advanceSeconds(60);
  await repository.set("b", { user: "ada" });
  await repository.set("c", { user: "ada" });
  expect(["a", "b", "c"].map(isPlaced)).toEqual([false, false, true]);
  expect(await found(open())).toEqual(["a", "b", "c"]);
});

it("is told by an error that some of the records cannot be read", async () => {
  const repository = open({ keys: ring("one") });
  await sdk().secretStore({
    type: Vault.ItemType.SECRET,
    name: "planted",
    folder: "/index",
    secret: "no record",
    metadata: { writer: "pangea-authn-fastmcp", kind: "login" },
  });
  await repository.set("key", { user: "ada" });
  const keys: string[] = [];
  const search = async () => {
    for await (const [key] of repository.entriesBy("user", "ada")) keys.push(key);
  };
  await expect(search()).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 1 });
  expect(keys).toEqual(["key"]);
});
