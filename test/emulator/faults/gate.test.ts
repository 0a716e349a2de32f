import { describe, expect, it } from "vitest";
import { refusal, startVault } from "../emulated-vault.ts";

const DELETE = "vault/v2/delete";

describe("a gate", () => {
  it("holds requests before they are carried out, until it opens", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token");
    const gate = emulator.faults.hold(DELETE);
    const deletes = [vault.delete(id), refusal(vault.delete(id))];
    await gate.arrived(2);
    expect(gate.held).toBe(2);
    expect(emulator.vault.items()).toHaveLength(1);
    gate.open();
    await Promise.all(deletes);
    expect(emulator.vault.items()).toEqual([]);
  });

  it("leaves other endpoints alone, and later requests once it is open", async () => {
    const { emulator, store, vault } = await startVault();
    const gate = emulator.faults.hold(DELETE);
    const id = await store("token");
    gate.open();
    await vault.delete(id);
    expect(gate.arrivals).toBe(0);
  });

  it("lets requests through one by one, in the order of their arrival", async () => {
    const { emulator, store, vault } = await startVault();
    const ids = [await store("one"), await store("two")];
    const gate = emulator.faults.hold(DELETE);
    const first = vault.delete(ids[0] ?? "");
    await gate.arrived(1);
    const second = vault.delete(ids[1] ?? "");
    await gate.arrived(2);
    gate.release();
    await first;
    expect(emulator.vault.items()).toMatchObject([{ name: "two" }]);
    expect(gate.held).toBe(1);
    gate.release();
    await second;
    expect(emulator.vault.items()).toEqual([]);
  });

  it("can hold the reply to a request that was carried out", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token");
    const gate = emulator.faults.hold(DELETE, { committed: true });
    const deleted = vault.delete(id);
    await gate.arrived(1);
    expect(emulator.vault.items()).toEqual([]);
    gate.open();
    expect((await deleted).result).toEqual({ id });
  });

  it("can hold a number of requests and let the rest pass", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token");
    const gate = emulator.faults.hold("vault", { times: 1 });
    const held = vault.delete(id);
    await gate.arrived(1);
    expect((await vault.getItem({ id })).result.name).toBe("token");
    gate.open();
    await held;
  });

  it("carries a request out even if its client has gone by then", async () => {
    const { emulator, post, store } = await startVault();
    const id = await store("token");
    const gate = emulator.faults.hold(DELETE);
    const leaving = new AbortController();
    const left = post(DELETE, { id }, { signal: leaving.signal });
    await gate.arrived(1);
    leaving.abort();
    await expect(left).rejects.toThrow();
    gate.open();
    await expect.poll(() => emulator.vault.items()).toEqual([]);
  });

  it("opens when the faults are cleared", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token");
    const gate = emulator.faults.hold();
    const deleted = vault.delete(id);
    await gate.arrived(1);
    emulator.faults.clear();
    expect((await deleted).status).toBe("Success");
  });

  it("does not outlive the emulator: a held request fails", async () => {
    const { emulator, store, vault } = await startVault();
    const id = await store("token");
    const gate = emulator.faults.hold(DELETE);
    const held = vault.delete(id).catch((error: unknown) => error);
    await gate.arrived(1);
    await emulator.close();
    expect(await held).toBeInstanceOf(TypeError);
    expect(emulator.vault.items()).toHaveLength(1);
  });
});
