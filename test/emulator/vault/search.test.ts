import { Vault } from "pangea-node-sdk";
import { describe, expect, it } from "vitest";
import { refusalOf, START, startVault } from "../emulated-vault.ts";

const time = (milliseconds: number) => new Date(START + milliseconds).toISOString();

/** Three secrets, a second apart, in two folders. */
async function startFilledVault() {
  const started = await startVault();
  const { advance, store, vault } = started;
  const alpha = await store("alpha", { folder: "apps", tags: ["red", "blue"], metadata: { kind: "access" } });
  advance(1000);
  await store("beta", { folder: "apps", tags: ["green"], metadata: { kind: "refresh" } });
  advance(1000);
  await store("alphabet", { folder: "apps/deep", disabled_at: time(9000) });
  advance(1000);
  await vault.secretRotate({ id: alpha, secret: "second" });
  const names = async (filter: object) =>
    (await vault.getBulk({ filter: { type: "secret", ...filter } })).result.items.map(({ name }) => name);
  return { ...started, alpha, names };
}

describe("filters", () => {
  it.each<[object, string[]]>([
    [{}, ["alpha", "beta", "alphabet"]],
    [{ name: "alpha" }, ["alpha"]],
    [{ name__contains: "alpha" }, ["alpha", "alphabet"]],
    [{ name__contains: ["bet"] }, ["beta", "alphabet"]],
    [{ name__in: ["alpha", "beta", "alpha", "absent"] }, ["alpha", "beta"]],
    [{ name__in: [] }, []],
    [{ name__in: ["alpha", "alphabet"], folder: "apps/deep" }, ["alphabet"]],
    [{ name: "alpha", name__in: ["beta"] }, []],
    [{ folder: "apps" }, ["alpha", "beta"]],
    [{ folder: "/apps" }, ["alpha", "beta"]],
    [{ folder: "/apps/" }, ["alpha", "beta"]],
    [{ folder: "/" }, []],
    [{ folder__in: ["apps/deep", "apps"] }, ["alpha", "beta", "alphabet"]],
    [{ folder__contains: "deep" }, ["alphabet"]],
    [{ tags: "red" }, ["alpha"]],
    [{ tags__in: ["blue", "green"] }, ["alpha", "beta"]],
    [{ metadata_kind: "refresh" }, ["beta"]],
    [{ metadata_kind__in: ["refresh", "access"] }, ["alpha", "beta"]],
    [{ metadata_toString: "x" }, []],
    [{ type__in: ["folder"] }, []],
    [{ created_at: time(0) }, ["alpha"]],
    [{ created_at__lt: time(1000) }, ["alpha"]],
    [{ created_at__lte: time(1000) }, ["alpha", "beta"]],
    [{ created_at__gt: time(1000) }, ["alphabet"]],
    [{ created_at__gte: time(1000) }, ["beta", "alphabet"]],
    [{ created_at__gt: "2026-01-02" }, ["alpha", "beta", "alphabet"]],
    [{ last_rotated__gte: time(0) }, ["alpha"]],
    [{ disabled_at__lt: time(10_000) }, ["alphabet"]],
  ])("%j finds %j", async (filter, expected) => {
    const { names } = await startFilledVault();
    expect(await names(filter)).toEqual(expected);
  });

  it("finds by id", async () => {
    const { alpha, names } = await startFilledVault();
    expect(await names({ id: alpha })).toEqual(["alpha"]);
    expect(await names({ id__in: [alpha, `pvi_${"a".repeat(32)}`] })).toEqual(["alpha"]);
    expect(await names({ id: alpha, folder: "elsewhere" })).toEqual([]);
  });

  it.each([
    [{ nmae: "alpha" }, "UnexpectedProperty /filter/nmae"],
    [{ name__lt: "alpha" }, "UnexpectedProperty /filter/name__lt"],
    [{ name: 1 }, "InvalidString /filter/name"],
    [{ name: ["alpha"] }, "InvalidString /filter/name"],
    [{ name__in: "alpha" }, "InvalidArray /filter/name__in"],
    [{ created_at__lt: "yesterday" }, "BadFormatDateTime /filter/created_at__lt"],
    [{ created_at__lt: 12 }, "BadFormatDateTime /filter/created_at__lt"],
  ])("%j is refused", async (filter, error) => {
    const { post } = await startVault();
    for (const endpoint of ["vault/v2/get_bulk", "vault/v2/list"]) {
      const reply = await post(endpoint, { filter });
      expect(reply.httpStatus).toBe(400);
      expect(refusalOf(reply)).toEqual({ status: "ValidationError", errors: [error] });
    }
  });
});

