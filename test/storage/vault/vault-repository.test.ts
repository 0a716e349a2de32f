import { describe, expect, test } from "vitest";
import { z } from "zod";
import { KeyRing, sealed } from "../../../src/index.ts";
import { readVaultOptions } from "../../../src/storage/vault/options.ts";
import { tombstone } from "../../../src/storage/vault/tombstone.ts";
import { VaultFolder } from "../../../src/storage/vault/vault-folder.ts";
import { PangeaVaultRepository, type PangeaVaultRepositoryOptions } from "../../../src/vault.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type KeptItem, refusal, VaultInMemory } from "../../support/vault-in-memory.ts";

interface Kept {
  readonly n: number;
  readonly expiresAt?: number | undefined;
}
const schema: z.ZodType<Kept> = z.object({ n: z.number(), expiresAt: z.number().optional() });
const metadata = { writer: "pangea-authn-fastmcp", kind: "kept" };
const place = { folder: "/mine", metadata };
const refused = { code: "ERR_STORAGE_REJECTED", effect: "none" };
const unknown = { code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" };

const clock = new ManualClock();
const text = (n: number, expiresAt?: number) => JSON.stringify({ n, ...(expiresAt !== undefined && { expiresAt }) });

/** @param onPause - What others do while a caller waits. */
function open(
  vault: VaultInMemory,
  onPause: () => unknown = () => undefined,
  options: Partial<PangeaVaultRepositoryOptions<Kept>> = {},
) {
  const settings = { folder: "/mine", kind: "kept", timeout: 1_000, clock: clock.read, ...options };
  const delay = async () => void (await onPause());
  return new PangeaVaultRepository(schema, vault, settings, { random: () => 0, delay });
}
const failureOf = (call: Promise<unknown>) => call.catch((failure: unknown) => failure);
const remove = (vault: VaultInMemory, name = "a") => vault.items.splice(vault.items.indexOf(vault.named(name)), 1);
const textsOf = (vault: VaultInMemory) => vault.items.map(({ item_versions }) => item_versions.at(-1)?.secret);
const turnIsOver = () => new Promise((resolve) => setImmediate(resolve));
/** Does something once, before the next request of this kind is answered. */
const meanwhile = (vault: VaultInMemory, wanted: string, act: () => unknown) => {
  vault.before = (method) => {
    if (method !== wanted) return;
    vault.before = () => undefined;
    return act();
  };
};
const write = ({ item_versions }: KeptItem, secret: string, state = "destroyed") => {
  const current = item_versions.at(-1);
  if (current === undefined) return;
  current.state = state;
  item_versions.push({ version: current.version + 1, secret, state: "active" });
};

describe("a set of a record that this instance has written", () => {
  async function writing(onPause?: (vault: VaultInMemory) => unknown) {
    const vault = new VaultInMemory();
    const repository = open(vault, () => onPause?.(vault));
    await repository.set("a", { n: 1 });
    vault.calls();
    return { vault, repository, item: vault.named("a") };
  }

  test("is a rotation, from then on too where another instance has written in between", async () => {
    const { vault, repository, item } = await writing();
    write(item, text(2));
    await repository.set("a", { n: 3 });
    expect(vault.calls()).toEqual(["secretRotate", "getItem"]);
    await repository.set("a", { n: 4 });
    expect(vault.calls()).toEqual(["secretRotate"]);
    expect(textsOf(vault)).toEqual([text(4)]);
  });

  test("stores it anew once a claim in between is over", async () => {
    const { vault, repository, item } = await writing((vault) => vault.items.length > 0 && remove(vault));
    write(item, tombstone(), "suspended");
    await repository.set("a", { n: 2 });
    expect(vault.calls()).toEqual(["secretRotate", "getItem", "getItem", "getItem", "secretStore"]);
    expect(vault.named("a").id).not.toBe(item.id);
    expect(textsOf(vault)).toEqual([text(2)]);
  });

  test("stores it anew where whoever claimed it has not deleted it in time", async () => {
    const { vault, repository, item } = await writing();
    write(item, tombstone(), "suspended");
    await repository.set("a", { n: 2 });
    expect(vault.calls().slice(-2)).toEqual(["delete", "secretStore"]);
    expect(textsOf(vault)).toEqual([text(2)]);
  });

  test.each([
    ["before it is written", "secretRotate", ["secretRotate", "secretStore"]],
    ["before it is looked whether it was claimed", "getItem", ["secretRotate", "getItem", "getItem", "secretStore"]],
  ])("stores it anew where it is gone %s", async (_, method, calls) => {
    const { vault, repository, item } = await writing();
    write(item, text(2));
    meanwhile(vault, method, () => remove(vault));
    await repository.set("a", { n: 3 });
    expect(vault.calls()).toEqual(calls);
    expect(textsOf(vault)).toEqual([text(3)]);
    await repository.set("a", { n: 4 });
    expect(vault.calls()).toEqual(["secretRotate"]);
  });

  test("does not look for what is gone again, though it could not be stored anew", async () => {
    const { vault, repository } = await writing();
    remove(vault);
    meanwhile(vault, "secretStore", () => {
      throw refusal("InternalError");
    });
    expect(await failureOf(repository.set("a", { n: 2 }))).toMatchObject(unknown);
    vault.calls();
    await repository.set("a", { n: 3 });
    expect(vault.calls()).toEqual(["secretStore"]);
  });

  test("leaves its effect unknown where it cannot be looked whether it was claimed", async () => {
    const { vault, repository, item } = await writing();
    write(item, text(2));
    vault.before = (method) => {
      if (method === "getItem") throw refusal("ValidationError");
    };
    expect(await failureOf(repository.set("a", { n: 3 }))).toMatchObject(unknown);
  });
});

describe("a set that Vault refuses to store", () => {
  test.each([
    [
      "is refused where nothing has the name",
      () => undefined,
      { ...refused, cause: expect.not.objectContaining({ code: refused.code }) },
    ],
    [
      "is refused where another kind has the name",
      (vault: VaultInMemory) => vault.plant({ ...place, name: "a", secret: "x", metadata: { kind: "other" } }),
      { ...refused, cause: expect.objectContaining(refused) },
    ],
  ])("%s", async (_, prepare, expected) => {
    const vault = new VaultInMemory();
    prepare(vault);
    vault.before = (method) => {
      if (method === "secretStore") throw refusal("ValidationError");
    };
    expect(await failureOf(open(vault).set("a", { n: 1 }))).toMatchObject(expected);
    expect(vault.calls()).toEqual(["secretStore", "getBulk"]);
  });

  test("is an outage without a look where it is not refused", async () => {
    const vault = new VaultInMemory();
    vault.before = (method) => {
      if (method === "secretStore") throw refusal("InternalError");
    };
    expect(await failureOf(open(vault).set("a", { n: 1 }))).toMatchObject(unknown);
    expect(vault.calls()).toEqual(["secretStore"]);
  });

  test("writes over what is there, and deletes what that has replaced", async () => {
    const vault = new VaultInMemory();
    for (const n of [1, 2]) vault.plant({ ...place, name: "a", secret: text(n) });
    const tomb = vault.plant({ ...place, name: "a", secret: tombstone() });
    await open(vault).set("a", { n: 3 });
    expect(vault.calls()).toEqual(["secretStore", "getBulk", "secretRotate", "delete"]);
    expect(vault.items.map(({ id }) => id)).toEqual(["pvi_2", tomb.id]);
    expect(await open(vault).get("a")).toEqual({ n: 3 });
  });

  test("writes over its own though another kind has the name too", async () => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: "x", metadata: { kind: "other" } });
    vault.plant({ ...place, name: "a", secret: text(1) });
    await open(vault).set("a", { n: 2 });
    expect(textsOf(vault)).toEqual(["x", text(2)]);
  });

  test("leaves its effect unknown where what it has replaced cannot be deleted", async () => {
    const vault = new VaultInMemory();
    for (const n of [1, 2]) vault.plant({ ...place, name: "a", secret: text(n) });
    vault.before = (method) => {
      if (method === "delete") throw refusal("ValidationError");
    };
    expect(await failureOf(open(vault).set("a", { n: 3 }))).toMatchObject(unknown);
  });

  test("waits until what was claimed is gone, and stores it then", async () => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: tombstone() });
    await open(vault, () => vault.items.length > 0 && remove(vault)).set("a", { n: 1 });
    expect(vault.calls()).toEqual(["secretStore", "getBulk", "getItem", "getItem", "secretStore"]);
    expect(textsOf(vault)).toEqual([text(1)]);
  });

  test("stores it where what was there is gone by then", async () => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: text(1) });
    meanwhile(vault, "secretRotate", () => remove(vault));
    await open(vault).set("a", { n: 2 });
    expect(vault.calls()).toEqual(["secretStore", "getBulk", "secretRotate", "secretStore"]);
    expect(textsOf(vault)).toEqual([text(2)]);
  });

  test("is an error with an unknown effect where that goes on and on", async () => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: text(1) });
    vault.before = (method) => {
      if (method === "secretRotate") throw refusal("VaultItemNotFound");
    };
    expect(await failureOf(open(vault).set("a", { n: 2 }))).toMatchObject(unknown);
  });
});

