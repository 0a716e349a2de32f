import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ConfigurationError, StorageRejectedError, StorageUnavailableError } from "../../../src/errors.ts";
import { KeyRing, sealed } from "../../../src/index.ts";
import { PangeaVaultRepository, type PangeaVaultRepositoryOptions } from "../../../src/vault.ts";
import { refusal, VaultInMemory } from "../../support/vault-in-memory.ts";

interface Login {
  readonly user: string;
  readonly client?: string | undefined;
}
const schema: z.ZodType<Login> = z.object({ user: z.string(), client: z.string().optional() });
const ring = (name: string) => KeyRing.from(`the secret of the instance that is named ${name}`);
const place = { folder: "/index", kind: "login" };
const common = { type: "secret", folder: "/index" };
const writer = "pangea-authn-fastmcp";

/** Instances can read all records, whatever their labels are made with. */
function open(vault: VaultInMemory, options: Partial<PangeaVaultRepositoryOptions<Login>> = {}, keys = ring("one")) {
  const { encode, decode } = sealed(schema, ring("all"));
  const { labels } = sealed(schema, keys);
  const indexes = { client: ({ client }: Login) => client, user: ({ user }: Login) => user };
  const codec = { encode, decode, ...(labels !== undefined && { labels }) };
  return new PangeaVaultRepository(
    codec,
    vault,
    { ...place, timeout: 1_000, indexes, ...options },
    {
      random: () => 0,
      delay: async () => undefined,
    },
  );
}
type Repository = ReturnType<typeof open>;
const earlierIn = (vault: VaultInMemory) => open(vault, { indexes: {} });

async function found(repository: Repository, value = "ada", index = "user"): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of repository.entriesBy(index, value)) keys.push(key);
  return keys.sort();
}

/** An instance that has announced how it makes its labels. */
async function announced(vault: VaultInMemory, keys = ring("one")): Promise<Repository> {
  const repository = open(vault, {}, keys);
  await found(repository, "nobody");
  vault.requests.length = 0;
  return repository;
}

const asked = (vault: VaultInMemory, wanted: string) =>
  vault.requests.flatMap(([method, request]) => (method === wanted ? [request] : []));
const filtersOf = (vault: VaultInMemory): unknown[] => asked(vault, "getBulk").map((search) => Object(search).filter);
const metadataOf = (vault: VaultInMemory, name: string) => vault.named(name).metadata;
const isPlaced = (vault: VaultInMemory, name: string) => metadataOf(vault, name).indexed !== undefined;

describe("a search asks", () => {
  test("for what has no place, the schemes, its labels, and what has labels that it cannot make", async () => {
    const vault = new VaultInMemory();
    const other = await announced(vault, ring("other"));
    await other.set("theirs", { user: "ada" });
    const repository = await announced(vault);
    await repository.set("mine", { user: "ada", client: "app" });
    await repository.set("bob's", { user: "bob" });
    vault.requests.length = 0;
    expect(await found(repository)).toEqual(["mine", "theirs"]);
    const { indexed, label2 } = metadataOf(vault, "mine");
    const theirs = metadataOf(vault, "theirs").indexed;
    expect(theirs).not.toBe(indexed);
    expect(filtersOf(vault)).toEqual([
      { ...common, metadata_kind: "login", metadata_writer: writer },
      { ...common, metadata_kind: "index.scheme" },
      { ...common, metadata_label2: label2 },
      { ...common, metadata_kind: "login", metadata_indexed: theirs },
      { ...common, name__in: ["mine", "theirs"] },
    ]);
    expect(await found(repository, "app", "client")).toEqual(["mine"]);
    expect(asked(vault, "update")).toEqual([]);
  });

  test("nothing more where no candidate is meant", async () => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await earlierIn(vault).set("bob's", { user: "bob" });
    vault.requests.length = 0;
    expect(await found(repository)).toEqual([]);
    expect(filtersOf(vault)).toHaveLength(3);
    expect(isPlaced(vault, "bob's")).toBe(true);
    expect(await found(repository)).toEqual([]);
    expect(asked(vault, "update")).toHaveLength(1);
  });

  test("for nothing again that has the labels and is of another kind", async () => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await repository.set("mine", { user: "ada" });
    const { secret = "" } = vault.named("mine").item_versions[0] ?? {};
    const metadata = { ...metadataOf(vault, "mine"), kind: "another" };
    vault.plant({ name: "theirs", folder: "/index", secret, metadata });
    vault.requests.length = 0;
    expect(await found(repository)).toEqual(["mine"]);
    expect(filtersOf(vault).at(-1)).toEqual({ ...common, name: "mine" });
    expect(await found(repository, "bob")).toEqual([]);
    expect(metadataOf(vault, "theirs")).toEqual(metadata);
  });
});

