import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Fault } from "../../../src/emulator.ts";
import { StorageFailure } from "../../../src/index.ts";
import { PangeaVaultRepository, type PangeaVaultRepositoryOptions } from "../../../src/vault.ts";
import { useEmulator } from "../../support/use-emulator.ts";

const start = Date.UTC(2027, 0, 1);
/** The time of Vault and of the repositories. A pause lets it pass; a test may let it stand, run or go backwards. */
let now = start;
/** What every look at Vault's clock adds to the time. */
let tick = 0;
const emulator = useEmulator({ authn: false, clock: () => (now += tick) });
beforeEach(() => {
  now = start;
  tick = 0;
  emulator.faults.clear();
  emulator.vault.clear();
});

const schema = z.object({ by: z.string(), expiresAt: z.number().optional() });
type Record = z.infer<typeof schema>;

function open(options: PangeaVaultRepositoryOptions<Record> = {}) {
  const { baseUrlTemplate } = emulator;
  const own = { baseUrlTemplate, folder: "/add", kind: "record", clock: () => now, ...options };
  return new PangeaVaultRepository<Record>(schema, "pts_add", own, {
    random: () => 1,
    delay: async (milliseconds) => {
      now += milliseconds;
    },
  });
}
const openAll = (count: number, options = {}) => Array.from({ length: count }, () => open(options));
const outcomeOf = (call: Promise<boolean>): Promise<unknown> => call.catch((failure: unknown) => failure);
const trues = (answers: readonly unknown[]) => answers.filter((answer) => answer === true).length;
const until = (seconds: number) => now / 1000 + seconds;

