import { describe, expect, test } from "vitest";
import { StorageRejectedError, StorageTimeoutError, StorageUnavailableError } from "../../../src/errors.ts";
import { Addition } from "../../../src/storage/vault/addition.ts";
import { tombstone } from "../../../src/storage/vault/tombstone.ts";
import type { VaultSecret } from "../../../src/storage/vault/vault-service.ts";
import { vaultSecret } from "../../support/vault-secret.ts";

const mine = "mine";
const item = (id: string, rest: Partial<VaultSecret> = {}) =>
  vaultSecret(id, { createdAt: "2", writtenAt: "2", ...rest });
const claimed = { text: tombstone() };
const own = (id: string, rest: Partial<VaultSecret> = {}) => item(id, { addedWith: mine, ...rest });
const added = (id: string, rest: Partial<VaultSecret> = {}) => item(id, { addedWith: "theirs", ...rest });

/** What a Vault answers. The last store and the last look are repeated. */
interface Script {
  readonly stores?: readonly (VaultSecret | Error)[];
  readonly looks: readonly (readonly VaultSecret[])[];
  /** What is there when it is read by its id. */
  readonly there?: readonly VaultSecret[];
  /** The items that somebody else removes first. */
  readonly removedByOthers?: readonly string[];
}

const m = own("m");
const refused = new StorageRejectedError("Vault refuses.", { effect: "none" });
const lost = new StorageUnavailableError("The answer was lost.", { effect: "unknown" });
const busy = new StorageUnavailableError("Vault is busy.", { effect: "none" });
const late = new StorageTimeoutError("The deadline has passed.");
const mistake = new RangeError("A mistake.");
const unknown = expect.objectContaining({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });

async function outcomeOf({ stores = [m], looks, there = [], removedByOthers = [] }: Script) {
  const steps: string[] = [];
  let mark = "";
  const known = (secret: VaultSecret): VaultSecret =>
    secret.addedWith === mine ? { ...secret, addedWith: mark } : secret;
  const nth = <T>(list: readonly T[], name: string): T | undefined => {
    const count = steps.filter((step) => step === name || step === `${name} refused`).length;
    return list[Math.min(count, list.length) - 1];
  };
  const outcome = await new Addition({
    settings: { timeout: 10_000, delay: async () => undefined },
    isLive: ({ text }) => text === "live",
    store: async (given) => {
      steps.push("store");
      mark = given;
      const stored = nth(stores, "store") ?? mistake;
      if (stored instanceof Error) throw stored;
      return known(stored);
    },
    look: async (refusal) => {
      steps.push(refusal === undefined ? "look" : "look refused");
      return (nth(looks, "look") ?? []).map(known);
    },
    get: async (id) => {
      steps.push(`get ${id}`);
      const found = there.find((secret) => secret.id === id);
      return found && known(found);
    },
    delete: async ({ id }) => {
      steps.push(`delete ${id}`);
      return true;
    },
    removeClaimed: async ({ id }) => void steps.push(`remove claimed ${id}`),
    remove: async ({ id }) => {
      steps.push(`remove ${id}`);
      return !removedByOthers.includes(id);
    },
    keep: ({ id }) => void steps.push(`keep ${id}`),
  })
    .run()
    .catch((failure: unknown) => failure);
  return { outcome, steps };
}

const older = added("older", { createdAt: "1" });
const younger = added("younger", { createdAt: "3" });
const set = item("set", { createdAt: "3" });