test("a search gives a place to a hundred items, and the next one to the others", async () => {
  const vault = new VaultInMemory();
  const earlier = earlierIn(vault);
  for (let n = 0; n < 130; n += 1) await earlier.set(`${n}`, { user: "bob" });
  const repository = await announced(vault);
  const placed = () => vault.items.filter(({ metadata }) => metadata.indexed !== undefined).length;
  expect(placed()).toBe(100);
  let underWay = 0;
  let most = 0;
  vault.before = async (method) => {
    if (method !== "update") return;
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
  };
  expect(await found(repository)).toEqual([]);
  expect(placed()).toBe(130);
  expect(most).toBe(10);
});

test("a repository without indexes announces nothing", async () => {
  const vault = new VaultInMemory();
  await earlierIn(vault).set("a", { user: "ada" });
  await earlierIn(vault).add("b", { user: "ada" });
  expect(vault.items.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(earlierIn(vault).indexNames).toEqual([]);
  await expect(found(earlierIn(vault))).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
});

test("before there are keys for labels everything is read, and nothing has a place", async () => {
  const vault = new VaultInMemory();
  const indexes = { user: ({ user }: Login) => user };
  const codec = { ...sealed(schema, ring("all")), labels: () => [] };
  const repository = new PangeaVaultRepository(codec, vault, { ...place, indexes });
  for (const [key, user] of [
    ["a", "ada"],
    ["b", "bob"],
  ] as const) {
    await repository.set(key, { user });
  }
  expect(repository.indexNames).toEqual([]);
  vault.requests.length = 0;
  expect(await found(repository)).toEqual(["a"]);
  expect(filtersOf(vault)).toEqual([common]);
  expect(vault.items.map(({ name, metadata }) => [name, metadata.writer])).toEqual([
    ["a", writer],
    ["b", writer],
  ]);
});

test("where items without a mark are taken over, none is stored with labels, which no search would ask for", async () => {
  const vault = new VaultInMemory();
  const repository = open(vault, { takeOver: true });
  for (const key of ["a", "b"]) await repository.set(key, { user: "ada" });
  await repository.add("c", { user: "ada" });
  for (const key of ["a", "b", "c"]) expect(isPlaced(vault, key)).toBe(false);
  expect(await found(repository)).toEqual(["a", "b", "c"]);
});

test("the items of other folders stay as they are, also where Vault shows them", async () => {
  const vault = new VaultInMemory();
  await earlierIn(vault).set("mine", { user: "ada" });
  const text = vault.named("mine").item_versions[0]?.secret ?? "";
  const metadata = { writer, kind: "login" };
  const theirs = vault.plant({ name: "mine", folder: "/index/other", secret: text, metadata });
  const getBulk = vault.getBulk.bind(vault);
  vault.getBulk = ({ filter = {}, ...search }) => {
    const { folder: _folder, ...rest } = { folder: "", ...filter };
    return getBulk({ ...search, filter: rest });
  };
  expect(await found(open(vault))).toEqual(["mine"]);
  expect(isPlaced(vault, "mine")).toBe(true);
  expect(theirs.metadata).toEqual(metadata);
});

test("a record is found once, though it has an item under its label and one that has no place yet", async () => {
  const vault = new VaultInMemory();
  const repository = await announced(vault);
  await repository.set("a", { user: "ada" });
  const text = vault.named("a").item_versions[0]?.secret ?? "";
  vault.plant({ name: "a", folder: "/index", secret: text, metadata: { writer, kind: "login" } });
  expect(await found(repository)).toEqual(["a"]);
});

test("what a search shows of a record that was written anew since is not believed", async () => {
  const vault = new VaultInMemory();
  const repository = await announced(vault);
  await repository.set("a", { user: "ada" });
  await earlierIn(vault).set("b", { user: "ada" });
  const before = new VaultInMemory();
  before.items.push(...structuredClone(vault.items));
  await repository.set("a", { user: "bob" });
  await repository.set("b", { user: "bob" });
  vault.getBulk = (search) => before.getBulk(search);
  expect(await found(repository)).toEqual([]);
});

test.each([
  ["no record", "no record", {}],
  ["no record, which has the labels of one", "no record", undefined],
])("%s is told of, and hides nothing", async (_, secret, labels) => {
  const vault = new VaultInMemory();
  const repository = await announced(vault);
  await repository.set("a", { user: "ada" });
  const metadata = labels === undefined ? metadataOf(vault, "a") : { writer, kind: "login" };
  vault.plant({ name: "planted", folder: "/index", secret, metadata });
  const keys: string[] = [];
  const search = async () => {
    for await (const [key] of repository.entriesBy("user", "ada")) keys.push(key);
  };
  await expect(search()).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 1 });
  expect(keys).toEqual(["a"]);
  expect(metadataOf(vault, "planted")).toEqual(metadata);
});