for (const mode of ["unique names", "names that may repeat"]) {
  const namesRepeat = mode === "names that may repeat";

  describe(`add, ${mode}`, () => {
    beforeEach(() => {
      if (namesRepeat) emulator.faults.inject({ kind: "duplicate-names" });
    });

    it("writes where nothing is, on whichever instance, and leaves one item", async () => {
      const [one, other] = [open(), open()];
      expect(await one.add("a", { by: "one" })).toBe(true);
      now += 5_000;
      expect(await other.add("a", { by: "other" })).toBe(false);
      expect(await one.add("a", { by: "one again" })).toBe(false);
      for (const each of [one, other, open()]) expect(await each.get("a")).toEqual({ by: "one" });
      expect(emulator.vault.items()).toHaveLength(1);
      expect(await other.take("a")).toEqual({ by: "one" });
      expect(await one.add("a", { by: "one anew" })).toBe(true);
      await one.set("a", { by: "set" });
      expect(await other.add("a", { by: "other" })).toBe(false);
      expect(await other.take("a")).toEqual({ by: "set" });
      await expect.poll(() => emulator.vault.items()).toHaveLength(0);
    });

    it("does not write where a set has written, nor where a record cannot be read", async () => {
      await open().set("a", { by: "set" });
      expect(await open().add("a", { by: "add" })).toBe(false);
      expect(await open().get("a")).toEqual({ by: "set" });
      const otherForm = z.object({ other: z.string() });
      const { baseUrlTemplate } = emulator;
      const options = { baseUrlTemplate, folder: "/add", kind: "record" };
      await new PangeaVaultRepository(otherForm, "pts_add", options).set("b", { other: "form" });
      expect(await open().add("b", { by: "add" })).toBe(false);
      await expect(open().get("b")).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
    });

    it("writes where a take has left its tombstone", async () => {
      const taking = open();
      await taking.set("a", { by: "set" });
      emulator.faults.inject({ kind: "server-error", httpStatus: 501, on: "vault/v2/delete", times: 1 });
      expect(await taking.take("a")).toEqual({ by: "set" });
      await taking[Symbol.asyncDispose]();
      expect(emulator.vault.items()).toHaveLength(1);
      expect(await open().add("a", { by: "add" })).toBe(true);
      expect(await open().take("a")).toEqual({ by: "add" });
      // Where names repeat, the tombstone keeps no name, and a sweep removes it.
      await expect.poll(() => emulator.vault.items()).toHaveLength(namesRepeat ? 1 : 0);
      expect(await open().sweep()).toBe(namesRepeat ? 1 : 0);
    });

    it.each<[string, () => number]>([
      ["stands", () => 0],
      ["runs", () => 1],
      ["runs backwards", () => -1],
      ["jumps", () => ((now * 7919) % 41) - 20],
    ])("is true for one of many instances, though Vault's clock %s", async (_, step) => {
      const instances = openAll(8);
      const ticking = setInterval(() => {
        now += step();
      }, 1);
      for (let round = 0; round < 6; round += 1) {
        // None looks before all have stored.
        const looks = emulator.faults.hold("vault/v2/get_bulk");
        const stores = emulator.faults.hold("vault/v2/secret/store");
        const adds = instances.map((instance, index) => instance.add(`a${round}`, { by: String(index) }));
        await stores.arrived(instances.length);
        for (const __ of instances) {
          now += step();
          stores.release();
        }
        await looks.arrived(instances.length);
        stores.open();
        looks.open();
        const answers = await Promise.all(adds);
        expect(trues(answers)).toBe(1);
        expect(await open().get(`a${round}`)).toEqual({ by: String(answers.indexOf(true)) });
      }
      clearInterval(ticking);
      expect(emulator.vault.items()).toHaveLength(6);
    });

    it("is true for the first alone where the others come later, though Vault's clock stands", async () => {
      for (let round = 0; round < 20; round += 1) {
        // Ids are random: about half of the second items look older than the first.
        expect(await open().add(`a${round}`, { by: "first" })).toBe(true);
        expect(await open().add(`a${round}`, { by: "second" })).toBe(false);
        expect(await open().get(`a${round}`)).toEqual({ by: "first" });
      }
      expect(emulator.vault.items()).toHaveLength(20);
    });

    it("replaces an expired record, once for all instances that see it", async () => {
      for (let round = 0; round < 5; round += 1) {
        await open().set("a", { by: "expired", expiresAt: until(10) });
        now += 10_000;
        const looks = emulator.faults.hold("vault/v2/get_bulk");
        const instances = openAll(6);
        const adds = instances.map((instance, index) => instance.add("a", { by: String(index) }));
        await looks.arrived(instances.length);
        looks.open();
        const answers = await Promise.all(adds);
        expect(trues(answers)).toBe(1);
        expect(await open().take("a")).toEqual({ by: String(answers.indexOf(true)) });
        await expect.poll(() => emulator.vault.items()).toHaveLength(0);
      }
    });

    it("leaves an expired record that is renewed before it could be deleted", async () => {
      const owner = open();
      await owner.set("a", { by: "owner", expiresAt: until(10) });
      now += 10_000;
      const look = emulator.faults.hold("vault/v2/get_bulk", { committed: true, times: 1 });
      const adding = open().add("a", { by: "add" });
      await look.arrived(1);
      now += 1;
      await owner.set("a", { by: "owner", expiresAt: until(10) });
      look.open();
      // Where names repeat, the item was stored before: the set has replaced what it wrote.
      expect(await adding).toBe(namesRepeat);
      expect((await open().take("a"))?.by).toBe("owner");
      await expect.poll(() => emulator.vault.items()).toHaveLength(0);
    });

    it("is true though a take or a delete removes the record before the add has looked", async () => {
      for (const removal of ["take", "delete"] as const) {
        const look = emulator.faults.hold("vault/v2/get_bulk", { times: 1 });
        const adding = open().add("a", { by: "add" });
        await look.arrived(1);
        const removed = await open()[removal]("a");
        expect(removed).toEqual(removal === "take" ? { by: "add" } : true);
        look.open();
        expect(await adding).toBe(true);
        expect(await open().get("a")).toBeUndefined();
      }
    });

    it("of an add, a take and a set of a record that is there, each does what one of their orders would", async () => {
      await open().set("a", { by: "set" });
      const look = emulator.faults.hold("vault/v2/get_bulk", { times: 1 });
      const adding = open().add("a", { by: "add" });
      await look.arrived(1);
      // The item of the add is there where names repeat, but it is no record yet.
      expect(await open().get("a")).toEqual({ by: "set" });
      expect(await open().take("a")).toEqual({ by: "set" });
      look.open();
      expect(await adding).toBe(true);
      expect(await open().take("a")).toEqual({ by: "add" });
      expect(await open().take("a")).toBeUndefined();

      const later = emulator.faults.hold("vault/v2/get_bulk", { times: 1 });
      const addingLater = open().add("b", { by: "add" });
      await later.arrived(1);
      now += 1;
      later.open();
      await Promise.all([addingLater, open().set("b", { by: "set" })]);
      expect(await open().get("b")).toEqual({ by: "set" });
      expect(await open().take("b")).toEqual({ by: "set" });
      expect(await open().take("b")).toBeUndefined();
    });

    it("hands out every record that was added once, and no other, where takes race adds", async () => {
      const outcomes = new Map<string, unknown>();
      const taken: string[] = [];
      tick = 1;
      emulator.faults.inject({ kind: "latency", milliseconds: { minimum: 0, maximum: 6 } });
      await Promise.all(
        openAll(4).flatMap((instance, index) => [
          (async () => {
            for (let n = 0; n < 15; n += 1) {
              const by = `${index}-${n}`;
              outcomes.set(by, await outcomeOf(instance.add("a", { by })));
            }
          })(),
          (async () => {
            for (let n = 0; n < 25; n += 1) {
              const value = await instance.take("a");
              if (value !== undefined) taken.push(value.by);
            }
          })(),
        ]),
      );
      emulator.faults.clear();
      for (let left = await open().take("a"); left !== undefined; left = await open().take("a")) taken.push(left.by);
      const isUnknown = (outcome: unknown) => outcome instanceof StorageFailure && outcome.effect === "unknown";
      const added = [...outcomes.keys()].filter((by) => outcomes.get(by) === true);
      expect(added.length).toBeGreaterThan(5);
      expect(new Set(taken).size).toBe(taken.length);
      expect(added.filter((by) => !taken.includes(by))).toEqual([]);
      expect(taken.filter((by) => outcomes.get(by) !== true && !isUnknown(outcomes.get(by)))).toEqual([]);
      // Only where names repeat can an item be removed that was not certain to count.
      if (!namesRepeat) expect([...outcomes.values()].filter(isUnknown)).toEqual([]);
    });

    it("waits for a search that lags behind, and has one winner", async () => {
      emulator.faults.inject({ kind: "stale-get-bulk", milliseconds: 700 });
      const answers = await Promise.all(openAll(5).map((instance, index) => instance.add("a", { by: String(index) })));
      expect(trues(answers)).toBe(1);
      now += 700;
      expect(await open().get("a")).toEqual({ by: String(answers.indexOf(true)) });
      expect(await open().add("a", { by: "later" })).toBe(false);
    });

    it("is not misled by a search that still shows what has been taken, or what has been renewed as expired", async () => {
      await open().set("a", { by: "set" });
      const owner = open();
      await owner.set("b", { by: "set", expiresAt: until(1) });
      now += 1_000;
      emulator.faults.inject({ kind: "stale-get-bulk", milliseconds: 700 });
      expect(await open().take("a")).toEqual({ by: "set" });
      expect(await open().add("a", { by: "add" })).toBe(true);
      now += 1_000;
      await owner.set("b", { by: "renewed" });
      expect(await open().add("b", { by: "add" })).toBe(false);
      now += 700;
      expect(await open().get("a")).toEqual({ by: "add" });
      expect(await open().get("b")).toEqual({ by: "renewed" });
    });

    it("does not guess where a search lags for longer than a call may take", async () => {
      emulator.faults.inject({ kind: "stale-get-bulk", milliseconds: 3_600_000 });
      const outcomes = await Promise.all(openAll(3).map((instance) => outcomeOf(instance.add("a", { by: "add" }))));
      expect(outcomes).not.toContain(true);
      expect(outcomes).not.toContain(false);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ code: /^ERR_STORAGE_(UNAVAILABLE|REJECTED)$/ });
    });

    it.each<[string, Fault]>([
      ["502, so that the SDK repeats it", { kind: "server-error", httpStatus: 502, committed: true, times: 1 }],
      ["502 until the SDK gives up", { kind: "server-error", httpStatus: 502, committed: true, times: 4 }],
      ["a broken connection", { kind: "connection-reset", committed: true, times: 1 }],
      ["a page of HTML", { kind: "html", httpStatus: 200, committed: true, times: 1 }],
    ])("knows its own item where the answer of the store was lost: %s", async (_, fault) => {
      emulator.faults.inject({ ...fault, on: "vault/v2/secret/store" });
      expect(await open().add("a", { by: "first" })).toBe(true);
      expect(await open().get("a")).toEqual({ by: "first" });
      expect(emulator.vault.items()).toHaveLength(1);
      now += 1;
      emulator.faults.inject({ ...fault, on: "vault/v2/secret/store" });
      const outcome = await outcomeOf(open().add("a", { by: "second" }));
      // Where names are unique there is no second item, and no answer says that there will be none.
      if (outcome !== false)
        expect({ namesRepeat, outcome }).toMatchObject({ namesRepeat: false, outcome: { effect: "unknown" } });
      expect(await open().take("a")).toEqual({ by: "first" });
      await expect.poll(() => emulator.vault.items()).toHaveLength(0);
    });

    it("says that the effect is unknown where no item is found after a lost answer", async () => {
      emulator.faults.inject({ kind: "connection-reset", on: "vault/v2/secret/store", times: 1 });
      expect(await outcomeOf(open().add("a", { by: "add" }))).toMatchObject({ effect: "unknown" });
      expect(await open().add("a", { by: "again" })).toBe(true);
    });

    it("says that the effect is unknown where it cannot look, and none where it could not store", async () => {
      const busy: Fault = { kind: "too-many-requests", retryAfterSeconds: 3600, times: 1 };
      emulator.faults.inject({ ...busy, on: "vault/v2/secret/store" });
      expect(await outcomeOf(open().add("a", { by: "none" }))).toMatchObject({
        code: "ERR_STORAGE_RATE_LIMITED",
        effect: "none",
      });
      emulator.faults.inject({ ...busy, on: "vault/v2/get_bulk" });
      expect(await outcomeOf(open().add("a", { by: "add" }))).toMatchObject({
        effect: "unknown",
        retryAfterSeconds: 3600,
      });
      expect(await open().get("a")).toEqual({ by: "add" });
    });

    it("has one winner though Vault deletes an item twice", async () => {
      emulator.faults.inject({ kind: "idempotent-delete" });
      for (let round = 0; round < 5; round += 1) {
        const adds = openAll(6).map((each, index) => each.add(`a${round}`, { by: `${index}` }));
        const answers = await Promise.all(adds);
        expect(trues(answers)).toBe(1);
        expect(await open().get(`a${round}`)).toEqual({ by: String(answers.indexOf(true)) });
      }
    });
  });
}

