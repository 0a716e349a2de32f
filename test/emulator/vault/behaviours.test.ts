import { describe, expect, it } from "vitest";
import { refusal, START, startVault } from "../emulated-vault.ts";

const UNKNOWN_ID = `pvi_${"a".repeat(32)}`;

describe("duplicate-names", () => {
  it("lets a folder hold several secrets of one name, all of which a search finds", async () => {
    const { store, vault } = await startVault({ faults: [{ kind: "duplicate-names" }] });
    const ids = [await store("token", { folder: "apps" }), await store("token", { folder: "apps" })];
    const { result } = await vault.getBulk({ filter: { name: "token", folder: "apps" } });
    expect(result.items.map(({ id }) => id)).toEqual(ids);
  });

  it("leaves both deletable when it is cleared", async () => {
    const { emulator, store, vault } = await startVault({ faults: [{ kind: "duplicate-names" }] });
    const ids = [await store("token"), await store("token")];
    emulator.faults.clear();
    expect((await refusal(store("token"))).errors).toEqual(["BadState /name"]);
    for (const id of ids) await vault.delete(id);
    await store("token");
  });
});

describe("idempotent-delete", () => {
  it("lets every delete of an item succeed", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token");
    await vault.delete(id);
    emulator.faults.inject({ kind: "idempotent-delete" });
    expect((await vault.delete(id)).result).toEqual({ id });
    expect((await vault.delete(UNKNOWN_ID)).result).toEqual({ id: UNKNOWN_ID });
    expect((await refusal(vault.getItem({ id }))).status).toBe("VaultItemNotFound");
  });
});

describe("an item past its disabled_at", () => {
  const disabled_at = new Date(START + 1000).toISOString();

  it("keeps its secret to itself with withhold-disabled", async () => {
    const { advance, store, vault } = await startVault({ faults: [{ kind: "withhold-disabled" }] });
    const id = await store("token", { disabled_at });
    expect((await vault.getItem({ id })).result.item_versions).toMatchObject([{ secret: "secret of token" }]);
    advance(1000);
    const [bulk, single] = await Promise.all([vault.getBulk({ filter: { name: "token" } }), vault.getItem({ id })]);
    for (const item of [bulk.result.items[0], single.result]) {
      expect(item).toMatchObject({ id, enabled: false, item_versions: [{ version: 1 }] });
      expect(item?.item_versions[0]).not.toHaveProperty("secret");
    }
  });

  it("is not to be seen with hide-disabled, but can be rotated and deleted, and occupies its name", async () => {
    const { advance, store, vault } = await startVault({ faults: [{ kind: "hide-disabled" }] });
    const id = await store("token", { disabled_at });
    advance(1000);
    expect((await refusal(vault.getItem({ id }))).status).toBe("VaultItemNotFound");
    expect((await vault.getBulk({ filter: { name: "token" } })).result.items).toEqual([]);
    expect((await vault.list({ filter: { name: "token" } })).result.items).toEqual([]);
    expect((await refusal(store("token"))).errors).toEqual(["BadState /name"]);
    await vault.secretRotate({ id, secret: "second" });
    await vault.delete(id);
  });

  it("is to be seen again once it is updated", async () => {
    const { advance, store, vault } = await startVault({ faults: [{ kind: "hide-disabled" }] });
    const id = await store("token", { disabled_at });
    advance(1000);
    await vault.update({ id, disabled_at: new Date(START + 9000).toISOString() });
    expect((await vault.getItem({ id })).result.enabled).toBe(true);
  });
});

describe("refuse-slash-in-name", () => {
  it("refuses a secret's name with a slash, and no other", async () => {
    const { store, vault } = await startVault({ faults: [{ kind: "refuse-slash-in-name" }] });
    const id = await store("sha256-abc+def=", { folder: "apps/one" });
    expect(await refusal(store("sha256-a/b="))).toEqual({
      status: "ValidationError",
      errors: ["DoesNotMatchPattern /name"],
    });
    expect((await refusal(vault.update({ id, name: "a/b" }))).errors).toEqual(["DoesNotMatchPattern /name"]);
  });

  it("is off by default", async () => {
    const { store, vault } = await startVault();
    await store("sha256-a/b+c=", { folder: "apps" });
    const { result } = await vault.getBulk({ filter: { name: "sha256-a/b+c=", folder: "apps" } });
    expect(result.items).toHaveLength(1);
  });
});

describe("name-in-unsupported", () => {
  it("refuses name__in, and still takes an exact name", async () => {
    const { store, vault } = await startVault({ faults: [{ kind: "name-in-unsupported" }] });
    await store("token");
    expect((await refusal(vault.getBulk({ filter: { name__in: ["token"] } }))).errors).toEqual([
      "UnexpectedProperty /filter/name__in",
    ]);
    expect((await vault.getBulk({ filter: { name: "token" } })).result.items).toHaveLength(1);
  });
});

describe("stale-get-bulk", () => {
  it("shows a store, a rotation, a move and a delete only after the time given", async () => {
    const { advance, store, vault } = await startVault({ faults: [{ kind: "stale-get-bulk", milliseconds: 500 }] });
    const read = async (folder: string) =>
      (await vault.getBulk({ filter: { type: "secret", name: "token", folder } })).result.items.flatMap((item) =>
        item.item_versions.map((version) => ("secret" in version ? version.secret : undefined)),
      );
    const id = await store("token", { folder: "apps", secret: "first" });
    expect(await read("apps")).toEqual([]);
    advance(500);
    expect(await read("apps")).toEqual(["first"]);

    await vault.secretRotate({ id, secret: "second" });
    expect(await read("apps")).toEqual(["first"]);
    advance(499);
    expect(await read("apps")).toEqual(["first"]);
    advance(1);
    expect(await read("apps")).toEqual(["second"]);

    await vault.update({ id, folder: "elsewhere" });
    expect([await read("apps"), await read("elsewhere")]).toEqual([["second"], []]);
    advance(500);
    expect([await read("apps"), await read("elsewhere")]).toEqual([[], ["second"]]);

    await vault.delete(id);
    expect(await read("elsewhere")).toEqual(["second"]);
    advance(500);
    expect(await read("elsewhere")).toEqual([]);
  });

  it("leaves get and list up to date", async () => {
    const { store, vault } = await startVault({ faults: [{ kind: "stale-get-bulk", milliseconds: 500 }] });
    const id = await store("token");
    expect((await vault.getItem({ id })).result.name).toBe("token");
    expect((await vault.list({ filter: { name: "token" } })).result.items).toHaveLength(1);
  });

  it("can strike once", async () => {
    const { emulator, store, vault } = await startVault();
    emulator.faults.inject({ kind: "stale-get-bulk", milliseconds: 500, times: 1 });
    await store("token");
    const read = async () => (await vault.getBulk({ filter: { name: "token" } })).result.items.length;
    expect([await read(), await read()]).toEqual([0, 1]);
  });

  it("stays right over many more changes than it has to remember", async () => {
    const { advance, store, vault } = await startVault({ faults: [{ kind: "stale-get-bulk", milliseconds: 50 }] });
    const id = await store("token");
    for (let step = 1; step <= 100; step += 1) {
      advance(10);
      await vault.secretRotate({ id, secret: String(step) });
    }
    const { result } = await vault.getBulk({ filter: { name: "token" } });
    expect(result.items).toMatchObject([{ item_versions: [{ secret: "95" }] }]);
  });
});