test("where everything is read, what was taken and is still there is no record", async () => {
  const vault = new VaultInMemory();
  await open(vault).set("a", { user: "ada" });
  await open(vault).set("b", { user: "ada" });
  vault.before = (method) => {
    if (method === "delete") throw refusal("InternalError");
  };
  await open(vault).take("a");
  expect(await found(open(vault, { takeOver: true }))).toEqual(["b"]);
  expect(await found(open(vault))).toEqual(["b"]);
});

const out = new StorageUnavailableError("It is out.", { effect: "none" });

test.each([
  ["an outage", () => out, { code: "ERR_STORAGE_UNAVAILABLE" }],
  ["an answer that there is no such item", () => refusal("VaultItemNotFound"), { code: "ERR_STORAGE_REJECTED" }],
])("%s is none that the filter is refused by, so that the search fails", async (_, failure, expected) => {
  const vault = new VaultInMemory();
  const repository = await announced(vault);
  vault.before = (method, request) => {
    if (method === "getBulk" && "metadata_writer" in Object(Object(request).filter)) throw failure();
  };
  await expect(found(repository)).rejects.toMatchObject(expected);
  expect(asked(vault, "getBulk").map((search) => Object.keys(Object(Object(search).filter)))).not.toContainEqual(
    Object.keys(common),
  );
});

test.each([
  ["refuses a filter", () => Promise.reject(refusal("ValidationError"))],
  ["finds nothing by a filter", async () => ({ result: { items: [] } })],
])("everything is read where Vault %s", async (_, answer) => {
  const vault = new VaultInMemory();
  await (await announced(vault)).set("a", { user: "ada" });
  await earlierIn(vault).set("b", { user: "ada" });
  await earlierIn(vault).set("c", { user: "bob" });
  const getBulk = vault.getBulk.bind(vault);
  vault.getBulk = (search) =>
    Object.keys(search.filter ?? {}).some((field) => field.startsWith("metadata_")) ? answer() : getBulk(search);
  expect(await found(open(vault))).toEqual(["a", "b"]);
});

test("an item whose record has another value than its labels is put where it belongs", async () => {
  const vault = new VaultInMemory();
  const repository = await announced(vault);
  await repository.set("a", { user: "bob" });
  const { id, item_versions, metadata: belongs } = vault.named("a");
  const bobs = item_versions.map(({ secret }) => secret).join();
  await vault.delete(id);
  await repository.set("a", { user: "ada" });
  await vault.secretRotate({ id: vault.named("a").id, secret: bobs });
  expect(await found(repository)).toEqual([]);
  expect(metadataOf(vault, "a")).toEqual(belongs);
  expect(await found(repository, "bob")).toEqual(["a"]);
});