describe("what has expired", () => {
  test.each(["take", "delete"] as const)(
    "is deleted by a %s, with what it has replaced, and without a claim",
    async (removal) => {
      const vault = new VaultInMemory();
      vault.plant({ ...place, name: "a", secret: text(1) });
      vault.plant({ ...place, name: "a", secret: text(2, clock.seconds()) });
      expect(await open(vault)[removal]("a")).toBe(removal === "take" ? undefined : false);
      expect(vault.calls()).toEqual(["getBulk", "delete", "delete"]);
      expect(vault.items).toEqual([]);
    },
  );

  test.each(["take", "delete"] as const)("is not deleted by a %s where it was claimed", async (removal) => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: tombstone() });
    expect(await open(vault)[removal]("a")).toBe(removal === "take" ? undefined : false);
    expect(vault.calls()).toEqual(["getBulk"]);
  });

  test("is not deleted where Vault withholds it", async () => {
    const vault = new VaultInMemory();
    const item = vault.plant({ ...place, name: "a", secret: text(1) });
    vault.getBulk = async () => ({ result: { items: [{ ...item, enabled: false }] } });
    expect(await open(vault).take("a")).toBeUndefined();
    expect(vault.items).toHaveLength(1);
  });
});

describe("a take or a delete", () => {
  test("of what is not there is none", async () => {
    const vault = new VaultInMemory();
    expect([await open(vault).take("a"), await open(vault).delete("a")]).toEqual([undefined, false]);
    expect(vault.calls()).toEqual(["getBulk", "getBulk"]);
  });

  test("takes what another instance writes in between", async () => {
    const vault = new VaultInMemory();
    const item = vault.plant({ ...place, name: "a", secret: text(1) });
    meanwhile(vault, "secretRotate", () => {
      // The version that was read is destroyed, the one that is claimed is suspended.
      write(item, text(2));
    });
    expect(await open(vault).take("a")).toEqual({ n: 2 });
  });

  test("deletes first what the record has replaced", async () => {
    const vault = new VaultInMemory();
    for (const n of [1, 2]) vault.plant({ ...place, name: "a", secret: text(n) });
    const repository = open(vault);
    expect(await repository.take("a")).toEqual({ n: 2 });
    await repository[Symbol.asyncDispose]();
    expect(vault.calls()).toEqual(["getBulk", "delete", "secretRotate", "delete"]);
  });

  test("without a claim says who has deleted the item", async () => {
    const vault = new VaultInMemory();
    for (const [isGone, answers] of [
      [false, [{ n: 1 }, true]],
      [true, [undefined, false]],
    ] as const) {
      for (const [index, removal] of (["take", "delete"] as const).entries()) {
        vault.items.length = 0;
        vault.plant({ ...place, name: "a", secret: text(1) });
        if (isGone) meanwhile(vault, "delete", () => remove(vault));
        const repository = open(vault, undefined, { strictTake: false });
        expect(await repository[removal]("a")).toEqual(answers[index]);
        expect(vault.calls()).toEqual(["getBulk", "delete"]);
      }
    }
  });

  test("of an item that another instance removes first is none", async () => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: text(1) });
    meanwhile(vault, "secretRotate", () => remove(vault));
    expect(await open(vault).delete("a")).toBe(false);
    expect(vault.calls()).toEqual(["getBulk", "secretRotate"]);
  });

  test.each([
    [0, 1],
    [1, 0],
  ])(
    "keeps a write waiting until each item is deleted that was taken under the key: %i, then %i",
    async (first, last) => {
      const vault = new VaultInMemory();
      vault.namesRepeat = true;
      const deletions: (() => void)[] = [];
      vault.before = (method) =>
        method === "delete" ? new Promise<void>((resolve) => deletions.push(resolve)) : undefined;
      const repository = open(vault);
      for (const n of [1, 2]) {
        vault.plant({ ...place, name: "a", secret: text(n) });
        expect(await repository.take("a")).toEqual({ n });
      }
      deletions[first]?.();
      await turnIsOver();
      vault.calls();
      const writing = repository.set("a", { n: 3 });
      await turnIsOver();
      expect(vault.calls()).toEqual([]);
      await repository.set("b", { n: 4 });
      expect(vault.calls()).toEqual(["secretStore"]);
      deletions[last]?.();
      await writing;
      expect(vault.calls()).toEqual(["secretStore"]);
      expect(textsOf(vault)).toEqual([text(4), text(3)]);
    },
  );
});