describe("an add that has stored its item", () => {
  test.each<[string, Script, unknown, string[]]>([
    ["wins where a search shows it alone", { looks: [[m]] }, true, ["keep m"]],
    ["waits for a search to show it", { looks: [[], [m]], there: [m] }, true, ["get m", "look", "keep m"]],
    ["wins over what has expired", { looks: [[item("over", { text: "over" }), m]] }, true, ["keep m"]],
    ["has won where it is gone, and nothing else is there", { looks: [[]] }, true, ["get m"]],
    ["has won where it was claimed", { looks: [[own("m", claimed)]], there: [own("m", claimed)] }, true, ["get m"]],
    [
      "has won where it was claimed, and what is there is younger",
      { looks: [[own("m", { ...claimed, version: 2 }), set]], there: [own("m", claimed)] },
      true,
      ["get m"],
    ],
    ["may have lost where it is gone, and an older one is there", { looks: [[older]] }, unknown, ["get m"]],
    ["may have lost where it is gone, and one of its time is there", { looks: [[added("b")]] }, unknown, ["get m"]],
    [
      "may have lost where it is gone, and of two others one is older",
      { looks: [[younger, older]] },
      unknown,
      ["get m"],
    ],
    [
      "may have lost where it is gone after another was there",
      { looks: [[m, younger], []] },
      unknown,
      ["look", "get m"],
    ],
    ["withdraws behind an older one", { looks: [[older, m]], there: [older] }, false, ["remove m", "get older"]],
    ["withdraws behind a set", { looks: [[m, set]], there: [set] }, false, ["remove m", "get set"]],
    [
      "withdraws behind an add that was written to",
      { looks: [[m, { ...younger, version: 2 }]], there: [younger] },
      false,
      ["remove m", "get younger"],
    ],
    [
      "goes by the ids where both are of one time",
      { looks: [[m, added("b")]], there: [added("b")] },
      false,
      ["remove m", "get b"],
    ],
    ["waits for a younger one to withdraw", { looks: [[m, younger], [m]] }, true, ["look", "keep m"]],
    [
      "withdraws behind a younger one that stays, at the sixth look",
      { looks: [[m, younger]], there: [younger] },
      false,
      ["look", "look", "look", "look", "look", "remove m", "get younger"],
    ],
    ["tries again where the other is gone by then", { looks: [[older, m]] }, "again", ["remove m", "get older"]],
    [
      "tries again where the other is no record by then",
      { looks: [[older, m]], there: [{ ...older, text: "over" }] },
      "again",
      ["remove m", "get older"],
    ],
    [
      "has lost where one of two others is still there",
      { looks: [[older, set, m]], there: [set] },
      false,
      ["remove m", "get older", "get set"],
    ],
    [
      "has lost where somebody removes it, behind one that outranks it",
      { looks: [[older, m]], there: [older], removedByOthers: ["m"] },
      false,
      ["remove m", "get older"],
    ],
    [
      "may have won where somebody removes it, and the other is gone",
      { looks: [[older, m]], removedByOthers: ["m"] },
      unknown,
      ["remove m", "get older"],
    ],
    [
      "may have won where somebody removes it before a younger one",
      { looks: [[m, younger]], there: [younger], removedByOthers: ["m"] },
      unknown,
      ["look", "look", "look", "look", "look", "remove m", "get younger"],
    ],
    [
      "may have won where somebody has written to one of both",
      { looks: [[m, own("n", { version: 2 }), older]] },
      unknown,
      [],
    ],
    [
      "withdraws behind the older one of two others",
      { looks: [[m, younger, older]], there: [older] },
      false,
      ["remove m", "get younger", "get older"],
    ],
    ["may have won where somebody has written to it", { looks: [[own("m", { version: 2 }), older]] }, unknown, []],
    ["wins though it was written to, where it is alone", { looks: [[own("m", { version: 2 })]] }, true, ["keep m"]],
    [
      "keeps the older of the two that the SDK has stored",
      { looks: [[m, own("n", { createdAt: "3" })]] },
      true,
      ["keep m", "delete n"],
    ],
    [
      "keeps the older of the two, though that is the other one",
      { looks: [[m, own("n", { createdAt: "1" })]] },
      true,
      ["keep n", "delete m"],
    ],
    [
      "withdraws both",
      { looks: [[older, m, own("n", { createdAt: "3" })]], there: [older] },
      false,
      ["remove m", "remove n", "get older"],
    ],
    [
      "may have won where somebody removes one of both",
      { looks: [[older, m, own("n")]], removedByOthers: ["m"] },
      unknown,
      ["remove m", "remove n", "get older"],
    ],
    [
      "is not gone as long as one of both is there",
      { looks: [[m, own("n"), younger], [], [m]], there: [own("n")] },
      true,
      ["look", "get m", "get n", "look", "keep m", "delete n"],
    ],
  ])("%s", async (_, script, expected, after) => {
    expect(await outcomeOf(script)).toEqual({ outcome: expected, steps: ["store", "look", ...after] });
  });

  test("does not guess where no search shows it for as long as a call may take", async () => {
    const { outcome, steps } = await outcomeOf({ looks: [[]], there: [m] });
    expect(outcome).toEqual(unknown);
    expect(steps.filter((step) => step === "store")).toHaveLength(1);
    expect(steps.filter((step) => step === "look").length).toBeGreaterThan(6);
  });
});