test("a set over labels is one all the same where the service cannot change metadata", async () => {
  const vault = new VaultInMemory();
  await (await announced(vault)).set("a", { user: "ada" });
  const repository = open(Object.assign(vault, { update: undefined }));
  await repository.set("a", { user: "bob" });
  expect(await repository.get("a")).toEqual({ user: "bob" });
});

describe("an item that a search gives a place", () => {
  const lost = new StorageUnavailableError("The answer was lost.", { effect: "unknown" });
  const refused = new StorageRejectedError("Vault refuses.", { effect: "none" });

  test.each<[string, Error, placements: number[]]>([
    ["leaves it again where nobody can tell whether it has one", lost, [2, 0]],
    ["stays where it is where it has none", refused, [2]],
  ])("%s", async (_, failure, placements) => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await earlierIn(vault).set("a", { user: "ada" });
    let isFirst = true;
    vault.before = (method) => {
      if (method !== "update" || !isFirst) return;
      isFirst = false;
      throw failure;
    };
    expect(await found(repository)).toEqual(["a"]);
    const labels = asked(vault, "update").map((request) =>
      Object.keys(Object(Object(request).metadata)).filter((member) => /^(?:indexed|label)/.test(member)),
    );
    expect(labels.map((members) => members.length)).toEqual(placements);
    expect(metadataOf(vault, "a")).toEqual({ writer, kind: "login" });
  });

  test("leaves it again where it was written to meanwhile", async () => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await earlierIn(vault).set("a", { user: "ada" });
    const { item_versions } = vault.named("a");
    let updates = 0;
    vault.before = (method) => {
      if (method !== "update") return;
      updates += 1;
      if (updates === 1) item_versions.push({ version: 2, secret: item_versions[0]?.secret, state: "active" });
    };
    await found(repository);
    expect(updates).toBe(2);
    expect(metadataOf(vault, "a")).toEqual({ writer, kind: "login" });
  });

  test("is none to worry about where leaving it fails too", async () => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await earlierIn(vault).set("a", { user: "ada" });
    vault.before = (method) => {
      if (method === "update") throw lost;
    };
    expect(await found(repository)).toEqual(["a"]);
    expect(asked(vault, "update")).toHaveLength(2);
  });

  test("may be gone by then", async () => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await earlierIn(vault).set("a", { user: "ada" });
    vault.before = (method) => {
      if (method === "update") vault.items.splice(vault.items.indexOf(vault.named("a")), 1);
    };
    expect(await found(repository)).toEqual(["a"]);
    expect(asked(vault, "update")).toHaveLength(1);
  });

  test("keeps the mark of the add that stored it", async () => {
    const vault = new VaultInMemory();
    await earlierIn(vault).add("a", { user: "ada" });
    const { added } = metadataOf(vault, "a");
    expect(added).toMatch(/^[0-9a-f]{32}$/);
    expect(await found(open(vault))).toEqual(["a"]);
    const { label2, indexed, ...rest } = metadataOf(vault, "a");
    expect([label2, indexed]).not.toContain(undefined);
    expect(rest).toEqual({ kind: "login", added });
  });

  test("is not given one where the program is at fault", async () => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await earlierIn(vault).set("a", { user: "ada" });
    vault.before = (method) => {
      if (method === "update") throw new ConfigurationError("The SDK is not installed.");
    };
    await expect(found(repository)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  });
});