describe("what this instance knows", () => {
  test("of a record that another has stored saves a set the way to it", async () => {
    const vault = new VaultInMemory();
    await open(vault).set("a", { n: 1 });
    const repository = open(vault);
    await repository.get("a");
    vault.calls();
    await repository.set("a", { n: 2 });
    expect(vault.calls()).toEqual(["secretRotate"]);
  });

  test("of an item that is gone it forgets at the next look", async () => {
    const vault = new VaultInMemory();
    const repository = open(vault);
    await repository.set("a", { n: 1 });
    remove(vault);
    vault.calls();
    expect(await repository.get("a")).toBeUndefined();
    expect(vault.calls()).toEqual(["getBulk", "getItem"]);
    expect(await repository.get("a")).toBeUndefined();
    expect(vault.calls()).toEqual(["getBulk"]);
  });

  test("of an item says nothing of the key once it has another name", async () => {
    const vault = new VaultInMemory();
    const repository = open(vault);
    await repository.set("a", { n: 1 });
    const [item] = vault.items.splice(0);
    if (item !== undefined) vault.items.push({ ...item, name: "b" });
    expect(await repository.get("a")).toBeUndefined();
    expect(await repository.get("b")).toEqual({ n: 1 });
  });

  test("counts beside what a search shows, and in place of an older version of it", async () => {
    const vault = new VaultInMemory();
    const repository = open(vault);
    await repository.set("a", { n: 1 });
    const shown = structuredClone(vault.items);
    await repository.set("a", { n: 2 });
    const other = vault.plant({ ...place, name: "a", secret: text(0), created_at: "2026-01-01T00:00:00Z" });
    vault.getBulk = async () => ({ result: { items: [...shown, other] } });
    expect(await repository.get("a")).toEqual({ n: 2 });
    vault.calls();
    expect(await repository.take("a")).toEqual({ n: 2 });
    await repository[Symbol.asyncDispose]();
    expect(vault.calls()).toEqual(["getItem", "delete", "secretRotate", "delete"]);
  });

  test("needs no read where a search shows it, beside whatever else", async () => {
    const vault = new VaultInMemory();
    const repository = open(vault);
    await repository.set("a", { n: 1 });
    vault.plant({ ...place, name: "a", secret: text(0), created_at: "2026-01-01T00:00:00Z" });
    vault.calls();
    expect(await repository.get("a")).toEqual({ n: 1 });
    expect(vault.calls()).toEqual(["getBulk"]);
  });

  test("counts though a search shows another item of the name alone", async () => {
    const vault = new VaultInMemory();
    const repository = open(vault);
    await repository.set("a", { n: 1 });
    const other = vault.plant({ ...place, name: "a", secret: text(0), created_at: "2026-01-01T00:00:00Z" });
    vault.getBulk = async () => ({ result: { items: [other] } });
    expect(await repository.get("a")).toEqual({ n: 1 });
  });

  test("of a record that was claimed is nothing that a write would go over", async () => {
    const vault = new VaultInMemory();
    const repository = open(vault, () => vault.items.length > 0 && remove(vault));
    vault.plant({ ...place, name: "a", secret: tombstone() });
    expect(await repository.get("a")).toBeUndefined();
    vault.calls();
    await repository.set("a", { n: 1 });
    expect(vault.calls()[0]).toBe("secretStore");
  });

  test.each([true, false])(
    "of an item that it has deleted is that, though a search still shows it: strictTake %s",
    async (strictTake) => {
      const vault = new VaultInMemory();
      const repository = open(vault, undefined, { strictTake });
      await repository.set("a", { n: 1 });
      const shown = structuredClone(vault.items);
      expect(await repository.take("a")).toEqual({ n: 1 });
      vault.getBulk = async () => ({ result: { items: shown } });
      expect(await repository.get("a")).toBeUndefined();
      const listed: string[] = [];
      for await (const [key] of repository.entries()) listed.push(key);
      expect(listed).toEqual([]);
    },
  );

  test.each(["set", "add"] as const)(
    "of a record that it has taken does not hide what keeps the name from a %s",
    async (method) => {
      const vault = new VaultInMemory();
      const repository = open(vault);
      await repository.set("a", { n: 1 });
      meanwhile(vault, "delete", () => {
        throw refusal("InternalError");
      });
      await repository.take("a");
      await repository[method]("a", { n: 2 });
      expect(textsOf(vault)).toEqual([text(2)]);
    },
  );
});

