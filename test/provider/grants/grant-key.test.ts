import { expect, it } from "vitest";
import { KeyRing, UnsealableError } from "../../../src/index.ts";
import { GrantKey, StepKey } from "../../../src/provider/grants/grant-key.ts";
import type { Step } from "../../../src/provider/tokens/successor-tokens.ts";
import { successorAccessToken, successorRefreshCore } from "../../../src/provider/tokens/successor-tokens.ts";

const keys = KeyRing.from("s".repeat(32));
const handle = "h".repeat(22);
const session = { tokens: { token: "ptu_one", refreshToken: "ptr_one" }, identity: { subject: "ada" } };

const stepOf = (key: StepKey, generation: number, core: string): Step => ({
  handle,
  generation,
  core,
  grantId: "grant",
  key,
});

it("the key of a step opens its grant's session, and no other grant's", () => {
  const step = StepKey.create("grant");
  const sealed = step.grantKey.sealSession(session);
  const opened = StepKey.unwrap(keys, "grant", "core", step.wrap(keys, "core"));
  expect(opened.grantKey.openSession(sealed)).toEqual(session);
  const ofAnother = StepKey.create("other");
  expect(() => ofAnother.grantKey.openSession(sealed)).toThrow(UnsealableError);
  expect(() => StepKey.unwrap(keys, "other", "core", step.wrap(keys, "core"))).toThrow(UnsealableError);
  expect(() => StepKey.unwrap(keys, "grant", "another", step.wrap(keys, "core"))).toThrow(UnsealableError);
});

it("an access token opens what earlier versions wrapped under it, and the session that they sealed", () => {
  const wrapped =
    "v2.SSk6ywGG.KtD1zCPpnKHro2Pqw3XaHmNG.dUnwwmunTiVe3MfvIf4SKOYIPVKwEjDdyBnuJbBATurAhjyNUc9UiZq48CxNuOSkxDDN0Ysp5J9N3yc";
  const sealed =
    "v2.grant.7QtnSRZmZ2blIy9X2RVUVQWo.D8PP7NkCHOtTJQ8REm3O4ATiqUkuNrqjyuij2K-L-D2orGMwogvXfiu1Cw_lEOEFjerG1k_1K6MRcg2sLO97E2wt_p1zEtJfjJE2hzVV6GqbCHARc_nlJuTUX2jM8t53U7V3F4o";
  const key = GrantKey.unwrap(keys, "grant", "token", wrapped);
  expect(key.openSession(sealed)).toEqual(session);
  const again = GrantKey.unwrap(keys, "grant", "token", key.wrap(keys, "token"));
  expect(again.openSession(sealed)).toEqual(session);
  expect(() => GrantKey.unwrap(keys, "grant", "another", wrapped)).toThrow(UnsealableError);
  expect(() => GrantKey.unwrap(keys, "other", "token", wrapped)).toThrow(UnsealableError);
});

it("what is wrapped under an access token and under a step's credential is not taken for each other", () => {
  const step = StepKey.create("grant");
  expect(() => GrantKey.unwrap(keys, "grant", "text", step.wrap(keys, "text"))).toThrow(UnsealableError);
  expect(() => StepKey.unwrap(keys, "grant", "text", step.grantKey.wrap(keys, "text"))).toThrow(UnsealableError);
});

it("the tokens of a step follow from its key and its credential, each from both", () => {
  const key = StepKey.create("grant");
  const step = stepOf(key, 1, "core");
  const opened = stepOf(StepKey.unwrap(keys, "grant", "core", key.wrap(keys, "core")), 1, "core");
  expect(successorAccessToken(opened)).toBe(successorAccessToken(step));
  expect(successorRefreshCore(opened)).toBe(successorRefreshCore(step));
  const others = [stepOf(key, 1, "another"), stepOf(StepKey.create("grant"), 1, "core"), stepOf(key.next(), 1, "core")];
  for (const other of others) {
    expect(successorAccessToken(other)).not.toBe(successorAccessToken(step));
    expect(successorRefreshCore(other)).not.toBe(successorRefreshCore(step));
  }
});

it("whoever has the key of a step learns the tokens of that step, and none of the steps after it", () => {
  const first = StepKey.create("grant");
  const second = first.next();
  const known = successorRefreshCore(stepOf(first, 1, "core"));
  const next = stepOf(second, 2, known);
  // With the key of before, the successor's own tokens cannot be told, though the successor is known.
  const guessed = stepOf(first, 2, known);
  expect(successorRefreshCore(guessed)).not.toBe(successorRefreshCore(next));
  expect(successorAccessToken(guessed)).not.toBe(successorAccessToken(next));
  expect(second.grantKey.openSession(first.grantKey.sealSession(session)), "the data key stays").toEqual(session);
});
