import { PangeaConfig, Vault, VaultService } from "pangea-node-sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { createVaultRepositories, PangeaVaultRepository, type VaultServiceLike } from "../../../src/vault.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { textCodec } from "../../support/text-codec.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator({ authn: false });
beforeEach(() => emulator.vault.clear());

const clock = new ManualClock();
const past = clock.seconds(-1000);
/** What any of our schemas would take for a record that has expired. */
const lookalike = JSON.stringify({
  client_id: "c",
  owner: "o",
  key_id: "k",
  sealed: "s",
  scopes: [],
  redirect_uris: [],
  revoked_at: past,
  created_at: past,
  expires_at: past,
});
const mark = { writer: "pangea-authn-fastmcp" };
const own = "/pangea-authn-fastmcp";

/** Items of other applications: none of them is ours to list or to delete, whatever they look like. */
const foreign: readonly (readonly [string, Partial<Vault.Secret.StoreRequest>])[] = [
  ["the same name where Vault puts it", {}],
  ["the same name in another folder", { folder: "/billing" }],
  ["the same name and kind in another folder", { folder: "/billing", metadata: { kind: "client" } }],
  ["the same name and mark in another folder", { folder: "/billing", metadata: { ...mark, kind: "client" } }],
  ["no metadata, in the same folder", { folder: own, name: "other" }],
  ["tags, in the same folder", { folder: own, name: "tagged", tags: ["client", "pangea-authn-fastmcp"] }],
  ["another application's mark", { folder: own, name: "marked", metadata: { writer: "billing", kind: "client" } }],
  ["a mark that only begins as ours", { folder: own, metadata: { writer: "pangea-authn-fastmcp-2", kind: "client" } }],
  ["a mark that is nearly ours", { folder: own, name: "case", metadata: { writer: "Pangea-authn-fastmcp" } }],
  ["a kind that only begins as ours", { folder: own, name: "kinds", metadata: { kind: "clients" } }],
  ["our mark and a kind that we have not", { folder: own, name: "kind", metadata: { ...mark, kind: "invoice" } }],
  ["a folder that begins as ours", { folder: `${own}-2`, metadata: { ...mark, kind: "client" } }],
  ["a folder within ours", { folder: `${own}/two`, metadata: { ...mark, kind: "client" } }],
  ["a folder above ours", { folder: "/", metadata: { ...mark, kind: "client" } }],
];

const sdk = () => new VaultService("pts_demo", new PangeaConfig({ baseUrlTemplate: emulator.baseUrlTemplate }));
const open = (options = {}) =>
  createVaultRepositories("pts_demo", { baseUrlTemplate: emulator.baseUrlTemplate, clock: clock.read, ...options });
const plant = (item: Partial<Vault.Secret.StoreRequest>, secret = lookalike) =>
  sdk().secretStore({ type: Vault.ItemType.SECRET, name: "c", secret, ...item });
async function listed(repositories: ReturnType<typeof open>): Promise<string[]> {
  const keys: string[] = [];
  for (const repository of Object.values(repositories)) {
    if (typeof repository === "function") continue;
    for await (const [key] of repository.entries()) keys.push(key);
  }
  return keys;
}

describe("an item of another application", () => {
  it.each(foreign)("with %s is neither listed nor swept, before or after it would have expired", async (_, item) => {
    for (const expiresAt of [past, clock.seconds(1000)]) {
      emulator.vault.clear();
      await plant(item, lookalike.replace(`"expires_at":${past}`, `"expires_at":${expiresAt}`));
      const before = emulator.vault.items();
      const repositories = open();
      expect(await listed(repositories)).toEqual([]);
      expect(await repositories.sweep()).toBe(0);
      expect(emulator.vault.items()).toEqual(before);
    }
  });

  it.each(foreign)("with %s is not reached by the key of ours", async (_, item) => {
    await plant({ name: "c", ...item });
    const before = emulator.vault.items();
    const { clients } = open();
    if (before[0]?.folder !== `${own}/` || before[0].name === "c") {
      expect(await clients.get("c")).toBeUndefined();
      expect(await clients.take("c")).toBeUndefined();
      expect(await clients.delete("c")).toBe(false);
    }
    expect(emulator.vault.items()).toEqual(before);
  });

  it("stays among many of ours, which are swept and listed as ever", async () => {
    for (const [, item] of foreign) await plant(item).catch(() => undefined);
    const before = emulator.vault.items();
    const repositories = open();
    for (let n = 0; n < 5; n += 1) {
      await repositories.locks.set(`lock ${n}`, { owner: "o", expiresAt: clock.seconds(n < 3 ? 10 : 1000) });
    }
    const later = open({ clock: () => clock.read() + 11_000 });
    expect(await later.sweep()).toBe(3);
    expect(await listed(repositories)).toEqual(["lock 3", "lock 4"]);
    expect(emulator.vault.items()).toEqual([...before, ...emulator.vault.items().slice(-2)]);
  });

  it("without a mark stays where an application has named the folder, unless it is told to take the folder over", async () => {
    const folder = "/shared";
    await plant({ folder });
    await plant({ folder, name: "no record" }, "hunter2");
    expect(await open({ folder }).sweep()).toBe(0);
    expect(emulator.vault.items()).toHaveLength(2);
    expect(await open({ folder, takeOver: true }).sweep()).toBe(1);
    expect(emulator.vault.items().map(({ name }) => name)).toEqual(["no record"]);
  });
});