describe("an add", () => {
  test("that loses withdraws its item, without a claim too", async () => {
    for (const strictTake of [true, false]) {
      const vault = new VaultInMemory();
      vault.namesRepeat = true;
      vault.plant({ ...place, name: "a", secret: text(1) });
      expect(await open(vault, undefined, { strictTake }).add("a", { n: 2 })).toBe(false);
      const withdrawal = strictTake ? ["secretRotate", "delete"] : ["delete"];
      expect(vault.calls()).toEqual(["secretStore", "getBulk", ...withdrawal, "getItem"]);
      expect(textsOf(vault)).toEqual([text(1)]);
    }
  });

  test.each([
    ["has lost where the other record stays", true, false],
    ["may have won where the other record is gone too", false, expect.objectContaining(unknown)],
  ])("whose item somebody removes while it withdraws %s", async (_, stays, expected) => {
    const vault = new VaultInMemory();
    vault.namesRepeat = true;
    const theirs = vault.plant({ ...place, name: "a", secret: text(1) });
    meanwhile(vault, "secretRotate", () => {
      vault.items.splice(0, vault.items.length, ...(stays ? [theirs] : []));
    });
    expect(await failureOf(open(vault).add("a", { n: 2 }))).toEqual(expected);
    expect(vault.calls()).toEqual(["secretStore", "getBulk", "secretRotate", "getItem"]);
  });

  test("that loses is false though its item, which it has claimed, cannot be deleted", async () => {
    const vault = new VaultInMemory();
    vault.namesRepeat = true;
    vault.plant({ ...place, name: "a", secret: text(1) });
    vault.before = (method) => {
      if (method === "delete") throw refusal("InternalError");
    };
    expect(await open(vault).add("a", { n: 2 })).toBe(false);
    expect(await open(vault).get("a")).toEqual({ n: 1 });
  });

  test("is an error without an effect where others add and remove the record all the time", async () => {
    const vault = new VaultInMemory();
    vault.namesRepeat = true;
    vault.before = (method) => {
      // Somebody's record is there for each look at the names, and gone at the look at itself.
      if (method === "getBulk")
        vault.plant({ ...place, name: "a", secret: text(1), created_at: "2026-01-01T00:00:00Z" });
      if (method === "getItem") vault.items.splice(0);
    };
    expect(await failureOf(open(vault).add("a", { n: 2 }))).toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect: "none",
    });
  });

  test("deletes what has expired where names are unique, and stores its own then", async () => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: text(1, clock.seconds()) });
    expect(await open(vault).add("a", { n: 2 })).toBe(true);
    expect(vault.calls()).toEqual(["secretStore", "getBulk", "getItem", "delete", "secretStore", "getBulk"]);
    expect(textsOf(vault)).toEqual([text(2)]);
  });

  test("waits until what was claimed is gone, or deletes it where that takes too long", async () => {
    for (const isDeleted of [true, false]) {
      const vault = new VaultInMemory();
      const tomb = vault.plant({ ...place, name: "a", secret: tombstone() });
      const onPause = () => isDeleted && vault.items.includes(tomb) && remove(vault);
      expect(await open(vault, onPause).add("a", { n: 1 })).toBe(true);
      expect(vault.calls().includes("delete")).toBe(!isDeleted);
      expect(textsOf(vault)).toEqual([text(1)]);
    }
  });

  test("is not in the way of another kind's, though a search shows that first and its own item later", async () => {
    const vault = new VaultInMemory();
    vault.namesRepeat = true;
    const theirs = vault.plant({ ...place, name: "a", secret: text(1), metadata: { ...metadata, kind: "other" } });
    const getBulk = vault.getBulk.bind(vault);
    let looks = 0;
    vault.getBulk = async (search) => {
      looks += 1;
      return looks === 1 ? { result: { items: [theirs] } } : getBulk(search);
    };
    expect(await open(vault).add("a", { n: 2 })).toBe(true);
    expect(looks).toBe(2);
  });

  test("that wins is known to its instance", async () => {
    const vault = new VaultInMemory();
    const repository = open(vault);
    await repository.add("a", { n: 1 });
    vault.calls();
    await repository.set("a", { n: 2 });
    expect(vault.calls()).toEqual(["secretRotate"]);
  });
});

