import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StorageRejectedError, StorageTimeoutError, StorageUnavailableError } from "../../../src/errors.ts";
import { claim } from "../../../src/storage/vault/claim.ts";
import { tombstone } from "../../../src/storage/vault/tombstone.ts";
import { VaultCalls, type WrittenItem } from "../../../src/storage/vault/vault-calls.ts";
import type { SecretVersion } from "../../../src/storage/vault/vault-service.ts";

type Step = number | "gone" | "gone late" | Error;
/** Nothing for a version that Vault withholds, and null for one that it does not list. */
type Text = string | undefined | null;

const settings = { timeout: 10_000, delay: async () => undefined };
const lost = new StorageUnavailableError("The answer was lost.", { effect: "unknown" });
const refused = new StorageRejectedError("Vault refuses.", { effect: "none" });
const mistake = new RangeError("A mistake.");
const late = new StorageTimeoutError("The deadline has passed.");
const [mine, others, withheld, unlisted] = ["mine", tombstone(), undefined, null];

/**
 * Calls to a Vault whose answers to the rotations of a claim are given, and the texts of the versions after the one that
 * was read, which is the third. `mine` stands for the tombstone of the claim.
 */
class ScriptedCalls extends VaultCalls {
  readonly #steps: Step[];
  readonly #after: readonly Text[] | "gone" | Error;
  #mark = "";
  rotations = 0;

  constructor(steps: readonly Step[], after: readonly Text[] | "gone" | Error) {
    const unused = () => Promise.reject(new Error("not called"));
    super(
      { secretStore: unused, secretRotate: unused, getItem: unused, getBulk: unused, delete: unused },
      { timeout: 10_000, random: () => 0, delay: async () => undefined },
    );
    this.#steps = [...steps];
    this.#after = after;
  }

  override async rotate(_id: string, secret: string, superseded?: string): Promise<WrittenItem | { askedFor: number }> {
    this.rotations += 1;
    // What is destroyed could not be told from another claim, nor be given to whoever takes it.
    expect(superseded).toBe("suspended");
    if (this.#mark !== "") expect(secret).toBe(this.#mark);
    this.#mark = secret;
    const step = this.#steps.shift() ?? lost;
    if (step instanceof Error) throw step;
    if (typeof step === "number") return { version: step, indexPlace: undefined };
    return { askedFor: step === "gone" ? settings.timeout - 1 : settings.timeout };
  }

  override async versions(): Promise<readonly SecretVersion[] | undefined> {
    if (this.#after instanceof Error) throw this.#after;
    if (this.#after === "gone") return undefined;
    const texts = [withheld, withheld, "read", ...this.#after];
    return texts.flatMap((text, index) =>
      text === unlisted ? [] : [{ version: index + 1, text: text === mine ? this.#mark : text, state: undefined }],
    );
  }
}

const outcomeOf = (calls: VaultCalls) =>
  claim(calls, { id: "pvi_a", version: 3 }, settings).catch((failure: unknown) => failure);
const unknown = expect.objectContaining({ effect: "unknown" });

// Some time after the process has begun.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  vi.advanceTimersByTime(60_000);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a claim of the third version", () => {
  test.each<[string, readonly Step[], readonly Text[] | "gone" | Error, unknown, number]>([
    ["that is right on top is won, without a look", [4], new Error("not looked"), {}, 1],
    ["that finds nothing is lost", ["gone"], [], undefined, 1],
    ["that finds nothing after so long that it may have been its own doing is unknown", ["gone late"], [], unknown, 1],
    ["that was sent twice is won", [5], [mine, mine], {}, 1],
    ["that was sent four times is won", [7], [mine, mine, mine, mine], {}, 1],
    ["that was sent twice around another's is won", [6], [mine, others, mine], {}, 1],
    ["that was sent twice above another's is lost", [6], [others, mine, mine], undefined, 1],
    ["that is above another's is lost", [5], [others, mine], undefined, 1],
    ["above a newer value has taken that value", [5], ["newer", mine], { instead: "newer" }, 1],
    ["above a newer value that another has taken is lost", [6], ["newer", others, mine], undefined, 1],
    ["above what nobody can read is unknown", [6], [withheld, "newer", mine], unknown, 1],
    ["above what Vault does not list is unknown", [5], [unlisted, mine], unknown, 1],
    ["whose tombstones are withheld is unknown", [5], [withheld, withheld], unknown, 1],
    ["above an empty text has taken that", [5], ["", mine], { instead: "" }, 1],
    ["whose answer was lost is won where it is there", [lost], [mine], {}, 1],
    ["whose answer was lost is lost where another's is below", [lost], [others, mine], undefined, 1],
    ["whose answer was lost is sent again where it is not there", [lost, 4], [], {}, 2],
    ["whose answers are all lost is unknown after four", [lost, lost, lost, lost], [], unknown, 4],
    ["whose answer was lost, and whose item is gone, is lost", [lost], "gone", undefined, 1],
    ["that Vault refuses had no effect", [refused], [], refused, 1],
    ["that Vault refuses after an answer was lost is unknown", [lost, refused], [], lost, 2],
    ["whose answer was lost, and that finds nothing then, is lost", [lost, "gone late"], [], undefined, 2],
    ["that fails for a mistake is not looked after", [mistake], new Error("not looked"), mistake, 1],
    ["that has run out of time is not looked after", [late], new Error("not looked"), late, 1],
    ["whose look fails is unknown", [5], refused, unknown, 1],
  ])("%s", async (_, steps, after, expected, rotations) => {
    const calls = new ScriptedCalls(steps, after);
    expect(await outcomeOf(calls)).toEqual(expected);
    expect(calls.rotations).toBe(rotations);
  });
});