/** A Vault that does not filter, and that holds what the emulator cannot: every kind of item that Pangea has. */
describe("a Vault whose search shows more than was asked for", () => {
  const version = { version: 1, state: "active", secret: "text" };
  const common = { name: "a", folder: "/mine/", metadata: mark, item_versions: [version] };
  const items = [
    { ...common, id: "pvi_a", type: "asymmetric_key" },
    { ...common, id: "pvi_b", type: "symmetric_key" },
    { ...common, id: "pvi_c", type: "pangea_token" },
    { ...common, id: "pvi_d", type: "pangea_client_secret" },
    { ...common, id: "pvi_e", type: "pangea_platform_client_secret" },
    { ...common, id: "pvi_f", type: "certificate" },
    { id: "pvi_g", type: "folder", name: "a", folder: "/mine/", metadata: mark },
    { ...common, id: "pvi_h", type: "secret", folder: "/mine/too/" },
    { ...common, id: "pvi_i", type: "secret", folder: "/" },
    { ...common, id: "pvi_j", type: "secret", name: undefined },
  ];

  it("has nothing of ours among keys, certificates, tokens, folders and secrets of other folders", async () => {
    const writes: unknown[] = [];
    const write = async (request: unknown) => {
      writes.push(request);
      return {};
    };
    const vault: VaultServiceLike = {
      secretStore: write,
      secretRotate: write,
      delete: write,
      getItem: async ({ id }) => ({ result: items.find((item) => item.id === id) }),
      getBulk: async () => ({ result: { items } }),
    };
    const repository = new PangeaVaultRepository<string>(textCodec, vault, { folder: "/mine" });
    expect(await repository.get("a")).toBeUndefined();
    expect(await repository.take("a")).toBeUndefined();
    expect(await repository.delete("a")).toBe(false);
    expect(await repository.sweep()).toBe(0);
    for await (const entry of repository.entries()) expect(entry).toBeUndefined();
    expect(writes).toEqual([]);
  });
});

describe("servers on one Vault", () => {
  const lock = { owner: "o", expiresAt: clock.seconds(10) };

  it.each<[string, object, object]>([
    ["two namespaces", { namespace: "a" }, { namespace: "b" }],
    ["a namespace and none", { namespace: "a" }, {}],
    ["a namespace that begins as the other", { namespace: "a" }, { namespace: "a-2" }],
    ["two namespaces of one folder", { folder: "/mcp", namespace: "a" }, { folder: "/mcp", namespace: "b" }],
    ["two folders", { folder: "/mcp" }, { folder: "/mcp/a" }],
  ])("with %s share nothing", async (_, options, others) => {
    const [one, other] = [open(options), open(others)];
    expect(await one.locks.add("a", lock)).toBe(true);
    expect(await other.locks.get("a")).toBeUndefined();
    expect(await other.locks.add("a", { ...lock, owner: "other" })).toBe(true);
    expect(await listed(one)).toEqual(["a"]);
    expect(await other.locks.delete("a")).toBe(true);
    expect(await one.locks.get("a")).toEqual(lock);
    const later = open({ ...others, clock: () => clock.read() + 11_000 });
    expect(await later.sweep()).toBe(0);
    expect(await one.locks.get("a")).toEqual(lock);
  });

  it("with one namespace share everything", async () => {
    expect(await open({ namespace: "a" }).locks.add("a", lock)).toBe(true);
    expect(await open({ folder: "pangea-authn-fastmcp/a/" }).locks.take("a")).toEqual(lock);
  });
});

describe("records that a first preview of this package has stored", () => {
  const preview = { metadata: { kind: "lock" } };
  const stored = JSON.stringify({ owner: "o", expires_at: clock.seconds(10) });

  it.each<[string, Partial<Vault.Secret.StoreRequest>, object]>([
    ["without a folder, with folder: false", {}, { folder: false }],
    ["in a folder that is named", { folder: "/mcp" }, { folder: "/mcp" }],
  ])("%s are read, listed and swept", async (_, item, options) => {
    await plant({ ...preview, ...item, name: "a" }, stored);
    const repositories = open(options);
    expect(await repositories.locks.get("a")).toEqual({ owner: "o", expiresAt: clock.seconds(10) });
    expect(await listed(repositories)).toEqual(["a"]);
    expect(await open().locks.get("a")).toBeUndefined();
    expect(await open({ ...options, clock: () => clock.read() + 11_000 }).sweep()).toBe(1);
  });
});