describe("a sweep", () => {
  const over = () => text(1, clock.seconds());

  test("deletes what is over, and what was claimed at last, after a pause", async () => {
    const vault = new VaultInMemory();
    const tomb = vault.plant({ ...place, name: "t", secret: tombstone() });
    vault.plant({ ...place, name: "a", secret: over() });
    vault.plant({ ...place, name: "b", secret: text(2) });
    const left: string[][] = [];
    expect(await open(vault, () => left.push(vault.items.map(({ name }) => name))).sweep()).toBe(2);
    expect(left).toEqual([["t", "b"]]);
    expect(vault.items.map(({ name }) => name)).toEqual(["b"]);
    expect(vault.items).not.toContain(tomb);
  });

  test("does not wait where nothing was claimed", async () => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: over() });
    let pauses = 0;
    const onPause = () => {
      pauses += 1;
    };
    expect(await open(vault, onPause).sweep()).toBe(1);
    expect(pauses).toBe(0);
  });

  test.each<[string, (vault: VaultInMemory) => unknown, number]>([
    ["is gone", (vault) => remove(vault), 0],
    ["was renewed", (vault) => write(vault.named("a"), text(2)), 1],
    ["was written again, as over as before", (vault) => write(vault.named("a"), over()), 1],
    [
      "is no more what it was, though its version is the same",
      (vault) => vault.named("a").item_versions.splice(0, 1, { version: 1, secret: text(2), state: "active" }),
      1,
    ],
  ])("leaves what %s by the time of its deletion", async (_, act, left) => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: over() });
    meanwhile(vault, "getItem", () => act(vault));
    expect(await open(vault).sweep()).toBe(0);
    expect(vault.calls()).toEqual(["getBulk", "getItem"]);
    expect(vault.items).toHaveLength(left);
  });

  test("counts what it has deleted itself", async () => {
    const vault = new VaultInMemory();
    for (const [name, secret] of [
      ["a", over()],
      ["b", tombstone()],
    ] as const) {
      vault.plant({ ...place, name, secret });
      meanwhile(vault, "delete", () => remove(vault, name));
      expect(await open(vault).sweep()).toBe(0);
    }
  });
});