describe("add, where names may repeat", () => {
  beforeEach(() => {
    emulator.faults.inject({ kind: "duplicate-names" });
  });

  it("lets the younger item win where the older gave up waiting for it", async () => {
    const olderLook = emulator.faults.hold("vault/v2/get_bulk", { times: 1 });
    const older = open().add("a", { by: "older" });
    await olderLook.arrived(1);
    now += 10;
    // What this look shows are both items; its answer comes late.
    const youngerLook = emulator.faults.hold("vault/v2/get_bulk", { committed: true, times: 1 });
    const younger = open().add("a", { by: "younger" });
    await youngerLook.arrived(1);
    olderLook.open();
    expect(await older).toBe(false);
    youngerLook.open();
    expect(await younger).toBe(true);
    expect(await open().get("a")).toEqual({ by: "younger" });
    expect(emulator.vault.items()).toHaveLength(1);
  });

  it("shows and hands out the record that stands, not the item of an add that is about to withdraw", async () => {
    await open().add("a", { by: "winner" });
    now += 1;
    const withdrawal = emulator.faults.hold("vault/v2/secret/rotate", { times: 1 });
    const losing = open().add("a", { by: "loser" });
    await withdrawal.arrived(1);
    expect(emulator.vault.items()).toHaveLength(2);
    expect(await open().get("a")).toEqual({ by: "winner" });
    const listed: unknown[] = [];
    for await (const [, record] of open().entries()) listed.push(record);
    expect(listed).toEqual([{ by: "winner" }]);
    expect(await open().take("a")).toEqual({ by: "winner" });
    withdrawal.open();
    // It withdrew for a record that is gone by now, so it tries again.
    expect(await losing).toBe(true);
    expect(await open().take("a")).toEqual({ by: "loser" });
    await expect.poll(() => emulator.vault.items()).toHaveLength(0);
  });

  it("does not say whether it added a record that somebody removed while it withdrew", async () => {
    await open().add("a", { by: "winner" });
    now += 1;
    const withdrawal = emulator.faults.hold("vault/v2/secret/rotate", { times: 1 });
    const losing = outcomeOf(open().add("a", { by: "loser" }));
    await withdrawal.arrived(1);
    expect(await open().take("a")).toEqual({ by: "winner" });
    expect(await open().take("a")).toEqual({ by: "loser" });
    withdrawal.open();
    expect(await losing).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
    expect(await open().get("a")).toBeUndefined();
  });

  it("withdraws both items that the SDK stored for one add", async () => {
    await open().add("a", { by: "winner" });
    now += 1;
    emulator.faults.inject({
      kind: "server-error",
      httpStatus: 502,
      committed: true,
      on: "vault/v2/secret/store",
      times: 1,
    });
    const withdrawals = emulator.faults.hold("vault/v2/secret/rotate");
    const losing = open().add("a", { by: "loser" });
    await withdrawals.arrived(1);
    expect(emulator.vault.items()).toHaveLength(3);
    withdrawals.open();
    expect(await losing).toBe(false);
    expect(emulator.vault.items()).toHaveLength(1);
  });

  it("hands out once what the SDK stored twice, before the add has deleted its second item", async () => {
    emulator.faults.inject({
      kind: "server-error",
      httpStatus: 502,
      committed: true,
      on: "vault/v2/secret/store",
      times: 1,
    });
    const look = emulator.faults.hold("vault/v2/get_bulk", { committed: true, times: 1 });
    const adding = open().add("a", { by: "add" });
    await look.arrived(1);
    expect(emulator.vault.items()).toHaveLength(2);
    expect(await open().take("a")).toEqual({ by: "add" });
    expect(await open().take("a")).toBeUndefined();
    look.open();
    expect(await adding).toBe(true);
    expect(await open().get("a")).toBeUndefined();
  });

  it("does not see the records of another kind", async () => {
    await open({ kind: "other" }).add("a", { by: "other" });
    expect(await open().add("a", { by: "record" })).toBe(true);
    expect(await open().get("a")).toEqual({ by: "record" });
    expect(await open({ kind: "other" }).get("a")).toEqual({ by: "other" });
  });
});

