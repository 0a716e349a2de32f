import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { PangeaVaultRepository } from "../../../src/vault.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const emulator = useEmulator({ authn: false });
beforeEach(() => {
  emulator.faults.clear();
  emulator.vault.clear();
});

const schema = z.object({ n: z.number() });
const open = (options = {}) =>
  new PangeaVaultRepository(schema, "pts_demo", {
    baseUrlTemplate: emulator.baseUrlTemplate,
    folder: "/budget",
    ...options,
  });
async function callsOf(act: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  emulator.calls.reset();
  await act();
  return emulator.calls.snapshot();
}

describe("the calls to Vault", () => {
  it("are one for a get, one for a set of a new key, one for a set of a known key", async () => {
    const repository = open();
    expect(await callsOf(() => repository.set("a", { n: 1 }))).toEqual({ "vault/v2/secret/store": 1 });
    expect(await callsOf(() => repository.set("a", { n: 2 }))).toEqual({ "vault/v2/secret/rotate": 1 });
    expect(await callsOf(() => repository.get("a"))).toEqual({ "vault/v2/get_bulk": 1 });
    expect(await callsOf(() => repository.get("missing"))).toEqual({ "vault/v2/get_bulk": 1 });
  });

  it.each(["take", "delete"] as const)("are two for a %s, and one that nobody waits for", async (removal) => {
    const repository = open();
    await repository.set("a", { n: 1 });
    const deletions = emulator.faults.hold("vault/v2/delete");
    emulator.calls.reset();
    expect(await repository[removal]("a")).toEqual(removal === "take" ? { n: 1 } : true);
    await deletions.arrived(1);
    expect(emulator.calls.snapshot()).toEqual({
      "vault/v2/get_bulk": 1,
      "vault/v2/secret/rotate": 1,
      "vault/v2/delete": 1,
    });
    deletions.open();
    await repository[Symbol.asyncDispose]();
    expect(emulator.vault.items()).toEqual([]);
  });

  it("are two for a take without a claim", async () => {
    const repository = open({ strictTake: false });
    await repository.set("a", { n: 1 });
    expect(await callsOf(() => repository.take("a"))).toEqual({ "vault/v2/get_bulk": 1, "vault/v2/delete": 1 });
  });

  it("are at most 20 for a thousand concurrent gets of distinct keys", async () => {
    // A thousand calls at once may take longer than one may, on a machine that has other things to do.
    const repository = open({ timeout: 60_000 });
    await Promise.all(Array.from({ length: 1000 }, (_, n) => repository.set(`key ${n}`, { n })));
    emulator.calls.reset();
    const found = await Promise.all(Array.from({ length: 1000 }, (_, n) => repository.get(`key ${n}`)));
    expect(found.map((value) => value?.n)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    expect(emulator.calls.total("vault")).toBeLessThanOrEqual(20);
  });

  it("recover a set whose remembered id is gone, or whose name another instance has taken", async () => {
    const [one, other] = [open(), open()];
    await one.set("a", { n: 1 });
    await other.delete("a");
    await one.set("a", { n: 2 });
    expect(await other.get("a")).toEqual({ n: 2 });

    await one.set("b", { n: 1 });
    expect(await callsOf(() => other.set("b", { n: 2 }))).toEqual({
      "vault/v2/secret/store": 1,
      "vault/v2/get_bulk": 1,
      "vault/v2/secret/rotate": 1,
    });
    expect(await one.get("b")).toEqual({ n: 2 });
  });

  it("go out one by one where name__in is not served, after a single try", async () => {
    const repository = open();
    await Promise.all(["a", "b", "c"].map((key, n) => repository.set(key, { n })));
    emulator.faults.inject({ kind: "name-in-unsupported" });
    const getAll = () => Promise.all(["a", "b", "c", "d"].map((key) => repository.get(key)));
    expect(await callsOf(getAll)).toEqual({ "vault/v2/get_bulk": 5 });
    expect(await callsOf(getAll)).toEqual({ "vault/v2/get_bulk": 4 });
    expect(await getAll()).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }, undefined]);
  });

  it("write the next version over the destroyed one, so that an old value cannot be read", async () => {
    const repository = open();
    await repository.set("a", { n: 1 });
    await repository.set("a", { n: 2 });
    expect(emulator.vault.items()).toMatchObject([{ name: "a", versions: 2 }]);
  });
});