describe("an add that Vault has refused to store", () => {
  const again = ["store", "look refused"];

  test.each<[string, Script, unknown, string[]]>([
    ["has lost where a record is there", { looks: [[set]], there: [set] }, false, ["get set"]],
    [
      "has lost where one of two that are there is a record",
      { looks: [[older, set]], there: [{ ...older, text: "over" }, set] },
      false,
      ["get older", "get set"],
    ],
    [
      "deletes what has expired, and stores again",
      { stores: [refused, m], looks: [[set], [m]], there: [{ ...set, text: "over" }] },
      true,
      ["get set", "delete set", "store", "look", "keep m"],
    ],
    [
      "waits until what was claimed is gone, and stores again",
      { stores: [refused, m], looks: [[set], [m]], there: [{ ...set, ...claimed }] },
      true,
      ["get set", "remove claimed set", "store", "look", "keep m"],
    ],
    [
      "stores again where what was there is gone",
      { stores: [refused, m], looks: [[set], [m]] },
      true,
      ["get set", "store", "look", "keep m"],
    ],
    [
      "stores again where a search shows nothing yet",
      { stores: [refused, refused, m], looks: [[], [], [m]] },
      true,
      [...again, "store", "look", "keep m"],
    ],
    [
      "is refused where no search shows why, at the sixth look",
      { looks: [[]] },
      refused,
      [...again, ...again, ...again, ...again, ...again],
    ],
    ["has won where the item that it was refused for is its own", { looks: [[m]] }, true, ["keep m"]],
    [
      "waits for what it was refused for, which is its own",
      { looks: [[m, younger], [m]] },
      true,
      ["look refused", "keep m"],
    ],
  ])("%s", async (_, script, expected, after) => {
    const outcome = await outcomeOf({ stores: [refused], ...script });
    expect(outcome).toEqual({ outcome: expected, steps: ["store", "look refused", ...after] });
  });

  test("is refused where what it was refused for is always gone when it is read", async () => {
    const { outcome, steps } = await outcomeOf({ stores: [refused], looks: [[set]] });
    expect(outcome).toBe(refused);
    expect(steps.filter((step) => step === "look refused").length).toBeGreaterThan(6);
  });

  test("does not guess where its own item is shown once and never again", async () => {
    const { outcome } = await outcomeOf({ stores: [refused], looks: [[m, younger], []], there: [m] });
    expect(outcome).toEqual(unknown);
  });
});

describe("an add whose store has failed", () => {
  test.each<[string, Error, Script["looks"], unknown, string[]]>([
    ["finds its item", lost, [[m]], true, ["look refused", "keep m"]],
    ["does not know where it finds nothing", lost, [[]], lost, ["look refused"]],
    ["does not know where it finds another", lost, [[older]], lost, ["look refused"]],
    ["does not look where nothing was stored", busy, [[m]], busy, []],
    ["does not look where the store may still land", late, [[m]], late, []],
    ["does not look after a mistake", mistake, [[m]], mistake, []],
  ])("%s", async (_, failure, looks, expected, after) => {
    const { outcome, steps } = await outcomeOf({ stores: [failure], looks, there: [older] });
    expect(outcome).toEqual(expected);
    if (expected instanceof Error) expect(outcome).toBe(expected);
    expect(steps).toEqual(["store", ...after]);
  });
});