describe("add, where names are unique", () => {
  it("says so where a record of another kind has the key", async () => {
    await open({ kind: "other" }).add("a", { by: "other" });
    expect(await outcomeOf(open().add("a", { by: "record" }))).toMatchObject({
      code: "ERR_STORAGE_REJECTED",
      effect: "none",
      // The refusal of Vault is the cause of the one that says why.
      cause: expect.objectContaining({ code: "ERR_STORAGE_REJECTED" }),
    });
  });

  it("is refused with a name that Vault does not take", async () => {
    emulator.faults.inject({ kind: "refuse-slash-in-name" });
    expect(await outcomeOf(open().add("a/b", { by: "add" }))).toMatchObject({
      code: "ERR_STORAGE_REJECTED",
      effect: "none",
    });
  });
});

describe("the calls of an add", () => {
  const callsOf = async (act: () => Promise<unknown>) => {
    emulator.calls.reset();
    await act();
    return emulator.calls.snapshot();
  };
  const expired = async () => {
    await open().set("a", { by: "expired", expiresAt: until(1) });
    now += 1_000;
  };

  it("are two where nothing is in the way", async () => {
    const uncontended = { "vault/v2/secret/store": 1, "vault/v2/get_bulk": 1 };
    expect(await callsOf(() => open().add("a", { by: "add" }))).toEqual(uncontended);
    emulator.faults.inject({ kind: "duplicate-names" });
    expect(await callsOf(() => open().add("b", { by: "add" }))).toEqual(uncontended);
  });

  it("are three where a record is there, and two more where names repeat", async () => {
    await open().add("a", { by: "first" });
    now += 1;
    const refused = { "vault/v2/secret/store": 1, "vault/v2/get_bulk": 1, "vault/v2/get": 1 };
    expect(await callsOf(() => open().add("a", { by: "second" }))).toEqual(refused);
    emulator.faults.inject({ kind: "duplicate-names" });
    expect(await callsOf(() => open().add("a", { by: "second" }))).toEqual({
      ...refused,
      "vault/v2/secret/rotate": 1,
      "vault/v2/delete": 1,
    });
  });

  it("are six in place of an expired record, and two where names repeat", async () => {
    await expired();
    expect(await callsOf(() => open().add("a", { by: "add" }))).toEqual({
      "vault/v2/secret/store": 2,
      "vault/v2/get_bulk": 2,
      "vault/v2/get": 1,
      "vault/v2/delete": 1,
    });
    emulator.vault.clear();
    emulator.faults.inject({ kind: "duplicate-names" });
    await expired();
    expect(await callsOf(() => open().add("a", { by: "add" }))).toEqual({
      "vault/v2/secret/store": 1,
      "vault/v2/get_bulk": 1,
    });
  });

  it("are one store and one rotation for a set of what was added", async () => {
    const repository = open();
    await repository.add("a", { by: "add" });
    expect(await callsOf(() => repository.set("a", { by: "set" }))).toEqual({ "vault/v2/secret/rotate": 1 });
  });
});
