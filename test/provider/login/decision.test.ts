import { describe, expect, it } from "vitest";
import { type Decision, decisionOf, rememberedFor, standsAfter } from "../../../src/provider/login/decision.ts";

const tolerance = 120;
const revoked = { revokedAt: 1000, mark: "this one", revokedBy: "an instance" };
const asked = (decidedAt: number): Decision => ({ decidedAt });
const remembered = (decidedAt: number): Decision => rememberedFor("ada", asked(decidedAt));

describe("the decision that counts", () => {
  it("is that of the person who has logged in", () => {
    const decisions = [rememberedFor("grace", asked(1)), remembered(2)];
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

  it("is remembered as every version of this server remembers it", () => {
    const subject = "_e5DDUC9V97qwYbNl5ADPQ";
    expect(rememberedFor("ada", { decidedAt: 2.5, after: "mark" })).toStrictEqual({ subject, decidedAt: 2 });
    const known = { decidedAt: 3, decidedBy: "clock" };
    expect(rememberedFor("ada", known)).toStrictEqual({ subject, ...known });
  });

  it("does not hold the subject in plain text", () => {
    expect(JSON.stringify(remembered(1))).not.toContain("ada");
  });
});

describe("a revocation", () => {
  it.each<[string, Decision, boolean]>([
    ["what was remembered long before", remembered(100), false],
    ["what was remembered at the same time", remembered(1000), false],
    ["what was remembered within the difference of two clocks", remembered(1120), false],
    ["what was remembered after it", remembered(1121), true],
    ["what was answered before", asked(999.9), false],
    ["what was answered at the same time", asked(1000), false],
    ["what was answered within the difference of two clocks", asked(1120), false],
    ["what was answered after it", asked(1120.1), true],
    ["what the same instance was answered before", { ...asked(999.9), decidedBy: "an ins" }, false],
    ["what the same instance was answered at the same time", { ...asked(1000), decidedBy: "an ins" }, false],
    ["what the same instance was answered after it", { ...asked(1000.1), decidedBy: "an ins" }, true],
    ["what another instance was answered soon after it", { ...asked(1000.1), decidedBy: "another" }, false],
    [
      "what was answered to a page that knew of it, by a clock that is behind",
      { ...asked(900), after: "this one" },
      true,
    ],
    ["what was answered to a page that knew of another one", { ...asked(1000), after: "another" }, false],
  ])("leaves or ends %s", (_, decision, stands) => {
    expect(standsAfter(revoked, decision, tolerance)).toBe(stands);
    expect(standsAfter(undefined, decision, tolerance)).toBe(true);
  });

  it("that names no instance is of no clock that is known", () => {
    const unnamed = { ...revoked, revokedBy: undefined };
    expect(standsAfter(unnamed, { ...asked(1000.1) }, tolerance)).toBe(false);
  });

  it("finds what was answered before it dated as it was answered, whatever came before that", () => {
    const decision = rememberedFor("ada", { ...asked(990.5), after: "the one before" });
    expect(decision).toEqual(remembered(990));
    expect(standsAfter(revoked, decision, tolerance)).toBe(false);
  });
});
