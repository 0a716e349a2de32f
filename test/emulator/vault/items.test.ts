import { describe, expect, it } from "vitest";
import { refusal, refusalOf, START, startVault } from "../emulated-vault.ts";

const UNKNOWN_ID = `pvi_${"a".repeat(32)}`;

describe("get", () => {
  it("replies with the newest version and its secret", async () => {
    const { store, vault } = await startVault();
    const id = await store("token");
    await vault.secretRotate({ id, secret: "second" });
    const { result } = await vault.getItem({ id });
    expect(result).toMatchObject({ id, type: "secret", name: "token", num_versions: 2 });
    expect(result.item_versions).toMatchObject([{ version: 2, state: "active", secret: "second" }]);
  });

  it.each([
    [2, [2]],
    ["2", [2]],
    ["-1", [5]],
    [-2, [4]],
    ["-2:", [5, 4]],
    ["-9:", [5, 4, 3, 2, 1]],
    ["all", [5, 4, 3, 2, 1]],
  ])("with version %j replies with %j of 5", async (version, expected) => {
    const { store, vault } = await startVault();
    const id = await store("token");
    for (let count = 2; count <= 5; count += 1) await vault.secretRotate({ id, secret: `secret ${count}` });
    const { result } = await vault.getItem({ id, version });
    expect(result.item_versions.map((entry) => entry.version)).toEqual(expected);
  });

  it.each([[6], ["-6"], [0]])("refuses version %j of 5, which is not there", async (version) => {
    const { store, vault } = await startVault();
    const id = await store("token");
    for (let count = 2; count <= 5; count += 1) await vault.secretRotate({ id, secret: `secret ${count}` });
    expect((await refusal(vault.getItem({ id, version }))).errors).toEqual(["DoesNotExist /version"]);
  });

  it("replies with a folder without versions", async () => {
    const { vault } = await startVault();
    const { result } = await vault.folderCreate({ name: "apps", folder: "/", tags: ["x"] });
    expect((await vault.getItem({ id: result.id })).result).toEqual({
      id: result.id,
      type: "folder",
      name: "apps",
      folder: "/",
      metadata: {},
      tags: ["x"],
      created_at: new Date(START).toISOString(),
      inherited_settings: {},
    });
  });

  it("shows an item past its disabled_at as not enabled, with its secret", async () => {
    const { advance, store, vault } = await startVault();
    const id = await store("token", { disabled_at: new Date(START + 1000).toISOString() });
    advance(999);
    expect((await vault.getItem({ id })).result.enabled).toBe(true);
    advance(1);
    const { result } = await vault.getItem({ id });
    expect(result.enabled).toBe(false);
    expect(result.item_versions).toMatchObject([{ secret: "secret of token" }]);
  });

  it("answers VaultItemNotFound for an unknown id", async () => {
    const { vault } = await startVault();
    expect(await refusal(vault.getItem({ id: UNKNOWN_ID }))).toEqual({ status: "VaultItemNotFound", errors: [] });
  });
});

