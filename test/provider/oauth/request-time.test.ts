import { expect, it } from "vitest";
import { longestRequestSeconds, requirePrompt } from "../../../src/provider/oauth/request-time.ts";

const began = 1_000;

it("a request may take as long as what it has read is kept, and no longer", () => {
  const end = began + longestRequestSeconds;
  for (const now of [began, end]) expect(() => requirePrompt(began, now)).not.toThrow();
  expect(() => requirePrompt(began, end + 0.001)).toThrow(expect.objectContaining({ code: "ERR_STORAGE_TIMEOUT" }));
});