describe("a set of a record that the index has elsewhere", () => {
  /** What was asked of the item, and whether the update was one that takes it out of the index. */
  const steps = (vault: VaultInMemory) =>
    vault.requests.flatMap(([method, request]) =>
      method === "update"
        ? ["indexed" in Object(Object(request).metadata) ? "place" : "leave"]
        : method === "secretRotate"
          ? ["rotate"]
          : [],
    );

  test.each<[string, (vault: VaultInMemory, repository: Repository) => Promise<unknown>, string[]]>([
    ["writes alone where it stays", (_, repository) => repository.set("a", { user: "bob" }), ["rotate"]],
    [
      "takes the item out before it writes another value",
      (_, repository) => repository.set("a", { user: "ada" }),
      ["leave", "rotate"],
    ],
    [
      "takes the item out before it writes, where an earlier version has written the same value under old labels",
      async (vault, repository) => {
        const { id, item_versions } = vault.named("a");
        const bobs = item_versions.map(({ secret }) => secret).join();
        await vault.delete(id);
        await repository.set("a", { user: "ada" });
        await vault.secretRotate({ id: vault.named("a").id, secret: bobs });
        await repository.get("a");
      },
      ["leave", "rotate"],
    ],
    [
      "takes the item out though it has no place yet: a search may be about to give it one",
      async (vault, repository) => {
        await vault.delete(vault.named("a").id);
        await earlierIn(vault).set("a", { user: "ada" });
        await repository.get("a");
      },
      ["leave", "rotate"],
    ],
    [
      "writes alone where it has no place yet, and the same value",
      async (vault, repository) => {
        await vault.delete(vault.named("a").id);
        await earlierIn(vault).set("a", { user: "bob" });
        await repository.get("a");
      },
      ["rotate"],
    ],
  ])("%s", async (_, prepare, expected) => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await repository.set("a", { user: "bob" });
    await prepare(vault, repository);
    vault.requests.length = 0;
    await repository.set("a", { user: "bob" });
    expect(steps(vault)).toEqual(expected);
    expect(await found(await announced(vault), "bob")).toEqual(["a"]);
  });

  test.each([
    ["takes it out again", false],
    ["leaves its effect unknown where that fails", true],
  ])("%s where a search has put it under the old value while it was written", async (_, fails) => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await repository.set("a", { user: "ada" });
    const under = metadataOf(vault, "a");
    vault.calls();
    let updates = 0;
    const asked: string[] = [];
    vault.before = (method) => {
      asked.push(method);
      if (method === "secretRotate") vault.named("a").metadata = under;
      if (method === "update") updates += 1;
      if (fails && updates === 2) throw refusal("ValidationError");
    };
    const outcome = await repository.set("a", { user: "bob" }).catch((failure: unknown) => failure);
    expect(outcome).toEqual(fails ? expect.objectContaining({ effect: "unknown" }) : undefined);
    expect(asked).toEqual(["update", "secretRotate", "update"]);
    expect(isPlaced(vault, "a")).toBe(fails);
  });

  test("that another instance has stored goes by what that one holds", async () => {
    const vault = new VaultInMemory();
    await (await announced(vault)).set("a", { user: "bob" });
    const repository = await announced(vault);
    await repository.set("a", { user: "bob" });
    expect(steps(vault)).toEqual(["rotate"]);
    vault.requests.length = 0;
    const third = await announced(vault);
    await third.set("a", { user: "ada" });
    expect(steps(vault)).toEqual(["leave", "rotate"]);
    expect([await found(third, "bob"), await found(third)]).toEqual([[], ["a"]]);
  });

  test("is none after an add of the same value", async () => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await repository.add("a", { user: "bob" });
    await repository.set("a", { user: "bob" });
    expect(steps(vault)).toEqual(["rotate"]);
    await repository.set("a", { user: "ada" });
    expect(steps(vault)).toEqual(["rotate", "leave", "rotate"]);
  });

  test("leaves the item's add in the metadata", async () => {
    const vault = new VaultInMemory();
    const repository = await announced(vault);
    await repository.add("a", { user: "bob" });
    const { added } = metadataOf(vault, "a");
    await repository.set("a", { user: "ada" });
    expect(metadataOf(vault, "a")).toEqual({ writer, kind: "login", added });
    expect(added).toMatch(/^[0-9a-f]{32}$/);
  });
});