describe("get_bulk", () => {
  it("replies with the newest version of each item and its secret", async () => {
    const { vault, alpha } = await startFilledVault();
    const { result } = await vault.getBulk({ filter: { folder: "apps", type: "secret" } });
    expect(result.items).toMatchObject([
      { id: alpha, num_versions: 2, item_versions: [{ version: 2, secret: "second" }] },
      { name: "beta", num_versions: 1, item_versions: [{ version: 1, secret: "secret of beta" }] },
    ]);
    expect(result.items[0]?.item_versions).toHaveLength(1);
  });

  it("replies with the version asked for", async () => {
    const { post, alpha } = await startFilledVault();
    const { text } = await post("vault/v2/get_bulk", { filter: { name: "alpha" }, version: { [alpha]: 1 } });
    expect(JSON.parse(text).result.items).toMatchObject([
      { item_versions: [{ version: 1, secret: "secret of alpha" }] },
    ]);
    const missing = await post("vault/v2/get_bulk", { version: { [alpha]: 3 } });
    expect(refusalOf(missing).errors).toEqual([`DoesNotExist /version/${alpha}`]);
  });

  it("sees a write as soon as it is answered", async () => {
    const { store, vault } = await startVault();
    const id = await store("token", { folder: "apps" });
    const read = async () => (await vault.getBulk({ filter: { name: "token", folder: "apps" } })).result.items;
    expect(await read()).toHaveLength(1);
    await vault.delete(id);
    expect(await read()).toEqual([]);
  });
});

describe("list", () => {
  it("has folders among the items, and no secrets", async () => {
    const { vault } = await startFilledVault();
    const { result } = await vault.list({});
    expect(result.items.map(({ type, folder, name }) => `${type} ${folder}${name}`)).toEqual([
      "folder /apps",
      "secret /apps/alpha",
      "secret /apps/beta",
      "folder /apps/deep",
      "secret /apps/deep/alphabet",
    ]);
    expect(JSON.stringify(result)).not.toContain("secret of");
  });
});

describe("paging", () => {
  async function startVaultOf(count: number) {
    const started = await startVault();
    for (let index = 0; index < count; index += 1)
      await started.store(`n${String(index).padStart(3, "0")}`, { folder: "f" });
    return started;
  }

  it("cuts at 50 unless told, and goes on from last until there is none", async () => {
    const { vault } = await startVaultOf(120);
    const sizes: number[] = [];
    const names = new Set<string | undefined>();
    let last: string | undefined;
    do {
      const { result } = await vault.getBulk({ filter: { folder: "f" }, ...(last === undefined ? {} : { last }) });
      sizes.push(result.items.length);
      for (const { name } of result.items) names.add(name);
      last = result.last;
    } while (last !== undefined);
    expect(sizes).toEqual([50, 50, 20]);
    expect(names.size).toBe(120);
  });

  it("has no last when a page holds exactly the rest", async () => {
    const { vault } = await startVaultOf(100);
    expect((await vault.getBulk({ filter: { folder: "f" }, size: 100 })).result).not.toHaveProperty("last");
  });

  it("loses and repeats nothing when items are deleted between two pages", async () => {
    const { emulator, vault } = await startVaultOf(20);
    const first = await vault.list({ filter: { folder: "f" }, size: 10 });
    for (const { id } of first.result.items) await vault.delete(id);
    const second = await vault.list({
      filter: { folder: "f" },
      size: 10,
      ...(first.result.last && { last: first.result.last }),
    });
    expect(second.result.items.map(({ id }) => id)).toEqual(emulator.vault.items().map(({ id }) => id));
  });

  it.each([
    [Vault.ItemOrder.ASC, ["n000", "n001", "n002", "n003"]],
    [Vault.ItemOrder.DESC, ["n003", "n002", "n001", "n000"]],
  ])("orders by name, %s, across pages", async (order, expected) => {
    const { vault } = await startVaultOf(4);
    const request = { filter: { folder: "f" }, order, order_by: Vault.ItemOrderBy.NAME, size: 3 };
    const first = await vault.list(request);
    const second = await vault.list({ ...request, ...(first.result.last && { last: first.result.last }) });
    expect([...first.result.items, ...second.result.items].map(({ name }) => name)).toEqual(expected);
  });

  it("orders by the time of creation, newest first", async () => {
    const { vault } = await startFilledVault();
    const { result } = await vault.list({
      filter: { type: "secret" },
      order: Vault.ItemOrder.DESC,
      order_by: Vault.ItemOrderBy.CREATED_AT,
    });
    expect(result.items.map(({ name }) => name)).toEqual(["alphabet", "beta", "alpha"]);
  });

  it.each([
    [{ size: 101 }, "NotWithinRange /size"],
    [{ size: 0 }, "NotWithinRange /size"],
    [{ size: 1.5 }, "InvalidInteger /size"],
    [{ order: "up" }, "NotEnumMember /order"],
    [{ order_by: "colour" }, "NotEnumMember /order_by"],
    [{ last: "never handed out" }, "BadFormat /last"],
    [{ last: Buffer.from("[1,2,3]").toString("base64url") }, "BadFormat /last"],
  ])("refuses %j", async (request, error) => {
    const { post } = await startVault();
    expect(refusalOf(await post("vault/v2/list", request)).errors).toEqual([error]);
  });
});
