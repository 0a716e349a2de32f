import { Vault } from "pangea-node-sdk";
import { describe, expect, it } from "vitest";
import { refusal, refusalOf, START, startVault } from "../emulated-vault.ts";

const STARTED = new Date(START).toISOString();

describe("secret/store", () => {
  it("replies with the item, its version 1 and no secret", async () => {
    const { vault } = await startVault();
    const { result, status } = await vault.secretStore({
      type: Vault.ItemType.SECRET,
      name: "token",
      secret: "s3cret",
      folder: "apps/one",
      metadata: { kind: "access" },
      tags: ["a", "b"],
      disabled_at: "2030-01-01T10:00:00Z",
    });
    expect(status).toBe("Success");
    expect(result).toEqual({
      id: expect.stringMatching(/^pvi_[a-z2-7]{32}$/),
      type: "secret",
      name: "token",
      folder: "/apps/one/",
      metadata: { kind: "access" },
      tags: ["a", "b"],
      disabled_at: "2030-01-01T10:00:00.000Z",
      created_at: STARTED,
      num_versions: 1,
      enabled: true,
      item_versions: [{ version: 1, created_at: STARTED, state: "active" }],
    });
  });

  it("creates the folders that it needs", async () => {
    const { emulator, store } = await startVault();
    await store("token", { folder: "/apps/one" });
    await store("other", { folder: "apps/one/" });
    const folders = emulator.vault.items({ folders: true }).filter(({ type }) => type === "folder");
    expect(folders.map(({ folder, name }) => `${folder}${name}`)).toEqual(["/apps", "/apps/one"]);
  });

  it("refuses a name that the folder has already, and stores nothing", async () => {
    const { emulator, store } = await startVault();
    await store("token", { folder: "apps" });
    const again = await refusal(store("token", { folder: "/apps/" }));
    expect(again).toEqual({ status: "ValidationError", errors: ["BadState /name"] });
    expect(emulator.vault.items()).toHaveLength(1);
  });

  it("takes the same name in another folder", async () => {
    const { emulator, store } = await startVault();
    await store("token", { folder: "apps" });
    await store("token", { folder: "apps/one" });
    expect(emulator.vault.items().map(({ folder }) => folder)).toEqual(["/apps/", "/apps/one/"]);
  });

  it("takes the name again once the item is deleted", async () => {
    const { store, vault } = await startVault();
    await vault.delete(await store("token"));
    await expect(store("token")).resolves.toMatch(/^pvi_/);
  });

  it("counts the 10,240 characters of a secret in code points, not in bytes", async () => {
    const { store } = await startVault();
    await store("most", { secret: "\u{1F511}".repeat(10_240) });
    expect(await refusal(store("more", { secret: "\u{1F511}".repeat(10_241) }))).toEqual({
      status: "ValidationError",
      errors: ["AboveMaxLength /secret"],
    });
  });

  it("gives an item without a name no name, and takes any number of those", async () => {
    const { post } = await startVault();
    for (const secret of ["one", "two"]) {
      const { text } = await post("vault/v2/secret/store", { type: "secret", secret });
      expect(JSON.parse(text).result).not.toHaveProperty("name");
    }
  });

  it("keeps a secret that looks like JSON as the text that it is", async () => {
    const { store, vault } = await startVault();
    const secret = '{"new":"\\"x\\"","__proto__":{"a":1}}';
    const { result } = await vault.getItem({ id: await store("token", { secret }) });
    expect(result.item_versions[0]).toMatchObject({ secret });
  });
});

