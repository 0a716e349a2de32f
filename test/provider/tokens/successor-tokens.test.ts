import { expect, it } from "vitest";
import { StepKey } from "../../../src/provider/grants/grant-key.ts";
import { successorAccessToken, successorRefreshCore } from "../../../src/provider/tokens/successor-tokens.ts";

it("tokens follow from the key of their step and these texts, in every version, and are derived once", () => {
  const texts: string[] = [];
  const authenticate = (text: string) => {
    texts.push(text);
    return new Uint8Array(32).fill(texts.length);
  };
  const key: StepKey = Object.assign(Object.create(StepKey.prototype), { authenticate });
  const step = { handle: "h".repeat(22), generation: 1, core: "core", grantId: "grant", key };
  for (const reissuedUntil of [undefined, 5.25]) {
    texts.length = 0;
    const token = successorAccessToken(step, reissuedUntil);
    expect(successorAccessToken(step, reissuedUntil)).toBe(token);
    expect(texts).toEqual([JSON.stringify(["access token", "core", ...(reissuedUntil === undefined ? [] : [5.25])])]);
  }
  texts.length = 0;
  expect(successorRefreshCore(step)).toBe(successorRefreshCore(step));
  expect(texts).toEqual(['["refresh token","core"]']);
});
