import { describe, expect, it } from "vitest";
import { type Decision, decisionOf, rememberedFor, standsAfter } from "../../../src/provider/login/decision.ts";

const tolerance = 30;
const asked = (decidedAt: number): Decision => ({ decidedAt });
const remembered = (decidedAt: number): Decision => rememberedFor("ada", asked(decidedAt), undefined, tolerance);

describe("the decision that counts", () => {
  it("is that of the person who has logged in", () => {
    const decisions = [rememberedFor("grace", asked(1), undefined, tolerance), remembered(2)];
    expect(decisionOf("ada", decisions)?.decidedAt).toBe(2);
    expect(decisionOf("grace", decisions)?.decidedAt).toBe(1);
    expect(decisionOf("mallory", decisions)).toBeUndefined();
  });

  it("is what was answered just now, whoever has logged in", () => {
    for (const subject of ["ada", undefined]) expect(decisionOf(subject, [asked(3)])?.decidedAt).toBe(3);
  });

  it("is nobody's where the upstream does not say who has logged in", () => {
    expect(decisionOf(undefined, [remembered(1)])).toBeUndefined();
    expect(decisionOf(undefined, [])).toBeUndefined();
  });

  it("does not hold the subject in plain text", () => {
    expect(JSON.stringify(remembered(1))).not.toContain("ada");
  });
});

describe("a revocation", () => {
  it.each([
    ["what was remembered long before", remembered(100), false],
    ["what was remembered at the same time", remembered(1000), false],
    ["what was remembered within the difference of two clocks", remembered(1030), false],
    ["what was remembered after it", remembered(1031), true],
    ["what was answered before", asked(999.9), false],
    ["what was answered at the same time", asked(1000), true],
    ["what was answered after it", asked(1000.1), true],
  ])("leaves or ends %s", (_, decision, stands) => {
    expect(standsAfter(1000, decision, tolerance)).toBe(stands);
    expect(standsAfter(undefined, decision, tolerance)).toBe(true);
  });

  it("does not end what a person answers after it, once that is remembered", () => {
    for (const [decidedAt, revokedAt] of [
      [1000, 1000],
      [1000.5, 1000.25],
      [1010, 1000.75],
      [2000, 1000],
    ] as const) {
      const decision = rememberedFor("ada", asked(decidedAt), revokedAt, tolerance);
      expect(standsAfter(revokedAt, decision, tolerance)).toBe(true);
      expect(decision.decidedAt).toBeLessThanOrEqual(Math.max(decidedAt, revokedAt + tolerance + 1));
    }
  });

  it("does not make a remembered decision seem younger than it is", () => {
    expect(rememberedFor("ada", remembered(5000), 1000, tolerance)).toEqual(remembered(5000));
  });
});