describe("update", () => {
  it("changes what is given and keeps the rest", async () => {
    const { store, vault } = await startVault();
    const id = await store("token", { folder: "apps", tags: ["a"], metadata: { kind: "access" } });
    const { result } = await vault.update({ id, name: "renamed", metadata: { kind: "refresh" }, enabled: false });
    expect(result).toMatchObject({
      name: "renamed",
      folder: "/apps/",
      tags: ["a"],
      metadata: { kind: "refresh" },
      enabled: false,
    });
    expect(result.item_versions[0]).not.toHaveProperty("secret");
  });

  it("moves an item into a folder, which it creates", async () => {
    const { store, vault } = await startVault();
    const id = await store("token", { folder: "apps" });
    await vault.update({ id, folder: "elsewhere" });
    const inside = async (folder: string) => (await vault.getBulk({ filter: { type: "secret", folder } })).result.items;
    expect(await inside("apps")).toEqual([]);
    expect(await inside("elsewhere")).toMatchObject([{ id, folder: "/elsewhere/" }]);
  });

  it("refuses a name that another item of the folder has", async () => {
    const { store, vault } = await startVault();
    await store("one");
    const id = await store("two");
    expect((await refusal(vault.update({ id, name: "one" }))).errors).toEqual(["BadState /name"]);
    expect((await vault.update({ id, name: "two", tags: ["kept its name"] })).status).toBe("Success");
  });

  it("moves what is in a folder along with it", async () => {
    const { emulator, store, vault } = await startVault();
    await store("token", { folder: "apps/one/deep" });
    const apps = emulator.vault.items({ folders: true }).find(({ name }) => name === "apps");
    await vault.update({ id: apps?.id ?? "", name: "programs" });
    expect(emulator.vault.items()).toMatchObject([{ name: "token", folder: "/programs/one/deep/" }]);
    const { result } = await vault.getBulk({ filter: { name: "token", folder: "programs/one/deep" } });
    expect(result.items).toHaveLength(1);
  });

  it("refuses to move a folder into itself", async () => {
    const { vault } = await startVault();
    const { result } = await vault.folderCreate({ name: "apps", folder: "/" });
    expect((await refusal(vault.update({ id: result.id, folder: "apps/one" }))).errors).toEqual(["BadState /folder"]);
  });

  it("answers VaultItemNotFound for an unknown id", async () => {
    const { vault } = await startVault();
    expect((await refusal(vault.update({ id: UNKNOWN_ID, name: "x" }))).status).toBe("VaultItemNotFound");
  });
});

describe("delete", () => {
  it("removes the item and replies with its id", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token");
    expect((await vault.delete(id)).result).toEqual({ id });
    expect(emulator.vault.items()).toEqual([]);
    expect((await refusal(vault.getItem({ id }))).status).toBe("VaultItemNotFound");
    expect((await vault.getBulk({ filter: { name: "token" } })).result.items).toEqual([]);
  });

  it("succeeds for exactly one of many concurrent callers", async () => {
    const { store, vault } = await startVault();
    const id = await store("token");
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => vault.delete(id)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("refuses a folder that is not empty, unless recursive", async () => {
    const { emulator, post, store, vault } = await startVault();
    await store("token", { folder: "apps/one" });
    const apps = emulator.vault.items({ folders: true }).find(({ name }) => name === "apps");
    const id = apps?.id ?? "";
    expect((await refusal(vault.delete(id))).errors).toEqual(["BadState /recursive"]);
    expect((await post("vault/v2/delete", { id, recursive: true })).httpStatus).toBe(200);
    expect(emulator.vault.items({ folders: true })).toEqual([]);
  });

  it("removes an empty folder", async () => {
    const { emulator, vault } = await startVault();
    const { result } = await vault.folderCreate({ name: "apps", folder: "/" });
    await vault.delete(result.id);
    expect(emulator.vault.items({ folders: true })).toEqual([]);
  });
});

describe("folder/create", () => {
  it("replies with the folder in its parent, which it creates", async () => {
    const { vault } = await startVault();
    const { result } = await vault.folderCreate({ name: "one", folder: "apps", metadata: { a: "b" } });
    expect(result).toEqual({
      id: expect.stringMatching(/^pvi_[a-z2-7]{32}$/),
      type: "folder",
      name: "one",
      folder: "/apps/",
      metadata: { a: "b" },
      tags: [],
      created_at: new Date(START).toISOString(),
      inherited_settings: {},
    });
  });

  it("refuses a folder that is there already, also where a store created it", async () => {
    const { store, vault } = await startVault();
    await store("token", { folder: "apps/one" });
    const again = refusal(vault.folderCreate({ name: "one", folder: "/apps" }));
    expect((await again).errors).toEqual(["BadState /name"]);
  });

  it.each([
    ["", "DoesNotMatchPattern /name"],
    ["a+b", "DoesNotMatchPattern /name"],
  ])("refuses the name %j", async (name, error) => {
    const { post } = await startVault();
    expect(refusalOf(await post("vault/v2/folder/create", { name, folder: "/" })).errors).toEqual([error]);
  });
});
