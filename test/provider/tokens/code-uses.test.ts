import { describe, expect, it } from "vitest";
import { CodeUses } from "../../../src/provider/tokens/code-uses.ts";

/** Work that ends when the test says so. */
function heldWork() {
  let end: (outcome: "answer" | "failure") => void = () => {};
  const outcome = new Promise<string>((resolve, reject) => {
    end = (how) => (how === "answer" ? resolve(how) : reject(new Error(how)));
  });
  return { work: () => outcome, end: (how: "answer" | "failure") => end(how) };
}

describe("an attempt to redeem a code", () => {
  it("comes after the answer where it began after it, for this code alone", async () => {
    const uses = new CodeUses();
    const [before, beside] = [uses.begin(), uses.begin()];
    expect(beside).toBeGreaterThan(before);
    expect(uses.isAfterAnswer("grant", before), "there is no answer that it could be beside").toBe(true);
    expect(await uses.answer("grant", async () => "tokens")).toBe("tokens");
    for (const attempt of [before, beside]) expect(uses.isAfterAnswer("grant", attempt)).toBe(false);
    expect(uses.isAfterAnswer("grant", uses.begin())).toBe(true);
    expect(uses.isAfterAnswer("another", before)).toBe(true);
  });

  it("is beside each that is being answered, until all of them have ended", async () => {
    const uses = new CodeUses();
    const [one, other] = [heldWork(), heldWork()];
    const answers = [uses.answer("grant", one.work), uses.answer("grant", other.work)];
    const isAfter = () => uses.isAfterAnswer("grant", uses.begin());
    expect(isAfter()).toBe(false);
    expect(uses.isAfterAnswer("another", uses.begin())).toBe(true);
    const beside = uses.begin();
    one.end("answer");
    await answers[0];
    expect(isAfter()).toBe(false);
    other.end("answer");
    await answers[1];
    expect(isAfter()).toBe(true);
    expect(uses.isAfterAnswer("grant", beside)).toBe(false);
  });

  it("is not beside an answer that there was none of, though it was tried", async () => {
    const uses = new CodeUses();
    const { work, end } = heldWork();
    const attempt = uses.begin();
    const answer = uses.answer("grant", work);
    expect(uses.isAfterAnswer("grant", attempt)).toBe(false);
    end("failure");
    await expect(answer).rejects.toThrow(Error);
    expect(uses.isAfterAnswer("grant", attempt)).toBe(true);
  });
});