describe("what cannot be read", () => {
  test("is told of at the end of a sweep and of a listing, which do the rest", async () => {
    const vault = new VaultInMemory();
    vault.plant({ ...place, name: "a", secret: "no record" });
    vault.plant({ ...place, name: "b", secret: text(1) });
    vault.plant({ ...place, name: "c", secret: text(1, clock.seconds()) });
    const told = { code: "ERR_UNREADABLE_RECORDS", count: 1 };
    const listed: string[] = [];
    const list = async () => {
      for await (const [key] of open(vault).entries()) listed.push(key);
    };
    await expect(list()).rejects.toMatchObject(told);
    expect(listed).toEqual(["b"]);
    await expect(open(vault).sweep()).rejects.toMatchObject(told);
    expect(vault.items.map(({ name }) => name)).toEqual(["a", "b"]);
  });
});

describe("the end of a repository", () => {
  test.each(["a deletion", "an announcement"])("waits for %s that is under way", async (what) => {
    const vault = new VaultInMemory();
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const keys = KeyRing.from("the secret of the repository under test");
    const indexes = { n: ({ n }: Kept) => String(n) };
    const options = { folder: "/mine", kind: "kept", indexes };
    const repository = new PangeaVaultRepository(sealed(schema, keys), vault, options);
    await repository.set("a", { n: 1 });
    if (what === "a deletion") {
      vault.before = (method) => (method === "delete" ? ended : undefined);
      await repository.take("a");
    } else {
      const other = new PangeaVaultRepository(sealed(schema, keys), vault, { ...options, folder: "/other" });
      vault.before = () => ended;
      const writing = other.set("b", { n: 1 });
      await expectPending(other[Symbol.asyncDispose](), end);
      await writing;
      return;
    }
    await expectPending(repository[Symbol.asyncDispose](), end);
  });
});