describe("secret/rotate", () => {
  it("replies with the new version alone, without its secret", async () => {
    const { advance, store, vault } = await startVault();
    const id = await store("token");
    advance(1000);
    const { result } = await vault.secretRotate({ id, secret: "second" });
    const rotated = new Date(START + 1000).toISOString();
    expect(result).toMatchObject({ id, num_versions: 2, last_rotated: rotated });
    expect(result.item_versions).toEqual([{ version: 2, created_at: rotated, state: "active" }]);
  });

  it.each([
    [undefined, "deactivated", "secret of token"],
    [Vault.ItemVersionState.DEACTIVATED, "deactivated", "secret of token"],
    [Vault.ItemVersionState.SUSPENDED, "suspended", "secret of token"],
    [Vault.ItemVersionState.DESTROYED, "destroyed", undefined],
  ])("with rotation_state %s leaves the version before %s", async (rotation_state, state, secret) => {
    const { store, vault } = await startVault();
    const id = await store("token");
    await vault.secretRotate({ id, secret: "second", ...(rotation_state === undefined ? {} : { rotation_state }) });
    const { result } = await vault.getItem({ id, version: 1 });
    expect(result.item_versions).toEqual([
      expect.objectContaining({ version: 1, state, rotated_at: expect.any(String), ...(secret && { secret }) }),
    ]);
    if (secret === undefined) {
      expect(result.item_versions[0]).not.toHaveProperty("secret");
      expect(result.item_versions[0]).toHaveProperty("destroyed_at", new Date(START).toISOString());
    }
  });

  it("numbers versions without a gap over many rotations", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token");
    for (let version = 2; version <= 50; version += 1) await vault.secretRotate({ id, secret: `secret ${version}` });
    expect(emulator.vault.items()).toMatchObject([{ id, versions: 50 }]);
    const { result } = await vault.getItem({ id, version: 37 });
    expect(result.item_versions).toMatchObject([{ version: 37, secret: "secret 37" }]);
  });

  it("gives every one of many concurrent callers a version of its own", async () => {
    const { store, vault } = await startVault();
    const id = await store("token");
    const rotations = Array.from({ length: 20 }, (_, index) => vault.secretRotate({ id, secret: `secret ${index}` }));
    const versions = (await Promise.all(rotations)).map(({ result }) => result.num_versions);
    expect(versions.sort((left, right) => left - right)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2));
  });

  it("does not find an id that was never given out", async () => {
    const { vault } = await startVault();
    const id = `pvi_${"a".repeat(32)}`;
    expect((await refusal(vault.secretRotate({ id, secret: "second" }))).status).toBe("VaultItemNotFound");
  });

  it("refuses a folder", async () => {
    const { vault } = await startVault();
    const { result } = await vault.folderCreate({ name: "apps", folder: "/" });
    expect((await refusal(vault.secretRotate({ id: result.id, secret: "second" }))).errors).toEqual(["BadState /id"]);
  });
});

describe("state/change", () => {
  it("replies with the changed version alone", async () => {
    const { post, store, vault } = await startVault();
    const id = await store("token");
    await vault.secretRotate({ id, secret: "second" });
    const { text } = await post("vault/v2/state/change", { id, version: 1, state: "suspended" });
    expect(JSON.parse(text).result.item_versions).toEqual([
      expect.objectContaining({ version: 1, state: "suspended" }),
    ]);
    const { result } = await vault.getItem({ id, version: "all" });
    expect(result.item_versions.map(({ version, state }) => [version, state])).toEqual([
      [2, "active"],
      [1, "suspended"],
    ]);
  });

  it("changes the newest version unless told which", async () => {
    const { store, vault } = await startVault();
    const id = await store("token");
    await vault.secretRotate({ id, secret: "second" });
    await vault.stateChange({ id, state: Vault.ItemVersionState.DEACTIVATED });
    const { result } = await vault.getItem({ id });
    expect(result.item_versions).toMatchObject([{ version: 2, state: "deactivated" }]);
  });

  it("destroys for good", async () => {
    const { store, vault } = await startVault();
    const id = await store("token");
    await vault.stateChange({ id, state: Vault.ItemVersionState.DESTROYED });
    expect((await vault.getItem({ id })).result.item_versions[0]).not.toHaveProperty("secret");
    const back = refusal(vault.stateChange({ id, state: Vault.ItemVersionState.ACTIVE }));
    expect((await back).errors).toEqual(["BadState /state"]);
  });

  it("destroys a compromised version when its destroy_period has passed", async () => {
    const { advance, store, vault } = await startVault();
    const id = await store("token");
    await vault.stateChange({ id, state: Vault.ItemVersionState.COMPROMISED, destroy_period: "1d" });
    const destroyed_at = new Date(START + 86_400_000).toISOString();
    advance(86_400_000 - 1);
    const before = await vault.getItem({ id });
    expect(before.result.item_versions).toMatchObject([
      { state: "compromised", destroyed_at, secret: expect.any(String) },
    ]);
    advance(1);
    const after = await vault.getItem({ id });
    expect(after.result.item_versions).toEqual([expect.objectContaining({ state: "destroyed", destroyed_at })]);
    expect(after.result.item_versions[0]).not.toHaveProperty("secret");
  });

  it.each([
    [{ state: "active", version: 2 }, "DoesNotExist /version"],
    [{ state: "gone" }, "NotEnumMember /state"],
    [{ state: "active", destroy_period: "1d" }, "IsDependentOn /destroy_period"],
    [{ state: "compromised", destroy_period: "soon" }, "BadFormatPangeaDuration /destroy_period"],
  ])("refuses %j", async (change, error) => {
    const { post, store } = await startVault();
    const reply = await post("vault/v2/state/change", { id: await store("token"), ...change });
    expect(refusalOf(reply).errors).toEqual([error]);
  });
});
