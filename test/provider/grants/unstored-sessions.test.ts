import { describe, expect, it } from "vitest";
import { StepKey } from "../../../src/provider/grants/grant-key.ts";
import { type Unstored, UnstoredSessions } from "../../../src/provider/grants/unstored-sessions.ts";

const key = StepKey.create("grant").grantKey;
const unstored = (before: string, sealed: string): Unstored => ({ before, sealed, expiresAt: 1_000, key });

describe("a session that the store did not take", () => {
  it("goes in place of the one that it was made from, and is forgotten once the store has another", () => {
    const sessions = new UnstoredSessions();
    sessions.keep("grant", unstored("v1", "v2"));
    expect(sessions.inPlaceOf("other", "v1")).toBeUndefined();
    expect(sessions.inPlaceOf("grant", "v1")).toBe("v2");
    expect(sessions.inPlaceOf("grant", "v1"), "as often as it is asked for").toBe("v2");
    expect(sessions.inPlaceOf("grant", "theirs")).toBeUndefined();
    expect(sessions.inPlaceOf("grant", "v1")).toBeUndefined();
  });

  it("goes in place of what the store has, however often it was refreshed since", () => {
    const sessions = new UnstoredSessions();
    sessions.keep("grant", unstored("v1", "v2"));
    sessions.keep("grant", unstored("v2", "v3"));
    expect(sessions.inPlaceOf("grant", "v1")).toBe("v3");
    // A session that was not made from the one that is kept stands for itself.
    sessions.keep("grant", unstored("theirs", "ours"));
    expect(sessions.inPlaceOf("grant", "theirs")).toBe("ours");
    expect(sessions.inPlaceOf("grant", "v1")).toBeUndefined();
  });

  it("is due at once, and five seconds after each failure, and is taken by one caller", () => {
    const sessions = new UnstoredSessions();
    expect(sessions.takeDue(0)).toEqual([]);
    sessions.keep("grant", unstored("v1", "v2"));
    sessions.keep("late", unstored("v1", "v2"), 100);
    expect(sessions.takeDue(0).map(([grantId]) => grantId)).toEqual(["grant"]);
    expect(sessions.takeDue(104.9)).toEqual([]);
    expect(sessions.inPlaceOf("late", "v1"), "it is there until it is taken").toBe("v2");
    expect(sessions.takeDue(105)).toEqual([["late", expect.objectContaining(unstored("v1", "v2"))]]);
    expect(sessions.takeDue(105)).toEqual([]);
    expect(sessions.inPlaceOf("late", "v1")).toBeUndefined();
  });

  it("is forgotten when the store has taken it", () => {
    const sessions = new UnstoredSessions();
    sessions.keep("grant", unstored("v1", "v2"));
    sessions.forget("grant");
    expect(sessions.inPlaceOf("grant", "v1")).toBeUndefined();
  });
});