/** Looks whether a promise waits for something to end. */
async function expectPending(promise: Promise<unknown>, end: () => void): Promise<void> {
  let isOver = false;
  const over = promise.then(() => {
    isOver = true;
  });
  await turnIsOver();
  expect(isOver).toBe(false);
  end();
  await over;
}

test("the repositories of a folder look for their records by one call", async () => {
  const vault = new VaultInMemory();
  const folder = new VaultFolder(vault, readVaultOptions({ folder: "/mine" }));
  const repositories = ["one", "other"].map(
    (kind) => new PangeaVaultRepository(schema, folder, { folder: "/mine", kind }),
  );
  for (const [n, repository] of repositories.entries()) await repository.set(`a${n}`, { n });
  vault.calls();
  expect(await Promise.all(repositories.map((repository, n) => repository.get(`a${n}`)))).toEqual([{ n: 0 }, { n: 1 }]);
  expect(vault.calls()).toEqual(["getBulk"]);
});

test("what a get would give is known without a call", () => {
  const vault = new VaultInMemory();
  const trimming = z.object({ text: z.string().trim() });
  const repository = new PangeaVaultRepository(trimming, vault, { folder: "/mine" });
  expect(repository.readBack("a", { text: " a " })).toEqual({ text: "a" });
  expect(vault.calls()).toEqual([]);
});

test.each(["", undefined, 1])("%j is no key", async (key) => {
  const vault = new VaultInMemory();
  const repository = open(vault);
  for (const method of ["get", "set", "delete", "take", "add"] as const) {
    const call: Promise<unknown> = Reflect.apply(repository[method], repository, [key, { n: 1 }]);
    expect(await failureOf(call)).toMatchObject({ code: "ERR_INVALID_KEY" });
  }
  expect(vault.calls()).toEqual([]);
});

describe("a listing", () => {
  test("has the record of each name that stands", async () => {
    const vault = new VaultInMemory();
    for (const n of [1, 2]) vault.plant({ ...place, name: "a", secret: text(n) });
    vault.plant({ ...place, name: "b", secret: text(1, clock.seconds()) });
    vault.plant({ ...place, name: "c", secret: tombstone() });
    vault.plant({ ...place, name: "d", secret: text(3), metadata: {} });
    const entries: unknown[] = [];
    for await (const entry of open(vault).entries()) entries.push(entry);
    expect(entries).toEqual([["a", { n: 2 }]]);
  });
});

describe("a repository that was closed", () => {
  const calls: Readonly<Record<string, (repository: ReturnType<typeof open>) => unknown>> = {
    get: (repository) => repository.get("a"),
    set: (repository) => repository.set("a", { n: 1 }),
    delete: (repository) => repository.delete("a"),
    take: (repository) => repository.take("a"),
    add: (repository) => repository.add("a", { n: 1 }),
    sweep: (repository) => repository.sweep(),
    entries: (repository) => repository.entries().next(),
    entriesBy: (repository) => repository.entriesBy("n", "1").next(),
  };

  test.each(Object.keys(calls))("refuses %s", async (name) => {
    const vault = new VaultInMemory();
    const repository = open(vault);
    await repository[Symbol.asyncDispose]();
    expect(await failureOf(Promise.resolve().then(() => calls[name]?.(repository)))).toMatchObject({
      code: "ERR_STORAGE_CLOSED",
      effect: "none",
    });
    expect(vault.calls()).toEqual([]);
  });
});

describe("the options of a repository", () => {
  const keys = KeyRing.from("the secret of the repository under test");
  const make = (codec: unknown, options: unknown) => () =>
    Reflect.construct(PangeaVaultRepository, [codec, new VaultInMemory(), options]);
  const indexes = { n: ({ n }: Kept) => String(n) };
  const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });

  test.each([
    ["null", sealed(schema, keys), null],
    ["null for indexes", sealed(schema, keys), { kind: "kept", indexes: null }],
    ["a number for indexes", sealed(schema, keys), { kind: "kept", indexes: 1 }],
    ["indexes without a kind", sealed(schema, keys), { indexes }],
    ["indexes without keys", schema, { kind: "kept", indexes }],
    ["an index that is no function", sealed(schema, keys), { kind: "kept", indexes: { n: "n" } }],
  ])("are refused: %s", (_, codec, options) => {
    expect(make(codec, options)).toThrow(refusal);
  });

  test.each([
    ["no indexes", schema, { indexes: undefined }],
    ["an empty list of indexes", schema, { indexes: {} }],
    ["indexes of what is sealed, with a kind", sealed(schema, keys), { kind: "kept", indexes }],
  ])("are taken: %s", (_, codec, options) => {
    expect(make(codec, options)).not.toThrow();
  });

  test("say how the expiry is read", async () => {
    const vault = new VaultInMemory();
    const time = new ManualClock();
    vault.plant({ name: "a", secret: JSON.stringify({ end: time.seconds() }), folder: "/pangea-authn-fastmcp" });
    const expiresAt = ({ end }: { end: number }) => end;
    const options = { clock: time.read, expiresAt };
    const repository = new PangeaVaultRepository(z.object({ end: z.number() }), vault, options);
    expect(repository.readExpiry).toBe(expiresAt);
    expect(await repository.get("a")).toBeUndefined();
    time.advance(-1);
    expect(await repository.get("a")).toBeDefined();
  });
});
